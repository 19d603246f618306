"""Risk as text: a summary for a screen, and an explanation that can be read out."""

from collections.abc import Iterable

from arien_flows.amounts import Asset, coins
from arien_flows.answers.account_risk import NO_PROFILE, AccountRiskAnswer
from arien_flows.answers.risk_sentences import behaviour, summary_of
from arien_flows.answers.risk_shapes import RiskAnswer, RiskContribution, RiskEvidence
from arien_flows.cli.output import closing, pairs, table
from arien_flows.shapes import shown_time

TOP = 5
"""Contributions of a summary."""


def risk_lines(answer: RiskAnswer, *, in_full: bool) -> Iterable[str]:
    """Return a summary, or the explanation in full."""
    yield from _head(answer)
    yield ""
    yield from _explained(answer) if in_full else _summary(answer)
    yield from closing(answer)


def _head(answer: RiskAnswer) -> list[str]:
    spread = answer.interval
    return pairs(
        (
            ("Subject", answer.subject),
            ("Entity", _entity(answer)),
            ("Network", answer.network),
            *_asset(answer),
            ("Score", f"{answer.score} of 100 ({spread.lower} - {spread.upper})"),
            ("Band", f"{answer.band} (advice, not a finding)"),
            (
                "Coverage",
                f"{answer.coverage.percent} % of the value has a name (of what came "
                f"{answer.coverage.in_percent} %, of what went {answer.coverage.out_percent} %)",
            ),
            ("Policy", f"{answer.policy.version} ({answer.policy.sha256})"),
        )
    )


def _summary(answer: RiskAnswer) -> Iterable[str]:
    if not answer.contributions:
        yield "Nothing that was found adds a point. That does not mean that it is clean."
    else:
        yield from table(
            ("Points", "Because"),
            ((each.points, each.sentence) for each in answer.contributions[:TOP]),
        )
        left = len(answer.contributions) - TOP
        if left > 0:
            yield f"and {left:,} more"
    open_ones = [flag for flag in answer.flags if flag.verdict in ("undecided", "not_measured")]
    if open_ones:
        yield ""
        yield f"Behaviour that nothing is known of: {', '.join(it.name for it in open_ones)}"
    yield "Add --explain for every reason with its documents."


def _explained(answer: RiskAnswer) -> Iterable[str]:
    yield "1. What was measured"
    yield (
        f"   All money that came to {answer.subject} from others, and all that it paid to others, "
        "was followed to the first owner that a document or a rule names."
    )
    yield (
        f"   A name was found for {answer.coverage.in_percent} % of what came and "
        f"{answer.coverage.out_percent} % of what went. Of the direction where it is less, the "
        f"business of the owners is known for {answer.coverage.known_percent} %."
    )
    yield (
        f"   Each direction could go through {answer.request.budget:,} {_counted(answer)}; beyond "
        f"direct counterparties, amounts from {_amount(answer, answer.min_value_in)} were followed "
        f"back, and from {_amount(answer, answer.min_value_out)} on."
    )
    yield from _own_tags(answer)
    yield ""
    yield "2. How the points add up"
    yield from _points(answer)
    yield ""
    yield "3. What is unknown"
    yield from _unknown(answer)
    yield ""
    yield "4. How sure the score is, and what would change it"
    yield from _changes(answer)
    yield ""
    yield "5. What the score does not say"
    yield from (f"   - {limit}" for limit in answer.limits)
    yield (
        f"   - It was made by the policy {answer.policy.version} (SHA-256 {answer.policy.sha256}) "
        f"and the categories {answer.categories.version} (SHA-256 {answer.categories.sha256})."
    )
    yield (
        f"   - It stands on the tags with the revision {answer.manifest.tags_sha256}; the SHA-256 "
        f"of the result is {answer.manifest.result_sha256}."
    )


def _own_tags(answer: RiskAnswer) -> Iterable[str]:
    if not answer.own_tags:
        yield "   No document says who the subject itself is."
    for own in answer.own_tags:
        whom = "Another address of its entity" if own.is_inherited else "The subject itself"
        yield (
            f"   {whom} is called {own.label} ({summary_of(own.category)}) with a confidence of "
            f"{own.confidence} %{', disputed by others' if own.is_disputed else ''}, by documents "
            f"{', '.join(own.documents)}."
        )


def _points(answer: RiskAnswer) -> Iterable[str]:
    formula = answer.formula
    if not answer.contributions:
        yield "   Nothing that was found adds a point."
    for place, each in enumerate(answer.contributions, 1):
        yield f"   {place}) {each.points} points. {each.sentence}"
        yield from (f"      {_evidence(one)}" for one in each.evidence)
        unnamed = each.documents - sum(one.kind == "document" for one in each.evidence)
        if unnamed:
            yield f"      and {unnamed:,} more documents"
    yield f"   Sum: {answer.score} points{_rule(answer.contributions)}"
    yield (
        f"   By the formula: weighted share of what came {formula.x_in}, of what went "
        f"{formula.x_out}; risen to {formula.g_in} and {formula.g_out}, together "
        f"{formula.exposure}; behaviour {formula.behaviour}; score before floors "
        f"{formula.before_floors}."
    )


def _rule(made: tuple[RiskContribution, ...]) -> str:
    if made and made[0].kind == "floor":
        return ", because the policy's floor is higher than the formula's result."
    return "."


def _evidence(one: RiskEvidence) -> str:
    when = "" if one.date is None else f", {shown_time(one.date)}"
    match one.kind:
        case "document":
            return f"document {one.name or '(not in this casebook)'}{when}, SHA-256 {one.id}"
        case "rule":
            return f"rule {one.id}"
    return f"transaction {one.id}{when}"


def _unknown(answer: RiskAnswer) -> Iterable[str]:
    for row in answer.unknown:
        what = "came" if row.direction == "in" else "went"
        yield f"   - {row.percent} % of what {what} has no name: {row.meaning}."
    for flag in answer.flags:
        if flag.verdict == "undecided":
            yield f"   - Undecided: {behaviour(flag.name)}: {flag.measured}."
        if flag.verdict == "not_measured":
            yield f"   - Not measured: {behaviour(flag.name)}: {flag.measured}."
    for flag in answer.flags:
        if flag.verdict == "not_shown":
            yield f"   - Looked for and not found: {behaviour(flag.name)} ({flag.measured})."


def _changes(answer: RiskAnswer) -> Iterable[str]:
    spread = answer.interval
    how = "All outcomes were gone through" if spread.is_exact else "Outcomes were drawn"
    sources = "The one source is" if spread.sources == 1 else f"The {spread.sources:,} sources are"
    inside = spread.upper_percent - spread.lower_percent
    if spread.sources:
        yield (
            f"   {sources} right or wrong, each as a whole, with the chance that its confidence "
            f"states. In {inside} % of the outcomes or more the score lies between {spread.lower} "
            f"and {spread.upper}. {how} ({spread.outcomes:,})."
        )
    for change in answer.changes:
        yield (
            f"   - If all that rests on document {change.name or change.document_sha256} alone "
            f"fell away, the score would be {change.score} (SHA-256 {change.document_sha256})."
        )
    if answer.changes_left_out:
        yield f"   - For {answer.changes_left_out:,} more documents this was not computed."
    if not answer.changes:
        yield "   No document counts towards the score."
    if float(answer.coverage.percent) < 100:
        yield "   - A name for money that has none could raise it."


def _entity(answer: RiskAnswer) -> str:
    if answer.profile == NO_PROFILE:
        return f"{answer.entity} (each account stands for itself: no clustering)"
    return f"{answer.entity} (inferred by profile {answer.profile})"


def _asset(answer: RiskAnswer) -> Iterable[tuple[str, str]]:
    if isinstance(answer, AccountRiskAnswer):
        yield "Asset", answer.asset


def _counted(answer: RiskAnswer) -> str:
    return "movements" if isinstance(answer, AccountRiskAnswer) else "transactions"


def _amount(answer: RiskAnswer, base_units: str) -> str:
    if isinstance(answer, AccountRiskAnswer):
        return coins(base_units, Asset(name=answer.asset, decimals=answer.decimals))
    return f"{int(base_units):,} sat"
