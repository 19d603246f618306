"""`arien-flows peel`: the payments that one shrinking coin makes."""

import click

from arien_flows.answers.peel_limits import DEFAULT_HOPS, MOST_HOPS
from arien_flows.cli.session import session_of, session_options


@click.command()
@session_options
@click.argument("start", metavar="TXID[:VOUT]")
@click.option("--backward", is_flag=True, help="Follow the chain to its beginning.")
@click.option(
    "--max-hops",
    type=click.IntRange(1, MOST_HOPS),
    default=DEFAULT_HOPS,
    show_default=True,
    help="Where to give up.",
)
@click.pass_context
def peel(context: click.Context, start: str, backward: bool, max_hops: int) -> None:
    """Follow a peel chain, and list what was peeled off.

    A transaction is named by its id: it may itself be the first hop. An output is named as
    TXID:VOUT: forward the chain begins with whatever spends it.
    """
    from arien_flows.answers.peel_chain import peel_chain_answer
    from arien_flows.cli.asking import asked
    from arien_flows.cli.output import emit
    from arien_flows.cli.peel_texts import peel_chain_lines

    session = session_of(context)
    answer = asked(
        session,
        lambda it: peel_chain_answer(
            it, start, direction="backward" if backward else "forward", most_hops=max_hops
        ),
    )
    emit(session, answer, peel_chain_lines)
