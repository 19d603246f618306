"""Signatures of BIP-322: a spending that could satisfy an address's script.

What is built here: `to_spend`, whose one output pays the address and whose one input commits to
the message, and the parts of `to_sign` that signatures cover. Only the shape that a signed
message has is handled: one input, which spends `to_spend`, and one empty output. Signatures must
be of the whole transaction (hash type ALL, or the default of taproot), as the standard demands.
"""

import hashlib
import struct
from dataclasses import dataclass

from coincurve import PublicKey, PublicKeyXOnly

from chains.bitcoin.address import Locking
from chains.bitcoin.hashing import double_sha256, hash160
from chains.bitcoin.script import multisig_parts, script_of
from chains.tables import ScriptType

TAG = b"BIP0322-signed-message"
MOST_ITEMS = 1_000
"""Items of a witness that is read: consensus allows 1,000 on the stack."""

_ALL = 1
_DEFAULT = 0
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_OUTPUTS = struct.pack("<q", 0) + b"\x01\x6a"

Answer = tuple[str, str]
"""`valid`, `invalid` or `inconclusive`, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a signature says of `to_sign`."""

    witness: tuple[bytes, ...]
    script: bytes = b""
    version: int = 0
    lock_time: int = 0
    sequence: int = 0
    spent: bytes | None = None
    """The transaction that it names as spent; None where it must be `to_spend`."""

    fault: str | None = None
    """Why a transaction is none that a signed message has."""


class _ShortError(Exception):
    """The bytes end too early."""


@dataclass(slots=True)
class _Reader:
    raw: bytes
    at: int = 0

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.raw):
            raise _ShortError
        self.at += length
        return self.raw[self.at - length : self.at]

    def size(self) -> int:
        first = self.take(1)[0]
        width = {0xFD: 2, 0xFE: 4, 0xFF: 8}.get(first)
        return first if width is None else int.from_bytes(self.take(width), "little")

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def stack(self) -> tuple[bytes, ...]:
        count = self.size()
        if count > MOST_ITEMS:
            raise _ShortError
        return tuple(self.take(self.size()) for _ in range(count))


def compact_size(number: int) -> bytes:
    """Return a number as transactions write counts and lengths."""
    if number < 0xFD:
        return bytes([number])
    if number <= 0xFFFF:
        return b"\xfd" + struct.pack("<H", number)
    if number <= 0xFFFFFFFF:
        return b"\xfe" + struct.pack("<I", number)
    return b"\xff" + struct.pack("<Q", number)


def message_hash(message: bytes) -> bytes:
    """Return the tagged hash of a message."""
    return tagged_hash(TAG, message)


def tagged_hash(tag: bytes, content: bytes) -> bytes:
    """Return a hash of BIP-340: SHA-256 begun with a tag, so that it is of no other use."""
    name = hashlib.sha256(tag).digest()
    return hashlib.sha256(name + name + content).digest()


def to_spend_id(message: bytes, locking_script: bytes) -> bytes:
    """Return the id, as stored, of the transaction that pays the address for the message."""
    commitment = b"\x00\x20" + message_hash(message)
    return double_sha256(
        struct.pack("<i", 0)
        + b"\x01"
        + bytes(32)
        + b"\xff\xff\xff\xff"
        + compact_size(len(commitment))
        + commitment
        + struct.pack("<I", 0)
        + b"\x01"
        + struct.pack("<q", 0)
        + compact_size(len(locking_script))
        + locking_script
        + struct.pack("<I", 0)
    )


def read_witness(raw: bytes) -> Spending | None:
    """Read a `simple` signature, a witness; nothing where the bytes are none."""
    reader = _Reader(raw)
    try:
        witness = reader.stack()
    except _ShortError:
        return None
    return Spending(witness=witness) if reader.at == len(raw) else None


def read_transaction(raw: bytes) -> Spending | None:
    """Read a `full` signature, a transaction; nothing where the bytes are none."""
    reader = _Reader(raw)
    try:
        return _transaction(reader)
    except _ShortError:
        return None


def _transaction(reader: _Reader) -> Spending | None:
    version = reader.number(4)
    has_witness = reader.raw[4:6] == b"\x00\x01"
    if has_witness:
        reader.take(2)
    fault = None
    inputs = reader.size()
    if not 0 < inputs <= MOST_ITEMS:
        return None
    spent, script, sequence = b"", b"", 0
    for number in range(inputs):
        previous, index = reader.take(32), reader.number(4)
        unlocking, order = reader.take(reader.size()), reader.number(4)
        if number == 0:
            spent, script, sequence = previous, unlocking, order
            fault = fault if index == 0 else "it spends another output"
    outputs = reader.size()
    if outputs > MOST_ITEMS:
        return None
    paid = b"".join(reader.take(8) + _sized(reader) for _ in range(outputs))
    if outputs != 1 or paid != struct.pack("<q", 0) + b"\x6a":
        fault = "its output is not the empty one of a signed message"
    stacks = [reader.stack() if has_witness else () for _ in range(inputs)]
    lock_time = reader.number(4)
    if reader.at != len(reader.raw):
        return None
    if inputs > 1 and fault is None:
        fault = "several inputs"
    return Spending(
        witness=stacks[0],
        script=script,
        version=version,
        lock_time=lock_time,
        sequence=sequence,
        spent=spent,
        fault=fault,
    )


def _sized(reader: _Reader) -> bytes:
    return reader.take(reader.size())


def check(locking: Locking, message: bytes, spending: Spending) -> Answer:
    """Check that a spending satisfies an address's script and commits to a message."""
    script = script_of(locking.script_type, locking.payload)
    spent = to_spend_id(message, script)
    if spending.fault == "several inputs":
        return "inconclusive", "a proof of funds needs the coins that it names"
    if spending.fault is not None:
        return "invalid", spending.fault
    if spending.spent not in (None, spent):
        return "invalid", "it signs another message, or for another address"
    if spending.version not in (0, 2):
        return "inconclusive", f"version {spending.version} has no meaning yet"
    if spending.lock_time or spending.sequence:
        return "inconclusive", "it is valid only from a time on, which is not checked"
    match locking.script_type:
        case ScriptType.P2WPKH:
            return _check_key_hash(spending, spent, locking.payload)
        case ScriptType.P2TR:
            return _check_taproot(spending, spent, script, locking.payload)
        case ScriptType.P2SH:
            return _check_wrapped(spending, spent, locking.payload)
        case ScriptType.P2WSH:
            return _check_script_hash(spending, spent, locking.payload)
        case ScriptType.P2PKH:
            return _check_legacy(spending, spent, script, locking.payload)
    return "inconclusive", "scripts of this kind are not checked"


def _check_key_hash(spending: Spending, spent: bytes, key_hash: bytes) -> Answer:
    if len(spending.witness) != 2 or (spending.script and not _is_wrapping(spending, key_hash)):
        return "invalid", "the witness is not a signature and a key"
    signature, public = spending.witness
    if len(public) != 33 or hash160(public) != key_hash:
        return "invalid", "the key is not the address's"
    code = b"\x76\xa9\x14" + key_hash + b"\x88\xac"
    if not _holds(signature, public, segwit_digest(spending, spent, code)):
        return "invalid", "the signature does not hold for this message"
    return "valid", f"signed by the address's key {public.hex()}"


def _is_wrapping(spending: Spending, key_hash: bytes) -> bool:
    return spending.script == b"\x16\x00\x14" + key_hash


def _check_wrapped(spending: Spending, spent: bytes, script_hash: bytes) -> Answer:
    if len(spending.witness) != 2:
        return "inconclusive", "only P2WPKH is checked inside P2SH"
    key_hash = hash160(spending.witness[1])
    if hash160(b"\x00\x14" + key_hash) != script_hash:
        return "invalid", "the key is not the address's"
    return _check_key_hash(spending, spent, key_hash)


def _check_legacy(spending: Spending, spent: bytes, script: bytes, key_hash: bytes) -> Answer:
    pushed = _pushes(spending.script)
    if pushed is None or len(pushed) != 2 or spending.witness:
        return "invalid", "the script is not a signature and a key"
    signature, public = pushed
    if hash160(public) != key_hash:
        return "invalid", "the key is not the address's"
    if not _holds(signature, public, legacy_digest(spending, spent, script)):
        return "invalid", "the signature does not hold for this message"
    return "valid", f"signed by the address's key {public.hex()}"


def _check_script_hash(spending: Spending, spent: bytes, script_hash: bytes) -> Answer:
    if not spending.witness or hashlib.sha256(spending.witness[-1]).digest() != script_hash:
        return "invalid", "the script is not the address's"
    script = spending.witness[-1]
    try:
        needed, keys = multisig_parts(script)
    except ValueError:
        return "inconclusive", "of scripts behind a hash only multisig is checked"
    if not keys:
        return "inconclusive", "of scripts behind a hash only multisig is checked"
    signatures = spending.witness[1:-1]
    if spending.witness[0] or len(signatures) != needed:
        return "invalid", f"{len(signatures)} signatures where the script wants {needed}"
    digest = segwit_digest(spending, spent, script)
    remaining = iter(keys)
    # As OP_CHECKMULTISIG does: signatures stand in the order of their keys.
    if not all(any(_holds(each, key, digest) for key in remaining) for each in signatures):
        return "invalid", "a signature does not hold for this message"
    return "valid", f"signed by {needed} of the script's {len(keys)} keys"


def _check_taproot(spending: Spending, spent: bytes, script: bytes, key: bytes) -> Answer:
    witness = spending.witness
    if len(witness) > 1 and witness[-1][:1] == b"\x50":
        return "inconclusive", "a witness with an annex is not checked"
    if len(witness) > 1:
        return "inconclusive", "of taproot only the key path is checked"
    if len(witness) != 1 or len(witness[0]) not in (64, 65) or spending.script:
        return "invalid", "the witness is not a signature"
    hash_type = witness[0][64] if len(witness[0]) == 65 else _DEFAULT
    if hash_type != _ALL and len(witness[0]) == 65:
        return "invalid", "the signature is not of the whole transaction"
    digest = taproot_digest(spending, spent, script, hash_type)
    try:
        holds = PublicKeyXOnly(key).verify(witness[0][:64], digest)
    except ValueError:
        return "invalid", "the address's key is none"
    if not holds:
        return "invalid", "the signature does not hold for this message"
    return "valid", "signed by the address's key"


def _holds(signature: bytes, public: bytes, digest: bytes) -> bool:
    """Tell whether a DER signature with its hash type, which must be ALL, is a key's."""
    if len(signature) < 9 or signature[-1] != _ALL or not _is_low(signature[:-1]):
        return False
    try:
        return PublicKey(public).verify(signature[:-1], digest, hasher=None)
    except Exception:  # noqa: BLE001 the library raises bare ones for what is no signature
        return False


def _is_low(signature: bytes) -> bool:
    """Tell whether a signature is strict DER with the lower of its two values."""
    if signature[0] != 0x30 or signature[1] != len(signature) - 2 or signature[2] != 0x02:
        return False
    second = 4 + signature[3]
    if second + 2 > len(signature) or signature[second] != 0x02:
        return False
    return int.from_bytes(signature[second + 2 :], "big") <= _HALF_ORDER


def segwit_digest(spending: Spending, spent: bytes, code: bytes) -> bytes:
    """Return what a signature of BIP-143 signs, for the one input of `to_sign`."""
    outpoint = spent + struct.pack("<I", 0)
    sequence = struct.pack("<I", spending.sequence)
    return double_sha256(
        struct.pack("<I", spending.version)
        + double_sha256(outpoint)
        + double_sha256(sequence)
        + outpoint
        + compact_size(len(code))
        + code
        + struct.pack("<q", 0)
        + sequence
        + double_sha256(_OUTPUTS)
        + struct.pack("<II", spending.lock_time, _ALL)
    )


def legacy_digest(spending: Spending, spent: bytes, script: bytes) -> bytes:
    """Return what a signature from before segwit signs, for the one input of `to_sign`."""
    return double_sha256(
        struct.pack("<I", spending.version)
        + b"\x01"
        + spent
        + struct.pack("<I", 0)
        + compact_size(len(script))
        + script
        + struct.pack("<I", spending.sequence)
        + b"\x01"
        + _OUTPUTS
        + struct.pack("<II", spending.lock_time, _ALL)
    )


def taproot_digest(spending: Spending, spent: bytes, script: bytes, hash_type: int) -> bytes:
    """Return what a key-path signature of BIP-341 signs, for the one input of `to_sign`."""
    outpoint = spent + struct.pack("<I", 0)
    amount = struct.pack("<q", 0)
    body = (
        bytes([0, hash_type])
        + struct.pack("<II", spending.version, spending.lock_time)
        + hashlib.sha256(outpoint).digest()
        + hashlib.sha256(amount).digest()
        + hashlib.sha256(compact_size(len(script)) + script).digest()
        + hashlib.sha256(struct.pack("<I", spending.sequence)).digest()
        + hashlib.sha256(_OUTPUTS).digest()
        + bytes([0])
        + struct.pack("<I", 0)
    )
    return tagged_hash(b"TapSighash", body)


def _pushes(script: bytes) -> list[bytes] | None:
    """Return what a script pushes; nothing where it does anything else."""
    pushed, at = [], 0
    while at < len(script):
        length = script[at]
        if not 0 < length <= 75 or at + 1 + length > len(script):
            return None
        pushed.append(script[at + 1 : at + 1 + length])
        at += 1 + length
    return pushed
