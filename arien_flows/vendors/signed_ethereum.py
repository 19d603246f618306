"""Messages that were signed with the key of an Ethereum account (EIP-191, `personal_sign`).

What is signed is the hash of a prefix that no transaction can begin with, the message's length in
decimal, and the message. The signature is 65 bytes: r, s, and which of the possible keys to
recover (27 or 28; some wallets write 0 or 1). The account is the end of the hash of that key.

An account that is a contract signs by its code (EIP-1271), which only the chain can run: such a
signature recovers some other key, and is not taken for a proof.
"""

import binascii

from coincurve import PublicKey

from chains.bitcoin.signed_messages import MessageCheck, Verdict
from chains.ethereum.address import keccak256

_PREFIX = b"\x19Ethereum Signed Message:\n"
_ADDRESS_DIGITS = 40
_SIGNATURE_LENGTH = 65


def personal_digest(message: bytes) -> bytes:
    """Return the hash that `personal_sign` signs."""
    return keccak256(_PREFIX + str(len(message)).encode() + message)


def check_personal_message(address: str, message: bytes, signature: str) -> MessageCheck:
    """Check a signature, in hexadecimal, of an account under the very bytes of a message."""
    digits = address.removeprefix("0x").removeprefix("0X").lower()
    try:
        raw = bytes.fromhex(signature.strip().removeprefix("0x").removeprefix("0X"))
        if len(digits) != _ADDRESS_DIGITS:
            raise ValueError("an account has 40 hexadecimal digits")
        account = bytes.fromhex(digits)
    except (ValueError, binascii.Error):
        return _failed("the address or the signature is not written in hexadecimal")
    if len(raw) != _SIGNATURE_LENGTH:
        return _failed(f"the signature has {len(raw)} bytes instead of {_SIGNATURE_LENGTH}")
    recovery = raw[64] - 27 if raw[64] >= 27 else raw[64]
    if recovery not in (0, 1):
        return _failed(f"the signature ends in {raw[64]} instead of 27 or 28")
    try:
        key = PublicKey.from_signature_and_message(
            raw[:64] + bytes([recovery]), personal_digest(message), hasher=None
        )
    except Exception:  # noqa: BLE001 the library raises bare ones for what is no signature
        return _failed("no key can be recovered")
    if keccak256(key.format(compressed=False)[1:])[12:] != account:
        return _failed("the signature is of another key, or of another message")
    return MessageCheck(
        verdict=Verdict.VALID, scheme="eip191", note="the recovered key is the account's"
    )


def _failed(note: str) -> MessageCheck:
    return MessageCheck(verdict=Verdict.INVALID, scheme="eip191", note=note)
