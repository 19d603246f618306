"""Checking the evidence chain against itself, the documents, and the tables of today.

Nothing that is read here is trusted to be readable: a changed byte may be no text any more, or no
JSON. What cannot be read is named like what says something else.

What this cannot show: that rows at the end of the chain were not removed together with all that
they wrote (compare with a head that was kept elsewhere), and what was done before the chain began.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from arien_flows.attribution.snapshot import revision_of
from arien_flows.casebook.changed_tags import changed_tags
from arien_flows.casebook.evidence import FIRST_HASH, NO_ROWS, Head, row_hash
from arien_flows.casebook.evidence_rows import Measured, RowGroup, measure
from arien_flows.casebook.evidence_triggers import trigger_faults
from arien_flows.casebook.models import documents, metadata, tag_sets, tags
from arien_flows.errors import InputError

Report = Callable[[str, int, int], None]
"""Is told what is being checked, how much is done and of how much."""

LIMITS = (
    "Not shown by this: rows removed from the end of the chain together with what they wrote "
    "(compare with a head that is kept elsewhere: --head SEQ:HASH), and anything that was done "
    "before the chain began."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not as it was recorded."""

    kind: str
    """`row`, `link`, `rows`, `document`, `unrecorded`, `current`, `trigger` or `head`."""

    where: str
    """The document, or the table and the rows of it."""

    detail: str
    """What is wrong with it."""

    seq: int | None = None
    """Row of evidence that says how it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceVerification:
    """What was found in a casebook."""

    casebook: str
    """Where it is."""

    ok: bool
    """Whether nothing was found."""

    rows: int
    """Rows of evidence."""

    documents: int
    groups: int
    """Groups of table rows that were compared with what was recorded of them."""

    head_seq: int
    head_hash: str
    head_time: str
    faults: tuple[Fault, ...]
    """Everything that was found, the chain's own rows first."""

    limits: str
    """What no such check can show."""


@dataclass(slots=True)
class _Chain:
    """What reading the chain gave."""

    faults: list[Fault] = field(default_factory=list)
    rows: list[tuple[int, Measured]] = field(default_factory=list)
    state: dict[str, tuple[int, Measured]] = field(default_factory=dict)
    hashes: dict[int, str] = field(default_factory=dict)
    last: Head = NO_ROWS


def verify(
    connection: Connection,
    name: str,
    *,
    expected: tuple[int, str] | None = None,
    report: Report = lambda _what, _done, _total: None,
) -> EvidenceVerification:
    """Check everything; `expected` is the number and hash of a head that was kept elsewhere."""
    chain = _read_chain(connection, report)
    groups = [*chain.rows, *chain.state.values()]
    faults = chain.faults + list(_head_fault(chain, expected))
    for done, (seq, recorded) in enumerate(groups):
        report("rows of tables", done, len(groups))
        faults += _compare(connection, seq, recorded)
    checked = list(_documents(connection, report))
    faults += [fault for fault in checked if fault is not None]
    faults += _unrecorded(connection, chain)
    faults += _current(connection)
    faults += _triggers(connection)
    return EvidenceVerification(
        casebook=name,
        ok=not faults,
        rows=len(chain.hashes),
        documents=len(checked),
        groups=len(groups),
        head_seq=chain.last.seq,
        head_hash=chain.last.row_hash,
        head_time=chain.last.recorded_at,
        faults=tuple(faults),
        limits=LIMITS,
    )


def head_named(told: str) -> tuple[int, str]:
    """Return the head that `SEQ:HASH` names; `InputError` where it names none."""
    number, colon, hexadecimal = told.partition(":")
    wanted = hexadecimal.lower()
    if not (colon and number.isascii() and number.isdigit() and len(number) < 10) or not (
        len(wanted) == len(FIRST_HASH) and set(wanted) <= set("0123456789abcdef")
    ):
        raise InputError(
            f"{told!r} is no head: write SEQ:HASH, a number and the hash that was printed with it"
        )
    return int(number), wanted


# --- the chain itself


def _read_chain(connection: Connection, report: Report) -> _Chain:
    chain = _Chain()
    total = int(connection.execute(text("SELECT count(*) FROM evidence")).scalar_one())
    before = FIRST_HASH
    for place, row in enumerate(_raw_rows(connection), 1):
        if place % 1_000 == 1:
            report("the chain", place - 1, total)
        number, kind, payload, prev, own, when, author = row
        where = f"evidence row {number}"
        if number != chain.last.seq + 1:
            chain.faults.append(
                Fault(
                    kind="link",
                    where=where,
                    detail=f"follows row {chain.last.seq}: what stood between them is missing",
                    seq=number,
                )
            )
        elif prev != before:
            detail = "does not name the hash of the row before it"
            chain.faults.append(Fault(kind="link", where=where, detail=detail, seq=number))
        chain.hashes[number] = own
        chain.last, before = Head(seq=number, row_hash=own, recorded_at=when), own
        if row_hash(prev, number, kind, payload, when, author) != own:
            detail = "was changed: its content does not give its hash"
            chain.faults.append(Fault(kind="row", where=where, detail=detail, seq=number))
        _remember(chain, number, payload)
    return chain


def _raw_rows(connection: Connection) -> Iterator[tuple[int, str, str, str, str, str, str]]:
    """Yield rows as they are kept; what is no text is shown by its bytes."""
    names = ("kind", "payload", "prev_hash", "row_hash", "recorded_at", "recorded_by")
    columns = ", ".join(_as_bytes(connection, name) for name in names)
    query = text(f"SELECT seq, {columns} FROM evidence ORDER BY seq")  # noqa: S608 constants
    for part in connection.execute(query, execution_options={"yield_per": 1_000}).partitions():
        for row in part:
            number, *told = (_readable(value) for value in row)
            yield (int(number), *told)  # type: ignore[misc]  # as many as there are names


def _as_bytes(connection: Connection, name: str) -> str:
    """Return a column as SQL that reads it even where it is no text any more."""
    return f'CAST("{name}" AS BLOB)' if connection.dialect.name == "sqlite" else f'"{name}"'


def _readable(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value)


def _remember(chain: _Chain, number: int, payload: str) -> None:
    """Keep what a row says of tables; of a row that was changed, too: it shows what else was."""
    try:
        told = json.loads(payload)
        rows = [Measured.told(each) for each in told.get("rows", [])]
        state = [Measured.told(each) for each in told.get("state", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # A row like this one does not give its hash, and is named for that.
    chain.rows += [(number, each) for each in rows]
    for each in state:
        chain.state[each.group.table] = (number, each)


def _head_fault(chain: _Chain, expected: tuple[int, str] | None) -> Iterator[Fault]:
    if expected is None:
        return
    number, wanted = expected
    if chain.hashes.get(number) != wanted:
        found = chain.hashes.get(number)
        yield Fault(
            kind="head",
            where=f"evidence row {number}",
            detail=f"had the hash {wanted} when it was the head, and "
            + ("is not there any more" if found is None else f"has {found} now"),
            seq=number,
        )


# --- the tables


def _compare(connection: Connection, seq: int, recorded: Measured) -> Iterator[Fault]:
    group = recorded.group
    try:
        with connection.begin_nested():
            found = measure(connection, group)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        detail = f"cannot be compared with evidence row {seq}: {reason}"
        yield Fault(kind="rows", where=_called(group), detail=detail, seq=seq)
        return
    if (found.count, found.sha256) == (recorded.count, recorded.sha256):
        return
    if found.count != recorded.count:
        detail = f"has {found.count:,} rows, and {recorded.count:,} were recorded"
    else:
        rows = "the row was" if found.count == 1 else f"at least one of {found.count:,} rows was"
        detail = f"{rows} changed after evidence row {seq}"
    yield Fault(kind="rows", where=_called(group), detail=detail, seq=seq)
    if group.table in ("tags", "statements"):
        for row in changed_tags(connection, int(group.where["import_id"])):
            where = f"tag {row} of import {group.where['import_id']}"
            yield Fault(kind="rows", where=where, detail="does not say what was imported", seq=seq)


def _called(group: RowGroup) -> str:
    which = ", ".join(f"{name} {value}" for name, value in group.where.items())
    return f"table {group.table}, {which}" if which else f"table {group.table}"


def _documents(connection: Connection, report: Report) -> Iterator[Fault | None]:
    """Yield what is wrong with each document, nothing where all is well."""
    numbers = connection.execute(select(documents.c.id).order_by(documents.c.id)).scalars().all()
    columns = ", ".join(_as_bytes(connection, name) for name in ("sha256", "name", "size"))
    query = text(f"SELECT {columns}, content FROM documents WHERE id = :id")  # noqa: S608 constants
    for done, number in enumerate(numbers):
        report("documents", done, len(numbers))
        *told, content = connection.execute(query, {"id": number}).one()
        sha256, name, size = map(_readable, told)
        raw = content.encode() if isinstance(content, str) else bytes(content)
        if hashlib.sha256(raw).hexdigest() == sha256 and str(len(raw)) == size:
            yield None
            continue
        where = f"document {sha256} ({name})"
        detail = f"row {number}: its bytes are not those that were kept under this SHA-256"
        yield Fault(kind="document", where=where, detail=detail)


def _unrecorded(connection: Connection, chain: _Chain) -> Iterator[Fault]:
    """Find rows that no row of evidence tells of."""
    known: dict[str, set[int | str]] = {}
    for _, each in chain.rows:
        known.setdefault(each.group.table, set()).update(each.group.where.values())
    for table in metadata.sorted_tables:
        column = table.info.get("recorded_by")
        if column is None:
            continue
        found = connection.execute(select(table.c[column]).distinct()).scalars()
        for value in sorted(set(found) - known.get(table.name, set())):
            yield Fault(
                kind="unrecorded",
                where=f"table {table.name}, {column} {value}",
                detail="no row of evidence says that it was written",
            )


def _current(connection: Connection) -> Iterator[Fault]:
    """Compare the digests of current tags with the tags that are marked as current."""
    rows = connection.execute(
        select(tags.c.import_id, tags.c.network, tags.c.digest)
        .where(tags.c.is_current)
        .order_by(tags.c.import_id, tags.c.network)
    )
    marked: dict[tuple[int, str], tuple[int, str]] = {}
    try:
        for key, found in groupby(rows, itemgetter(0, 1)):
            digests = [bytes(row.digest).hex() for row in found]
            marked[key] = len(digests), revision_of(digests)
        named = {
            (row.import_id, row.network): (row.tag_count, row.digest)
            for row in connection.execute(select(tag_sets))
        }
    except (DBAPIError, TypeError, ValueError):
        yield Fault(kind="current", where="table tags", detail="cannot be read as it is")
        return
    if connection.dialect.name == "sqlite":
        odd = text("SELECT import_id FROM tags WHERE is_current NOT IN (0, 1)")
        for number in connection.execute(odd).scalars():
            where = f"tags of import {number}"
            yield Fault(kind="current", where=where, detail="a mark is neither yes nor no")
    for number, network in sorted(marked.keys() | named.keys()):
        if marked.get((number, network)) != named.get((number, network)):
            yield Fault(
                kind="current",
                where=f"tags of import {number} for {network}",
                detail="other tags are marked as speaking than those that were chosen",
            )


def _triggers(connection: Connection) -> Iterator[Fault]:
    for name, detail in trigger_faults(connection):
        yield Fault(kind="trigger", where=f"trigger {name}", detail=detail)
