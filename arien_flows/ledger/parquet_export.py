"""Writing a view of a ledger as Parquet files.

Parts are cut at block boundaries, so that each is a chain's worth of rows by itself, small enough
to be handled in memory. So are the row groups inside them, at the same blocks in every table: a
reader that asks for some heights or numbers skips the groups that hold others. The same view gives
the same bytes (with one version of pyarrow). The export appears under its name when it is complete;
what an interrupted one leaves has another name.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arien_flows.errors import InputError, StaleSnapshotError
from arien_flows.ledger.parquet_columns import part_columns
from arien_flows.ledger.parquet_schema import (
    EXPORT_FORMAT,
    MANIFEST_FILE,
    SCHEMA_FILE,
    arrow_schema,
    part_path,
    schema_text,
)
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS, TABLES
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import Counts, View

PART_TRANSACTIONS = 500_000

PART_BYTES = 1 << 30
"""Bytes of blocks that a part stands for at most; scripts and keys kept of them are fewer."""

GROUP_TRANSACTIONS = 1 << 17
"""Of a row group at most, unless a single block has more; DuckDB's own groups are of that size."""

COMPRESSION_LEVEL = 3
"""Of zstd: its default, a third of the size of the plain columns at hundreds of megabytes/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStep:
    """How far an export or import has come after a part."""

    blocks: int
    total_blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One file as the export's manifest names it."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an export holds, or an import has taken in."""

    network: str
    tip_height: int
    tip_hash: str
    """As people read it."""

    counts: Counts
    parts: int
    bytes: int
    """Size of the Parquet files together."""


def export_ledger(
    view: View,
    directory: Path,
    *,
    is_current: Callable[[View], bool],
    report: Callable[[ExportStep], None] = lambda _step: None,
    part_transactions: int = PART_TRANSACTIONS,
) -> Summary:
    """Write a view to `directory`, which is made; an empty one will do as well.

    At the end `is_current` is asked whether what the view shows still stands (`Ledger.is_current`
    tells). A part has at most `part_transactions`, unless a single block has more.

    Raises
    ------
    InputError
        The directory holds something, or the view is not a complete chain from genesis.
    StaleSnapshotError
        Blocks were removed meanwhile; nothing is left behind.
    """
    _refuse(view, directory)
    partial = directory.with_name(f".{directory.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        files: list[ExportedFile] = []
        parts: list[Counts] = []
        for stop in _cuts(view, part_transactions):
            groups = _groups(view, parts[-1] if parts else Counts(), stop)
            parts.append(groups[-1])
            files += _write_part(view, partial, len(parts) - 1, groups)
            report(ExportStep(blocks=stop, total_blocks=view.counts.blocks))
        _write_manifest(view, partial, files, parts)
        if not is_current(view):
            raise StaleSnapshotError("blocks were removed while they were exported: export again")
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Summary(
        network=view.network.name,
        tip_height=view.tip.height,
        tip_hash=view.tip.block_hash,
        counts=view.counts,
        parts=len(parts),
        bytes=sum(file.bytes for file in files),
    )


def _refuse(view: View, directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is there already and not empty: name a new folder")
    if not view.counts.blocks:
        raise InputError(f"the ledger of {view.network.name} is empty: there is nothing to export")
    if int(view.block_height[-1]) != view.counts.blocks - 1 or _spends_from_outside(view):
        raise InputError("only a ledger that is complete from its genesis block can be exported")


def _spends_from_outside(view: View) -> bool:
    return any(
        bool((view.spent_output[start:stop] == EXTERNAL).any())
        for start, stop in steps(view.counts.inputs)
    )


def _cuts(view: View, part_transactions: int) -> Iterator[int]:
    """Yield the block after the last one of each part."""
    start = 0
    while start < view.counts.blocks:
        begin = int(view.first_transaction[start])
        reach = np.searchsorted(view.first_transaction, begin + part_transactions, side="right") - 1
        stop = max(int(reach), start + 1)
        end = int(view.first_transaction[stop])
        sizes = view.stripped_size[begin:end].astype(np.int64) + view.witness_size[begin:end]
        running = np.cumsum(sizes)[view.first_transaction[start + 1 : stop + 1] - begin - 1]
        start += max(1, int(np.searchsorted(running, PART_BYTES, side="right")))
        yield start


def _groups(view: View, first: Counts, stop: int) -> list[Counts]:
    """Return where the row groups of a part begin and end: `first`, some between, and `stop`."""
    groups = [first]
    while groups[-1].blocks < stop:
        reach = groups[-1].transactions + GROUP_TRANSACTIONS
        end = int(np.searchsorted(view.first_transaction, reach, side="right")) - 1
        end = min(max(end, groups[-1].blocks + 1), stop)
        groups.append(counts_at(view, groups[-1], end))
    return groups


def counts_at(view: View, before: Counts, block: int) -> Counts:
    """Return the rows that come before a block, given those that come before an earlier one."""
    transactions = int(view.first_transaction[block])
    inputs, outputs = int(view.first_input[transactions]), int(view.first_output[transactions])
    made = view.output_address[before.outputs : outputs]
    paid = made[made != NO_ADDRESS]
    return Counts(
        blocks=block,
        transactions=transactions,
        inputs=inputs,
        outputs=outputs,
        # Numbers are given as addresses appear, so the highest seen tells how many there are.
        addresses=max(before.addresses, int(paid.max()) + 1 if len(paid) else 0),
        reveals=int(np.searchsorted(view.reveal_input, inputs)),
        # Of the column's own type, or NumPy would widen all of it first.
        links=int(np.searchsorted(view.link_transaction, np.uint32(transactions))),
        op_returns=int(np.searchsorted(view.op_return_output, outputs)),
        overwrites=int(np.searchsorted(view.overwrite_transaction, np.uint32(transactions))),
    )


def _write_part(
    view: View, root: Path, part: int, groups: Sequence[Counts]
) -> Iterator[ExportedFile]:
    """Write a part of every table, with a row group between each two of `groups`."""
    for table in TABLES:
        schema = arrow_schema(table)
        path = root / part_path(table, part)
        path.parent.mkdir(exist_ok=True)
        with pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            # Readers other than Arrow's would not use Arrow's own copy of the schema.
            store_schema=False,
        ) as writer:
            for first, last in pairwise(groups):
                rows = range(getattr(first, table), getattr(last, table))
                if rows:
                    columns = part_columns(view, table, rows)
                    group = pa.Table.from_arrays(columns, schema=schema)
                    writer.write_table(group, row_group_size=len(rows))
        rows = range(getattr(groups[0], table), getattr(groups[-1], table))
        yield _noted(root, part_path(table, part), len(rows))


def _noted(root: Path, path: str, rows: int) -> ExportedFile:
    """Make a file durable and return what the manifest says of it."""
    with (root / path).open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportedFile(path=path, rows=rows, bytes=(root / path).stat().st_size, sha256=digest)


def _write_manifest(view: View, root: Path, files: list[ExportedFile], parts: list[Counts]) -> None:
    (root / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    manifest = {
        "format": EXPORT_FORMAT,
        "network": view.network.name,
        "tip": {"height": view.tip.height, "block_hash": view.tip.block_hash},
        "counts": asdict(view.counts),
        "parts": [asdict(counts) for counts in parts],
        "files": [asdict(file) for file in [*files, _noted(root, SCHEMA_FILE, 0)]],
    }
    path = root / MANIFEST_FILE
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _noted(root, MANIFEST_FILE, 0)
