"""Ethereum addresses: 20 bytes in hexadecimal, with a checksum in the case of the letters.

An address is the end of a hash and has no checksum of its own. EIP-55 hides one in the case of
the letters a to f: a letter is a capital where the digit at its place in keccak-256 of the
small-letter text is 8 or more. About four bits in an address of random digits do not change with
it, so one wrong text in 4,000 passes. A text in one case only carries no checksum: it is accepted
and called unchecked.
"""

import re
from typing import NamedTuple

from chains.errors import AddressError

_SHAPE = re.compile(r"0x[0-9a-fA-F]{40}")


class EthereumAddress(NamedTuple):
    """What an address says."""

    text: str
    """`0x` and 40 small digits, the canonical text."""

    is_checked: bool
    """The case of the letters was a checksum, and it holds."""


def keccak256(message: bytes) -> bytes:
    """Return the hash that Ethereum and Monero use: Keccak as it was before it became SHA-3."""
    # Loads a compiled library, which nobody needs who reads no such address.
    from Crypto.Hash import keccak

    return keccak.new(digest_bits=256, data=message).digest()


def checksummed(text: str) -> str:
    """Return an address in the mixed case of EIP-55; `text` is `0x` and 40 digits in any case."""
    digits = text[2:].lower()
    shown = keccak256(digits.encode("ascii")).hex()
    return "0x" + "".join(
        letter.upper() if int(half, 16) >= 8 else letter
        for letter, half in zip(digits, shown, strict=False)
    )


def parse_ethereum_address(text: str) -> EthereumAddress:
    """Read an address; `AddressError` where its shape or its checksum is wrong."""
    if not _SHAPE.fullmatch(text):
        raise AddressError("an Ethereum address is 0x and 40 hexadecimal digits")
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()):
        return EthereumAddress(text.lower(), is_checked=False)
    if checksummed(text) != text:
        raise AddressError(
            "the case of the letters is a checksum (EIP-55), and it does not match: a digit or a "
            "letter's case is wrong"
        )
    return EthereumAddress(text.lower(), is_checked=True)
