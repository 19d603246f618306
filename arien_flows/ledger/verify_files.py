"""Whether the files of a ledger are what was written: counts, run names and checksums."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xxhash

from arien_flows.ledger.files import map_array, run_path
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.schema import SCHEMA, TABLES, Column
from arien_flows.ledger.seals import (
    SEALED_COLUMNS,
    SEALS,
    WORDS,
    checksum,
    counts_of,
    stretch,
)
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.sorted_runs import KeyRun, RunName
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.view import COLUMN_FIELDS, Counts, View
from chains.types import AnyArray, Int64Array

MANIFEST_PLACE = "manifest.json"

FAMILIES = ("transactions", "addresses", "reveals", "history")


def check_manifest(root: Path, view: View, manifest: Manifest) -> Check:
    """Check the manifest's counts against the columns, the checksums' and the run names."""
    found = Findings()
    for column in SCHEMA:
        if column.shape != "bytes":
            continue
        end = int(_column(view, f"{column.table}/{column.offsets}")[-1])
        stated = manifest.byte_counts.get(column.path, 0)
        if end != stated:
            found.add(
                f"{MANIFEST_PLACE}, byte_counts of {column.path}",
                f"says {stated} bytes where {column.table}/{column.offsets} ends at {end}",
            )
    _check_sealed(root, manifest, found)
    for family in FAMILIES:
        _check_names(family, getattr(manifest.runs, family), _indexed_rows(view, family), found)
    found.rows_checked = len(SCHEMA) + sum(len(_names(manifest, family)) for family in FAMILIES)
    return found.check(
        "manifest",
        "The counts in the manifest agree with the ends of the columns and with the table of "
        "checksums, and the index runs that it names follow one another without gap or overlap.",
    )


def _column(view: View, path: str) -> AnyArray:
    array: AnyArray = getattr(view, COLUMN_FIELDS[path])
    return array


def _names(manifest: Manifest, family: str) -> tuple[RunName, ...]:
    names: tuple[RunName, ...] = getattr(manifest.runs, family)
    return names


def _indexed_rows(view: View, family: str) -> int:
    return view.counts.transactions if family == "history" else int(getattr(view.counts, family))


def _check_sealed(root: Path, manifest: Manifest, found: Findings) -> None:
    counts, sealed = manifest.counts.as_tuple(), manifest.sealed.as_tuple()
    last = counts_of(seal_rows(root, manifest)[-1]) if manifest.segments else Counts()
    if last != manifest.sealed:
        found.add(
            f"{MANIFEST_PLACE}, sealed",
            f"says {_listed(manifest.sealed)}, but the last checksums end at {_listed(last)}",
        )
    if sealed != counts and (
        manifest.generation == 0 or any(s > c for s, c in zip(sealed, counts, strict=True))
    ):
        found.add(
            f"{MANIFEST_PLACE}, counts",
            f"says {_listed(manifest.counts)}, but the checksums cover {_listed(manifest.sealed)}",
        )


def _listed(counts: Counts) -> str:
    return ", ".join(f"{getattr(counts, table)} {table}" for table in TABLES)


def _check_names(family: str, names: tuple[RunName, ...], rows: int, found: Findings) -> None:
    # A batch that reveals no script writes no run of reveals, so these may have gaps.
    gaps = family == "reveals"
    reached = 0
    for name in names:
        place = f"{MANIFEST_PLACE}, runs of {family}, {name.file_name}"
        if name.start < reached or (name.start > reached and not gaps):
            found.add(place, f"starts at row {name.start} where the run before ends at {reached}")
        if not name.start < name.limit <= name.end or name.entries < 0:
            found.add(
                place,
                f"rows {name.start} to {name.end}, valid below {name.limit}, "
                f"{name.entries} entries: this cannot be",
            )
        reached = name.limit
    if reached > rows or (reached < rows and not gaps):
        found.add(
            f"{MANIFEST_PLACE}, runs of {family}",
            f"the runs end at row {reached} where the ledger has {rows}",
        )


# --- checksums


def seal_rows(root: Path, manifest: Manifest) -> Int64Array:
    """Return the table of checksums: one row a batch."""
    words = map_array(root / SEALS, "int64", manifest.segments * WORDS)
    return words.reshape(-1, WORDS)


def check_columns(root: Path, view: View, manifest: Manifest) -> Check:
    """Compare every appended row with the checksum of the batch that brought it."""
    found = Findings()
    begin = Counts()
    segments = []
    for number, row in enumerate(seal_rows(root, manifest)):
        end = counts_of(row)
        if not _follows(begin, end, view.counts):
            found.add(
                f"{SEALS} row {number}",
                f"a batch cannot end at {_listed(end)} after {_listed(begin)}",
            )
            break
        segments.append(_Segment(number=number, begin=begin, end=end, row=row))
        begin = end
    for segment, wrong in in_order(partial(_damaged, view), segments):
        for column in wrong:
            first, last = (getattr(x, column.table) for x in (segment.begin, segment.end))
            found.add(
                f"{column.path} rows {first} to {last - 1}",
                f"do not have the checksum in {SEALS} row {segment.number}, which blocks "
                f"{segment.begin.blocks} to {segment.end.blocks - 1} were written with: "
                "either is damaged",
            )
    found.rows_checked = sum(getattr(begin, column.table) for column in SEALED_COLUMNS)
    if not found.count and begin != view.counts:
        found.note = (
            f"Rows past {_listed(begin)} have no checksum: a roll-back cut the batch that they "
            "came with. The next batch gives them one."
        )
    return found.check(
        "column_checksums",
        "Every byte of every column that is only appended to has the checksum (XXH3, 64 bits) "
        "that was written down when it was committed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """One row of the table of checksums."""

    number: int
    begin: Counts
    end: Counts
    row: Int64Array


def _damaged(view: View, segment: _Segment) -> tuple[_Segment, list[Column]]:
    """Return the columns whose rows of a segment do not have its checksum."""
    appended = stretch(view, segment.begin, segment.end)
    return segment, [
        column
        for place, column in enumerate(SEALED_COLUMNS)
        if checksum(appended[column.path]) != int(segment.row[len(TABLES) + place])
    ]


def _follows(begin: Counts, end: Counts, limit: Counts) -> bool:
    rows = zip(begin.as_tuple(), end.as_tuple(), limit.as_tuple(), strict=True)
    return begin.blocks < end.blocks and all(low <= here <= high for low, here, high in rows)


def check_runs(view: View, manifest: Manifest) -> Check:
    """Compare every index run with its checksum in the manifest."""
    found = Findings()
    runs = [
        (run_path(family, name), name, run)
        for family in FAMILIES
        for name, run in zip(_names(manifest, family), runs_of(view, family), strict=True)
    ]
    for (path, name, _), sum_ in zip(
        runs, in_order(lambda r: run_checksum(r[2]), runs), strict=True
    ):
        found.rows_checked += name.entries
        if sum_ != name.checksum:
            found.add(path, "does not have the checksum that the manifest names: either is damaged")
    return found.check(
        "index_checksums",
        "Every index file has the checksum (XXH3, 64 bits) that the manifest names.",
    )


def runs_of(view: View, family: str) -> Sequence[KeyRun | HistoryRun]:
    """Return the runs of a family as the view has them mapped."""
    match family:
        case "transactions":
            return view.transactions_by_id.runs
        case "addresses":
            return view.addresses_by_lock.runs
        case "reveals":
            return view.reveals_by_lock.runs
        case _:
            return view.histories.runs


def run_checksum(run: KeyRun | HistoryRun) -> int:
    """Return the checksum of a run's file from its arrays, which stand in it in this order.

    The file itself may be gone: a writer that merges runs removes them, and the map stays.
    """
    digest = xxhash.xxh3_64()
    arrays: list[AnyArray]
    if isinstance(run, KeyRun):
        arrays = [run.key, run.number] if len(run.key) else [np.zeros(1, dtype=np.int64)]
    else:
        count = np.array([len(run.address)], dtype="<i8")
        arrays = [
            count, run.first, run.received_sat, run.sent_sat, run.transaction, run.address,
        ]  # fmt: skip
    for array in arrays:
        if len(array):
            digest.update(array.view(np.uint8).data)
    word = digest.intdigest()
    return word - (1 << 64) if word >= 1 << 63 else word
