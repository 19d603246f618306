"""Bringing documents into the casebook from the command line."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from arien_flows.cli.importing import meant_network, user_name
from arien_flows.cli.progress import progress_in
from arien_flows.cli.session import Session
from arien_flows.documents.columns import read_mapping
from arien_flows.documents.limits import LARGEST_JSON
from arien_flows.documents.moments import moment_of
from arien_flows.errors import InputError
from arien_flows.intake.importing import import_listings
from arien_flows.intake.order import IntakeResult, Order
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import NETWORKS

OTHER_NETWORKS = ("ethereum",)


def order_of(
    session: Session,
    *,
    market: str | None,
    captured_at: str | None,
    origin: str | None,
    mapping: Path | None,
    collector: str | None,
    name: str,
) -> Order:
    """Return what is said of documents; `InputError` where it cannot be meant so."""
    now = datetime.now(UTC)
    columns, text = None, None
    if mapping is not None:
        with mapping.open("rb") as stream:
            raw = stream.read(LARGEST_JSON)
        columns = read_mapping(raw, mapping.name)
        text = raw.decode()
    return Order(
        market=_words(market, "--market"),
        captured_at=None if captured_at is None else _moment(captured_at, now),
        origin=_words(origin, "--origin"),
        collector=_words(collector, "--collector"),
        mapping=columns,
        mapping_text=text,
        name=name,
        network=_network(session),
        now=now,
        by=user_name(),
    )


def imported(session: Session, paths: Sequence[Path], order: Order) -> IntakeResult:
    """Bring documents in, with progress."""
    progress = progress_in(session.progress)
    result = import_listings(
        Workspace(session.settings),
        paths,
        order,
        lambda name, done: progress.step(f"read {name}", done, None, "items"),
    )
    progress.end()
    return result


def _words(text: str | None, option: str) -> str | None:
    if text is not None and not text.strip():
        raise InputError(f"{option} is empty: leave it out, or say what is meant")
    return None if text is None else " ".join(text.split())[:200]


def _moment(text: str, now: datetime) -> datetime:
    moment = moment_of(text)
    if moment is None:
        raise InputError(
            f"--captured-at {text!r} is no moment: write 2021-04-05, or 2021-04-05T06:07:08Z"
        )
    if moment > now:
        raise InputError(f"--captured-at {text!r} lies in the future")
    return moment


def _network(session: Session) -> str:
    found = meant_network(Workspace(session.settings))
    if found in OTHER_NETWORKS:
        return found
    if found not in {each.name for each in NETWORKS}:
        known = ", ".join([*(each.name for each in NETWORKS), *OTHER_NETWORKS])
        raise InputError(f"the network {found!r} is unknown: it is one of {known}")
    return found
