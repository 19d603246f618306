"""Writing a view of an account ledger as Parquet files, with sizes and checksums of all of them.

The export appears under its name when it is complete; what an interrupted one leaves has another.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arien_flows.account_ledger.parquet_columns import part_columns
from arien_flows.account_ledger.parquet_schema import (
    EXPORT_FORMAT,
    EXPORT_TABLES,
    MANIFEST_FILE,
    SCHEMA_FILE,
    arrow_schema,
    part_path,
    schema_text,
)
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import InputError, StaleSnapshotError

PART_MOVEMENTS = 1_000_000
"""Of a part at most, unless a single block has more."""

COMPRESSION_LEVEL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExport:
    """What an export holds, or an import has taken in."""

    network: str
    tip_height: int
    tip_hash: str
    movements: int
    bytes: int
    """Size of the Parquet files together."""


def export_accounts(
    view: AccountView,
    directory: Path,
    *,
    is_current: Callable[[AccountView], bool],
    report: Callable[[int, int], None] = lambda _done, _total: None,
    part_movements: int = PART_MOVEMENTS,
) -> AccountExport:
    """Write a view of a ledger on disk to `directory`, which is made; an empty one will do as well.

    At the end `is_current` is asked whether what the view shows still stands. `report` hears how
    many blocks are written, of how many.

    Raises
    ------
    InputError
        The directory holds something, or the ledger is empty.
    StaleSnapshotError
        Blocks were removed meanwhile; nothing is left behind.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is not empty: name a folder that does not exist yet")
    if not view.counts.blocks:
        raise InputError("the ledger is empty: there is nothing to export")
    partial = directory.with_name(f".{directory.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        files = []
        for part, blocks in enumerate(_cuts(view, part_movements)):
            files += [_write(view, partial, table, part, blocks) for table in EXPORT_TABLES]
            report(blocks.stop, view.counts.blocks)
        _write_manifest(view, partial, files)
        if not is_current(view):
            raise StaleSnapshotError("blocks were removed while they were exported: export again")
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return AccountExport(
        network=view.network.name,
        tip_height=view.tip.height,
        tip_hash=view.tip.block_hash,
        movements=view.counts.movements,
        bytes=sum(int(str(file["bytes"])) for file in files),
    )


def _cuts(view: AccountView, part_movements: int) -> Iterator[range]:
    """Yield stretches of blocks that together have at most so many movements."""
    first_of = view.transactions.first_movement
    ends = first_of[view.blocks.first_transaction[1:]]
    start = 0
    while start < view.counts.blocks:
        begun = int(ends[start - 1]) if start else 0
        stop = int(ends.searchsorted(begun + part_movements, side="right"))
        stop = max(stop, start + 1)
        yield range(start, stop)
        start = stop


def _write(
    view: AccountView, root: Path, table: str, part: int, blocks: range
) -> dict[str, object]:
    path = part_path(table, part)
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = pa.Table.from_arrays(part_columns(view, table, blocks), schema=arrow_schema(table))
    pq.write_table(rows, target, compression="zstd", compression_level=COMPRESSION_LEVEL)
    content = target.read_bytes()
    return {
        "path": path,
        "rows": rows.num_rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _write_manifest(view: AccountView, root: Path, files: list[dict[str, object]]) -> None:
    said = {
        "format": EXPORT_FORMAT,
        "ledger": "accounts",
        "network": view.network.name,
        "tip_height": view.tip.height,
        "tip_hash": view.tip.block_hash,
        "rows": view.counts._asdict(),
        "files": files,
    }
    (root / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    (root / MANIFEST_FILE).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", "utf-8")
