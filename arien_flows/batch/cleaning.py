"""Cells as they are understood: without what nobody sees, and without secrets.

Addresses are copied from web pages and chats, with zero-width characters, spaces that do not
break and full-width letters in them. Private keys are copied too: a list of "wallets" that was
seized may be a list of keys. What is written down of a key is that one stood there, so a cell that
holds one is replaced before anything else looks at it.
"""

import re
import unicodedata
from collections.abc import Sequence

from arien_flows.batch.rows import REMOVED
from arien_flows.extraction.finding import SecretKind
from arien_flows.extraction.letters import INVISIBLES
from arien_flows.extraction.secrets import (
    SHOWN,
    is_said_private,
    read_key,
    without_secrets,
)
from chains.bitcoin.mistakes import may_be_secret

_MARKS = range(0x0300, 0x0370)
_UNSEEN = dict.fromkeys(point for point in INVISIBLES if point not in _MARKS)
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_SUSPICIOUS = re.compile(
    # Lengths of mini keys, of keys in wallet import format, of encrypted and of extended ones; 64
    # hexadecimal digits; and words in a row.
    rf"(?<!{_BASE58})(?:{_BASE58}{{26}}|{_BASE58}{{30}}|{_BASE58}{{51,52}}|{_BASE58}{{58}}"
    rf"|{_BASE58}{{95,120}})(?!{_BASE58})|[0-9A-Fa-f]{{64}}|(?:[A-Za-z]{{3,8}}[^A-Za-z]+){{11}}"
)
_HEXADECIMAL = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{64}")
_SHORTEST = 22
"""Characters of the shortest secret, a mini key of the old form."""


def clean(text: str) -> str:
    """Return a cell as it is understood: NFKC, nothing that nobody sees, no space around."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text.translate(_UNSEEN)).strip()


def has_unseen(text: str) -> bool:
    """Return whether there is anything in a cell that nobody sees."""
    return not text.isascii() and text.translate(_UNSEEN) != text


def without_keys(text: str, column: str = "") -> str:
    """Return a cell, or `REMOVED` where a private key or a seed phrase stands in it.

    `column` is the name of its column. Extended public keys, which show a whole wallet, are hidden
    in their place.
    """
    if len(text) < _SHORTEST:
        return text
    plain = clean(text)
    joined = "".join(plain.split())
    if _is_private(joined) or _is_called_private(joined, (column,)):
        return REMOVED
    if not _SUSPICIOUS.search(plain):
        return text
    shown = without_secrets(plain)
    if shown == plain:
        return text
    hidden = (SHOWN[SecretKind.PRIVATE_KEY], SHOWN[SecretKind.SEED_PHRASE])
    return REMOVED if any(shown.count(each) > plain.count(each) for each in hidden) else shown


def is_secret_subject(text: str, beside: Sequence[str]) -> bool:
    """Return whether a cell for an address holds a secret, mistyped or not.

    Sixty-four hexadecimal digits may be the id of a transaction: they are a key where a cell
    `beside`, or the name of the column, says so.
    """
    plain = clean(text)
    if not plain:
        return False
    joined = "".join(plain.split())
    if may_be_secret(joined) or may_be_secret(plain.casefold()):
        return True
    if without_keys(text) == REMOVED:
        return True
    return _is_called_private(joined, beside)


def _is_called_private(joined: str, beside: Sequence[str]) -> bool:
    """Return whether a text is 64 hexadecimal digits, and something beside calls it a key."""
    return bool(_HEXADECIMAL.fullmatch(joined)) and any(
        is_said_private(f"{cell} {joined}", len(cell) + 1, len(cell) + 1 + len(joined))
        for cell in beside
    )


def _is_private(joined: str) -> bool:
    if not 26 <= len(joined) <= 120:
        return False
    reading = read_key(joined)
    return reading is not None and reading.kind is SecretKind.PRIVATE_KEY
