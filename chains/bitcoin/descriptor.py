"""Output descriptors: the text form of scripts that have no address.

A bare key, a bare multisig and an unusual script are spendable but nobody ever defined an address
for them. They are written as Bitcoin Core writes them in `getblock`, without the checksum:
`pk(KEY)`, `multi(M,KEY,…)` and, for everything else, `raw(SCRIPT)`; scripts with hybrid keys (first
byte 6 or 7), which Core's descriptors refuse, are left to `raw`. Text and script determine each
other. That is stricter than Core in one case: it also writes `multi` for a multisig in an unusual
encoding, although that text stands for another script; here such a script stays `raw`.

Reading accepts the checksum that nodes append (`#` and eight characters, BIP-380) and checks it.
"""

import re

from chains.bitcoin.bech32 import CHARSET as CHECKSUM_CHARSET
from chains.bitcoin.script import multisig_parts, script_of
from chains.errors import AddressError
from chains.tables import ScriptType

MOST_KEYS = 20
"""Keys that a bare multisig may name."""

_INPUT_CHARSET = (
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
)
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)
_CHECKSUM_LENGTH = 8
_SHAPE = re.compile(r"(\w+)\((.*)\)", re.ASCII)
_KEY = re.compile(r"0[23][0-9a-fA-F]{64}|04[0-9a-fA-F]{128}")


def descriptor_of(script_type: ScriptType, payload: bytes) -> str:
    """Return the descriptor of a script without an address."""
    script = script_of(script_type, payload)
    if script_type is ScriptType.P2PK and payload[0] in (2, 3, 4):
        return f"pk({payload.hex()})"
    if script_type is ScriptType.MULTISIG:
        needed, keys = multisig_parts(script)
        canonical = multisig_script(needed, keys) == script
        if canonical and all(key[0] in (2, 3, 4) for key in keys):
            return f"multi({','.join([str(needed), *(key.hex() for key in keys)])})"
    return f"raw({script.hex()})"


def script_of_descriptor(text: str) -> bytes:
    """Return the script that a descriptor of the forms `pk`, `multi`, `raw` or `rawtr` names.

    Raises `AddressError`. Its message repeats nothing of the text: descriptors may hold secrets.
    """
    shape = _SHAPE.fullmatch(without_checksum(text))
    if shape is None:
        raise AddressError(
            "a descriptor has the form name(…), and nothing may follow but #checksum"
        )
    name, inside = shape.groups()
    match name:
        case "pk":
            key = _key(inside)
            return bytes([len(key)]) + key + b"\xac"
        case "multi":
            return _multisig(inside)
        case "raw":
            return _hexadecimal(inside)
        case "rawtr":
            key = _hexadecimal(inside)
            if len(key) != 32:
                raise AddressError("rawtr(…) needs a key of 32 bytes, in hexadecimal")
            return b"\x51\x20" + key
        case _:
            raise AddressError(
                "only the descriptors addr(…), pk(…), multi(…), raw(…) and rawtr(…) name one "
                "output script; derive the address first and give that"
            )


def multisig_script(needed: int, keys: list[bytes]) -> bytes:
    """Return the bare script that `needed` of `keys` can spend, in its canonical encoding."""
    pushes = b"".join(bytes([len(key)]) + key for key in keys)
    return _count(needed) + pushes + _count(len(keys)) + b"\xae"


def _count(number: int) -> bytes:
    """Encode 1 to 20 in the shortest way: OP_1 to OP_16, then a one-byte push."""
    return bytes([0x50 + number]) if number <= 16 else bytes([1, number])


def _multisig(inside: str) -> bytes:
    needed, *rest = inside.split(",")
    keys = [_key(key) for key in rest]
    if not 1 <= len(keys) <= MOST_KEYS:
        raise AddressError(f"multi(M,KEY,…) names {len(keys)} keys; 1 to {MOST_KEYS} are possible")
    if re.fullmatch(r"[1-9][0-9]?", needed, re.ASCII) is None or int(needed) > len(keys):
        raise AddressError(
            "multi(M,KEY,…) must begin with the number of signatures needed, from 1 to the "
            "number of keys"
        )
    return multisig_script(int(needed), keys)


def _key(text: str) -> bytes:
    if _KEY.fullmatch(text) is None:
        raise AddressError(
            "a key in a descriptor must be a public key in hexadecimal: 66 digits from 02 or 03, "
            "or 130 from 04 (write any other key as raw(SCRIPT))"
        )
    return bytes.fromhex(text)


def _hexadecimal(text: str) -> bytes:
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})*", text) is None:
        raise AddressError(
            "between the brackets of a raw descriptor stand hexadecimal digits, two a byte"
        )
    return bytes.fromhex(text)


def without_checksum(text: str) -> str:
    """Return the descriptor without its checksum, which must match where there is one."""
    body, mark, given = text.partition("#")
    if mark and given != _checksum(body):
        raise AddressError("the checksum of the descriptor (after #) does not match")
    return body


def _checksum(body: str) -> str:
    symbols: list[int] = []
    high: list[int] = []
    for character in body:
        place = _INPUT_CHARSET.find(character)
        if place < 0:
            raise AddressError(f"{character!r} cannot occur in a descriptor")
        symbols.append(place & 31)
        high.append(place >> 5)
        if len(high) == 3:
            symbols.append(high[0] * 9 + high[1] * 3 + high[2])
            high.clear()
    if high:
        symbols.append(high[0] if len(high) == 1 else high[0] * 3 + high[1])
    state = 1
    for symbol in [*symbols, *([0] * _CHECKSUM_LENGTH)]:
        top = state >> 35
        state = (state & 0x7FFFFFFFF) << 5 ^ symbol
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                state ^= term
    state ^= 1
    return "".join(
        CHECKSUM_CHARSET[state >> 5 * (_CHECKSUM_LENGTH - 1 - i) & 31]
        for i in range(_CHECKSUM_LENGTH)
    )
