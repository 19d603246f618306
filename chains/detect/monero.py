"""Monero addresses: two public keys, written in blocks of base58.

Base58 of a long number takes long, so Monero cuts the bytes into blocks of eight, each of which
becomes eleven letters; a shorter last block takes as many as it needs. The first byte says what
kind of address it is, the last four are the beginning of keccak-256 of the others. Monero hides
who paid whom, so an address is recognised and goes no further.
"""

from typing import NamedTuple

from chains.detect.base58 import ALPHABET, number_of
from chains.ethereum.address import keccak256

_FULL_BLOCK, _FULL_TEXT = 8, 11
_BYTES_OF_TEXT = {0: 0, 2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
_TEXT_OF_BYTES = {count: letters for letters, count in _BYTES_OF_TEXT.items()}
_FORMS = {18: ("standard", 69), 42: ("subaddress", 69), 19: ("integrated", 77)}
"""First byte -> what the address is, and how many bytes it has: two keys, with or without the
eight bytes of a payment id."""


class MoneroAddress(NamedTuple):
    """What an address says."""

    text: str
    form: str


def parse_monero_address(text: str) -> MoneroAddress | None:
    """Read an address of the main network; None where it is none."""
    if len(text) not in (95, 106):
        return None
    decoded = decode_blocks(text)
    if decoded is None or decoded[0] not in _FORMS:
        return None
    form, length = _FORMS[decoded[0]]
    if len(decoded) != length or keccak256(decoded[:-4])[:4] != decoded[-4:]:
        return None
    return MoneroAddress(text, form)


def decode_blocks(text: str) -> bytes | None:
    """Return the bytes of a text in blocks of base58; None where it is none."""
    decoded = b""
    for start in range(0, len(text), _FULL_TEXT):
        block = text[start : start + _FULL_TEXT]
        length = _BYTES_OF_TEXT.get(len(block))
        number = number_of(block)
        if length is None or number is None or number >> 8 * length:
            return None
        decoded += number.to_bytes(length, "big")
    return decoded


def encode_blocks(data: bytes) -> str:
    """Return the text of some bytes in blocks of base58."""
    text = ""
    for start in range(0, len(data), _FULL_BLOCK):
        block = data[start : start + _FULL_BLOCK]
        number = int.from_bytes(block, "big")
        letters = ""
        for _ in range(_TEXT_OF_BYTES[len(block)]):
            number, digit = divmod(number, 58)
            letters = ALPHABET[digit] + letters
        text += letters
    return text
