"""Addresses of Bitcoin Cash: symbols of five bits with a checksum of forty.

The letters are those of bech32, the code is a stronger one. The prefix `bitcoincash:` is part of
what the checksum covers and is often left out. The first byte says the type (key or script hash)
and how long the hash is; only the twenty bytes that people use are recognised. Source: the
specification "CashAddr" of Bitcoin Cash.
"""

from typing import NamedTuple

from chains.bitcoin.bech32 import CHARSET

PREFIX = "bitcoincash"
_LENGTH = 42
_CHECKSUM_SYMBOLS = 8
_GENERATOR = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_FORMS = {0: "p2pkh", 8: "p2sh"}
_SYMBOL = {letter: symbol for symbol, letter in enumerate(CHARSET)}


class CashAddress(NamedTuple):
    """What an address says."""

    text: str
    """With its prefix, in small letters."""

    form: str


def parse_cash_address(text: str) -> CashAddress | None:
    """Read an address of the main network, with or without prefix; None where it is none."""
    if text not in (text.lower(), text.upper()):
        return None
    body = text.lower().removeprefix(PREFIX + ":")
    if len(body) != _LENGTH or not set(body) <= _SYMBOL.keys():
        return None
    symbols = [_SYMBOL[letter] for letter in body]
    if remainder(symbols) != 0:
        return None
    bits = 0
    for symbol in symbols[:-_CHECKSUM_SYMBOLS]:
        bits = bits << 5 | symbol
    # 34 symbols are 170 bits: a byte, the hash, and two bits that must be zero.
    form = _FORMS.get(bits >> 162)
    if form is None or bits & 3:
        return None
    return CashAddress(f"{PREFIX}:{body}", form)


def remainder(symbols: list[int]) -> int:
    """Return what the code leaves of the prefix and `symbols`: 0 where the checksum holds."""
    state = 1
    for symbol in [*(ord(letter) & 31 for letter in PREFIX), 0, *symbols]:
        top = state >> 35
        state = (state & 0x07FFFFFFFF) << 5 ^ symbol
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                state ^= term
    return state ^ 1


def cash_address(version: int, key_hash: bytes) -> str:
    """Return the address of a hash of twenty bytes; version 0 is of a key, 8 of a script."""
    bits = int.from_bytes(bytes([version]) + key_hash, "big") << 2
    symbols = [bits >> 5 * (33 - place) & 31 for place in range(34)]
    check = remainder([*symbols, *([0] * _CHECKSUM_SYMBOLS)])
    symbols += [check >> 5 * (7 - place) & 31 for place in range(_CHECKSUM_SYMBOLS)]
    return f"{PREFIX}:" + "".join(CHARSET[symbol] for symbol in symbols)
