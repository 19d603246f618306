"""Reading columns of a Parquet part as arrays, and refusing what cannot be stored."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arien_flows.errors import SourceError
from arien_flows.ledger.parquet_schema import arrow_schema, part_path
from arien_flows.ledger.schema import Table
from chains.types import Int64Array, UInt8Array


class UnfitRowsError(Exception):
    """Rows do not fit together; the message says which. `PartReader` says where."""


def read_part(directory: Path, table: Table, part: int) -> pa.Table:
    """Return a part of a table; `SourceError` where the file cannot be read."""
    path = directory / part_path(table, part)
    try:
        content = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"cannot read {path}: {error}") from error
    if not content.schema.equals(arrow_schema(table)):
        raise UnfitRowsError(f"{path.name} does not have the columns of {table}")
    return content


def plain_column(table: pa.Table, name: str) -> pa.Array:
    """Return a column in one piece; a missing value is an error unless it may be missing."""
    column = table.column(name)
    if column.null_count and not table.schema.field(name).nullable:
        raise UnfitRowsError(f"{name} has missing values")
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def numbers(table: pa.Table, name: str, missing: int | None = None) -> Int64Array:
    """Return a column of whole numbers, with `missing` for values that may be absent."""
    column = plain_column(table, name)
    if missing is not None:
        column = column.fill_null(missing)
    values: Int64Array = column.to_numpy(zero_copy_only=False).astype(np.int64)
    return values


def limited(table: pa.Table, name: str, limit: int) -> Int64Array:
    """Return a column of numbers in `[0, limit)`."""
    values = numbers(table, name)
    expect_below(name, values, limit)
    return values


def words(table: pa.Table, name: str) -> Int64Array:
    """Return a column of numbers that fit 32 bits without sign."""
    return limited(table, name, 1 << 32)


def small_numbers(table: pa.Table, name: str) -> Int64Array:
    """Return a column of numbers that fit 8 bits without sign."""
    return limited(table, name, 1 << 8)


def matrix(table: pa.Table, name: str) -> UInt8Array:
    """Return a column of fixed width as rows of bytes."""
    column = plain_column(table, name)
    width = column.type.byte_width
    content = np.frombuffer(column.buffers()[1] or b"", dtype=np.uint8)
    begin = column.offset * width
    return content[begin : begin + len(column) * width].reshape(-1, width)


def codes(table: pa.Table, name: str, names: dict[str, int]) -> UInt8Array:
    """Return a column of names as the numbers they stand for."""
    place = pc.index_in(plain_column(table, name), pa.array([*names], pa.string()))
    if place.null_count:
        raise UnfitRowsError(f"{name} has values other than {', '.join(names)}")
    values: UInt8Array = np.array([*names.values()], dtype=np.uint8)[place.to_numpy()]
    return values


def ends_of(name: str, sizes: Int64Array, first: int, last: int) -> Int64Array:
    """Return where the children of each row end, which altogether are `[first, last)`."""
    ends = first + np.cumsum(sizes)
    if (len(sizes) and int(sizes.min()) < 0) or (int(ends[-1]) if len(ends) else first) != last:
        raise UnfitRowsError(f"{name} does not sum to {last - first} rows")
    return ends


def expect_range(name: str, values: Int64Array, start: int) -> None:
    """Refuse numbers that do not count on from `start`."""
    if not np.array_equal(values, np.arange(start, start + len(values))):
        raise UnfitRowsError(f"{name} does not count on from {start}")


def expect_below(name: str, values: Int64Array, limit: int) -> None:
    """Refuse numbers outside `[0, limit)`."""
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < limit:
        raise UnfitRowsError(f"{name} has numbers outside [0, {limit})")
