"""`arien-flows flows`: what owners of one category paid to owners of another."""

from typing import Unpack

import click

from arien_flows.cli.exposure_options import Limits, as_of_option, limit_options, request_of
from arien_flows.cli.session import profile_option, session_of, session_options


@click.command()
@session_options
@profile_option
@click.option(
    "--from", "origin", required=True, metavar="CATEGORY", help="Who paid: darknet_market."
)
@click.option(
    "--to", "destination", required=True, metavar="CATEGORY", help="Who was paid: exchange."
)
@limit_options
@as_of_option
@click.pass_context
def flows(
    context: click.Context,
    profile: str,
    origin: str,
    destination: str,
    as_of: int | None,
    **limits: Unpack[Limits],
) -> None:
    """Show what named owners of one category paid to named owners of another.

    Each owner of the first is one subject, with all entities that go by its name, and each has
    the whole budget. Money counts where it meets an owner of the second before any other that is
    named. `heuristics categories` lists the categories.
    """
    from arien_flows.answers.flows import flows_answer
    from arien_flows.cli.asking import asked
    from arien_flows.cli.exposure_texts import flows_lines
    from arien_flows.cli.output import emit

    session = session_of(context)
    request = request_of((f"category:{origin}",), "out", limits)
    answer = asked(
        session,
        lambda it: flows_answer(it, origin, destination, request),
        profile=profile,
        height=as_of,
    )
    emit(session, answer, flows_lines)
