"""Types that every chain shares: networks, transaction ids in both byte orders, base units."""

from typing import Any, NewType

import numpy as np
from numpy.typing import NDArray

TxIdHex = NewType("TxIdHex", str)
"""A transaction id as people read and paste it: 64 lower-case hexadecimal digits."""

TxIdRaw = NewType("TxIdRaw", bytes)
"""A transaction id as the chain stores it: 32 bytes, in the reverse order of the shown one."""

UInt8Array = NDArray[np.uint8]
UInt32Array = NDArray[np.uint32]
UInt64Array = NDArray[np.uint64]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
AnyArray = NDArray[Any]


def raw_txid(shown: TxIdHex) -> TxIdRaw:
    """Return the stored form of an id that a person reads."""
    return TxIdRaw(bytes.fromhex(shown)[::-1])


def shown_txid(raw: bytes) -> TxIdHex:
    """Return the form that people read of an id (or block hash) as the chain stores it."""
    return TxIdHex(raw[::-1].hex())
