"""The points at services as a table that a spreadsheet opens: a row for each coin.

Amounts stand in base units and, exactly, in whole coins; no cell is rounded.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from arien_flows.amounts import Asset, plain_amount
from arien_flows.reports.cells import safe_text
from arien_flows.shapes import shown_time
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.points import ServiceCoin, ServicePoint

COLUMNS = (
    "kind",
    "service",
    "concepts",
    "reason",
    "named_by",
    "confidence",
    "tagged",
    "address",
    "entity",
    "outpoint",
    "txid",
    "height",
    "header_time",
    "value_base_units",
    "value_coins",
    "traced_base_units",
    "traced_coins",
    "asset",
    "policy",
    "hops",
    "next_txid",
    "next_time",
    "next_inputs",
)


def write_service_points(
    answer: TraceAnswer, file: Path, asset_of: Callable[[ServicePoint], Asset] | None = None
) -> None:
    """Write a row for each coin of each point, in the order of the answer; UTF-8, RFC 4180.

    Without `asset_of` all points are of the answer's asset.
    """
    one = Asset(name=answer.asset, decimals=answer.decimals)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        for row in _rows(answer, asset_of or (lambda _: one)):
            writer.writerow([safe_text(cell) for cell in row])


def _rows(
    answer: TraceAnswer, asset_of: Callable[[ServicePoint], Asset]
) -> Iterator[tuple[str, ...]]:
    for point in answer.service_points:
        for coin in point.coins:
            yield _row(point, coin, asset_of(point), answer.request.policy)


def _row(point: ServicePoint, coin: ServiceCoin, asset: Asset, policy: str) -> tuple[str, ...]:
    move = coin.next
    return (
        point.kind,
        point.label,
        "; ".join(point.concepts),
        point.reason,
        point.source,
        str(point.confidence),
        point.tagged,
        point.address,
        point.entity or "",
        coin.outpoint or "",
        coin.txid,
        str(coin.height),
        shown_time(coin.time),
        coin.value,
        plain_amount(int(coin.value), asset),
        coin.traced,
        plain_amount(int(coin.traced), asset),
        asset.name,
        policy,
        str(coin.hops),
        "" if move is None else move.txid,
        "" if move is None else shown_time(move.time),
        "" if move is None else str(move.inputs),
    )
