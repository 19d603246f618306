"""What a verification says: check by check, what was covered and what was found."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_FINDINGS = 20
"""Findings of one check that are described; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction, at an exact place."""

    place: str
    """The file, relative to the ledger's folder, and the row; in words of the chain where known."""

    message: str
    """What stands there and what should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked."""

    name: str
    """Stable name for programs."""

    covers: str
    """What was checked, as a sentence that can stand in a report."""

    rows_checked: int

    findings: tuple[Finding, ...]
    """At most `MAX_FINDINGS`, in the order of the rows where the check has one."""

    finding_count: int
    """How many there are; a stretch of rows that was not searched for all of them counts once."""

    skipped: str = ""
    """Why the check could not be made: what it would read is damaged itself. Empty if it was."""

    note: str = ""
    """What is worth knowing but no contradiction, such as rows that no checksum covers yet."""

    @property
    def ok(self) -> bool:
        """Return whether the check was made and found nothing."""
        return not self.finding_count and not self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found in one state of a ledger."""

    network: str
    blocks: int
    tip_hash: str
    """Hash of the last block, as people read it; empty for an empty ledger."""

    generation: int
    checks: tuple[Check, ...]
    limits: str
    """What no verification of a ledger can show."""

    @property
    def ok(self) -> bool:
        """Return whether every check was made and found nothing."""
        return all(check.ok for check in self.checks)


class Findings:
    """Collects the findings of one check: describes the first ones and counts all."""

    def __init__(self) -> None:
        self.count = 0
        self.rows_checked = 0
        self.note = ""
        self._kept: list[Finding] = []

    @property
    def wanted(self) -> int:
        """How many more findings would be described."""
        return MAX_FINDINGS - len(self._kept)

    def add(self, place: str, message: str) -> None:
        """Add one finding."""
        self.count += 1
        if self.wanted:
            self._kept.append(Finding(place=place, message=message))

    def add_many(self, findings: Iterable[tuple[str, str]], total: int) -> None:
        """Add `total` findings, of which only those that are wanted are described.

        `findings` is read no further than that, so it may be a generator over many rows.
        """
        room = min(self.wanted, total)
        self.count += total
        for (place, message), _ in zip(findings, range(room), strict=False):
            self._kept.append(Finding(place=place, message=message))

    def check(self, name: str, covers: str, skipped: str = "") -> Check:
        """Return the finished check."""
        return Check(
            name=name,
            covers=covers,
            rows_checked=self.rows_checked,
            findings=tuple(self._kept),
            finding_count=self.count,
            skipped=skipped,
            note=self.note,
        )
