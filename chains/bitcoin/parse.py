"""The first of two passes over serialised blocks: check every length, and count.

It walks every length in the slice it is given, trusts nothing, reads nothing outside, and names a
fault to the byte. The second pass (`fill`) writes columns of exactly the counted sizes and trusts
this one. Both together cost less than hashing.

What is refused is what no block of a Bitcoin chain can hold, so that a damaged or foreign file is
noticed here and not as a strange figure later: lengths that reach past the end or are not in
their shortest form (as in Bitcoin Core), transactions without inputs or without outputs, an
unknown flag, a witness section without any witness, amounts outside 0 to 21 million coins, a
block that does not start with a coinbase or has a second one, a spend of the null outpoint, and
trailing bytes. Scripts are not run and signatures are not checked: that is a node's work.
"""

from chains.bitcoin.hashing import byte_at
from chains.types import Int64Array, UInt8Array
from heuristics.jit import kernel, kernel_part

HEADER_SIZE = 80
MAX_VALUE_SAT = 21_000_000 * 100_000_000
MAX_SIZE = 0x02000000
"""Bitcoin Core refuses any count or length above this."""

MIN_INPUT_SIZE = 41
MIN_OUTPUT_SIZE = 9
MIN_TRANSACTION_SIZE = 60
"""Bytes of one input of an empty script, one output of an empty script, and 10 around them."""

REASONS = (
    "",
    "the bytes end too early",
    "a length is not in its shortest form",
    "a count or length is larger than what is left",
    "there is no transaction",
    "a transaction has no input",
    "a transaction has no output",
    "a transaction has an unknown flag",
    "a transaction has a witness section without any witness",
    "an amount is negative or above 21 million coins",
    "the first transaction is not a coinbase",
    "a coinbase stands after the first transaction",
    "an input spends the null outpoint",
    "bytes are left over at the end",
)
"""What a fault means, by its number; 0 is none."""

END = 1
NOT_SHORTEST = 2
TOO_LARGE = 3
NO_TRANSACTION = 4
NO_INPUT = 5
NO_OUTPUT = 6
UNKNOWN_FLAG = 7
NO_WITNESS = 8
BAD_AMOUNT = 9
NO_COINBASE = 10
SECOND_COINBASE = 11
NULL_OUTPOINT = 12
LEFT_OVER = 13


@kernel_part
def read_u32(raw: UInt8Array, at: int) -> int:
    """Return the little-endian unsigned 32-bit number at `at`."""
    return (
        byte_at(raw, at)
        | byte_at(raw, at + 1) << 8
        | byte_at(raw, at + 2) << 16
        | byte_at(raw, at + 3) << 24
    )


@kernel_part
def read_i64(raw: UInt8Array, at: int) -> int:
    """Return the little-endian signed 64-bit number at `at`."""
    high = read_u32(raw, at + 4)
    # A sign in arithmetic and not by a test: the compiler makes one load of all eight bytes.
    return (high ^ 1 << 31) - (1 << 31) << 32 | read_u32(raw, at)


@kernel_part
def check_size(raw: UInt8Array, at: int, stop: int, unit: int) -> tuple[int, int, int]:
    """Return the compact size at `at`, where it ends, and a reason to refuse it (0 is none).

    `unit` is the least number of bytes that each of the counted things takes before `stop`.
    """
    if at >= stop:
        return 0, at, END
    first = byte_at(raw, at)
    if first < 0xFD:
        size = first
        after = at + 1
    else:
        width = 1 << (first - 0xFC)
        after = at + 1 + width
        if after > stop:
            return 0, at, END
        if width == 2:
            size = byte_at(raw, at + 1) | byte_at(raw, at + 2) << 8
        else:
            size = read_u32(raw, at + 1)
        if width == 8:
            # No such count exists: either it has a shorter form, or it is far above MAX_SIZE.
            return 0, at, NOT_SHORTEST if read_u32(raw, at + 5) == 0 else TOO_LARGE
        if size < (0xFD if width == 2 else 0x10000):
            return 0, at, NOT_SHORTEST
    if size > MAX_SIZE or size * unit > stop - after:
        return 0, at, TOO_LARGE
    return size, after, 0


@kernel_part
def is_null_outpoint(raw: UInt8Array, at: int) -> bool:
    """Tell whether the 36 bytes at `at` are the outpoint that only a coinbase has."""
    if read_u32(raw, at + 32) != 0xFFFFFFFF:
        return False
    seen = read_i64(raw, at) | read_i64(raw, at + 8)
    return (seen | read_i64(raw, at + 16) | read_i64(raw, at + 24)) == 0


@kernel_part
def check_outputs(raw: UInt8Array, at: int, stop: int) -> tuple[int, int, int]:
    """Walk an output list; return its end (or the fault's place), its count, and a reason."""
    outputs, at, reason = check_size(raw, at, stop, MIN_OUTPUT_SIZE)
    if reason:
        return at, 0, reason
    if outputs == 0:
        return at, 0, NO_OUTPUT
    for _ in range(outputs):
        if at + MIN_OUTPUT_SIZE > stop:
            return at, 0, END
        value = read_i64(raw, at)
        if value < 0 or value > MAX_VALUE_SAT:
            return at, 0, BAD_AMOUNT
        size, at, reason = check_size(raw, at + 8, stop, 1)
        if reason:
            return at, 0, reason
        at += size
    return at, outputs, 0


@kernel_part
def check_inputs(raw: UInt8Array, at: int, stop: int, inputs: int) -> tuple[int, int, int]:
    """Walk `inputs` inputs; return their end, whether they are a coinbase's, and a reason."""
    coinbase = 0
    for _ in range(inputs):
        if at + MIN_INPUT_SIZE > stop:
            return at, 0, END
        if is_null_outpoint(raw, at):
            if inputs > 1:
                return at, 0, NULL_OUTPOINT
            coinbase = 1
        size, after, reason = check_size(raw, at + 36, stop, 1)
        if reason:
            return after, 0, reason
        at = after + size + 4
        if at > stop:
            return after, 0, END
    return at, coinbase, 0


@kernel_part
def check_witnesses(raw: UInt8Array, at: int, stop: int, inputs: int) -> tuple[int, int]:
    """Walk the witness stacks of `inputs` inputs; return their end and a reason."""
    start = at
    total = 0
    for _ in range(inputs):
        items, at, reason = check_size(raw, at, stop, 1)
        if reason:
            return at, reason
        total += items
        for _item in range(items):
            size, at, reason = check_size(raw, at, stop, 1)
            if reason:
                return at, reason
            at += size
    return (at, 0) if total else (start, NO_WITNESS)


@kernel_part
def check_transaction(raw: UInt8Array, at: int, stop: int) -> tuple[int, int, int, int]:
    """Walk the transaction at `at` without reading past `stop`.

    Return where it ends, the number of its inputs (0 for a coinbase), the number of its outputs,
    and a reason to refuse it (0 is none), in which case the first is where the fault stands.
    """
    if stop - at < MIN_TRANSACTION_SIZE:
        return at, 0, 0, END
    at += 4
    witness = raw[at] == 0
    if witness:
        if raw[at + 1] != 1:
            return at, 0, 0, NO_INPUT if raw[at + 1] == 0 else UNKNOWN_FLAG
        at += 2
    inputs, at, reason = check_size(raw, at, stop, MIN_INPUT_SIZE)
    if reason:
        return at, 0, 0, reason
    if inputs == 0:
        return at, 0, 0, NO_INPUT
    at, coinbase, reason = check_inputs(raw, at, stop, inputs)
    if reason:
        return at, 0, 0, reason
    at, outputs, reason = check_outputs(raw, at, stop)
    if reason:
        return at, 0, 0, reason
    if witness:
        at, reason = check_witnesses(raw, at, stop, inputs)
        if reason:
            return at, 0, 0, reason
    if at + 4 > stop:
        return at, 0, 0, END
    return at + 4, 0 if coinbase else inputs, outputs, 0


@kernel
def check_block(raw: UInt8Array, at: int, stop: int, counts: Int64Array) -> tuple[int, int]:
    """Walk a block; add its transactions, inputs and outputs to `counts`.

    Return a reason to refuse it (0 is none) and where the fault stands.
    """
    if stop - at < HEADER_SIZE:
        return END, at
    transactions, at, reason = check_size(raw, at + HEADER_SIZE, stop, MIN_TRANSACTION_SIZE)
    if reason:
        return reason, at
    if transactions == 0:
        return NO_TRANSACTION, at
    for position in range(transactions):
        start = at
        at, inputs, outputs, reason = check_transaction(raw, at, stop)
        if reason:
            return reason, at
        if (inputs == 0) != (position == 0):
            return SECOND_COINBASE if position else NO_COINBASE, start
        counts[1] += inputs
        counts[2] += outputs
    counts[0] += transactions
    return (LEFT_OVER, at) if at != stop else (0, at)


@kernel
def check_blocks(
    raw: UInt8Array, starts: Int64Array, lengths: Int64Array, counts: Int64Array
) -> tuple[int, int, int]:
    """Walk blocks; write the sums of transactions, inputs and outputs to `counts`.

    Return the first fault: reason (0 is none), block index, and offset in the block.
    """
    counts[:] = 0
    for block in range(len(starts)):
        start = int(starts[block])
        reason, at = check_block(raw, start, start + int(lengths[block]), counts)
        if reason:
            return reason, block, at - start
    return 0, 0, 0


@kernel
def check_transactions(
    raw: UInt8Array, starts: Int64Array, lengths: Int64Array, counts: Int64Array
) -> tuple[int, int, int]:
    """Do what `check_blocks` does for slices that hold one transaction each."""
    counts[:] = 0
    for row in range(len(starts)):
        start = int(starts[row])
        stop = start + int(lengths[row])
        at, inputs, outputs, reason = check_transaction(raw, start, stop)
        if reason == 0 and at != stop:
            reason = LEFT_OVER
        if reason:
            return reason, row, at - start
        counts[0] += 1
        counts[1] += inputs
        counts[2] += outputs
    return 0, 0, 0
