"""The rules behind inferences, as their authors documented them."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.shapes import Shape
from heuristics.rules import RULES


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

    error_rate: str | None
    """How often it was wrong, with the source; nothing: not measured."""


def rules_answer() -> tuple[RuleAnswer, ...]:
    """Return every rule, in the order of the table."""
    return tuple(
        RuleAnswer(
            name=rule.name,
            version=rule.version,
            kind=rule.kind,
            summary=rule.summary,
            assumes=rule.assumes,
            fails_when=rule.fails_when,
            source=rule.source,
            confidence=rule.confidence,
            error_rate=(
                f"{rule.error_rate.text} ({rule.error_rate.source})" if rule.error_rate else None
            ),
        )
        for rule in RULES
    )
