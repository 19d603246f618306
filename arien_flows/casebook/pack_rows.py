"""From the rows of a pack to the rows of the casebook.

What a pack says of a hundred thousand addresses in the same words is written once, as a
statement; a tag is a subject and the statement that is made of it. Whatever follows from the
statement alone (most of a tag's digest, for one) is computed once for it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from arien_flows.attribution.pack import TagPack, Told
from arien_flows.attribution.snapshot import canonical_fields
from arien_flows.attribution.subjects import (
    BITCOIN_NETWORKS,
    SubjectError,
    network_of,
    subject_of,
)
from arien_flows.attribution.tag import Statement, Tag
from arien_flows.casebook.models import Words, statements, tags
from arien_flows.casebook.records import FaultyTag
from arien_flows.casebook.rows import ROWS_AT_ONCE, next_number, write_rows, write_tuples
from chains.bitcoin.address_reading import read_addresses
from chains.bitcoin.networks import network

Report = Callable[[int, int], None]
"""Is told how many of how many rows are done."""


class UsableRow(NamedTuple):
    """A row that is taken over."""

    row: int
    network: str
    subject: str
    script_type: int | None
    payload: bytes | None
    is_transaction: bool
    told: int
    """What is said: a place in the pack's `told`."""

    key: bytes
    """Rows with one key are versions of one tag."""

    digest: bytes
    """SHA-256 of everything that the tag says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """What of a pack can be used."""

    rows: list[UsableRow]
    faults: list[FaultyTag]
    repeated: int
    """Rows that say what another row says."""


class _Subject(NamedTuple):
    network: str
    text: str
    script_type: int | None
    payload: bytes | None


def usable_rows(pack: TagPack, assumed: str, today: date) -> Usable:
    """Return the rows that can be used, those that cannot, and how many say a thing again.

    `assumed` is what `BTC` means. A tag that was confirmed after `today` is faulty: it would speak
    before every honest one. A day more is allowed, since days begin at different times.
    """
    faults = [
        FaultyTag(row=fault.number, subject=fault.subject, fault=fault.fault)
        for fault in pack.faults
    ]
    ends = [_ends(told) for told in pack.told]
    late = [_is_late(told.statement, today) for told in pack.told]
    transactions = [told.is_transaction for told in pack.told]
    rows: list[UsableRow] = []
    known: set[bytes] = set()
    sha256 = hashlib.sha256
    names = [network_of(told.network, assumed) for told in pack.told]
    kinds, payloads = _read_together(pack, names)
    for number, place, text, kind, payload in zip(
        pack.numbers, pack.told_at, pack.subjects, kinds, payloads, strict=True
    ):
        if kind >= 0:
            # A plain address is its own canonical text, and needs no escapes.
            subject = _Subject(names[place], text, kind, payload)
            quoted = f'"{text}"'
        else:
            found = _subject(pack.told[place], text, assumed)
            if isinstance(found, str):
                faults.append(FaultyTag(row=number, subject=text, fault=found))
                continue
            subject, quoted = found, _json(found.text)
        if late[place]:
            fault = f"lastmod {pack.told[place].statement.lastmod} lies in the future"
            faults.append(FaultyTag(row=number, subject=subject.text, fault=fault))
            continue
        told_end, key_end = ends[place]
        whom = f"null,{quoted}" if transactions[place] else f"{quoted},null"
        digest = sha256(f'["{subject.network}",{whom},{told_end}'.encode()).digest()
        if digest in known:
            continue
        known.add(digest)
        key = sha256(f'["{subject.network}", {quoted}, {key_end}'.encode()).digest()[:16]
        rows.append(UsableRow(number, *subject, transactions[place], place, key, digest))
    repeated = len(pack.numbers) + len(pack.faults) - len(faults) - len(rows)
    return Usable(rows=rows, faults=sorted(faults, key=lambda it: it.row), repeated=repeated)


def write_tags(
    connection: Connection, number: int, pack: TagPack, found: Sequence[UsableRow], report: Report
) -> None:
    """Write the usable rows of an import; all of them count as current until they are compared."""
    first = next_number(connection, statements)
    said: dict[Statement, int] = {}
    made_by: dict[int, int] = {}
    for place in dict.fromkeys(row.told for row in found):
        made_by[place] = said.setdefault(pack.told[place].statement, first + len(said))
    write_rows(
        connection,
        statements,
        [_statement_row(number, place, statement) for statement, place in said.items()],
    )
    first = next_number(connection, tags)
    for start in range(0, len(found), ROWS_AT_ONCE):
        report(start, len(found))
        part = found[start : start + ROWS_AT_ONCE]
        write_tuples(
            connection,
            tags,
            _COLUMNS,
            [
                (
                    first + start + place,
                    number,
                    row.row,
                    made_by[row.told],
                    row.network,
                    Words.stored(row.subject),
                    row.is_transaction,
                    row.script_type,
                    row.payload,
                    row.key,
                    row.digest,
                    True,
                )
                for place, row in enumerate(part)
            ],
        )
    report(len(found), len(found))


_COLUMNS = (
    "id", "import_id", "row", "statement_id", "network", "subject", "is_transaction",
    "script_type", "payload", "key", "digest", "is_current",
)  # fmt: skip


def _read_together(
    pack: TagPack, names: Sequence[str]
) -> tuple[Sequence[int], Sequence[bytes | None]]:
    """Return type and payload of the subjects that are plain Bitcoin addresses, -1 of the others.

    `names` are the networks of what is told.
    """
    bitcoin = [
        None if told.is_transaction or name not in BITCOIN_NETWORKS else name
        for told, name in zip(pack.told, names, strict=True)
    ]
    kinds: list[int] = [-1] * len(pack.subjects)
    payloads: list[bytes | None] = [None] * len(pack.subjects)
    for name in dict.fromkeys(name for name in bitcoin if name is not None):
        known = network(name)
        if set(bitcoin) == {name}:
            return read_addresses(pack.subjects, known)
        places = [place for place, told in enumerate(pack.told_at) if bitcoin[told] == name]
        found = read_addresses([pack.subjects[place] for place in places], known)
        for place, kind, payload in zip(places, *found, strict=True):
            kinds[place], payloads[place] = kind, payload
    return kinds, payloads


def _subject(told: Told, text: str, assumed: str) -> _Subject | str:
    tag = Tag.about(
        told.statement,
        network=told.network,
        address=None if told.is_transaction else text,
        tx_hash=text if told.is_transaction else None,
    )
    try:
        subject = subject_of(tag, assumed)
    except SubjectError as error:
        return str(error)
    kind = None if subject.script_type is None else int(subject.script_type)
    return _Subject(subject.network, subject.text, kind, subject.payload)


def _ends(told: Told) -> tuple[str, str]:
    """Return the ends of what the digest and the key of a tag are made of.

    Both are JSON lists that begin with the network and the subject (`snapshot.tag_digest`).
    """
    said = told.statement
    key = json.dumps([said.label, said.source, said.creator], ensure_ascii=False)
    return canonical_fields(said)[1:], key[1:]


def _is_late(said: Statement, today: date) -> bool:
    return said.lastmod is not None and said.lastmod > today + timedelta(days=1)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _statement_row(number: int, place: int, said: Statement) -> dict[str, object]:
    return {
        "id": place,
        "import_id": number,
        "label": said.label,
        "source": said.source,
        "currency": said.currency,
        "confidence": said.confidence,
        "concepts": " ".join(said.concepts),
        "tag_type": said.tag_type,
        "actor": said.actor,
        "is_cluster_definer": said.is_cluster_definer,
        "context": said.context,
        "lastmod": said.lastmod,
        "creator": said.creator,
    }
