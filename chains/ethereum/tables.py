"""The canonical tables: what every Ethereum source delivers, whatever it read it from.

A batch holds consecutive blocks as columns. Accounts are named by their place in the batch's own
list of addresses (`NO_ACCOUNT` where there is none), amounts are numbers of 256 bits in four limbs
of 64 bits, lowest first. Rows of a child table belong to the transaction `t` in
`[first[t], first[t + 1])`.

What moves value outside any transaction (withdrawals from the beacon chain, rewards of blocks,
the allocation of the genesis block, balances that a ledger begins with) hangs on a *system
transaction*: a row of kind `SYSTEM` whose id is the hash of the block. A block has at most two: a
first one for what was there before it (`GENESIS`, `OPENING`) and a last one for everything else.

The movements of a transaction stand in order of execution, gas last. Only what took effect is
there: a failed transaction, a reverted call and everything under it move nothing but gas.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from chains.types import BoolArray, Int32Array, Int64Array, UInt8Array, UInt32Array, UInt64Array

NO_ACCOUNT = np.uint32(0xFFFF_FFFF)
"""In place of an account that there is not: no giver, no receiver, the native coin's contract."""

NULL_ADDRESS = bytes(20)
"""Tokens come from it when they are made and go to it when they are destroyed."""


class TransactionKind(IntEnum):
    """Kinds of transaction by the envelope's type byte (stored on disk)."""

    LEGACY = 0
    ACCESS_LIST = 1
    FEE_MARKET = 2
    """EIP-1559."""

    BLOB = 3
    """EIP-4844."""

    SET_CODE = 4
    """EIP-7702."""

    SYSTEM = 255
    """No transaction: what moves value outside any; its id is the block's hash."""


class MovementKind(IntEnum):
    """What moved the value (stored on disk)."""

    CALL = 0
    """A call with value, the transaction's own included."""

    CREATE = 1
    """Value that a contract was created with."""

    SELF_DESTRUCT = 2
    """What a contract held when it destroyed itself."""

    WITHDRAWAL = 3
    """From the beacon chain: no giver."""

    GENESIS = 4
    """Allocation of the genesis block: no giver."""

    REWARD = 5
    """Of a block or an uncle before the merge: no giver."""

    GAS_BURNT = 6
    """Base fee, and fee for blobs: no receiver."""

    GAS_TIP = 7
    """From the sender to the block's fee recipient; before EIP-1559 all of the gas."""

    OPENING = 8
    """Balance before the first block of the ledger: no giver, and unknown origin."""

    TOKEN = 9
    """ERC-20 `Transfer`. From the null address: made; to it: destroyed."""

    WRAP = 10
    """WETH9 `Deposit`: the null address gives the wrapped coin."""

    UNWRAP = 11
    """WETH9 `Withdrawal`: the null address receives it."""

    NFT = 12
    """ERC-721 `Transfer` of one token; `amount` is 1."""

    MULTI_TOKEN = 13
    """ERC-1155 transfer of one token id."""

    DIFFERENCE_UP = 14
    """What a balance of a token gained that no event tells: no giver."""

    DIFFERENCE_DOWN = 15
    """What it lost: no receiver."""


class EventKind(IntEnum):
    """Events that move nothing and that rules read (stored on disk).

    The columns of an event are `contract` (who emitted it), up to three accounts, a word of 32
    bytes and an amount; each kind says which it uses.
    """

    APPROVAL = 0
    """ERC-20: `first` owner, `second` spender, `amount`."""

    APPROVAL_FOR_ALL = 1
    """ERC-721, ERC-1155: `first` owner, `second` operator, `amount` 1 or 0."""

    SWAP = 2
    """A pool exchanged two assets: `first` sender, `second` recipient, where it names them."""

    MIXER_DEPOSIT = 3
    """`word` the commitment; `amount` its place among the leaves of the pool."""

    MIXER_WITHDRAWAL = 4
    """`first` recipient, `second` relayer, `amount` the fee, `word` the nullifier's hash."""

    USER_OPERATION = 5
    """ERC-4337: `first` the sender of the operation, `second` its paymaster, `word` its hash,
    `amount` what it cost; `third` is `NO_ACCOUNT` where the operation failed, else the sender."""

    SAFE_EXECUTION = 6
    """A Safe executed a transaction: `contract` is the Safe, `word` the hash of what was signed."""

    DELEGATION = 7
    """EIP-7702 authorisation, soundly signed for this chain: `first` the account, `second` the
    code's address (`NO_ACCOUNT` where it was taken back). `contract` is `NO_ACCOUNT`. Whether its
    nonce was still the account's is known for the sender of the transaction only."""

    BRIDGE = 8
    """`first` sender or recipient, `word` the identifier that both sides of the bridge show, or
    the hash named by a memo; `amount` 1 where money leaves the chain and 2 where it arrives."""


class CodeKind(IntEnum):
    """What stands at an account (stored on disk)."""

    PLAIN = 0
    """Code of its own."""

    MINIMAL_PROXY = 1
    """EIP-1167: all calls go to `implementation`."""

    SAFE_PROXY = 2
    """Proxy of a Safe (a wallet of several signers)."""

    DELEGATION = 3
    """EIP-7702: still an account of a key."""


class CallCoverage(IntEnum):
    """How far a batch knows value that contracts moved (stored on disk)."""

    TRACED = 0
    """All of it, from the traces of a node."""

    MISSING = 1
    """Only what transactions themselves moved: no traces were to be had."""


class Ordering(IntEnum):
    """How calls and token transfers of one transaction stand (stored on disk)."""

    EXECUTION = 0
    """In order of execution."""

    CALLS_FIRST = 1
    """All calls, then all events: the source does not tell how they interleave."""


class OpeningCoverage(IntEnum):
    """Whether a block's ledger knows what accounts held that appear there first (stored on disk).

    A ledger that begins with the genesis block has nothing to ask for.
    """

    KNOWN = 0
    MISSING = 1
    """It begins later, and the source did not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBatch:
    """Consecutive blocks as columns."""

    address: UInt8Array
    """Addresses that occur, shape (accounts, 20), each once, in order of first occurrence."""

    # --- blocks
    height: Int64Array
    block_hash: UInt8Array
    """Shape (blocks, 32)."""

    parent_hash: UInt8Array
    time: Int64Array
    """Seconds since 1970."""

    fee_recipient: UInt32Array
    first_transaction: Int64Array
    """Shape (blocks + 1)."""

    # --- transactions
    tx_hash: UInt8Array
    """Shape (transactions, 32); the block's hash for a system transaction."""

    tx_kind: UInt8Array
    """`TransactionKind`."""

    succeeded: BoolArray
    sender: UInt32Array
    receiver: UInt32Array
    """What it was sent to; the contract that it created where it was sent to none."""

    nonce: UInt64Array
    selector: UInt32Array
    """First four bytes of what it was sent with, big-endian; 0 for fewer."""

    value: UInt64Array
    """Wei that it was sent with, shape (transactions, 4); of a failed one it did not move."""

    gas_used: UInt64Array
    gas_price: UInt64Array
    """Wei per gas that was paid, tip included."""

    first_movement: Int64Array
    """Shape (transactions + 1)."""

    first_event: Int64Array
    first_code: Int64Array

    # --- movements
    kind: UInt8Array
    """`MovementKind`."""

    giver: UInt32Array
    gets: UInt32Array
    """The receiver."""

    asset: UInt32Array
    """Contract of the token; `NO_ACCOUNT` for the native coin."""

    amount: UInt64Array
    """Shape (movements, 4)."""

    log_index: Int32Array
    """Place of the event in its block; -1 for what no event tells."""

    token_row: Int64Array
    """Movements that name a token id, ascending."""

    token_id: UInt64Array
    """Shape (len(token_row), 4)."""

    # --- events
    event_kind: UInt8Array
    """`EventKind`."""

    event_log_index: Int32Array
    contract: UInt32Array
    first: UInt32Array
    second: UInt32Array
    third: UInt32Array
    word: UInt8Array
    """Shape (events, 32)."""

    event_amount: UInt64Array
    """Shape (events, 4)."""

    # --- code that was put at accounts
    code_account: UInt32Array
    code_creator: UInt32Array
    """Who created it (the creating contract, not the transaction's sender)."""

    code_kind: UInt8Array
    """`CodeKind`."""

    code_hash: UInt8Array
    """Keccak of the code without the compiler's trailer of metadata, shape (codes, 32); zeros
    where a source tells that there is code and not which."""

    code_target: UInt32Array
    """What a proxy or a delegation leads to; else `NO_ACCOUNT`."""

    calls: CallCoverage
    ordering: Ordering

    @property
    def block_count(self) -> int:
        """Return the number of blocks."""
        return len(self.height)

    @property
    def transaction_count(self) -> int:
        """Return the number of transactions, system transactions included."""
        return len(self.tx_kind)
