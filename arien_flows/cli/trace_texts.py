"""Traces as text for people: where the money ended, and what that rests on."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import Asset, coins
from arien_flows.cli.demix_texts import demix_lines
from arien_flows.cli.output import NOTHING, state, table
from arien_flows.cli.service_point_texts import point_lines, span_lines
from arien_flows.fetched.completeness import Origin
from arien_flows.reports.ends import (
    end_rows,
    meaning,
    period,
    services_heading,
)
from arien_flows.reports.values import basis_lines, end_values, money, worth
from arien_flows.shapes import Truncation, shown_time
from arien_flows.tracing.answer import Leaf, TraceAnswer
from arien_flows.tracing.comparison import Comparison

SHOWN_LEAVES = 20
SHOWN_SLOTS = 24

WIDTH = 100
"""Characters that a line of a comparison may have."""

_LONGEST_LABEL = 60
_LEAST, _MOST = "least, without poison", "most, without poison"


def trace_lines(answer: TraceAnswer) -> Iterable[str]:
    """Return where the money of a trace ended, or began."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    request = answer.request
    amount = coins(answer.totals.source, asset)
    yield f"Where {amount} {_verb(request.direction)}, by the {request.policy} convention"
    yield "(an inference; other conventions give other amounts: --compare)."
    yield f"Sources: {', '.join(request.sources)}"
    yield ""
    yield from _ends(answer)
    if answer.totals.by_source:
        yield from ("", "By source (money that passed through another source stands under both):")
        yield from _sources(answer, asset)
    if answer.services:
        yield from ("", f"{services_heading(request.direction)} (attributions):")
        yield from _services(answer, asset)
    if len(answer.timeline.slots) > 1:
        yield from ("", *_timeline(answer, asset))
    if answer.leaves:
        yield from ("", *_leaves(answer, asset))
    yield from point_lines(answer.service_points)
    if answer.inferences is not None:
        yield ""
        yield from demix_lines(answer.inferences, asset, request.direction)
    if answer.buckets:
        yield from ("", *_buckets(answer, asset))
    yield from _fees(answer)
    yield ""
    yield from left_out(answer.truncations)
    yield from _origin(answer.manifest.fetched)
    if request.fiat is not None:
        yield from basis_lines(request.fiat, answer.manifest.prices)
    yield state(answer.as_of)
    yield f"Result {answer.manifest.result_sha256}"


def comparison_lines(comparison: Comparison) -> Iterable[str]:
    """Return what each convention says of the same money."""
    asset = Asset(name=comparison.asset, decimals=comparison.decimals)
    policies = list(comparison.totals)
    source = coins(next(iter(comparison.totals.values())).source, asset)
    yield f"Where {source} {_verb(comparison.direction)}, by each convention"
    yield "(inferences; poison counts all money that touched it, and may exceed the source)."
    yield f"Sources: {', '.join(comparison.sources)}"
    yield ""
    reasons = [(span.reason, span.traced, span.least, span.most) for span in comparison.reasons]
    yield from _side_by_side(policies, reasons, asset)
    yield ""
    for span in comparison.reasons:
        yield f"{span.reason}: {meaning(span.reason, comparison.direction)}"
    if comparison.services:
        yield from ("", f"{services_heading(comparison.direction)} (attributions):")
        yield from _side_by_side(
            policies,
            [(_short(span.label), span.traced, span.least, span.most)
             for span in comparison.services],
            asset,
        )  # fmt: skip
        if comparison.fiat is not None:
            yield from ("", *_compared_values(comparison, asset))
    yield from span_lines(comparison.service_points, asset)
    for reason in dict.fromkeys(comparison.not_asked.values()):
        yield from ("", f"Not asked: {reason}.")
    yield ""
    yield from left_out(comparison.truncations)
    yield from _origin(comparison.fetched)
    if comparison.fiat is not None:
        yield from basis_lines(comparison.fiat, comparison.manifest.prices)
    yield state(comparison.as_of)
    for name in policies:
        yield f"Result by {name} {comparison.results[name]}"


def _compared_values(comparison: Comparison, asset: Asset) -> list[str]:
    spans = [span for span in comparison.services if span.fiat is not None]
    return table(
        (f"{comparison.fiat} then", *(span.label for span in spans)),
        (
            [
                policy.replace("_", " "),
                *(worth(span.fiat.by_policy[policy], asset) for span in spans if span.fiat),
            ]
            for policy in comparison.totals
        ),
    )


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _side_by_side(
    policies: Sequence[str],
    columns: Sequence[tuple[str, dict[str, str], str, str]],
    asset: Asset,
) -> Iterable[str]:
    """Yield tables of amounts, a row for each policy and one for each end of the span.

    Each is at most 100 characters wide; columns that do not fit stand in a further table.
    """
    names = [_spoken(name) for name in policies]
    first = max(len(name) for name in (*names, _LEAST))
    told = [
        [label, *(coins(traced[name], asset) for name in policies),
         coins(least, asset), coins(most, asset)]
        for label, traced, least, most in columns
    ]  # fmt: skip
    widths = [2 + max(map(len, column)) for column in told]
    begin = 0
    while begin < len(told):
        past = begin + 1
        while past < len(told) and first + sum(widths[begin : past + 1]) <= WIDTH:
            past += 1
        body = zip(*(column[1:] for column in told[begin:past]), strict=True)
        labels = [*names, _LEAST, _MOST]
        header = ("", *(column[0] for column in told[begin:past]))
        if begin > 0:
            yield ""
        yield from table(header, ([label, *row] for label, row in zip(labels, body, strict=True)))
        begin = past


def _spoken(policy: str) -> str:
    return policy.replace("_", " ")


def _verb(direction: str) -> str:
    return "went" if direction == "forward" else "came from"


def _ends(answer: TraceAnswer) -> list[str]:
    values = end_values(answer)
    return table(
        ("Amount", *_then(answer.request.fiat), "Ended", "Reason"),
        (
            (amount, *((values[reason],) if values else ()), ended, reason)
            for amount, ended, reason in end_rows(answer)
        ),
    )


def _services(answer: TraceAnswer, asset: Asset) -> list[str]:
    fiat = answer.request.fiat
    return table(
        ("Amount", *_then(fiat), "Service", "Kind", "Coins", "First", "Last"),
        (
            (
                coins(service.traced, asset),
                *(() if fiat is None else (worth(service.fiat, asset),)),
                service.label,
                ", ".join(service.concepts),
                f"{service.coins:,}",
                shown_time(service.first_time),
                shown_time(service.last_time),
            )
            for service in answer.services
        ),
    )


def _timeline(answer: TraceAnswer, asset: Asset) -> list[str]:
    line = answer.timeline
    shown = line.slots[:SHOWN_SLOTS]
    rest = len(line.slots) - len(shown)
    heading = "When it arrived" if answer.request.direction == "forward" else "When it was paid"
    lines = table(
        (line.unit.capitalize(), "Ended", "Most of it", "At services"),
        (
            (
                period(slot, line.unit),
                coins(sum(map(int, slot.by_reason.values())), asset),
                meaning(_most(slot.by_reason), answer.request.direction),
                coins(sum(map(int, slot.by_service.values())), asset),
            )
            for slot in shown
        ),
    )
    lines.insert(0, f"{heading} (UTC, times as miners stated them):")
    return [*lines, f"… and {rest:,} later: --json or -o lists all"] if rest else lines


def _most(amounts: dict[str, str]) -> str:
    return max(amounts, key=lambda reason: int(amounts[reason]))


def _buckets(answer: TraceAnswer, asset: Asset) -> Iterable[str]:
    count = sum(bucket.coins for bucket in answer.buckets)
    amount = coins(sum(int(bucket.traced) for bucket in answer.buckets), asset)
    sums = "one sum" if len(answer.buckets) == 1 else f"{len(answer.buckets):,} sums"
    yield (
        f"{amount} in {count:,} coins too small to follow, in {sums} by transaction: "
        "--json or -o lists them"
    )


def _sources(answer: TraceAnswer, asset: Asset) -> Iterable[str]:
    for each in answer.totals.by_source:
        yield f"{coins(each.traced, asset)} of {each.source}"
        ends = dict(each.by_reason) | {"fees": each.fees, "destroyed": each.destroyed}
        told = [f"{coins(sat, asset)} {reason}" for reason, sat in ends.items() if sat != "0"]
        yield f"    {', '.join(told)}"


def _fees(answer: TraceAnswer) -> Iterable[str]:
    if answer.fees:
        what = "a fee holds" if len(answer.fees) == 1 else f"{len(answer.fees):,} fees hold"
        yield f"Traced money that is in no coin: {what} it; --json or -o lists them"


def _leaves(answer: TraceAnswer, asset: Asset) -> list[str]:
    shown = answer.leaves[:SHOWN_LEAVES]
    rest = len(answer.leaves) - len(shown) + sum(each.coins for each in answer.further)
    fiat = answer.request.fiat
    lines = table(
        ("Traced", *_then(fiat), "Of coin", "Reason", "Hops", "Address", "Coin"),
        (
            (
                coins(leaf.traced, asset),
                *(
                    ()
                    if fiat is None
                    else (NOTHING if leaf.fiat is None else money(leaf.fiat.amount),)
                ),
                coins(leaf.value, asset),
                leaf.reason,
                str(leaf.hops),
                *_place(leaf),
            )
            for leaf in shown
        ),
    )
    return [*lines, f"… and {rest:,} smaller ends: --json or -o tells of all"] if rest else lines


def _then(fiat: str | None) -> tuple[str, ...]:
    """Return the header of a column of values, where there is one."""
    return () if fiat is None else (f"{fiat} then",)


def _place(leaf: Leaf) -> tuple[str, str]:
    return leaf.address or NOTHING, leaf.outpoint or leaf.spent_by or NOTHING


def left_out(truncations: Iterable[Truncation]) -> Iterable[str]:
    """Yield what an answer leaves out, a line for each."""
    for cut in truncations:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}"


def _origin(origin: Origin | None) -> Iterable[str]:
    if origin is None:
        return
    yield (
        f"Fetched from {origin.source}: {origin.transactions:,} transactions, each proved to stand "
        f"in its block; {origin.requests:,} of {origin.requests_allowed:,} requests now, "
        f"{origin.reused:,} earlier answers used."
    )
    if origin.inputs_stated:
        inputs = origin.inputs_stated + origin.inputs_proved
        yield (
            f"What {origin.inputs_stated:,} of {inputs:,} inputs spend is as the source states it; "
            "for the others it was read from the transactions that made the coins."
        )
