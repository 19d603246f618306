"""Seed phrases: twelve to twenty-four words from which a wallet is restored.

The words are the 2,048 English ones of BIP-39 (`bip39_english.txt`, as published with that
proposal; SHA-256 2f5eed53...3b24dbda). Each stands for eleven bits; one bit in 33 is a checksum,
the beginning of the SHA-256 of the others, so that one in sixteen runs of twelve words passes by
chance. But English does not put twelve of these words in a row: every run is hidden, and the
checksum only says whether it is a phrase for sure. Runs in alphabetical order are a copy of the
list itself, or a part of it. A few words said over and over are hidden only if the checksum holds,
and one word never is.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from chains.types import Int32Array, Int64Array, UInt8Array
from heuristics.scan_words import find_word_runs, word_table

LENGTHS = (24, 21, 18, 15, 12)
"""Words that a phrase may have, the most first."""

LEAST_DISTINCT = 8
"""Different words among twelve that were drawn at random are hardly ever fewer."""

MOST_CHECKS = 2_000
"""Phrases of a document whose checksums are computed; what is left is hidden unchecked."""


class Phrase(NamedTuple):
    """Where a run of words stands."""

    start: int
    stop: int
    is_checked: bool
    """The checksum of a phrase in it holds."""


@cache
def words() -> tuple[str, ...]:
    """Return the list, in its order."""
    return tuple(
        resources.files("arien_flows.extraction")
        .joinpath("bip39_english.txt")
        .read_text("ascii")
        .split()
    )


@cache
def _table() -> tuple[Int64Array, Int32Array]:
    return word_table(list(words()))


def phrases(codes: UInt8Array) -> Iterator[Phrase]:
    """Yield the runs of words that are phrases or may be, in order."""
    numbers, indexes = _table()
    rows = np.empty((len(codes) // 4 + 2, 4), dtype=np.int64)
    count = find_word_runs(codes, numbers, indexes, rows)
    rows = rows[:count]
    checks = 0
    bounds = [0, *(np.flatnonzero(np.diff(rows[:, 3])) + 1).tolist(), count] if count else []
    for first, last in pairwise(bounds):
        run = rows[first:last, 2]
        if bool((np.diff(run) > 0).all()):
            continue
        start, stop = int(rows[first, 0]), int(rows[last - 1, 1])
        found, checks = _holds_a_phrase(run.tolist(), checks)
        if found or len(np.unique(run)) >= LEAST_DISTINCT:
            yield Phrase(start, stop, found)


def _holds_a_phrase(run: list[int], checks: int) -> tuple[bool, int]:
    """Return whether a phrase stands in a run of words, and how many were checked so far."""
    for length in LENGTHS:
        for start in range(len(run) - length + 1):
            if checks == MOST_CHECKS:
                return False, checks
            checks += 1
            window = run[start : start + length]
            if len(set(window)) > 1 and is_phrase(window):
                return True, checks
    return False, checks


def is_phrase(indexes: list[int]) -> bool:
    """Return whether words, by their places in the list, are a phrase whose checksum holds."""
    if len(indexes) not in LENGTHS:
        return False
    bits = 0
    for index in indexes:
        bits = bits << 11 | index
    check_length = len(indexes) * 11 // 33
    entropy = (bits >> check_length).to_bytes(check_length * 4, "big")
    check = hashlib.sha256(entropy).digest()[0] >> 8 - check_length
    return bits & (1 << check_length) - 1 == check
