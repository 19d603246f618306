"""Addresses of every form, hidden by every rule: what a scan must find, and nothing else.

Everything comes from a seeded generator, so that the same seed plants the same. Addresses are valid
and random: nobody holds their keys. A text that addresses are planted in must hold none itself.
"""

import base64
import codecs
import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from arien_flows.extraction.letters import look_alikes
from chains.bitcoin import bech32
from chains.detect.base58 import encode_checked
from chains.detect.cashaddr import cash_address
from chains.detect.monero import encode_blocks
from chains.ethereum.address import checksummed, keccak256


class Planted(NamedTuple):
    """An address and how it is written."""

    address: str
    """In canonical text."""

    written: str
    form: str
    rule: str
    rules: tuple[str, ...]
    """The rules that a scan must name."""


def _base58(version: int) -> Callable[[random.Random], str]:
    return lambda dice: encode_checked(bytes([version]) + dice.randbytes(20))


def _witness(prefix: str, version: int, size: int) -> Callable[[random.Random], str]:
    return lambda dice: bech32.encode_witness(prefix, version, dice.randbytes(size))


def _monero(first: int, size: int) -> Callable[[random.Random], str]:
    def make(dice: random.Random) -> str:
        # Which pairs of keys are points of the curve no reader of addresses asks.
        body = bytes([first]) + dice.randbytes(size)
        return encode_blocks(body + keccak256(body)[:4])

    return make


def _eip55(dice: random.Random) -> str:
    text = checksummed("0x" + dice.randbytes(20).hex())
    # One in many thousands has letters of one case only, which no checksum is.
    return text if text[2:] not in (text[2:].lower(), text[2:].upper()) else _eip55(dice)


FORMS: Mapping[str, Callable[[random.Random], str]] = {
    "p2pkh": _base58(0x00),
    "p2sh": _base58(0x05),
    "p2pkh on a test network": _base58(0x6F),
    "p2sh on a test network": _base58(0xC4),
    "p2wpkh": _witness("bc", 0, 20),
    "p2wsh": _witness("bc", 0, 32),
    "taproot": _witness("bc", 1, 32),
    "p2wpkh in capitals": lambda dice: _witness("bc", 0, 20)(dice).upper(),
    "p2wpkh on a test network": _witness("tb", 0, 20),
    "p2wpkh on regtest": _witness("bcrt", 0, 20),
    "eip55": _eip55,
    "ethereum without checksum": lambda dice: "0x" + dice.randbytes(20).hex(),
    "monero": _monero(18, 64),
    "monero subaddress": _monero(42, 64),
    "monero with payment id": _monero(19, 72),
    "litecoin": _base58(0x30),
    "litecoin p2sh": _base58(0x32),
    "litecoin segwit": _witness("ltc", 0, 20),
    "bitcoin cash": lambda dice: cash_address(0, dice.randbytes(20)),
    "bitcoin cash without prefix": lambda dice: cash_address(8, dice.randbytes(20))[12:],
    "tron": _base58(0x41),
}
"""What an address is called here -> how one is made."""

ATTRIBUTED = ("p2pkh", "p2sh", "p2wpkh", "p2wsh", "taproot", "eip55")
"""Forms of the networks that this program follows, with a checksum: those that are hidden."""


def canonical(written: str) -> str:
    """Return the canonical text of a plainly written address."""
    lower = written.lower()
    if len(lower) == 42 and lower[:1] in "pq" and not lower.startswith("0x"):
        return f"bitcoincash:{lower}"
    if lower.startswith(("bc1", "tb1", "bcrt1", "ltc1", "0x")):
        return lower
    return written


def _broken(dice: random.Random, text: str, gaps: str) -> str:
    """Return a text in two to six parts of four letters and more, with a mark between."""
    parts = dice.randint(2, 6)
    cuts = sorted(dice.sample(range(4, len(text) - 3, 4), parts - 1))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return "".join(piece + dice.choice(gaps) for piece in pieces[:-1]) + pieces[-1]


def _grouped(dice: random.Random, text: str) -> str:
    size = dice.choice([1, 2, 3, 4, 5])
    gap = dice.choice([" ", "-", "\n"])
    return gap.join(text[start : start + size] for start in range(0, len(text), size))


def _invisible(dice: random.Random, text: str) -> str:
    places = set(dice.sample(range(1, len(text)), dice.randint(1, 8)))
    return "".join(
        ("\u200b" if place in places else "") + letter for place, letter in enumerate(text)
    )


def _alike(dice: random.Random, text: str) -> str | None:
    letters = {shown: letter for letter, shown in look_alikes().items()}
    places = [place for place, letter in enumerate(text) if letter in letters]
    if not places:
        return None
    chosen = set(dice.sample(places, dice.randint(1, len(places))))
    return "".join(
        letters[letter] if place in chosen else letter for place, letter in enumerate(text)
    )


def _bracketed(dice: random.Random, text: str) -> str:
    place = dice.randint(5, len(text) - 6)
    if dice.random() < 0.5:
        return f"{text[:place]}[{text[place]}]{text[place + 1 :]}"
    return text[:place] + dice.choice(["[dot]", "(remove)", "{x}", "[.]"]) + text[place:]


def _leet(dice: random.Random, text: str) -> str | None:
    signs = {"a": "@", "A": "@", "S": "$", "s": "$", "e": "\u20ac", "E": "\u20ac"}
    places = [place for place, letter in enumerate(text) if letter in signs and place > 3]
    if not places:
        return None
    chosen = dice.sample(places, min(len(places), dice.randint(1, 3)))
    return "".join(
        signs[letter] if place in chosen else letter for place, letter in enumerate(text)
    )


def _misread(dice: random.Random, text: str) -> str | None:
    seen = {"1": "l", "S": "5", "5": "S", "B": "8", "8": "B", "o": "0"}
    places = [place for place, letter in enumerate(text) if letter in seen and place > 3]
    if not places:
        return None
    chosen = dice.sample(places, min(len(places), dice.randint(1, 2)))
    return "".join(seen[letter] if place in chosen else letter for place, letter in enumerate(text))


Hide = Callable[[random.Random, str], str | None]

RULES: Mapping[str, Hide] = {
    "plain": lambda _, text: text,
    "payment link": lambda _, text: (
        f"ethereum:{text}?value=1e18" if text[:2] == "0x" else f"bitcoin:{text}?amount=0.5&label=x"
    ),
    "joined": lambda dice, text: _broken(dice, text, " \n-\u2011"),
    "grouped": _grouped,
    "punctuated": lambda dice, text: _broken(dice, text, "._*"),
    "zero_width": _invisible,
    "homoglyph": _alike,
    "full_width": lambda _, text: "".join(chr(ord(letter) + 0xFEE0) for letter in text),
    "split_prefix": lambda dice, text: (
        dice.choice(["0 x ", "zero x ", "zero-x", "0x ", "Zero ex "]) + text[2:]
        if text[:2] == "0x"
        else None
    ),
    "bracketed": _bracketed,
    "leetspeak": _leet,
    "reversed": lambda _, text: text[::-1],
    "rot13": lambda _, text: codecs.encode(text, "rot13"),
    "hex": lambda _, text: text.encode().hex(),
    "base64": lambda _, text: base64.b64encode(text.encode()).decode(),
    "misread": _misread,
    "homoglyph+joined": lambda dice, text: (
        (alike := _alike(dice, text)) and _broken(dice, alike, " \n-")
    ),
    "zero_width+reversed": lambda dice, text: _invisible(dice, text[::-1]),
}
"""How an address is hidden -> the writing, or None where an address cannot be hidden so."""


def plant(dice: random.Random, form: str, rule: str) -> Planted | None:
    """Return a random address of a form, hidden by a rule; None where that cannot be done."""
    address = FORMS[form](dice)
    written = RULES[rule](dice, address)
    if written is None or (written == address and rule != "plain"):
        return None
    rules = () if rule in ("plain", "payment link") else tuple(rule.split("+"))
    return Planted(canonical(address), written, form, rule, rules)


def key(dice: random.Random) -> str:
    """Return a private key in wallet import format, of nobody."""
    return encode_checked(b"\x80" + dice.randbytes(32) + b"\x01")


def extended_key(dice: random.Random) -> str:
    """Return an extended public key, of nobody."""
    head = bytes.fromhex("0488b21e") + bytes(9)
    return encode_checked(head + dice.randbytes(32) + b"\x02" + dice.randbytes(32))
