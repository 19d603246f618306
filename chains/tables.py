"""The canonical tables: what every Bitcoin source delivers, whatever it read it from.

A batch holds consecutive blocks as columns (one NumPy array per fact), beside the raw bytes they
came from. Facts of variable length (scripts, witnesses) are not copied: a column pair `…_start`,
`…_length` points into `raw`. Offsets into the child tables are batch-local and have one entry
more than rows, so that the children of row `i` are `[first[i], first[i + 1])`.

A coinbase transaction has no row in the input table: it spends nothing. Its script and sequence
are facts of its block.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from chains.types import Int32Array, Int64Array, UInt8Array, UInt32Array


class ScriptType(IntEnum):
    """What an output script asks of its spender, and what its payload is.

    A script is rebuilt exactly from its type and payload; the two together are the identity of
    an "address" in the ledger. Numbers are stored on disk: never reorder them.
    """

    NONSTANDARD = 0
    """Any other script, the empty one too. Payload: the whole script."""

    P2PK = 1
    """A bare public key of 33 or 65 bytes. Payload: the key."""

    P2PKH = 2
    """Payload: the 20-byte hash of the key."""

    P2SH = 3
    """Payload: the 20-byte hash of the redeem script."""

    MULTISIG = 4
    """Bare m-of-n. Payload: the whole script, which holds m, n and the keys."""

    P2WPKH = 5
    """Witness version 0. Payload: the 20-byte hash of the key."""

    P2WSH = 6
    """Witness version 0. Payload: the 32-byte hash of the witness script."""

    P2TR = 7
    """Witness version 1. Payload: the 32-byte output key."""

    WITNESS_UNKNOWN = 8
    """A witness program that no rule gives a meaning yet. Payload: the whole script."""

    OP_RETURN = 9
    """Data that nobody can spend. Payload: everything after the first opcode."""


class SighashClass(IntEnum):
    """Which parts of a transaction the signatures of one input commit to (stored on disk).

    The values 1, 2, 3 and these plus 0x80 are the bytes that end a signature. One class stands
    for all signatures of the input; where they differ the class is `MIXED`.
    """

    NONE_SEEN = 0
    """No signature was recognised: an unusual script, or one that asks for none."""

    ALL = 0x01
    NONE = 0x02
    SINGLE = 0x03
    DEFAULT = 0x10
    """Taproot's 64-byte signature: commits like `ALL`."""

    MIXED = 0x20
    """Signatures of different classes in one input."""

    OTHER = 0x30
    """A hash type byte that no rule defines (old blocks hold some)."""

    ALL_ANYONECANPAY = 0x81
    NONE_ANYONECANPAY = 0x82
    SINGLE_ANYONECANPAY = 0x83


class InputFlag(IntFlag):
    """Marks of an input (stored on disk)."""

    WITNESS = 1
    """The input carries a witness."""

    COMPRESSED_KEY = 2
    """A 33-byte public key was revealed."""

    UNCOMPRESSED_KEY = 4
    """A 65-byte public key was revealed."""

    TAPROOT_SCRIPT_PATH = 8
    """A taproot output was spent through a script leaf."""

    ANNEX = 16
    """The taproot witness carries an annex."""


class RevealKind(IntEnum):
    """What a spend shows that its output kept hidden behind a hash (stored on disk)."""

    KEY = 1
    """The public key of a P2PKH or P2WPKH output, or of P2WPKH nested in P2SH."""

    REDEEM_SCRIPT = 2
    """The script behind a P2SH output."""

    WITNESS_SCRIPT = 3
    """The script behind a P2WSH output, nested in P2SH or not."""

    TAP_LEAF = 4
    """A script leaf of a P2TR output; other spends of it may reveal other leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockBatch:
    """Consecutive blocks as columns; every input's spent output is named, not resolved."""

    raw: UInt8Array
    """The bytes that the `…_start` columns point into."""

    header: UInt8Array
    """Block headers, shape (blocks, 80)."""

    block_hash: UInt8Array
    """Double SHA-256 of the header as stored, shape (blocks, 32)."""

    first_transaction: Int64Array
    """Shape (blocks + 1)."""

    coinbase_script_start: Int64Array
    """The script of the block's coinbase input."""

    coinbase_script_length: Int64Array

    coinbase_sequence: UInt32Array

    txid: UInt8Array
    """Transaction ids as stored, shape (transactions, 32)."""

    version: Int32Array

    locktime: UInt32Array

    stripped_size: UInt32Array
    """Bytes of the transaction without its witness."""

    witness_size: UInt32Array
    """Bytes that the witness adds, marker and flag included; 0 without one."""

    first_input: Int64Array
    """Shape (transactions + 1); a coinbase has no inputs."""

    first_output: Int64Array
    """Shape (transactions + 1)."""

    spent_txid: UInt8Array
    """Id of the transaction whose output is spent, as stored, shape (inputs, 32)."""

    spent_vout: UInt32Array
    """Position of the spent output in that transaction."""

    sequence: UInt32Array

    input_script_start: Int64Array
    """The input's script (scriptSig)."""

    input_script_length: Int64Array

    witness_start: Int64Array
    """The input's witness stack, from its item count on."""

    witness_length: Int64Array
    """0 where the transaction has no witness section."""

    value: Int64Array
    """Amount of each output in satoshi, shape (outputs)."""

    script_type: UInt8Array
    """`ScriptType` of each output."""

    payload_start: Int64Array

    payload_length: Int64Array

    @property
    def block_count(self) -> int:
        """Return the number of blocks."""
        return len(self.header)

    @property
    def transaction_count(self) -> int:
        """Return the number of transactions, coinbases included."""
        return len(self.txid)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentOutputs:
    """What the inputs of a batch spend, one row for each input, in order."""

    value: Int64Array
    """Amount in satoshi."""

    script_type: UInt8Array
    """`ScriptType`."""

    payload_start: Int64Array
    """Where the payload stands in the batch's `raw`."""

    payload_length: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendFacts:
    """What the inputs of a batch show, once it is known which kind of script each one spends."""

    sighash: UInt8Array
    """`SighashClass` of each input."""

    flags: UInt8Array
    """`InputFlag` of each input."""

    reveal_input: Int64Array
    """Batch-local input of each reveal, ascending; an input may reveal twice (nested scripts)."""

    reveal_kind: UInt8Array
    """`RevealKind`."""

    reveal_start: Int64Array
    """Where the revealed key or script stands in the batch's `raw`."""

    reveal_length: Int64Array
