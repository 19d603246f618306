"""The evidence chain as a list of what was done."""

from dataclasses import dataclass

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.evidence import EvidenceKind, EvidenceRow, canonical
from arien_flows.errors import InputError
from arien_flows.shapes import Shape

BINDS = ("rows", "state")
"""Parts of a payload that bind rows of tables; the rest says what was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAct(Shape):
    """One row of the chain."""

    seq: int
    """Its number, from 1."""

    kind: str
    """What it is evidence of."""

    recorded_at: str
    """When, by the clock of the machine that recorded it."""

    recorded_by: str
    """Who."""

    told: dict[str, str]
    """What was done; numbers and lists as JSON text."""

    binds: tuple[str, ...]
    """Rows of tables whose content the row holds digests of."""

    prev_hash: str
    """Hash of the row before."""

    row_hash: str
    """Hash of this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLog(Shape):
    """Some rows of the chain, in their order."""

    casebook: str
    """Where the casebook is."""

    acts: tuple[EvidenceAct, ...]
    """What was done."""

    next_after: int | None
    """Ask for rows after this one to go on; nothing where these are the last."""


def evidence_log(casebook: Casebook, *, after: int, limit: int, kind: str | None) -> EvidenceLog:
    """Return at most `limit` rows after a number; `InputError` where there is no such kind."""
    wanted = None if kind is None else _kind(kind)
    found = casebook.evidence.page(after=after, limit=limit + 1, kind=wanted)
    return EvidenceLog(
        casebook=casebook.name,
        acts=tuple(_act(row) for row in found[:limit]),
        next_after=found[limit - 1].seq if len(found) > limit else None,
    )


def _kind(name: str) -> EvidenceKind:
    try:
        return EvidenceKind(name)
    except ValueError:
        known = ", ".join(each.value for each in EvidenceKind)
        raise InputError(f"{name!r} is no kind of evidence: write one of {known}") from None


def _act(row: EvidenceRow) -> EvidenceAct:
    told = row.told
    return EvidenceAct(
        seq=row.seq,
        kind=row.kind,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        told={
            name: value if isinstance(value, str) else canonical(value)
            for name, value in told.items()
            if name not in BINDS
        },
        binds=tuple(_bound(each) for name in BINDS for each in _groups(told.get(name))),
        prev_hash=row.prev_hash,
        row_hash=row.row_hash,
    )


def _groups(told: object) -> list[dict[str, object]]:
    return told if isinstance(told, list) else []


def _bound(group: dict[str, object]) -> str:
    where = group["where"]
    named = where.items() if isinstance(where, dict) else ()
    which = "".join(f", {name} {value}" for name, value in named)
    return f"{group['table']}{which}: {group['count']}"
