"""The columns of an account ledger, table by table.

Row numbers are ids, dense and in chain order, from 0; they never leave the process. Account 0 is
always the null address, asset 0 always the native coin. Everything else is numbered by its first
appearance. What a column means is said in `chains.ethereum.tables`, whose batches these columns
are joined from.
"""

from typing import NamedTuple

from chains.types import BoolArray, Int32Array, Int64Array, UInt8Array, UInt32Array, UInt64Array

NULL_ACCOUNT = 0
NATIVE = 0
"""Asset number of the native coin."""


class BlockColumns(NamedTuple):
    """One row a block."""

    height: Int64Array
    block_hash: UInt8Array
    parent_hash: UInt8Array
    time: Int64Array
    fee_recipient: UInt32Array
    first_transaction: Int64Array
    calls: UInt8Array
    """`CallCoverage`."""

    ordering: UInt8Array
    """`Ordering`."""

    openings: UInt8Array
    """`OpeningCoverage`."""


class AccountTransactionColumns(NamedTuple):
    """One row a transaction, system transactions included."""

    tx_hash: UInt8Array
    tx_kind: UInt8Array
    succeeded: BoolArray
    sender: UInt32Array
    receiver: UInt32Array
    nonce: UInt64Array
    selector: UInt32Array
    gas_used: UInt64Array
    gas_price: UInt64Array
    first_movement: Int64Array
    first_event: Int64Array
    first_code: Int64Array


class LedgerMovementColumns(NamedTuple):
    """One row a movement of value; its amount is in `AccountView.amounts`."""

    transaction: UInt32Array
    kind: UInt8Array
    giver: UInt32Array
    receiver: UInt32Array
    asset: UInt32Array
    log_index: Int32Array


class EventColumns(NamedTuple):
    """One row an event that moves nothing."""

    transaction: UInt32Array
    kind: UInt8Array
    log_index: Int32Array
    contract: UInt32Array
    first: UInt32Array
    second: UInt32Array
    third: UInt32Array
    word: UInt8Array
    amount: UInt64Array


class CodeColumns(NamedTuple):
    """One row a code that was put at an account, in chain order."""

    transaction: UInt32Array
    account: UInt32Array
    creator: UInt32Array
    kind: UInt8Array
    code_hash: UInt8Array
    target: UInt32Array


class AssetColumns(NamedTuple):
    """One row an asset."""

    contract: UInt32Array
    """Account of the token's contract; `NO_ACCOUNT` for the native coin."""

    standard: UInt8Array
    """`MovementKind` of its first movement: `CALL` (the coin), `TOKEN`, `NFT` or `MULTI_TOKEN`."""
