"""The state of the casebook's tables."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.models import SCHEMA
from arien_flows.casebook.schema import State, state_of
from arien_flows.shapes import Shape

_WORDS: dict[State, Literal["empty", "current", "older", "newer"]] = {
    State.EMPTY: "empty",
    State.CURRENT: "current",
    State.OLDER: "older",
    State.NEWER: "newer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CasebookStatus(Shape):
    """Where the casebook is, and which version its tables have."""

    where: str
    """The file, or the server's address without its password."""

    state: Literal["empty", "current", "older", "newer"]
    """How its tables relate to those of this program."""

    version: str | None
    """Version of its tables; nothing where there are none."""

    wanted: str
    """Version that this program writes."""


def casebook_status(casebook: Casebook) -> CasebookStatus:
    """Return the state of a casebook's tables."""
    version = casebook.version()
    return CasebookStatus(
        where=casebook.name,
        state=_WORDS[state_of(version)],
        version=version,
        wanted=SCHEMA,
    )
