"""Tags of one document, whatever its format.

A pack of a hundred thousand reserve addresses says one thing of all of them, so what is said is
held once, and the tags are rows of numbers and texts; a `Tag` is made only where one is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arien_flows.attribution.tag import Statement, Tag
from arien_flows.attribution.tag_fields import FaultError, subject_in, tag_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRow:
    """A tag and where it stands."""

    number: int
    """Place in the list of tags, counted from 1."""

    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyRow:
    """A tag that cannot be used, and why."""

    number: int
    """Place in the list of tags, counted from 1."""

    subject: str
    """The address or transaction as the document writes it; empty where that cannot be told."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What tags say, and of what kind of subject."""

    statement: Statement
    network: str
    """As the document writes it, in capitals."""

    is_transaction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPack:
    """Tags of one document, in its order."""

    title: str
    creator: str
    sha256: str
    """Of the document's bytes."""

    told: Sequence[Told]
    """What is said, each once."""

    numbers: Sequence[int]
    """Of each tag its place in the document's list, from 1, ascending."""

    subjects: Sequence[str]
    """Of each tag the address or transaction, as it is written."""

    told_at: Sequence[int]
    """Of each tag the place in `told`."""

    faults: tuple[FaultyRow, ...]
    media_type: str = "application/yaml"
    """Of the document."""

    @property
    def rows(self) -> tuple[PackRow, ...]:
        """Return the tags that keep to the format, with their places."""
        return tuple(
            PackRow(number=number, tag=_tag(self.told[place], subject))
            for number, subject, place in zip(
                self.numbers, self.subjects, self.told_at, strict=True
            )
        )

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the tags that keep to the format."""
        return tuple(row.tag for row in self.rows)


@dataclass(slots=True)
class Gathering:
    """Rows on their way to a pack: each is judged, and taken or listed as faulty."""

    creator: str
    inherited: Mapping[str, Any]
    """Fields that every row has unless it has its own."""

    told: dict[Told, int] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    told_at: list[int] = field(default_factory=list)
    faults: list[FaultyRow] = field(default_factory=list)

    def take(self, number: int, row: object) -> None:
        """Judge a row of fields."""
        try:
            tag = tag_of(row, self.inherited, self.creator)
        except FaultError as error:
            self.refuse(number, subject_in(row), str(error))
            return
        self.numbers.append(number)
        self.subjects.append(tag.address or tag.tx_hash or "")
        self.told_at.append(self.place(told_by(tag)))

    def place(self, told: Told) -> int:
        """Return the place of what is said among all that is."""
        return self.told.setdefault(told, len(self.told))

    def refuse(self, number: int, subject: str, fault: str) -> None:
        """List a row that cannot be used."""
        self.faults.append(FaultyRow(number=number, subject=subject, fault=fault))

    def pack(self, *, title: str, sha256: str, media_type: str = "application/yaml") -> TagPack:
        """Return what was gathered."""
        return TagPack(
            title=title,
            creator=self.creator,
            sha256=sha256,
            told=tuple(self.told),
            numbers=self.numbers,
            subjects=self.subjects,
            told_at=self.told_at,
            faults=tuple(self.faults),
            media_type=media_type,
        )


def told_by(tag: Tag) -> Told:
    """Return what a tag says, apart from whom it says it of."""
    return Told(statement=tag.statement, network=tag.network, is_transaction=tag.address is None)


def _tag(told: Told, subject: str) -> Tag:
    return Tag.about(
        told.statement,
        network=told.network,
        address=None if told.is_transaction else subject,
        tx_hash=subject if told.is_transaction else None,
    )
