"""Traces as text for people: where the money ended, and what that rests on."""

from collections.abc import Iterable

from arien_flows.amounts import Asset, coins
from arien_flows.cli.demix_texts import demix_lines
from arien_flows.cli.output import NOTHING, state, table
from arien_flows.cli.service_point_texts import point_lines, span_lines
from arien_flows.fetched.completeness import Origin
from arien_flows.reports.ends import DESTROYED, FEES, end_rows, meaning, services_heading
from arien_flows.shapes import Truncation, shown_time
from arien_flows.tracing.answer import Leaf, TraceAnswer
from arien_flows.tracing.comparison import Comparison

SHOWN_LEAVES = 20


def trace_lines(answer: TraceAnswer) -> Iterable[str]:
    """Return where the money of a trace ended, or began."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    request = answer.request
    amount = coins(answer.totals.source, asset)
    yield f"Where {amount} {_verb(request.direction)}, by the {request.policy} convention"
    yield "(an inference; other conventions give other amounts: --compare)."
    yield f"Sources: {', '.join(request.sources)}"
    yield ""
    yield from table(("Amount", "Ended", "Reason"), end_rows(answer))
    if answer.services:
        yield from ("", f"{services_heading(request.direction)} (attributions):")
        yield from _services(answer, asset)
    if answer.leaves:
        yield from ("", *_leaves(answer, asset))
    yield from point_lines(answer.service_points)
    if answer.inferences is not None:
        yield ""
        yield from demix_lines(answer.inferences, asset, request.direction)
    yield ""
    yield from _left_out(answer.truncations)
    yield from _origin(answer.manifest.fetched)
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
    yield from table(("Ended", *policies), _compared_ends(comparison, asset))
    if comparison.services:
        yield from ("", f"{services_heading(comparison.direction)} (attributions):")
        yield from table(
            ("Service", *policies),
            (
                [span.label, *(coins(span.traced[name], asset) for name in policies)]
                for span in comparison.services
            ),
        )
    yield from span_lines(comparison.service_points, asset)
    yield ""
    yield from _left_out(comparison.truncations)
    yield from _origin(comparison.fetched)
    yield state(comparison.as_of)
    for name in policies:
        yield f"Result by {name} {comparison.results[name]}"


def _compared_ends(comparison: Comparison, asset: Asset) -> Iterable[list[str]]:
    all_totals = comparison.totals.values()
    reasons = sorted({reason for totals in all_totals for reason in totals.by_reason})
    for reason in reasons:
        amounts = [totals.by_reason.get(reason, "0") for totals in all_totals]
        yield [meaning(reason, comparison.direction), *(coins(each, asset) for each in amounts)]
    for what, amounts in (
        (FEES, [totals.fees for totals in all_totals]),
        (DESTROYED, [totals.destroyed for totals in all_totals]),
    ):
        if set(amounts) != {"0"}:
            yield [what, *(coins(each, asset) for each in amounts)]


def _verb(direction: str) -> str:
    return "went" if direction == "forward" else "came from"


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


def _origin(origin: Origin | None) -> Iterable[str]:
    if origin is None:
        return
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
