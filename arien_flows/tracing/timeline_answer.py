"""What a trace answers about time, in the shape in which it leaves the program."""

from dataclasses import dataclass
from datetime import date

from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineSlot(Shape):
    """Where the money of one day, month or year came to an end."""

    start: date
    """The first day, in UTC."""

    by_reason: dict[str, str]
    """In base units by reason; `destroyed` and `fees` stand among the reasons."""

    by_service: dict[str, str]
    """The part of it that reached (backward: came from) each named service, in base units."""

    coins: int
    """Coins at which paths ended; fees are no coins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Shape):
    """When traced money came to where its paths ended, by the header times of blocks."""

    unit: str
    """`day`, `month` or `year`, whichever the span of time asks for."""

    slots: tuple[TimelineSlot, ...]
    """Ascending; those in which nothing happened are not listed. All amounts together are
    the source."""

    certainty: Certainty = "inference"
    """Of the amounts: they follow from the policy. The times are those that miners stated."""
