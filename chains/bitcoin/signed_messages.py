"""Messages that were signed with the key of an address.

Two standards. BIP-137 gives a compact ECDSA signature: 65 bytes whose first one, the header, says
which key of the four possible ones to recover, and for what kind of address; the proof is that
the recovered key is the address's. Wallets disagree about the header of segwit addresses (some
write that of a plain compressed key), so the header is held against the address only where the
two cannot belong together; what proves is the key.

BIP-322 has the address spend a coin that does not exist: `to_spend` pays it, and its script
commits to the message; the signature is what would satisfy `to_sign`, which spends that. Of its
three forms, `simple` (a witness) and `full` (a transaction) are checked, for the scripts that
people sign with: P2WPKH, also wrapped in P2SH, P2PKH, P2WSH multisig, and the key path of
taproot. Other scripts, several inputs (a proof of funds) and time locks are inconclusive: said
so, never taken for a proof or against one.

A signature says that somebody held the key at some time, and was willing to sign these words.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import Enum

from coincurve import PublicKey

from chains.bitcoin import generic_messages
from chains.bitcoin.address import Locking, parse_address
from chains.bitcoin.hashing import double_sha256, hash160
from chains.bitcoin.networks import Network
from chains.errors import AddressError
from chains.tables import ScriptType

COMPACT_LENGTH = 65
LONGEST_SIGNATURE = 20_000
"""Characters of base64: a 15-of-15 multisig witness has about 2,500."""

LONGEST_MESSAGE = 1_000_000
"""Bytes of a message that is looked at."""

_MAGIC = b"\x18Bitcoin Signed Message:\n"
_UNCOMPRESSED, _COMPRESSED, _WRAPPED, _NATIVE = 27, 31, 35, 39


class Verdict(Enum):
    """What checking a signature showed."""

    VALID = "valid"
    INVALID = "invalid"
    INCONCLUSIVE = "inconclusive"
    """Of a kind that is not checked here: neither a proof nor against one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCheck:
    """What checking one signature showed, and by which standard."""

    verdict: Verdict
    scheme: str
    """`bip137`, `bip322-simple`, `bip322-full`, `eip191`, or `none` where nothing could be read."""

    note: str
    """What was checked, or why it failed."""


def check_message(address: str, message: bytes, signature: str, network: Network) -> MessageCheck:
    """Check a signature, in base64, of an address under the very bytes of a message."""
    try:
        locking = parse_address(address, network)
    except AddressError as error:
        return _failed("none", f"not an address of {network.name}: {error}")
    if len(signature) > LONGEST_SIGNATURE or len(message) > LONGEST_MESSAGE:
        return _failed("none", "the signature or the message is too long")
    prefix, raw = _decoded("".join(signature.split()))
    if raw is None:
        return _failed("none", "the signature is not written in base64")
    if not raw:
        return _failed("none", "the signature is empty")
    if not prefix and len(raw) == COMPACT_LENGTH and _UNCOMPRESSED <= raw[0] < _NATIVE + 4:
        return _check_compact(locking, message, raw)
    return _check_generic(locking, message, raw, prefix)


def message_digest(message: bytes) -> bytes:
    """Return the hash that signatures of BIP-137 sign: of the magic words and the message."""
    return double_sha256(_MAGIC + generic_messages.compact_size(len(message)) + message)


def _decoded(signature: str) -> tuple[str, bytes | None]:
    """Return the prefix that BIP-322 puts before a signature, and its bytes."""
    prefix = signature[:3] if signature[:3] in ("smp", "ful", "pof") else ""
    # A signature without prefix may begin with these letters too: then its length tells.
    for start in (prefix, "") if prefix else ("",):
        try:
            return start, base64.b64decode(signature[len(start) :], validate=True)
        except (binascii.Error, ValueError):
            continue
    return "", None


def _check_compact(locking: Locking, message: bytes, raw: bytes) -> MessageCheck:
    header = raw[0]
    is_compressed = header >= _COMPRESSED
    recovery = bytes([(header - _UNCOMPRESSED) & 3])
    try:
        key = PublicKey.from_signature_and_message(
            raw[1:] + recovery, message_digest(message), hasher=None
        )
    except Exception as error:  # noqa: BLE001 the library raises bare ones
        return _failed("bip137", f"no key can be recovered: {error}")
    public = key.format(compressed=is_compressed)
    digest = hash160(public)
    match locking.script_type:
        case ScriptType.P2PKH:
            agrees = header < _WRAPPED and digest == locking.payload
        case ScriptType.P2WPKH:
            agrees = is_compressed and header not in range(_WRAPPED, _NATIVE)
            agrees = agrees and digest == locking.payload
        case ScriptType.P2SH:
            agrees = is_compressed and header < _NATIVE
            agrees = agrees and hash160(b"\x00\x14" + digest) == locking.payload
        case _:
            return MessageCheck(
                verdict=Verdict.INCONCLUSIVE,
                scheme="bip137",
                note="BIP-137 knows no signatures of such an address",
            )
    if not agrees:
        return _failed("bip137", "the signature is of another key, or of another message")
    return MessageCheck(
        verdict=Verdict.VALID,
        scheme="bip137",
        note=f"header {header}; the recovered key {public.hex()} is the address's",
    )


def _check_generic(locking: Locking, message: bytes, raw: bytes, prefix: str) -> MessageCheck:
    if prefix == "pof":
        return MessageCheck(
            verdict=Verdict.INCONCLUSIVE,
            scheme="bip322-full",
            note="a proof of funds needs the coins that it names",
        )
    for scheme, wanted, reader in (
        ("bip322-simple", "smp", generic_messages.read_witness),
        ("bip322-full", "ful", generic_messages.read_transaction),
    ):
        if prefix not in ("", wanted):
            continue
        spending = reader(raw)
        if spending is not None:
            state, note = generic_messages.check(locking, message, spending)
            return MessageCheck(verdict=Verdict(state), scheme=scheme, note=note)
    return _failed("none", "the bytes are neither a compact signature nor one of BIP-322")


def _failed(scheme: str, note: str) -> MessageCheck:
    return MessageCheck(verdict=Verdict.INVALID, scheme=scheme, note=note)
