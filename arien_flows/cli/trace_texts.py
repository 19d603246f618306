"""Traces as text for people: where the money ended, and what that rests on."""

from collections.abc import Iterable

from arien_flows.answers.amounts import Asset, coins
from arien_flows.cli.output import NOTHING, table
from arien_flows.fetched.completeness import Origin
from arien_flows.shapes import Truncation, shown_time
from arien_flows.tracing.answer import Leaf, TraceAnswer
from arien_flows.tracing.trace import Comparison

SHOWN_LEAVES = 20

_MEANINGS = {
    "unspent": "unspent as of the last block",
    "service_reached": "paid to a service, where the money of many mixes",
    "coinjoin": "entered a CoinJoin",
    "mixer": "paid to a mixer",
    "bridge": "paid to a bridge to another chain",
    "below_min": "in coins too small to follow",
    "hop_limit": "beyond the hop limit",
    "time_window": "outside the time window",
    "fan_out": "a small part of a payout to many",
    "dormant": "unspent for long",
    "not_fetched": "not fetched from the source",
    "budget": "not looked at before the budget was used up",
    "newly_mined": "newly mined: it begins here",
    "before_ledger": "from before the ledger begins",
    "retainted": "came back to a source",
}


def trace_lines(answer: TraceAnswer) -> Iterable[str]:
    """Return where the money of a trace ended."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    request, totals = answer.request, answer.totals
    verb = "went" if request.direction == "forward" else "came from"
    yield f"Where {coins(totals.source, asset)} {verb}, by the {request.policy} convention"
    yield "(an inference; other conventions give other amounts: --compare)."
    yield f"Sources: {', '.join(request.sources)}"
    yield ""
    yield from _ends(answer, asset)
    if answer.services:
        yield from ("", "Services reached (attributions):", *_services(answer, asset))
    if answer.leaves:
        yield from ("", *_leaves(answer, asset))
    yield from _closing(answer)


def comparison_lines(comparison: Comparison) -> Iterable[str]:
    """Return what each convention says of the same money."""
    yield "The same money by each convention, in base units (poison counts all money that"
    yield "touched it, so its sums may exceed the source):"
    yield ""
    policies = list(comparison.totals)
    reasons = sorted({reason for total in comparison.totals.values() for reason in total.by_reason})
    rows = [
        [_MEANINGS.get(reason, reason)]
        + [f"{int(comparison.totals[name].by_reason.get(reason, '0')):,}" for name in policies]
        for reason in reasons
    ]
    rows.append(["fees"] + [f"{int(comparison.totals[name].fees):,}" for name in policies])
    yield from table(["ended", *policies], rows)
    if comparison.services:
        yield from ("", "By service (attributions):")
        yield from table(
            ["service", *policies],
            [
                [span.label, *(f"{int(span.traced[name]):,}" for name in policies)]
                for span in comparison.services
            ],
        )
    if comparison.truncations:
        yield ""
        yield from _left_out(comparison.truncations)


def _ends(answer: TraceAnswer, asset: Asset) -> list[str]:
    totals = answer.totals
    rows = [
        (coins(amount, asset), _MEANINGS.get(reason, reason), reason)
        for reason, amount in sorted(totals.by_reason.items(), key=lambda end: -int(end[1]))
    ]
    if totals.fees != "0":
        rows.append((coins(totals.fees, asset), "spent on fees", "fees"))
    if totals.destroyed != "0":
        rows.append((coins(totals.destroyed, asset), "made unspendable", "destroyed"))
    if answer.request.policy != "poison":
        rows.append((coins(totals.source, asset), "in all, which is the source exactly", ""))
    return table(("Amount", "Ended", "Reason"), rows)


def _services(answer: TraceAnswer, asset: Asset) -> list[str]:
    return table(
        ("Amount", "Service", "Kind", "Coins", "First", "Last"),
        (
            (
                coins(service.traced, asset),
                service.label,
                ", ".join(service.concepts),
                f"{service.coins:,}",
                shown_time(service.first_time),
                shown_time(service.last_time),
            )
            for service in answer.services
        ),
    )


def _leaves(answer: TraceAnswer, asset: Asset) -> list[str]:
    shown = answer.leaves[:SHOWN_LEAVES]
    rest = len(answer.leaves) - len(shown)
    lines = table(
        ("Traced", "Of coin", "Reason", "Hops", "Address", "Coin"),
        ((*_amounts(leaf, asset), leaf.reason, str(leaf.hops), *_place(leaf)) for leaf in shown),
    )
    return [*lines, f"… and {rest:,} smaller ends: --json or -o lists all"] if rest else lines


def _amounts(leaf: Leaf, asset: Asset) -> tuple[str, str]:
    return coins(leaf.traced, asset), coins(leaf.value, asset)


def _place(leaf: Leaf) -> tuple[str, str]:
    return leaf.address or NOTHING, leaf.outpoint or leaf.spent_by or NOTHING


def _left_out(truncations: Iterable[Truncation]) -> Iterable[str]:
    for cut in truncations:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}"


def _origin(origin: Origin) -> Iterable[str]:
    yield (
        f"Fetched from {origin.source}: {origin.transactions:,} transactions, each proved to stand "
        f"in its block; {origin.requests:,} requests now, {origin.reused:,} earlier answers used."
    )
    if origin.inputs_stated:
        inputs = origin.inputs_stated + origin.inputs_proved
        yield (
            f"What {origin.inputs_stated:,} of {inputs:,} inputs spend is as the source states it; "
            "for the others it was read from the transactions that made the coins."
        )


def _closing(answer: TraceAnswer) -> Iterable[str]:
    at = answer.as_of
    yield ""
    yield from _left_out(answer.truncations)
    if answer.manifest.fetched is not None:
        yield from _origin(answer.manifest.fetched)
    yield (
        f"True as of block {at.height:,} of {at.network} ({at.block_hash}, {shown_time(at.time)})."
    )
    yield f"Result {answer.manifest.result_sha256}"
