"""`arien-flows next`: which accounts to look at next."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from arien_flows.cli.session import session_of, session_options

if TYPE_CHECKING:
    from arien_flows.answers.account_ranking import RankingAnswer


@click.command("next")
@session_options
@click.argument("address")
@click.option(
    "--asset",
    metavar="ASSET",
    help="The coin, the symbol of a listed asset, or the contract of a token; by default all.",
)
@click.option(
    "--by",
    type=click.Choice(["redirect", "time", "weight", "base"]),
    default="redirect",
    show_default=True,
    help="How attention is shared out: rule `ranking` of `arien-flows heuristics list` says more.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000),
    default=20,
    show_default=True,
    metavar="N",
    help="Accounts that are listed.",
)
@click.option(
    "--budget",
    type=click.IntRange(1, 20_000),
    default=500,
    show_default=True,
    metavar="N",
    help="How often attention may be passed on.",
)
@click.pass_context
def next_command(
    context: click.Context, address: str, asset: str | None, by: str, limit: int, budget: int
) -> None:
    """Rank the accounts around one: what to look at next.

    A ranking says where to look; it never says how much money went anywhere. Only networks that
    keep accounts have it.
    """
    from arien_flows.answers.account_ranking import RankingRequest, ranked
    from arien_flows.cli.asking_accounts import asked_accounts, on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.errors import InputError

    session = session_of(context)
    if not on_accounts(session):
        raise InputError(
            "accounts are ranked on networks that keep accounts: name one with --network ethereum"
        )
    request = RankingRequest(address=address, asset=asset, by=by, limit=limit, budget=budget)
    answer = asked_accounts(session, lambda it: ranked(it, request))
    emit(session, answer, ranking_lines)


def ranking_lines(answer: "RankingAnswer") -> Iterable[str]:
    """Return the ranking as text for people."""
    from arien_flows.cli.output import NOTHING, closing, table

    yield answer.statement
    yield ""
    yield from table(
        ("", "Share", "Account", "Name", "Not looked behind"),
        (
            (
                str(it.place),
                _share(it.share_millionths),
                it.address,
                f"{it.label}{' (of its entity)' * it.is_inherited}" if it.label else NOTHING,
                {"service": "a service", "many_movements": "serves many"}.get(
                    it.not_passed, NOTHING
                ),
            )
            for it in answer.ranked
        ),
    )
    yield ""
    yield (
        f"{_share(answer.start_millionths)} stayed at the account itself, "
        f"{_share(answer.unlisted_millionths)} is at accounts that are not listed."
    )
    yield f"Looked at {answer.movements:,} movements, in {answer.pushes:,} steps."
    yield from closing(answer)[1:]


def _share(millionths: int) -> str:
    """Return a share of attention as text: 12.3456 %."""
    return f"{millionths // 10_000}.{millionths % 10_000:04d} %"
