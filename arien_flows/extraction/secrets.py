"""Keys and phrases that give coins away: found, and hidden in everything that is shown.

A private key in a seized document is worth its coins to whoever reads over a shoulder or finds an
old report; an extended public key shows a whole wallet and all that it will ever receive. So what
is written down of a secret is where it stands and what kind it is. The document itself holds it:
its bytes are evidence, and are kept as they were, in clear, in the casebook. Whoever can read that
database can read the secrets in it; its file is made for its owner alone.

`redacted` hides what a scan of the document found; `without_secrets` looks for itself, for texts
that come from elsewhere (a column, a title, a note).
"""

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
_SAYS_PRIVATE = re.compile(r"(?:priv(?:ate)?|secret)[ _-]{0,2}key|privkey|\bseed\b", re.IGNORECASE)
_BEFORE = 60
"""Characters before 64 hexadecimal digits in which a private key is spoken of."""


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


def is_said_private(text: str, start: int) -> bool:
    """Return whether a text speaks of a private key just before a character."""
    return _SAYS_PRIVATE.search(text, max(start - _BEFORE, 0), start) is not None


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
    """Return any text with the secrets in it hidden: plainly written keys, and phrases."""
    letters = letters_of(text)
    found = [(each.start, each.stop, SecretKind.SEED_PHRASE) for each in phrases(letters.codes)]
    for match in re.finditer(r"[1-9A-HJ-NP-Za-km-z]{26,120}", letters.text):
        reading = None
        if is_key_start(letters.codes, match.start(), len(match[0])):
            reading = read_key(match[0])
        if reading:
            found.append((match.start(), match.end(), reading.kind))
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
