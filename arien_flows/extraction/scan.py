"""Find the addresses in a document, however they are written, and the secrets.

The kernels of `heuristics.scan` pick stretches by their letters and lengths; what happens here is
checksums. The rules go from the plainest to the boldest, and each is tried only where its letters
stand: plain addresses and keys; then reversed, encoded and split ones; then those that were broken
into parts. The text is read as it is written, and once more as it looks where that differs.

Time is bounded by the length of the document: each stretch costs a checksum or two, and at most
1,000 broken addresses are tried, then it is said that there might be more. Where there are too
many, those in hidden parts of a page, which attribute nothing, and in PGP blocks are left out.
"""

import base64
import binascii
import codecs
import re
from typing import TypeAlias

import numpy as np

from arien_flows.extraction.addresses import (
    BITCOIN_CASH,
    is_checked,
    read_address,
    read_bare_base58,
)
from arien_flows.extraction.decorated import read_decorated
from arien_flows.extraction.finding import Partial, Scan, SecretKind
from arien_flows.extraction.letters import Letters, as_it_looks, letters_of
from arien_flows.extraction.misread import read_misread
from arien_flows.extraction.partials import partial_address
from arien_flows.extraction.phrases import phrases
from arien_flows.extraction.search import Search
from arien_flows.extraction.secrets import TURNED_LENGTHS, is_said_private, read_key, turned_key
from arien_flows.extraction.text import DocumentText, RegionKind
from chains.types import BoolArray, Int64Array
from heuristics.scan import CLASSES, PUNCTUATION, Stretch, find_stretches
from heuristics.scan_joins import MOST_PARTS, find_joins

MOST_JOINS = 1_000
"""Broken addresses that are tried in one document."""

MOST_MISREAD = 200
"""Misread addresses that are tried in one document; each takes up to 2,000 checksums."""

MOST_HINTS = 5_000
"""Places of a document where a part of an address may be spoken of that are looked at."""

_PLAIN = (Stretch.BASE58, Stretch.WITNESS, Stretch.ETHEREUM, Stretch.CASH)
_ENCODED = (
    Stretch.REVERSED_BASE58,
    Stretch.REVERSED_WITNESS,
    Stretch.REVERSED_ETHEREUM,
    Stretch.HEX_TEXT,
    Stretch.ROTATED_BASE58,
    Stretch.ROTATED_WITNESS,
    Stretch.ROTATED_ETHEREUM,
    Stretch.BASE64,
)
_CASH_PREFIX = "bitcoincash:"
_SPLIT_PREFIX = re.compile(r"(?<![0-9A-Za-z])(?:zero|0)[\W_]{0,3}e?x[\W_]{0,3}\Z", re.IGNORECASE)
_URI = re.compile(r"(?:bitcoin:|ethereum:|monero:)?([0-9A-Za-z]{14,112})(?:[?@].{0,200})?")
_PIECE = re.compile(r"[0-9A-Za-z]{14,112}")
_NAMES_SOLANA = re.compile(r"\b(?:sol|solana|phantom)\b", re.IGNORECASE)
_NEAR = 60
_CUT_MISREAD = f"only the first {MOST_MISREAD} addresses that may be misread were tried"
_CUT_HINTS = f"only the first {MOST_HINTS:,} hints at addresses were looked at"
_CUT_JOINS = f"only the first {MOST_JOINS:,} addresses that may be broken into parts were tried"
Stretches: TypeAlias = dict[int, list[tuple[int, int]]]
"""Kind (`Stretch`) -> first letter and one past the last of each stretch, in order."""

_NO_WRITING = (RegionKind.HIDDEN, RegionKind.KEY)


def scan(document: DocumentText, *, raw: bytes | None = None, is_ocr: bool = False) -> Scan:
    """Return the addresses, secrets and hints at addresses in a document.

    With the `raw` bytes it can be told that an address stood in full-width or styled letters,
    which the document's text does not show any more. `is_ocr` says that a machine read the text
    from a picture, so that letters may be misread.
    """
    search = Search(document=document, raw=raw)
    letters = letters_of(document.text)
    _read(search, letters, is_ocr=is_ocr)
    looks = as_it_looks(document.text, letters)
    if looks:
        _read(search, looks, is_ocr=is_ocr)
    return search.result()


def _read(search: Search, letters: Letters, *, is_ocr: bool) -> None:
    """Find everything in one reading of the text."""
    size = len(letters.codes)
    rows = np.empty((size // 2 + 64, 3), dtype=np.int64)
    mixed = np.empty((size // 2 + 64, 2), dtype=np.int64)
    count, mixed_count = find_stretches(letters.codes, rows, mixed)
    stretches: Stretches = {}
    for what, start, stop in rows[:count].tolist():
        stretches.setdefault(what, []).append((start, stop))
    for phrase in phrases(letters.codes):
        start, stop = letters.place(phrase.start, phrase.stop)
        if search.is_free(start, stop):
            search.add_secret(SecretKind.SEED_PHRASE, phrase.is_checked, start, stop)
    _read_keys(search, letters, stretches)
    _read_turned_keys(search, letters, mixed[:mixed_count])
    _read_plain(search, letters, stretches)
    _read_encoded(search, letters, stretches)
    _read_broken(search, letters, stretches, mixed[:mixed_count])
    if is_ocr:
        _read_misread(search, letters, stretches)
    _read_solana(search, letters, stretches)
    _read_doubtful_keys(search, letters, stretches)
    if letters.at is None:
        _read_hints(search, letters, stretches)


def _read_keys(search: Search, letters: Letters, stretches: Stretches) -> None:
    for start, stop in stretches.get(Stretch.KEY, ()):
        first, last = letters.place(start, stop)
        reading = read_key(letters.text[start:stop])
        if reading and reading.is_checked and search.is_free(first, last):
            search.add_secret(reading.kind, True, first, last)
    for start, stop in stretches.get(Stretch.HASH, ()):
        prefix = "0x" if letters.text[max(start - 2, 0) : start] == "0x" else ""
        first, last = letters.place(start - len(prefix), stop)
        if not search.is_free(first, last):
            continue
        if is_said_private(letters.text, start - len(prefix), stop):
            search.add_secret(SecretKind.PRIVATE_KEY, False, first, last)
        else:
            search.add_hash(prefix + letters.text[start:stop].lower(), first, last)


def _read_turned_keys(search: Search, letters: Letters, mixed: Int64Array) -> None:
    """Hide keys that are written backwards or in rot13."""
    lengths = mixed[:, 1] - mixed[:, 0]
    for start, stop in mixed[np.isin(lengths, TURNED_LENGTHS)].tolist():
        first, last = letters.place(start, stop)
        reading = turned_key(letters.text[start:stop])
        if reading and search.is_free(first, last):
            search.add_secret(reading.kind, True, first, last)


def _read_doubtful_keys(search: Search, letters: Letters, stretches: Stretches) -> None:
    """Hide what looks like a key and is none: it may be one with a slip of the pen."""
    keys = stretches.get(Stretch.KEY, ())
    if not keys:
        return
    blocks = _parts(search.document, letters, RegionKind.KEY)
    in_block = _inside(np.array(keys, dtype=np.int64)[:, 0], blocks).tolist()
    for (start, stop), is_armour in zip(keys, in_block, strict=True):
        around = letters.text[max(start - 1, 0) : start] + letters.text[stop : stop + 1]
        if is_armour or any(letter.isascii() and letter.isalnum() for letter in around):
            continue
        first, last = letters.place(start, stop)
        reading = read_key(letters.text[start:stop])
        if reading and search.is_free(first, last):
            search.add_secret(reading.kind, reading.is_checked, first, last)


def _read_plain(search: Search, letters: Letters, stretches: Stretches) -> None:
    for what in _PLAIN:
        for start, stop in stretches.get(what, ()):
            reading = read_address(letters.text[start:stop])
            if reading is None:
                continue
            first = start
            if reading.networks == (BITCOIN_CASH,):
                before = letters.text[max(start - len(_CASH_PREFIX), 0) : start]
                first -= len(_CASH_PREFIX) if before.lower() == _CASH_PREFIX else 0
            search.add_address(reading, letters, first, stop)
    for start, stop in stretches.get(Stretch.BARE_ETHEREUM, ()):
        split = _SPLIT_PREFIX.search(letters.text, max(start - 16, 0), start)
        reading = read_address("0x" + letters.text[start:stop]) if split else None
        if split and reading:
            search.add_address(reading, letters, split.start(), stop, ("split_prefix",))


def _read_encoded(search: Search, letters: Letters, stretches: Stretches) -> None:
    for what in _ENCODED:
        for start, stop in stretches.get(what, ()):
            decoded, rule = _decoded(what, letters.text[start:stop])
            for piece in decoded:
                key = read_key(piece)
                first, last = letters.place(start, stop)
                if key and key.is_checked and search.is_free(first, last):
                    search.add_secret(key.kind, True, first, last)
                    continue
                reading = read_address(piece)
                if reading:
                    search.add_address(reading, letters, start, stop, (rule,))


def _decoded(what: Stretch, text: str) -> tuple[list[str], str]:
    """Return what may stand in an encoded text, and the rule that says so."""
    match what:
        case Stretch.REVERSED_BASE58 | Stretch.REVERSED_WITNESS | Stretch.REVERSED_ETHEREUM:
            return [text[::-1]], "reversed"
        case Stretch.ROTATED_BASE58 | Stretch.ROTATED_WITNESS | Stretch.ROTATED_ETHEREUM:
            return [codecs.encode(text, "rot13")], "rot13"
        case Stretch.HEX_TEXT:
            whole = _URI.fullmatch(bytes.fromhex(text).decode("latin-1"))
            return ([whole[1]] if whole else []), "hex"
        case _:
            return _base64_pieces(text), "base64"


def _base64_pieces(text: str) -> list[str]:
    """Return the runs of letters and digits in what a text decodes to."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return []
    return _PIECE.findall(decoded.decode("latin-1"))


def _read_broken(search: Search, letters: Letters, stretches: Stretches, mixed: Int64Array) -> None:
    """Join what was broken, and read between brackets and signs."""
    chains = np.array(stretches.get(Stretch.CHAIN, ()), dtype=np.int64).reshape(-1, 2)
    decorated = np.array(stretches.get(Stretch.DECORATED, ()), dtype=np.int64).reshape(-1, 2)
    if not len(mixed) and not len(chains):
        return
    joins = np.empty((MOST_JOINS, 3), dtype=np.int64)
    written = find_joins(letters.codes, np.ascontiguousarray(mixed), chains, joins)
    if written + len(decorated) >= MOST_JOINS:
        # Too many to try them all: what stands where nobody writes is left out.
        hidden = _parts(search.document, letters, *_NO_WRITING)
        mixed = mixed[~_inside(mixed[:, 0], hidden)]
        chains = chains[~_inside(chains[:, 0], hidden)]
        decorated = decorated[~_inside(decorated[:, 0], hidden)]
        written = find_joins(letters.codes, np.ascontiguousarray(mixed), chains, joins)
    # The longer one goes first: a whole address may be read into the beginning of another.
    for start, stop, parts in sorted(joins[:written].tolist(), key=lambda each: each[0] - each[1]):
        _read_join(search, letters, start, stop, parts)
    room = MOST_JOINS - written
    for start, stop in decorated[:room].tolist():
        first, last = letters.place(start, stop)
        read = read_decorated(search.document.text[first:last])
        if read:
            search.add_address(read[0], letters, start, stop, read[1])
    if (room == 0 or len(decorated) > room) and _CUT_JOINS not in search.cut:
        search.cut.append(_CUT_JOINS)


def _read_join(search: Search, letters: Letters, start: int, stop: int, parts: int) -> None:
    text = letters.text[start:stop]
    joined = "".join(letter for letter in text if letter.isascii() and letter.isalnum())
    first, last = letters.place(start, stop)
    if not search.is_free(first, last):
        return
    if len(joined) in (51, 52, 58, 111, 112):
        key = read_key(joined)
        if key and key.is_checked:
            search.add_secret(key.kind, True, first, last)
        return
    reading = read_address(joined)
    if reading is None or not is_checked(reading):
        return
    marked = bool((CLASSES[letters.codes[start:stop]] & PUNCTUATION).any())
    rule = "punctuated" if marked else "grouped" if parts > MOST_PARTS else "joined"
    search.add_address(reading, letters, start, stop, (rule,))


def _parts(document: DocumentText, letters: Letters, *kinds: RegionKind) -> Int64Array:
    """Return beginnings and ends, in letters, of the parts of some kinds."""
    merged: list[list[int]] = []
    for region in sorted(document.regions, key=lambda each: each.start):
        if region.kind not in kinds:
            continue
        if merged and region.start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], region.stop)
        else:
            merged.append([region.start, region.stop])
    bounds = np.array(merged, dtype=np.int64).reshape(-1, 2)
    return bounds if letters.at is None else np.searchsorted(letters.at, bounds)


def _inside(places: Int64Array, hidden: Int64Array) -> BoolArray:
    """Return which places lie in one of some parts, which are in order and lie apart."""
    if not len(hidden):
        return np.zeros(len(places), dtype=np.bool_)
    before = np.searchsorted(hidden[:, 0], places, side="right") - 1
    inside: BoolArray = (before >= 0) & (places < hidden[np.maximum(before, 0), 1])
    return inside


def _read_misread(search: Search, letters: Letters, stretches: Stretches) -> None:
    places = [*stretches.get(Stretch.MISREAD, ()), *stretches.get(Stretch.WITNESS, ())]
    for start, stop in places[:MOST_MISREAD]:
        if search.is_free(*letters.place(start, stop)):
            reading = read_misread(letters.text[start:stop])
            if reading:
                search.add_address(reading, letters, start, stop, ("misread",))
    if len(places) > MOST_MISREAD and _CUT_MISREAD not in search.cut:
        search.cut.append(_CUT_MISREAD)


def _read_solana(search: Search, letters: Letters, stretches: Stretches) -> None:
    """Read 32 bytes in base58 where a word nearby names the network: they have no checksum."""
    for start, stop in stretches.get(Stretch.SOLANA, ()):
        if not search.is_free(*letters.place(start, stop)):
            continue
        if _NAMES_SOLANA.search(letters.text, max(start - _NEAR, 0), stop + _NEAR):
            reading = read_bare_base58(letters.text[start:stop])
            if reading:
                search.add_address(reading, letters, start, stop, ("named_network",))


def _read_hints(search: Search, letters: Letters, stretches: Stretches) -> None:
    """Keep what is said of addresses that are not written out."""
    hints = stretches.get(Stretch.HINT, [])
    if len(hints) > MOST_HINTS:
        search.cut.append(_CUT_HINTS)
    for start, stop in hints[:MOST_HINTS]:
        part = partial_address(letters.text, start, stop)
        if part is None:
            continue
        first, last = letters.place(part.start, part.stop)
        if search.is_free(first, last):
            begin, end = search.document.bytes_of(first, last)
            search.partials.append(
                Partial(
                    prefix=part.prefix,
                    suffix=part.suffix,
                    start=first,
                    stop=last,
                    begin=begin,
                    end=end,
                )
            )
