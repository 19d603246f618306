"""The rules behind inferences, as their authors documented them."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.answers.rates import RateAnswer, rate_answers
from arien_flows.errors import NotFoundError
from arien_flows.evaluation.rates import error_rate_text
from arien_flows.shapes import Shape
from heuristics.rules import RULES, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAnswer(Shape):
    """One rule."""

    name: str
    """Stable name, as findings carry it."""

    version: int
    """Raised whenever the rule can give another answer on the same input."""

    kind: Literal["static", "dynamic"]
    """`static` if later transactions can never change its answer."""

    summary: str
    """What it says, in one line."""

    assumes: str
    """What has to hold for it to be right."""

    fails_when: str
    """Known ways in which it is wrong."""

    source: str
    """Where it comes from."""

    confidence: int | None
    """0 to 100 as the source gives it; nothing where no source does."""

    error_rate: str
    """What was published of its errors, or counted on transactions whose labels others know,
    emulations and test networks included; each with its population. Or `not measured`."""

    rates: tuple[RateAnswer, ...]
    """Everything that was counted, each with its population: published, labelled, simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList(Shape):
    """Rules behind inferences."""

    items: tuple[RuleAnswer, ...]
    """In the order in which the program applies them."""


def rules_answer(name: str | None = None) -> RuleList:
    """Return every rule, or the one that is named; NotFoundError where there is none."""
    found = [rule for rule in RULES if name in (None, rule.name)]
    if not found:
        raise NotFoundError(
            f"no rule is called {name!r}; known: {', '.join(rule.name for rule in RULES)}"
        )
    return RuleList(items=tuple(_rule_answer(rule) for rule in found))


def _rule_answer(rule: Rule) -> RuleAnswer:
    return RuleAnswer(
        name=rule.name,
        version=rule.version,
        kind=rule.kind,
        summary=rule.summary,
        assumes=rule.assumes,
        fails_when=rule.fails_when,
        source=rule.source,
        confidence=rule.confidence,
        error_rate=error_rate_text(rule.name, rule.version),
        rates=rate_answers(rule.name, rule.version),
    )
