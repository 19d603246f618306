"""The arrays that kernels share: their types, and the columns that travel together.

A kernel is compiled anew for every combination of argument types, and to Numba a read-only array
(a column mapped from disk) is another type than a writable one. So faces hand over all columns
read-only, whatever they came from.
"""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
UInt16Array = NDArray[np.uint16]
UInt32Array = NDArray[np.uint32]
Int8Array = NDArray[np.int8]
Int16Array = NDArray[np.int16]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Scalar = TypeVar("Scalar", bound=np.generic)
Columns = TypeVar("Columns", bound=NamedTuple)

NO_ADDRESS = np.uint32(0xFFFF_FFFF)
"""Address number of an output that nobody can spend, or of an input whose script is unknown."""


class TransactionColumns(NamedTuple):
    """What transactions take and give; inputs and outputs of `t` are `[first[t], first[t+1])`."""

    first_input: Int64Array
    first_output: Int64Array
    input_address: UInt32Array
    input_value_sat: Int64Array
    output_address: UInt32Array
    output_value_sat: Int64Array


class LinkColumns(NamedTuple):
    """Pairs of addresses that one key or script opens, ascending by transaction."""

    transaction: UInt32Array
    """The transaction that completes the proof."""

    address: UInt32Array
    earlier: UInt32Array
    rule: UInt8Array


def read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return a plain, contiguous, read-only view of `array`; copies only if it has to."""
    plain = np.ascontiguousarray(array).view(np.ndarray)
    plain.flags.writeable = False
    return plain


def read_only_columns(columns: Columns) -> Columns:
    """Return the same columns, each as `read_only` gives it."""
    return columns._make(read_only(column) for column in columns)


def check_offsets(name: str, offsets: NDArray[Any], child_count: int) -> None:
    """Raise ValueError unless `offsets` can delimit `child_count` rows.

    The ends are checked, not every step: the column may be far larger than memory.
    """
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != child_count:
        raise ValueError(f"{name} must run from 0 to {child_count}")
