"""Small ledgers as plain Python objects, for rules that look at how transactions are made.

Everything that the rules read varies: versions, lock times, sequences, sizes, fees, kinds of
script, multisig scripts that share keys, outputs that carry data, spends of other transactions of
the same block, and inputs from outside the ledger. Addresses are numbered by first appearance, as
in a ledger. Slow references read the objects; kernels read the columns made of them.
"""

import hashlib
from dataclasses import dataclass, field
from random import Random

import numpy as np

from heuristics.change_columns import ChangeColumns
from heuristics.fingerprint import FingerprintColumns, LockType
from heuristics.keyset import KeysetColumns

UNKNOWN = 0xFFFF_FFFF
UNSPENT = 0xFFFF_FFFF
WITNESS_UNKNOWN = 8
KINDS = [*(int(kind) for kind in LockType), 0, WITNESS_UNKNOWN]
KEYS = [bytes([2]) + bytes([number]) * 32 for number in range(6)]


@dataclass(frozen=True)
class Lock:
    """An address."""

    kind: int
    payload: bytes
    multisig: bytes = b""
    """The m-of-n script that it is or hides."""

    @property
    def script(self) -> bytes:
        """The output script, from the definitions of the standard forms."""
        match self.kind:
            case LockType.P2PK:
                return bytes([len(self.payload)]) + self.payload + b"\xac"
            case LockType.P2PKH:
                return b"\x76\xa9\x14" + self.payload + b"\x88\xac"
            case LockType.P2SH:
                return b"\xa9\x14" + self.payload + b"\x87"
            case LockType.P2WPKH | LockType.P2WSH:
                return bytes([0, len(self.payload)]) + self.payload
            case LockType.P2TR:
                return b"\x51\x20" + self.payload
            case _:
                return self.payload


@dataclass
class Output:
    """An output, and who spends it."""

    lock: Lock | None
    """Nothing where it carries data."""

    value: int
    maker: int
    position: int
    spender: int | None = None
    spending_input: int | None = None


@dataclass
class Input:
    """An input; `spent` is nothing where the ledger does not hold what it spends."""

    spent: Output | None
    lock: Lock
    value: int
    sequence: int


@dataclass
class Transaction:
    """A transaction; a coinbase has no inputs."""

    number: int
    block: int
    txid: bytes
    version: int
    locktime: int
    stripped_size: int
    witness_size: int
    inputs: list[Input]
    outputs: list[Output]
    excluded: bool = False

    @property
    def fee(self) -> int:
        if not self.inputs:
            return 0
        return sum(each.value for each in self.inputs) - sum(each.value for each in self.outputs)


@dataclass
class SmallLedger:
    """Transactions in chain order."""

    transactions: list[Transaction] = field(default_factory=list)
    blocks: int = 0

    @property
    def locks(self) -> list[Lock]:
        """Addresses in order of their numbers; of a transaction, what it spends comes first."""
        met: dict[Lock, None] = {}
        for transaction in self.transactions:
            for each in transaction.inputs:
                met.setdefault(each.lock)
            for output in transaction.outputs:
                if output.lock is not None:
                    met.setdefault(output.lock)
        return list(met)

    def first_blocks(self, count: int) -> "SmallLedger":
        """Return the ledger as it was after some blocks."""
        kept = [each for each in self.transactions if each.block < count]
        return SmallLedger(
            [
                Transaction(
                    **{
                        **vars(each),
                        "outputs": [
                            Output(
                                **{
                                    **vars(output),
                                    "spender": output.spender if _in(output, kept) else None,
                                    "spending_input": (
                                        output.spending_input if _in(output, kept) else None
                                    ),
                                }
                            )
                            for output in each.outputs
                        ],
                    }
                )
                for each in kept
            ],
            count,
        )


def _in(output: Output, kept: list[Transaction]) -> bool:
    return output.spender is not None and output.spender < len(kept)


def multisig_script(needed: int, keys: list[bytes]) -> bytes:
    pushes = b"".join(bytes([len(key)]) + key for key in keys)
    return bytes([0x50 + needed]) + pushes + bytes([0x50 + len(keys)]) + b"\xae"


def lock_of(random: Random) -> Lock:
    """Return one of some dozens of addresses of all kinds."""
    kind = random.choice([*KINDS, LockType.P2SH, LockType.P2WSH, LockType.P2WPKH])
    number = random.randrange(4)
    if kind in (LockType.MULTISIG, LockType.P2SH, LockType.P2WSH) and random.random() < 0.8:
        keys = sorted(random.sample(KEYS, random.choice([1, 2, 2, 3])))
        script = multisig_script(random.randrange(1, len(keys) + 1), keys)
        digest = hashlib.sha256(script).digest()
        sizes = {LockType.MULTISIG: script, LockType.P2SH: digest[:20], LockType.P2WSH: digest}
        return Lock(int(kind), sizes[LockType(kind)], script)
    if kind == LockType.MULTISIG:
        return Lock(
            int(kind), multisig_script(1, [KEYS[number]]), multisig_script(1, [KEYS[number]])
        )
    match kind:
        case LockType.P2PK:
            return Lock(kind, KEYS[number])
        case LockType.P2PKH | LockType.P2SH | LockType.P2WPKH:
            return Lock(kind, bytes([number]) * 20)
        case LockType.P2WSH | LockType.P2TR:
            return Lock(kind, bytes([number]) * 32)
        case 0:
            return Lock(kind, random.choice([b"", b"\x76", b"\x76\xa9\x14" + b"\x01" * 19]))
        case _:
            return Lock(kind, bytes([0x52, 2, number, number]))


VALUES = [546, 1_000, 10_000, 40_000, 50_000, 123_456, 1_000_000, 9_981_400, 70_000_000]


def random_ledger(seed: int, blocks: int) -> SmallLedger:
    """Return a ledger with few addresses and few values, so that rules meet ties."""
    random = Random(seed)
    ledger = SmallLedger(blocks=blocks)
    unspent: list[Output] = []
    for block in range(blocks):
        for place in range(1 + random.randrange(4)):
            _add(ledger, random, unspent, block, coinbase=place == 0)
    return ledger


def _add(
    ledger: SmallLedger, random: Random, unspent: list[Output], block: int, *, coinbase: bool
) -> None:
    number = len(ledger.transactions)
    inputs: list[Input] = []
    sequence = random.choice([0xFFFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFD, 0])
    wanted = 0 if coinbase else random.choice([1, 1, 1, 2, 2, 3, 5])
    for _ in range(wanted):
        if random.random() < 0.1:
            inputs.append(Input(None, lock_of(random), random.choice(VALUES), sequence))
        elif unspent:
            young = random.random() < 0.6
            chosen = unspent.pop(-1 if young else random.randrange(len(unspent)))
            assert chosen.lock is not None
            chosen.spender, chosen.spending_input = number, len(inputs)
            inputs.append(Input(chosen, chosen.lock, chosen.value, sequence))
    if not coinbase and not inputs:
        return
    room = sum(each.value for each in inputs) if inputs else 10**9
    outputs: list[Output] = []
    for position in range(random.choice([1, 2, 2, 2, 2, 2, 3, 4])):
        lock: Lock | None = lock_of(random)
        if inputs and random.random() < 0.1:
            lock = random.choice(inputs).lock
        if random.random() < 0.08:
            lock = None
        choices = [value for value in VALUES if value <= room]
        value = 0 if lock is None or not choices else random.choice(choices)
        if random.random() < 0.2:
            value = random.randrange(room + 1) if lock is not None else 0
        room -= value
        outputs.append(Output(lock, value, number, position))
    if random.random() < 0.5:
        outputs.sort(key=lambda output: (output.value, output.lock.script if output.lock else b"j"))
        for position, output in enumerate(outputs):
            output.position = position
    txid = hashlib.sha256(f"{number}".encode()).digest()
    if random.random() < 0.5:
        inputs.sort(key=lambda each: _outpoint(ledger, each))
        for position, each in enumerate(inputs):
            if each.spent is not None:
                each.spent.spending_input = position
    witness = random.choice([0, 0, 110])
    ledger.transactions.append(
        Transaction(
            number=number,
            block=block,
            txid=txid,
            version=random.choice([1, 2, 2, 3, -1]),
            locktime=random.choice([0, 0, 700_000, 499_999_999, 500_000_000]),
            stripped_size=random.choice([110, 222, 222, 223]),
            witness_size=witness,
            inputs=inputs,
            outputs=outputs,
            excluded=random.random() < 0.1,
        )
    )
    unspent += [output for output in outputs if output.lock is not None]


def _outpoint(ledger: SmallLedger, each: Input) -> tuple[bytes, int]:
    if each.spent is None:
        return b"", 0
    return ledger.transactions[each.spent.maker].txid[::-1], each.spent.position


def fingerprint_columns(ledger: SmallLedger) -> FingerprintColumns:
    """Return the columns that the kernel of fingerprints reads."""
    made = ledger.transactions
    numbers = {lock: number for number, lock in enumerate(ledger.locks)}
    first_output = _offsets([len(each.outputs) for each in made])
    inputs = [each for transaction in made for each in transaction.inputs]
    outputs = [each for transaction in made for each in transaction.outputs]
    of_blocks = [sum(each.block == block for each in made) for block in range(ledger.blocks)]
    spent = [
        -1 if each.spent is None else first_output[each.spent.maker] + each.spent.position
        for each in inputs
    ]
    spent_multisig = {
        numbers[each.lock]
        for each in inputs
        if each.lock.multisig and each.lock.kind != LockType.MULTISIG
    }
    bits = np.zeros((len(numbers), 1), dtype=np.uint8)
    bits[list(spent_multisig)] = 1
    payloads = [lock.payload for lock in numbers]
    return FingerprintColumns(
        first_transaction=_offsets(of_blocks),
        first_input=_offsets([len(each.inputs) for each in made]),
        first_output=first_output,
        txid=np.frombuffer(b"".join(each.txid for each in made), dtype=np.uint8).reshape(-1, 32),
        version=np.array([each.version for each in made], dtype=np.int32),
        locktime=np.array([each.locktime for each in made], dtype=np.uint32),
        witness_size=np.array([each.witness_size for each in made], dtype=np.uint32),
        spent_output=np.array(spent, dtype=np.int64),
        sequence=np.array([each.sequence for each in inputs], dtype=np.uint32),
        input_address=np.array([numbers[each.lock] for each in inputs], dtype=np.uint32),
        output_address=np.array(
            [UNKNOWN if each.lock is None else numbers[each.lock] for each in outputs],
            dtype=np.uint32,
        ),
        output_value_sat=np.array([each.value for each in outputs], dtype=np.int64),
        script_type=np.array([lock.kind for lock in numbers], dtype=np.uint8),
        first_payload_byte=_offsets([len(payload) for payload in payloads]),
        payload=np.frombuffer(b"".join(payloads), dtype=np.uint8),
        multisig=np.packbits(bits, bitorder="little"),
    )


def _offsets(counts: list[int]) -> np.ndarray:
    return np.cumsum([0, *counts], dtype=np.int64)


def change_columns(ledger: SmallLedger) -> ChangeColumns:
    """Return the columns that the votes on change read."""
    made = ledger.transactions
    shared = fingerprint_columns(ledger)
    inputs = [each for transaction in made for each in transaction.inputs]
    outputs = [each for transaction in made for each in transaction.outputs]
    spender = [UNSPENT if each.spender is None else each.spender for each in outputs]
    return ChangeColumns(
        first_input=shared.first_input,
        first_output=shared.first_output,
        fee_sat=np.array([each.fee for each in made], dtype=np.int64),
        stripped_size=np.array([each.stripped_size for each in made], dtype=np.uint32),
        witness_size=shared.witness_size,
        spent_output=shared.spent_output,
        input_address=shared.input_address,
        input_value_sat=np.array([each.value for each in inputs], dtype=np.int64),
        output_address=shared.output_address,
        output_value_sat=shared.output_value_sat,
        spender=np.array(spender, dtype=np.uint32),
        script_type=shared.script_type,
    )


def keyset_columns(ledger: SmallLedger) -> KeysetColumns:
    """Return the scripts that spends showed, each when its address was first spent."""
    shared = fingerprint_columns(ledger)
    numbers = {lock: number for number, lock in enumerate(ledger.locks)}
    inputs = [each for transaction in ledger.transactions for each in transaction.inputs]
    shown: dict[int, int] = {}
    for place, each in enumerate(inputs):
        if each.lock.multisig and each.lock.kind != LockType.MULTISIG:
            shown.setdefault(numbers[each.lock], place)
    order = sorted(shown.values())
    scripts = [inputs[place].lock.multisig for place in order]
    addresses = sorted(shown)
    return KeysetColumns(
        first_payload_byte=shared.first_payload_byte,
        payload=shared.payload,
        reveal_input=np.array(order, dtype=np.int64),
        first_reveal_byte=_offsets([len(script) for script in scripts]),
        revealed=np.frombuffer(b"".join(scripts), dtype=np.uint8),
        address=np.array(addresses, dtype=np.uint32),
        reveal=np.array([order.index(shown[address]) for address in addresses], dtype=np.int64),
    )
