"""Traces of balances as text for people: where the money ended, and what that rests on."""

from collections.abc import Iterable

from arien_flows.account_tracing.answer import (
    AccountTraceAnswer,
    AssetTotals,
    Unit,
)
from arien_flows.account_tracing.comparison import AccountComparison, AccountSpan
from arien_flows.amounts import Asset, coins, counted
from arien_flows.cli.mixer_texts import mixer_lines
from arien_flows.cli.output import NOTHING, state, table
from arien_flows.cli.service_point_texts import point_lines
from arien_flows.cli.trace_texts import SHOWN_LEAVES, SHOWN_SLOTS, left_out
from arien_flows.reports.ends import meaning, period, services_heading
from arien_flows.reports.values import basis_lines, money
from arien_flows.shapes import shown_time

SHOWN_STEPS = 20
_GAS_WORDS = {
    "fees": "paid to fee recipients",
    "destroyed": "burnt: by gas, or where nobody can ever spend it",
    "below_min": "in transfers too small to follow",
}


def account_trace_lines(answer: AccountTraceAnswer) -> Iterable[str]:
    """Return where the money of a trace ended, or began."""
    request = answer.request
    source = coins(answer.totals.source, asset_of(answer.assets[0].unit))
    yield f"Where {source} {_verb(request.direction)}, by the {request.policy} convention"
    yield "(an inference; other conventions give other amounts: --compare)."
    yield f"Sources: {', '.join(request.sources)}"
    for each in answer.assets:
        yield ""
        if len(answer.assets) > 1:
            yield _heading(each)
        yield from _ends(answer, each)
    if answer.conversions:
        yield from ("", *_conversions(answer))
    if answer.services:
        yield from ("", f"{services_heading(request.direction)} (attributions):")
        yield from _services(answer)
    for each in answer.assets:
        if len(each.timeline.slots) > 1:
            yield from ("", *_timeline(answer, each))
    if answer.leaves:
        yield from ("", *_leaves(answer))
    yield from point_lines(answer.service_points)
    if request.demix != "stop":
        yield from ("", *mixer_lines(answer.mixers), "")
    yield from _buckets(answer)
    if answer.fees:
        count = counted(len(answer.fees), "payment")
        yield f"Traced money in {count} of gas: --json or -o lists them"
    yield ""
    yield from left_out(answer.truncations)
    if request.fiat is not None:
        yield from basis_lines(request.fiat, answer.manifest.prices)
    yield state(answer.as_of)
    yield f"Result {answer.manifest.result_sha256}"


def account_comparison_lines(comparison: AccountComparison) -> Iterable[str]:
    """Return what each convention says of the same money."""
    source = coins(comparison.source, asset_of(comparison.unit))
    yield f"Where {source} {_verb(comparison.direction)}, by each convention"
    yield "(inferences; poison counts all money that touched it, and may exceed the source)."
    yield f"Sources: {', '.join(comparison.sources)}"
    for unit in dict.fromkeys(span.unit for span in comparison.spans):
        yield ""
        yield from _side_by_side(comparison, unit)
    reasons = dict.fromkeys(span.name for span in comparison.spans if span.what == "reason")
    yield ""
    for reason in reasons:
        yield f"{reason}: {_meaning(reason, comparison.direction)}"
    for reason in dict.fromkeys(comparison.not_asked.values()):
        yield from ("", f"Not asked: {reason}.")
    yield ""
    yield from left_out(comparison.truncations)
    yield state(comparison.as_of)
    for name, result in comparison.results.items():
        yield f"Result by {name} {result}"


def asset_of(unit: Unit) -> Asset:
    """Return by what amounts of a unit are written."""
    return Asset(name=unit.asset, decimals=unit.decimals)


def _verb(direction: str) -> str:
    return "went" if direction == "forward" else "came from"


def _meaning(reason: str, direction: str) -> str:
    return _GAS_WORDS.get(reason) or meaning(reason, direction)


def _heading(each: AssetTotals) -> str:
    contract = f", contract {each.unit.contract}" if each.unit.contract else ""
    doubt = "" if each.standing in ("coin", "listed") else ", unverified"
    loss = "" if each.is_conserving else "; what arrives is not what left"
    return f"{each.unit.asset}{contract}{doubt}{loss}:"


def _ends(answer: AccountTraceAnswer, each: AssetTotals) -> list[str]:
    asset, totals, direction = asset_of(each.unit), each.totals, answer.request.direction
    ended = sorted(totals.by_reason.items(), key=lambda end: -int(end[1]))
    ended += [("converted", totals.converted_away), ("fees", totals.fees)]
    ended += [("destroyed", totals.destroyed)]
    fiat = totals.fiat
    rows = [
        (
            coins(amount, asset),
            *(() if fiat is None else (_worth(each, reason),)),
            _meaning(reason, direction),
            reason,
        )
        for reason, amount in ended
        if amount != "0"
    ]
    if answer.request.policy != "poison":
        whole = int(totals.source) + int(totals.came_by_conversion)
        what = "in all, which is the source exactly"
        if totals.came_by_conversion != "0":
            came = coins(totals.came_by_conversion, asset)
            what = f"in all: {came} that came by conversion"
            what += "" if totals.source == "0" else " and the source"
        rows.append((coins(whole, asset), *(() if fiat is None else ("",)), what, ""))
    then = () if fiat is None else (f"{fiat.currency} then",)
    return table(("Amount", *then, "Ended", "Reason"), rows)


def _worth(each: AssetTotals, reason: str) -> str:
    fiat = each.totals.fiat
    if fiat is None:
        return NOTHING
    named = {"fees": fiat.fees, "destroyed": fiat.destroyed} | fiat.by_reason
    found = named.get(reason)
    return NOTHING if found is None or found.amount is None else money(found.amount)


def _conversions(answer: AccountTraceAnswer) -> Iterable[str]:
    yield "Conversions of traced money (inferences, but where one is given for one by rule):"
    for step in answer.conversions[:SHOWN_STEPS]:
        gave, got = asset_of(step.gave), asset_of(step.got)
        yield (
            f"{shown_time(step.time)} {step.owner} gave {coins(step.gave_amount, gave)} "
            f"(traced {coins(step.gave_traced, gave)})"
        )
        yield (
            f"  for {coins(step.got_amount, got)} (traced {coins(step.got_traced, got)}), "
            f"{step.rule}, in {step.txid}"
        )
    rest = len(answer.conversions) - SHOWN_STEPS
    if rest > 0:
        yield f"… and {rest:,} more: --json or -o lists all"


def _services(answer: AccountTraceAnswer) -> list[str]:
    return table(
        ("Amount", "Service", "Kind", "Transfers", "First", "Last"),
        (
            (
                coins(service.traced, asset_of(service.unit)),
                service.label,
                ", ".join(service.concepts),
                f"{service.coins:,}",
                shown_time(service.first_time),
                shown_time(service.last_time),
            )
            for service in answer.services
        ),
    )


def _timeline(answer: AccountTraceAnswer, each: AssetTotals) -> list[str]:
    line, asset, direction = each.timeline, asset_of(each.unit), answer.request.direction
    shown = line.slots[:SHOWN_SLOTS]
    rest = len(line.slots) - len(shown)
    heading = "When it arrived" if direction == "forward" else "When it was paid"
    lines = table(
        (line.unit.capitalize(), "Ended", "Most of it", "At services"),
        (
            (
                period(slot, line.unit),
                coins(sum(map(int, slot.by_reason.values())), asset),
                _meaning(max(slot.by_reason, key=lambda r: int(slot.by_reason[r])), direction),
                coins(sum(map(int, slot.by_service.values())), asset),
            )
            for slot in shown
        ),
    )
    lines.insert(0, f"{heading}, {each.unit.asset} (UTC, times of blocks):")
    return [*lines, f"… and {rest:,} later: --json or -o lists all"] if rest else lines


def _leaves(answer: AccountTraceAnswer) -> list[str]:
    shown = answer.leaves[:SHOWN_LEAVES]
    rest = len(answer.leaves) - len(shown) + sum(each.coins for each in answer.further)
    fiat = answer.request.fiat
    lines = table(
        ("Traced", *(() if fiat is None else (f"{fiat} then",)), "Of", "Reason", "Hops",
         "Account", "Movement"),
        (
            (
                coins(leaf.traced, asset_of(leaf.unit)),
                *(
                    ()
                    if fiat is None
                    else (NOTHING if leaf.fiat is None else money(leaf.fiat.amount),)
                ),
                coins(leaf.value, asset_of(leaf.unit)),
                leaf.reason,
                str(leaf.hops),
                leaf.address or NOTHING,
                leaf.outpoint or "its balance",
            )
            for leaf in shown
        ),
    )  # fmt: skip
    return [*lines, f"… and {rest:,} smaller ends: --json or -o tells of all"] if rest else lines


def _buckets(answer: AccountTraceAnswer) -> Iterable[str]:
    for each in answer.assets:
        found = [bucket for bucket in answer.buckets if bucket.unit == each.unit]
        if found:
            amount = coins(sum(int(bucket.traced) for bucket in found), asset_of(each.unit))
            count = counted(sum(bucket.coins for bucket in found), "transfer")
            yield f"{amount} in {count} too small to follow: --json or -o lists them"


def _side_by_side(comparison: AccountComparison, unit: Unit) -> Iterable[str]:
    """Yield a table of one asset: a row for each end, a column for each convention."""
    spans = [span for span in comparison.spans if span.unit == unit]
    policies = list(comparison.results)
    yield f"{unit.asset}{'' if unit.contract is None else f', contract {unit.contract}'}:"
    asset = Asset(name="", decimals=unit.decimals)

    def shown(amount: str) -> str:
        return coins(amount, asset).rstrip()

    yield from table(
        ("", *policies, "least, without poison", "most"),
        (
            (
                _named(span),
                *(shown(span.traced[name]) for name in policies),
                shown(span.least),
                shown(span.most),
            )
            for span in spans
        ),
    )


def _named(span: AccountSpan) -> str:
    return span.name if span.label is None else f"{span.label}, {span.name}"
