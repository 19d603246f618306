"""Watches and alerts for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import Asset, coins, counted
from arien_flows.answers.watch_shapes import (
    AlertAnswer,
    AlertPage,
    Moved,
    NewWatches,
    WatchAnswer,
    WatchPage,
)
from arien_flows.cli.output import NOTHING, table
from arien_flows.shapes import shown_time


def new_watch_lines(made: NewWatches) -> Iterable[str]:
    """Return what was made."""
    yield from _watches(made.items)
    yield ""
    yield f"{counted(len(made.items), 'watch', 'watches')} made."


def ended_lines(ended: NewWatches) -> Iterable[str]:
    """Return what was ended."""
    return [f"{it.id} has ended; its alerts stay." for it in ended.items]


def watch_lines(page: WatchPage) -> Iterable[str]:
    """Return a page of watches."""
    if not page.items:
        return ["Nothing is watched: add addresses with `arien-flows watch add`."]
    return [*_watches(page.items), *_more(page.next_cursor)]


def alert_lines(page: AlertPage) -> Iterable[str]:
    """Return a page of alerts."""
    if not page.items:
        return ["No alerts."]
    rows = [
        (it.id, str(it.height), shown_time(it.time), it.subject, _moved(it), it.txid, _state(it))
        for it in page.items
    ]
    header = ("alert", "block", "time", "watched", "moved", "transaction", "state")
    return [*table(header, rows), *_more(page.next_cursor)]


def _watches(watches: Sequence[WatchAnswer]) -> list[str]:
    rows = [
        (
            it.id,
            it.network,
            it.subject,
            it.profile or "address",
            it.direction,
            it.min_value,
            it.list or NOTHING,
        )
        for it in watches
    ]
    return table(("watch", "network", "subject", "kind", "direction", "least", "list"), rows)


def _more(cursor: str | None) -> list[str]:
    return [] if cursor is None else ["", f"There are more: add --cursor {cursor}"]


def _moved(alert: AlertAnswer) -> str:
    return ", ".join(_change(it) for it in alert.detail.moved)


def _change(moved: Moved) -> str:
    change = int(moved.received) - int(moved.sent)
    name = moved.asset if moved.decimals is not None else f"base units of {moved.asset}"
    shown = coins(change, Asset(name=name, decimals=moved.decimals or 0))
    return shown if change < 0 else f"+{shown}"


def _state(alert: AlertAnswer) -> str:
    if alert.withdrawn_at is not None:
        return "withdrawn: removed by a reorganisation"
    return alert.certainty
