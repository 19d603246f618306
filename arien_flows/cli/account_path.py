"""`arien-flows path` between accounts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from arien_flows.account_tracing.answer import Unit
from arien_flows.account_tracing.paths_answer import (
    AccountConnection,
    AccountPathAnswer,
    PathLeg,
)
from arien_flows.account_tracing.paths_request import AccountPathRequest
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import Asset, coins
from arien_flows.answers.account_paths import connected_accounts
from arien_flows.cli.asking_accounts import asked_accounts
from arien_flows.cli.output import NOTHING, closing, emit, table
from arien_flows.cli.session import Session
from arien_flows.cli.typed import moment
from arien_flows.errors import InputError
from arien_flows.passages.asset_choice import amount_of, chosen_asset
from arien_flows.shapes import shown_time


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPathOptions:
    """What was typed."""

    origin: str
    destination: str
    asset: str | None
    by: str
    limit: int
    max_hops: int
    min_value: str
    since: str | None
    until: str | None
    budget: int
    through: tuple[str, ...]
    height: int | None
    output: Path | None


def account_path(session: Session, typed: AccountPathOptions) -> None:
    """Answer and print."""
    if "coinjoins" in typed.through:
        raise InputError("--through coinjoins means nothing between accounts: leave it out")
    answer = asked_accounts(session, lambda it: _asked(it, typed), height=typed.height)
    if typed.output is not None:
        from arien_flows.reports.account_path_files import write_account_paths

        for file in write_account_paths(answer, typed.output):
            click.echo(f"Written: {file}", err=True)
    emit(session, answer, account_path_lines)


def _asked(reading: AccountReading, typed: AccountPathOptions) -> AccountPathAnswer:
    least = 1
    if typed.min_value != "1":
        if typed.asset is None:
            raise InputError("--min-value needs the asset that it counts: name one with --asset")
        asset = chosen_asset(reading.view, typed.asset)
        least = amount_of(reading.view, asset, typed.min_value)
    request = AccountPathRequest(
        origin=typed.origin,
        destination=typed.destination,
        asset=typed.asset,
        by=typed.by,
        limit=typed.limit,
        max_hops=typed.max_hops,
        min_value=least,
        since=None if typed.since is None else moment(typed.since),
        until=None if typed.until is None else moment(typed.until, end_of_day=True),
        budget=typed.budget,
        through=typed.through,
    )
    return connected_accounts(reading, request)


def account_path_lines(answer: AccountPathAnswer) -> Iterable[str]:
    """Return connections as text for people, and what each convention says arrived."""
    yield answer.statement
    for number, each in enumerate(answer.connections, 1):
        yield ""
        yield from _block(number, each)
    if answer.policies:
        yield ""
        yield from _arrived(answer)
    if answer.barred:
        yield ""
        yield "The search went no further here:"
        yield from table(
            ("Account", "Why", "Name"),
            ((it.address, _WHY[it.reason], it.label or NOTHING) for it in answer.barred),
        )
    yield ""
    searched = answer.searched
    yield (
        f"Looked at {searched.movements:,} movements of {searched.origin_balances:,} balances from "
        f"the origin and {searched.destination_balances:,} from the destination."
    )
    yield from closing(answer)[1:]


_WHY = {
    "service": "a service",
    "mixer": "a mixer",
    "bridge": "a bridge",
    "contract": "a contract that serves many",
    "many_movements": "serves many",
}


def _block(number: int, each: AccountConnection) -> Iterator[str]:
    noun = "transfer" if each.hops == 1 else "transfers"
    stands = ""
    if each.from_unit != each.unit:
        stands = f", which stands for {_amount(each.from_origin, each.from_unit)} of the origin's"
    yield (
        f"{number}. {each.hops:,} {noun}, can have carried at most "
        f"{_amount(each.carried, each.unit)}{stands} ({each.certainty})"
    )
    rows = table(
        ("From", "To", "Moved", "At most this way", "Times", "First", "Name"),
        (_row(leg) for leg in each.legs),
    )
    yield from (f"   {row}" for row in rows)


def _row(leg: PathLeg) -> tuple[str, ...]:
    moved = _amount(leg.gave_amount, leg.gave)
    if leg.kind == "conversion":
        moved += f" for {_amount(leg.got_amount, leg.got)} ({', '.join(leg.rules)})"
    return (
        leg.giver,
        "the same" if leg.kind == "conversion" else leg.receiver,
        moved,
        _amount(leg.carried, leg.got),
        f"{leg.count:,}",
        f"{shown_time(leg.first_time)} {leg.first}",
        leg.receiver_label or NOTHING,
    )


def _arrived(answer: AccountPathAnswer) -> Iterator[str]:
    yield "What the conventions say of all that the origin paid into these connections"
    yield "(inferences; poison counts all money that was touched):"
    yield from table(
        ("Policy", "Paid in", "By conversion", "Arrived", "Came back", "Elsewhere", "Held",
         "Fees", "Destroyed", "Converted"),
        (
            (
                it.policy,
                *(
                    _amount(amount, it.unit)
                    for amount in (
                        it.source, it.converted_in, it.arrived, it.returned, it.elsewhere,
                        it.held, it.fees, it.destroyed, it.converted_out,
                    )
                ),
            )
            for it in answer.policies
        ),
    )  # fmt: skip


def _amount(base_units: str, unit: Unit) -> str:
    return coins(base_units, Asset(name=unit.asset, decimals=unit.decimals))
