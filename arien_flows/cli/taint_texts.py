"""Whole-ledger taint as text for people: where the money is, who holds it, since when."""

from collections.abc import Iterable

from arien_flows.amounts import Asset, coins
from arien_flows.cli.output import NOTHING, state, table
from arien_flows.reports.ends import DESTROYED, FEES, meaning
from arien_flows.shapes import shown_time
from arien_flows.tracing.sweep_answer import TaintAnswer

SHOWN_SOURCES = 3
SHOWN_HOLDERS = 10
SHOWN_MONTHS = 12


def taint_lines(answer: TaintAnswer) -> Iterable[str]:
    """Return where the money of many sources is."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    request, totals = answer.request, answer.totals
    yield f"Where {coins(totals.source, asset)} is now, by the {request.policy} convention"
    yield "(an inference; other conventions give other amounts: --policy)."
    yield from _sources(answer)
    yield ""
    yield from table(("Amount", "Is", "Reason"), _ends(answer, asset))
    yield ""
    ordered = request.policy in ("fifo", "lifo")
    pieces = f" ({answer.segments:,} runs of tainted units)" if ordered else ""
    yield f"{answer.tainted_outputs:,} unspent outputs hold taint{pieces}."
    yield (f"It passed through {answer.transactions:,} transactions with {answer.inputs:,} inputs.")
    if answer.by_source:
        yield ""
        yield from table(
            ("Of source", "Unspent", "Fees"),
            (
                (
                    share.source,
                    coins(share.by_reason.get("unspent", "0"), asset),
                    coins(share.by_reason.get("fees", "0"), asset),
                )
                for share in answer.by_source
            ),
        )
    if answer.services:
        yield ""
        yield "Named holders (attributions):"
        yield from _services(answer, asset)
    if answer.holders:
        yield ""
        yield from _holders(answer, asset)
    if answer.months:
        yield ""
        yield from _months(answer, asset)
    yield ""
    for cut in answer.truncations:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}"
    yield state(answer.as_of)
    yield f"Result {answer.manifest.result_sha256}"


def _sources(answer: TaintAnswer) -> Iterable[str]:
    count = answer.request.source_count
    yield (
        f"Sources: {answer.source_outputs:,} outputs since "
        f"{shown_time(answer.first_source_time)}, by {count:,} name{'s' * (count != 1)}:"
    )
    yield from (f"  {source}" for source in answer.request.sources[:SHOWN_SOURCES])
    if count > SHOWN_SOURCES:
        yield f"  … and {count - SHOWN_SOURCES:,} more"


def _ends(answer: TaintAnswer, asset: Asset) -> Iterable[tuple[str, str, str]]:
    totals = answer.totals
    for reason, amount in sorted(totals.by_reason.items(), key=lambda end: -int(end[1])):
        yield coins(amount, asset), meaning(reason, "forward"), reason
    if totals.fees != "0":
        yield coins(totals.fees, asset), FEES, "fees"
    if totals.destroyed != "0":
        yield coins(totals.destroyed, asset), DESTROYED, "destroyed"
    if answer.request.policy != "poison":
        yield coins(totals.source, asset), "in all, which is the source exactly", ""


def _services(answer: TaintAnswer, asset: Asset) -> list[str]:
    return table(
        ("Tainted", "Name", "Kind", "Coins", "Addresses", "Confidence"),
        (
            (
                coins(service.tainted, asset),
                service.label,
                ", ".join(service.concepts),
                f"{service.coins:,}",
                f"{service.addresses:,}",
                str(service.confidence),
            )
            for service in answer.services
        ),
    )


def _holders(answer: TaintAnswer, asset: Asset) -> Iterable[str]:
    yield f"Largest of {answer.holder_count:,} holders (entities are inferences):"
    yield from table(
        ("Tainted", "Of their coins", "Coins", "Entity", "Name"),
        (
            (
                coins(holder.tainted, asset),
                coins(holder.value, asset),
                f"{holder.coins:,}",
                holder.entity,
                holder.label or NOTHING,
            )
            for holder in answer.holders[:SHOWN_HOLDERS]
        ),
    )


def _months(answer: TaintAnswer, asset: Asset) -> Iterable[str]:
    shown = answer.months[-SHOWN_MONTHS:]
    yield "Since when it rests where it is, and what was lost on the way, by month:"
    yield from table(
        ("Month", "Came to rest", "Coins", "Fees", "Destroyed"),
        (
            (
                month.month,
                coins(month.came_to_rest, asset),
                f"{month.coins:,}",
                coins(month.fees, asset),
                coins(month.destroyed, asset),
            )
            for month in shown
        ),
    )
    if len(answer.months) > len(shown):
        yield f"… and {len(answer.months) - len(shown):,} earlier months: --json lists all"
