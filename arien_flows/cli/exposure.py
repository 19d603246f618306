"""`arien-flows exposure`: whose money somebody received, and who received theirs."""

from typing import TYPE_CHECKING, Unpack, cast

import click

from arien_flows.cli.exposure_options import Limits, as_of_option, limit_options, request_of
from arien_flows.cli.session import profile_option, session_of, session_options

if TYPE_CHECKING:
    from arien_flows.exposure.request import DirectionName


@click.command(
    epilog="What owners of one category paid to owners of another: `arien-flows flows`.",
)
@session_options
@profile_option
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option(
    "--direction",
    type=click.Choice(["in", "out", "both"]),
    default="both",
    show_default=True,
    help="Where money came from, or where it went.",
)
@limit_options
@click.option(
    "--asset",
    metavar="NAME",
    help="On Ethereum: ETH (the default), a listed token's symbol, or a token's contract.",
)
@as_of_option
@click.pass_context
def exposure(
    context: click.Context,
    profile: str,
    subjects: tuple[str, ...],
    direction: str,
    asset: str | None,
    as_of: int | None,
    **limits: Unpack[Limits],
) -> None:
    """Show whose money somebody received, and who received theirs.

    SUBJECT is an address, or entity:ADDRESS (all addresses of its entity); several count as one.
    All that came from outside, or went there, is divided by the first named owner that its path
    meets, pro rata in every transaction. What is direct is complete whatever the limits; what is
    not attributed is told by reason.
    """
    from arien_flows.answers.exposure import exposure_answer
    from arien_flows.cli.asking import asked, refuse_account_options
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.exposure_texts import exposure_lines
    from arien_flows.cli.output import emit

    session = session_of(context)
    if on_accounts(session):
        from arien_flows.cli.account_exposure import show_account_exposure

        show_account_exposure(
            session, subjects, direction, asset, limits, profile=profile, as_of=as_of
        )
        return
    refuse_account_options(asset=asset is not None)
    both: tuple[DirectionName, ...] = ("in", "out")
    requests = [
        request_of(subjects, name, limits)
        for name in (both if direction == "both" else (cast("DirectionName", direction),))
    ]
    answer = asked(session, lambda it: exposure_answer(it, requests), profile=profile, height=as_of)
    emit(session, answer, exposure_lines)
