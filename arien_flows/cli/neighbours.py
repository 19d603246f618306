"""`arien-flows neighbours`: who paid an address or an entity, and whom it paid."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from arien_flows.cli.session import profile_option, session_of, session_options

if TYPE_CHECKING:
    from arien_flows.answers.neighbours import NeighboursAnswer


@click.command()
@session_options
@profile_option
@click.argument("address")
@click.option(
    "--direction",
    type=click.Choice(["out", "in"]),
    default="out",
    show_default=True,
    help="Whom it paid, or who paid it.",
)
@click.option("--entity", "of_entity", is_flag=True, help="Ask about the address's whole entity.")
@click.option(
    "--level",
    type=click.Choice(["address", "entity"]),
    help="What neighbours are; by default entities where an entity is asked about.",
)
@click.option(
    "--asset",
    metavar="ASSET",
    help="On a chain of accounts: the coin (by default), the symbol of a listed asset, or the "
    "contract of a token.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    metavar="N",
    help="Neighbours that are listed.",
)
@click.option("--cursor", metavar="TEXT", help="Go on after the page that ended with it.")
@click.pass_context
def neighbours(
    context: click.Context,
    profile: str,
    address: str,
    direction: str,
    of_entity: bool,
    level: str | None,
    asset: str | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List who paid an address, or whom it paid, with what moved in sum."""
    from arien_flows.answers.neighbours import NeighboursRequest, neighbours_answer
    from arien_flows.cli.output import emit
    from arien_flows.workspace import Workspace

    session = session_of(context)
    request = NeighboursRequest(
        address=address,
        of_entity=of_entity,
        direction="in" if direction == "in" else "out",
        level="entity" if level == "entity" or (level is None and of_entity) else "address",
        asset=asset,
    )
    workspace = Workspace(session.settings)
    network = workspace.open_any(workspace.choose())
    answer = neighbours_answer(network, request, profile, limit=limit, cursor=cursor)
    emit(session, answer, neighbour_lines)


def neighbour_lines(answer: "NeighboursAnswer") -> Iterable[str]:
    """Return a page of neighbours as text for people."""
    from arien_flows.amounts import Asset, coins
    from arien_flows.cli.output import NOTHING, closing, table
    from arien_flows.shapes import shown_time

    decimals = answer.decimals
    name = answer.asset if decimals is not None else f"base units of {answer.asset}"
    asset = Asset(name=name, decimals=decimals or 0)
    verb = "paid" if answer.direction == "out" else "was paid by"
    whose = "The entity of " * answer.of_entity + answer.address
    yield f"{whose} {verb} {answer.neighbour_count:,} neighbours, by the rule {answer.rule}."
    yield ""
    yield from table(
        ("Neighbour", "Value", "Transactions", "First", "Last", "Certainty", "Name"),
        (
            (
                item.address,
                coins(item.value, asset),
                f"{item.transaction_count:,}",
                shown_time(item.first.time),
                shown_time(item.last.time),
                item.certainty,
                item.tags[0].label if item.tags else NOTHING,
            )
            for item in answer.items
        ),
    )
    yield ""
    for reason, value in answer.rest.items():
        if value != "0":
            yield f"{reason.replace('_', ' ').capitalize()}: {coins(value, asset)}"
    yield f"In all: {coins(answer.total, asset)}, in {answer.looked_at:,} transactions"
    if answer.next_cursor is not None:
        yield f"More: add --cursor {answer.next_cursor}"
    yield from closing(answer)[1:]
