"""Keys and phrases that give coins away: found, and hidden in everything that is shown.

A private key in a seized document is worth its coins to whoever reads over a shoulder or finds an
old report; an extended public key shows a whole wallet and all that it will ever receive. So what
is written down of a secret is where it stands and what kind it is. The document itself holds it:
its bytes are evidence, and are kept as they were, in clear, in the casebook. Whoever can read that
database can read the secrets in it; its file is made for its owner alone.

`redacted` hides what a scan of the document found; `without_secrets` looks for itself, for texts
that come from elsewhere (a column, a title, a note).
"""

import codecs
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from arien_flows.extraction.finding import Secret, SecretKind
from arien_flows.extraction.letters import letters_of
from arien_flows.extraction.phrases import phrases
from chains.detect import base58
from heuristics.scan import is_key_start

SHOWN = {
    SecretKind.EXTENDED_PUBLIC_KEY: "[extended public key hidden]",
    SecretKind.PRIVATE_KEY: "[private key hidden]",
    SecretKind.SEED_PHRASE: "[seed phrase hidden]",
}
"""What stands in the place of a secret."""

_WIF_VERSIONS = (0x80, 0xEF)
_ENCRYPTED_KEY = (b"\x01\x42", b"\x01\x43")
_UNMISTAKABLE = re.compile(r"[xyztuvXYZTUVdgLM](?:pub|prv)")
_PLAIN_SHAPE = re.compile(r"5[HJK]|[KLc9]")
_NAMES = (
    r"(?:priv(?:ate)?|secret|wallet)[ _-]{0,2}key|privkey|cl(?:\xe9|e)f? priv(?:\xe9|e)e|"
    r"private[rn]? schl(?:\xfc|ue)ssel|(?:clave|llave) privada|chave privada|"
    r"\u043f\u0440\u0438\u0432\u0430\u0442\u043d\w{2,3} \u043a\u043b\u044e\u0447"
)
_SAYS_PRIVATE = re.compile(rf"{_NAMES}|\b(?:seed|priv|pk)\b", re.IGNORECASE)
_SAYS_IT_WAS = re.compile(
    r"(?:[\s\W]{0,4}\b(?:is|was|as|are|being|the|my|your|our|this|ist|der|mein|est|la|ma|es|mi)\b)"
    rf"{{0,4}}[\s\W]{{0,4}}(?:{_NAMES})",
    re.IGNORECASE,
)
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{64})(?![0-9A-Za-z])")
_RUN = re.compile(r"[1-9A-HJ-NP-Za-km-z]{26,120}")
_BESIDE = 60
"""Characters before 64 hexadecimal digits, and after them, in which a private key is spoken of."""

SHORTEST = 26
"""Characters of the shortest secret, a mini key."""

TURNED_LENGTHS = (51, 52, 58)
"""Letters of keys that are also looked for written backwards or in rot13."""


class KeyReading(NamedTuple):
    """What a text that looks like a key is."""

    kind: SecretKind
    is_checked: bool


def read_key(text: str) -> KeyReading | None:
    """Return what kind of key a text is, or may be with a slip of the pen; None where it is none.

    Knows extended keys, keys in wallet import format, encrypted ones (BIP-38) and mini keys.
    """
    if len(text) in (26, 30):
        is_mini = text[0] == "S" and hashlib.sha256((text + "?").encode()).digest()[0] == 0
        return KeyReading(SecretKind.PRIVATE_KEY, True) if is_mini and text.isalnum() else None
    body = base58.checked(text)
    if _UNMISTAKABLE.match(text):
        is_public = text[1:4] == "pub"
        kind = SecretKind.EXTENDED_PUBLIC_KEY if is_public else SecretKind.PRIVATE_KEY
        return KeyReading(kind, body is not None)
    if body is None:
        shaped = _PLAIN_SHAPE.match(text) and len(text) in (51, 52)
        return KeyReading(SecretKind.PRIVATE_KEY, False) if shaped else None
    is_wif = body[0] in _WIF_VERSIONS and len(body) in (33, 34)
    if is_wif or (body[:2] in _ENCRYPTED_KEY and len(body) == 39):
        return KeyReading(SecretKind.PRIVATE_KEY, True)
    return None


def is_said_private(text: str, start: int, stop: int) -> bool:
    """Return whether a text speaks of a private key just before a stretch, or says it was one.

    Of what follows only words such as "is the private key" count: another key's name may come next.
    """
    if _SAYS_PRIVATE.search(text, max(start - _BESIDE, 0), start) is not None:
        return True
    return _SAYS_IT_WAS.match(text, stop, min(stop + _BESIDE, len(text))) is not None


def turned_key(text: str) -> KeyReading | None:
    """Return what kind of key a text is backwards or in rot13; None where its checksum fails."""
    for turned in (text[::-1], codecs.encode(text, "rot13")):
        reading = read_key(turned) if _PLAIN_SHAPE.match(turned) or turned[:2] == "6P" else None
        if reading is not None and reading.is_checked:
            return reading
    return None


def redacted(text: str, secrets: Iterable[Secret], *, first: int = 0) -> str:
    """Return a part of a document's text with its secrets hidden.

    `first` is the place in the document of the part's first character. A secret that the part
    holds in part only is hidden as far as it goes.
    """
    shown = []
    done = 0
    for start, stop, kind in _merged((each.start, each.stop, each.kind) for each in secrets):
        start, stop = max(start - first, 0), min(stop - first, len(text))
        if start >= stop:
            continue
        shown += [text[done:start], SHOWN[kind]]
        done = stop
    return "".join([*shown, text[done:]])


def without_secrets(text: str) -> str:
    """Return any text with the secrets in it hidden.

    Knows phrases, keys in one piece, also backwards or in rot13, and hexadecimal digits that are
    called a key; not keys that are broken into parts or encoded.
    """
    if len(text) < SHORTEST:
        return text
    letters = letters_of(text)
    found = [(each.start, each.stop, SecretKind.SEED_PHRASE) for each in phrases(letters.codes)]
    for match in _RUN.finditer(letters.text):
        reading = None
        if is_key_start(letters.codes, match.start(), len(match[0])):
            reading = read_key(match[0])
        elif len(match[0]) in TURNED_LENGTHS:
            reading = turned_key(match[0])
        if reading:
            found.append((match.start(), match.end(), reading.kind))
    found += [
        (match.start(), match.end(), SecretKind.PRIVATE_KEY)
        for match in _HEXADECIMAL.finditer(text)
        if is_said_private(text, match.start(), match.end())
    ]
    shown = []
    done = 0
    for start, stop, kind in _merged(found):
        shown += [text[done:start], SHOWN[kind]]
        done = stop
    return "".join([*shown, text[done:]])


def _merged(
    stretches: Iterable[tuple[int, int, SecretKind]],
) -> Sequence[tuple[int, int, SecretKind]]:
    """Return stretches in order, those that overlap as one, of the kind of the first."""
    merged: list[tuple[int, int, SecretKind]] = []
    for start, stop, kind in sorted(stretches, key=lambda each: each[:2]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, stop, kind))
    return merged


def hidden(text: str | None) -> str | None:
    """Return `without_secrets` of a text, where there is one."""
    return None if text is None else without_secrets(text)
