"""Finding and reading the files of an export.

ethereum-etl writes one folder for each table and in it, if asked for many blocks, one folder for
each range (`blocks/start_block=00000000/end_block=00000999/blocks_00000000_00000999.csv`). Exports
made by hand often put the files side by side (`blocks.csv`, `logs.csv`). Both are found by names:
a file belongs to the table that it is named after, or else to that of the nearest folder.

A file is read whole, columns that are not needed left out, so memory follows the largest file:
export in ranges.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from chains.errors import SourceUnavailableError
from chains.types import Int64Array

TABLES = ("blocks", "transactions", "receipts", "logs", "token_transfers", "traces", "contracts",
          "tokens", "withdrawals")  # fmt: skip
"""The tables that an export may have; of these, only the first two must be there."""

_SUFFIXES = (".csv", ".csv.gz", ".parquet")
_NAME = re.compile(rf"({'|'.join(TABLES)})(?:[_.-]?[0-9]+)*")
_RANGE = re.compile(r"start_block=(\d+)/end_block=(\d+)/")
_WHOLE = ("contracts", "tokens")
"""Tables about contracts, whose rows belong to no stretch of blocks."""

_OPTIONAL = frozenset(
    ("base_fee_per_gas", "excess_blob_gas", "withdrawals", "sha3_uncles", "transaction_type",
     "gas_price", "status", "effective_gas_price", "blob_gas_price", "blob_gas_used", "error",
     "symbol", "name", "decimals")
)  # fmt: skip
"""Columns that older exports have not, or that may stand in another table."""

_LARGEST_ROW = 64 << 20
"""Bytes that one row of a CSV file may have; a transaction's input may be long."""


@dataclass(frozen=True, slots=True)
class EtlFile:
    """One file of a table."""

    path: Path
    first: int
    """Height of its first block."""

    last: int


@dataclass
class EtlFolder:
    """The files of an export, by table."""

    folder: Path
    files: dict[str, list[EtlFile]] = field(default_factory=dict)
    _kept: dict[str, tuple[EtlFile, "pa.Table"]] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: Path) -> "EtlFolder":
        """Find the files of a folder; `SourceUnavailableError` says what is missing."""
        if not folder.is_dir():
            raise SourceUnavailableError(f"{folder} is no folder: name that of the export")
        found = cls(folder)
        for path in sorted(folder.rglob("*")):
            table = _table_of(path.relative_to(folder)) if path.is_file() else None
            if table:
                found.files.setdefault(table, []).append(_ranged(path, folder, table))
        for table in ("blocks", "transactions"):
            if table not in found.files:
                raise SourceUnavailableError(
                    f"{folder} holds no {table}: export them too, as {table}.csv or {table}.parquet"
                )
        return found

    def has(self, table: str) -> bool:
        """Tell whether the export has a table."""
        return table in self.files

    def has_column(self, table: str, column: str) -> bool:
        """Tell whether the first file of a table has a column."""
        return any(column in column_names(file.path) for file in self.files.get(table, ())[:1])

    def ranges(self) -> list[tuple[int, int]]:
        """Return the heights that the files of blocks span, ascending; the last is inclusive."""
        return sorted({(file.first, file.last) for file in self.files["blocks"]})

    def rows(self, table: str, columns: Sequence[str], first: int, last: int) -> "pa.Table":
        """Return the rows of blocks `first` to `last` of a table, in the order of the files.

        An optional column that a file has not is there with nothing in it.
        """
        by = _height_column(table)
        parts = []
        for file in self.files.get(table, ()):
            if file.first <= last and first <= file.last:
                part = self._read(table, file, columns)
                if table not in _WHOLE and (file.first < first or last < file.last):
                    heights = _heights(part, by)
                    part = part.filter(pa.array((first <= heights) & (heights <= last)))
                parts.append(part)
        if not parts:
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        return pa.concat_tables(parts, promote_options="permissive")

    def _read(self, table: str, file: EtlFile, columns: Sequence[str]) -> "pa.Table":
        kept = self._kept.get(table)
        if kept is None or kept[0] is not file or not set(columns) <= set(kept[1].column_names):
            kept = self._kept[table] = (file, read_table(file.path, columns))
        return kept[1].select(list(columns))


def _table_of(path: Path) -> str | None:
    name = path.name.lower()
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
    if suffix is None:
        return None
    matched = _NAME.fullmatch(name.removesuffix(suffix))
    if matched:
        return matched.group(1)
    folders = [part.lower() for part in path.parts[:-1] if part.lower() in TABLES]
    return folders[-1] if folders else None


def _ranged(path: Path, folder: Path, table: str) -> EtlFile:
    """Return a file with the heights it spans: from its folders' names, else from its rows."""
    named = _RANGE.search(f"{path.relative_to(folder).as_posix()}")
    if named:
        return EtlFile(path, int(named.group(1)), int(named.group(2)))
    if table in _WHOLE:
        return EtlFile(path, 0, 1 << 62)
    column = _height_column(table)
    heights = _heights(read_table(path, [column]), column)
    if not len(heights):
        return EtlFile(path, 0, -1)
    return EtlFile(path, int(heights.min()), int(heights.max()))


def _height_column(table: str) -> str:
    return "number" if table == "blocks" else "block_number"


def _heights(table: "pa.Table", column: str) -> Int64Array:
    try:
        found = table.column(column).cast(pa.int64())
    except pa.ArrowInvalid:
        raise SourceUnavailableError(f"column {column} holds something that is no height") from None
    if found.null_count:
        raise SourceUnavailableError(f"column {column} is empty in {found.null_count} rows")
    return np.asarray(found.to_numpy(), np.int64)


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a file."""
    if path.name.lower().endswith(".parquet"):
        return list(pa_parquet.read_schema(path).names)
    with pa.input_stream(path, compression="detect") as stream:
        head = stream.read(1 << 16).split(b"\n", 1)[0]
    return [name.strip().strip('"') for name in head.decode("utf-8", "replace").split(",")]


def read_table(path: Path, columns: Sequence[str]) -> "pa.Table":
    """Read some columns of a file; optional ones that it has not are there with nothing in them."""
    missing = set(columns) - _OPTIONAL - set(column_names(path))
    missing -= {name for name in missing if name.startswith("receipt_")}
    if missing and any(column_names(path)):
        raise SourceUnavailableError(f"{path} has no column {min(missing)}; export it too")
    try:
        if path.name.lower().endswith(".parquet"):
            return _from_parquet(path, columns)
        return _from_csv(path, columns)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise SourceUnavailableError(f"{path} cannot be read: {reason}") from error


def _from_csv(path: Path, columns: Sequence[str]) -> "pa.Table":
    if not any(column_names(path)):
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=_LARGEST_ROW),
        parse_options=pa_csv.ParseOptions(newlines_in_values=False),
        convert_options=pa_csv.ConvertOptions(
            include_columns=list(columns),
            include_missing_columns=True,
            column_types={name: pa.string() for name in columns},
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _from_parquet(path: Path, columns: Sequence[str]) -> "pa.Table":
    there = set(pa_parquet.read_schema(path).names)
    table = pa_parquet.read_table(path, columns=[name for name in columns if name in there])
    for name in columns:
        if name not in there:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table.select(list(columns))
