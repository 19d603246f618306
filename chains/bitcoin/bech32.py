"""Bech32 and Bech32m: the text form of segregated-witness outputs (BIP-173, BIP-350).

A text is a human-readable prefix, the separator `1`, and symbols of five bits, the last six of
which are a checksum. The checksum is a code over 32 symbols that detects any four wrong
characters. Bech32 let a few insertions pass unseen; Bech32m differs by one constant and does not.
Version 0 programs keep Bech32, all later versions use Bech32m, and a text that mixes the two is
wrong. Where exactly one character is wrong its place can be computed; BIP-173 asks decoders to
point at it and never to correct it.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import reduce
from operator import xor

from chains.errors import AddressError

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
"""The character of each symbol."""

LONGEST = 90
"""Characters of the longest text whose errors the checksum is sure to detect."""

_CHECKSUM_LENGTH = 6
_SYMBOL = {character: symbol for symbol, character in enumerate(CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class Checksum(IntEnum):
    """The two variants, by the constant that ends their checksum."""

    BECH32 = 1
    BECH32M = 0x2BC830A3


REDUCTION = [
    reduce(xor, (term for bit, term in enumerate(_GENERATOR) if top >> bit & 1), 0)
    for top in range(32)
]
"""What to subtract for each value of the five bits that multiplying by x shifts out."""


def _step(state: int, symbol: int) -> int:
    """Multiply the remainder by x, add `symbol`, and reduce by the generator."""
    return (state & 0x1FFFFFF) << 5 ^ symbol ^ REDUCTION[state >> 25]


def remainder(prefix: str, symbols: Iterable[int]) -> int:
    """Return the state of the checksum after a prefix, the separator and symbols."""
    state = 1
    codes = [ord(character) for character in prefix]
    for symbol in [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes), *symbols]:
        state = _step(state, symbol)
    return state


def encode(prefix: str, symbols: Sequence[int], checksum: Checksum) -> str:
    """Return the lower-case text of `symbols`, each in `[0, 32)`, with its checksum."""
    state = remainder(prefix, [*symbols, *([0] * _CHECKSUM_LENGTH)]) ^ checksum
    check = [state >> 5 * (_CHECKSUM_LENGTH - 1 - i) & 31 for i in range(_CHECKSUM_LENGTH)]
    return prefix + "1" + "".join(CHARSET[symbol] for symbol in [*symbols, *check])


def decode(text: str) -> tuple[str, list[int], Checksum]:
    """Return the lower-case prefix, the symbols without checksum, and the variant.

    Raises `AddressError` that names the first fault; positions count from 1.
    """
    for position, character in enumerate(text, start=1):
        if not 33 <= ord(character) <= 126:
            raise AddressError(
                f"character {position} ({_named(character)}) cannot occur in an address"
            )
    if len(text) > LONGEST:
        raise AddressError(f"the text has {len(text)} characters; at most {LONGEST} are possible")
    if text.lower() != text and text.upper() != text:
        raise AddressError("upper and lower case are mixed; write all letters in lower case")
    text = text.lower()
    separator = text.rfind("1")
    if separator == -1:
        raise AddressError("the separator '1' between prefix and data is missing")
    if separator == 0:
        raise AddressError("the prefix before the separator '1' is missing")
    symbols = _symbols(text, separator + 1)
    if len(symbols) < _CHECKSUM_LENGTH:
        raise AddressError("too short: the checksum of 6 characters is incomplete")
    prefix = text[:separator]
    state = remainder(prefix, symbols)
    if state not in (Checksum.BECH32, Checksum.BECH32M):
        raise AddressError(_checksum_fault(state, len(text), len(symbols)))
    return prefix, symbols[:-_CHECKSUM_LENGTH], Checksum(state)


def _named(character: str) -> str:
    return repr(character) if character.isprintable() else f"U+{ord(character):04X}"


def _symbols(text: str, first: int) -> list[int]:
    for position, character in enumerate(text[first:], start=first + 1):
        if character not in _SYMBOL:
            raise AddressError(
                f"character {position} ({character!r}) cannot occur after the prefix: "
                "1, b, i and o are never used there"
            )
    return [_SYMBOL[character] for character in text[first:]]


def _checksum_fault(state: int, text_length: int, symbol_count: int) -> str:
    """Say that the checksum fails, and where, if one wrong character of the data explains it."""
    suspects = set()
    for checksum in Checksum:
        syndrome = state ^ checksum
        for symbol in range(1, 32):
            # An error of value `symbol` in the last character leaves exactly that remainder;
            # each step to the left multiplies it by x once more.
            error = symbol
            for from_end in range(symbol_count):
                if error == syndrome:
                    suspects.add(text_length - from_end)
                error = _step(error, 0)
    if len(suspects) == 1:
        return f"the checksum does not match; character {suspects.pop()} is probably wrong"
    return "the checksum does not match: a character is wrong, missing or too many"


def encode_witness(prefix: str, version: int, program: bytes) -> str:
    """Return the address of a witness program.

    Raises `ValueError` where BIP-141 knows no such program.
    """
    fault = _program_fault(version, len(program))
    if fault:
        raise ValueError(fault)
    checksum = Checksum.BECH32 if version == 0 else Checksum.BECH32M
    padding = -len(program) * 8 % 5
    bits = int.from_bytes(program, "big") << padding
    count = (len(program) * 8 + padding) // 5
    symbols = [bits >> 5 * (count - 1 - i) & 31 for i in range(count)]
    return encode(prefix, [version, *symbols], checksum)


def decode_witness(text: str) -> tuple[str, int, bytes]:
    """Return the prefix, the witness version and the program of an address.

    Whether the prefix belongs to the right network is for the caller to judge.
    """
    prefix, symbols, checksum = decode(text)
    if not symbols:
        raise AddressError("the text holds no witness version and program")
    version, *rest = symbols
    padding = len(rest) * 5 % 8
    bits = 0
    for symbol in rest:
        bits = bits << 5 | symbol
    if padding > 4:
        raise AddressError("the data part has a length that no program can have")
    if bits & (1 << padding) - 1:
        raise AddressError("the unused bits at the end of the data part are not zero")
    program = (bits >> padding).to_bytes(len(rest) * 5 // 8, "big")
    fault = _program_fault(version, len(program))
    if fault:
        raise AddressError(fault)
    expected = Checksum.BECH32 if version == 0 else Checksum.BECH32M
    if checksum is not expected:
        raise AddressError(
            f"the checksum is of kind {checksum.name.lower()}, but witness version {version} "
            f"needs {expected.name.lower()}"
        )
    return prefix, version, program


def _program_fault(version: int, length: int) -> str:
    """Return what BIP-141 forbids about such a program; empty where nothing."""
    if not 0 <= version <= 16:
        return f"witness version {version} does not exist; 0 to 16 do"
    if not 2 <= length <= 40:
        return f"the witness program has {length} bytes; 2 to 40 are possible"
    if version == 0 and length not in (20, 32):
        return f"the witness program of version 0 has {length} bytes; it must have 20 or 32"
    return ""
