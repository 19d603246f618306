"""Where the arrays of a ledger stand in its files, and how they are mapped into memory."""

import mmap
from enum import IntEnum
from pathlib import Path

import numpy as np

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.schema import Column
from arien_flows.ledger.sorted_runs import KeyRun, RunName
from chains.types import AnyArray

INDEX = "index"
"""Folder of the runs, one folder a family below it."""

RUN_FOLDERS = {
    family: f"{INDEX}/{family}" for family in ("transactions", "addresses", "reveals", "history")
}
"""Those of a ledger of coins."""


def column_elements(column: Column, rows: int, byte_counts: dict[str, int]) -> int:
    """Return how many elements of a column belong to so many rows of its table."""
    if column.shape == "bytes":
        return byte_counts.get(column.path, 0)
    return rows + 1 if column.shape == "offsets" else rows * column.width


def map_array(path: Path, dtype: str, elements: int, offset: int = 0) -> AnyArray:
    """Map elements of a file, read-only; an empty array needs no file."""
    kind = np.dtype(dtype).newbyteorder("<")
    if elements == 0:
        empty = np.empty(0, dtype=kind)
        empty.flags.writeable = False
        return empty
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if elements < 0:
            raise ValueError("a negative count")
        return np.frombuffer(mapped, dtype=kind, count=elements, offset=offset)
    except (ValueError, OverflowError) as error:
        raise LedgerDamagedError(
            f"{path} is shorter than the manifest says: restore it from a copy, or remove the "
            "ledger and ingest anew"
        ) from error


class Access(IntEnum):
    """What will be asked of a mapped array next."""

    IN_ORDER = mmap.MADV_SEQUENTIAL
    RANDOM = mmap.MADV_RANDOM
    """Left to itself, the system reads 128 KiB for each page that a search asks for."""

    SOON = mmap.MADV_WILLNEED
    """All of it: the system begins to read, many pages at once."""

    NO_MORE = mmap.MADV_DONTNEED
    """It leaves this process's memory, where it would count as resident, and not the cache."""


def advise(rows: AnyArray, access: Access) -> None:
    """Tell the system how a mapped array, or a part of one, will be read.

    Does nothing for arrays in memory.
    """
    mapped: object = rows
    while isinstance(mapped, np.ndarray):
        mapped = mapped.base
    if isinstance(mapped, memoryview):
        mapped = mapped.obj
    if not len(rows) or not isinstance(mapped, mmap.mmap):
        return
    whole = np.frombuffer(mapped, dtype=np.uint8)
    begin = rows.ctypes.data - whole.ctypes.data
    page = begin - begin % mmap.PAGESIZE
    mapped.madvise(access, page, begin + rows.nbytes - page)


def map_column(root: Path, column: Column, elements: int) -> AnyArray:
    """Map a column; columns of several elements a row come as two-dimensional arrays."""
    array = map_array(root / column.path, column.dtype, elements)
    return array.reshape(-1, column.width) if column.width > 1 else array


def run_path(family: str, run: RunName) -> str:
    """Return the file of a run, relative to the ledger's folder."""
    return f"{INDEX}/{family}/{run.file_name}"


def map_key_run(root: Path, family: str, run: RunName) -> KeyRun:
    """Map a run of keys: the keys, then the numbers."""
    content = map_array(root / run_path(family, run), "uint8", 12 * run.entries)
    return KeyRun(
        key=content[: 8 * run.entries].view("<i8"),
        number=content[8 * run.entries :].view("<u4"),
        limit=run.limit,
    )


def map_history_run(root: Path, run: RunName) -> HistoryRun:
    """Map a run of histories; its address count stands in the first word of the file."""
    path = root / run_path("history", run)
    entries = run.entries
    addresses = int(map_array(path, "int64", 1)[0])
    sums = 8 * (2 + addresses)
    numbers = sums + 16 * entries
    size = numbers + 4 * (entries + addresses)
    # A view has many runs, and each map keeps a file open: so one for all of its arrays.
    content = map_array(path, "uint8", size if addresses >= 0 else -1)
    return HistoryRun(
        first=content[8:sums].view("<i8"),
        received_sat=content[sums : sums + 8 * entries].view("<i8"),
        sent_sat=content[sums + 8 * entries : numbers].view("<i8"),
        transaction=content[numbers : numbers + 4 * entries].view("<u4"),
        address=content[numbers + 4 * entries :].view("<u4"),
        limit=run.limit,
    )
