"""Stretches of text that may be addresses: as regular expressions find them, in linear time."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.scan import Stretch, find_stretches
from heuristics.scan_joins import find_joins
from heuristics.scan_words import find_word_runs, word_number, word_table
from tests.reference import scan as reference

ADDRESS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
PLAIN = ("BASE58", "REVERSED_BASE58", "ETHEREUM", "HASH", "WITNESS")

pieces = st.one_of(
    st.sampled_from(
        [ADDRESS, ADDRESS[::-1], "bc1", "BCRT1", "ltc1qx", "0x", "x0", "0", "I", "T", "L", "-", " "]
    ),
    st.text("123abcABCxyz0lIO", max_size=40),
    st.text("0123456789abcdefABCDEF", min_size=38, max_size=42),
    st.text("0123456789abcdef", min_size=63, max_size=65),
    st.text("13458mnLMTxyzABC", min_size=25, max_size=36),
    st.text("348ABCxyz", min_size=94, max_size=107),
)
texts = st.lists(pieces, max_size=12).map("".join)


def codes_of(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)


def found_in(text: str) -> tuple[list[tuple[str, int, int]], np.ndarray]:
    codes = codes_of(text)
    rows = np.empty((len(codes) // 2 + 64, 3), dtype=np.int64)
    mixed = np.empty((len(codes) // 2 + 64, 2), dtype=np.int64)
    count, mixed_count = find_stretches(codes, rows, mixed)
    named = [(Stretch(what).name, start, stop) for what, start, stop in rows[:count].tolist()]
    return named, mixed[:mixed_count].copy()


def joined_in(text: str, room: int = 1_000) -> list[str]:
    rows, mixed = found_in(text)
    chains = np.array([place for name, *place in rows if name == "CHAIN"], dtype=np.int64).reshape(
        -1, 2
    )
    found = np.empty((room, 3), dtype=np.int64)
    count = find_joins(codes_of(text), mixed, chains, found)
    return [text[start:stop] for start, stop, _ in found[:count].tolist()]


@given(texts)
def test_find_stretches__finds_what_regular_expressions_find(text: str):
    rows, mixed = found_in(text)
    assert {row for row in rows if row[0] in PLAIN} == reference.stretches(text)
    assert [tuple(row) for row in mixed.tolist()] == reference.mixed(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1N1mC1rC5DTrsv2QZCGsGY5FYzi7QvisAn", "ROTATED_BASE58"),
        ("op1dj508q6drwkgqt4l5e3mneinel0p5kj7xi8s3g4", "ROTATED_WITNESS"),
        ("0k5nNro6053S3R94P9o9N09s33669435R7Rs1OrNrq", "ROTATED_ETHEREUM"),
        (ADDRESS.encode().hex(), "HEX_TEXT"),
        ("MUExelAxZVA1UUdlZmkyRE1QVGZUTDVTTG12N0RpdmZOYQ==", "BASE64"),
        ("zero x 5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "BARE_ETHEREUM"),
        ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", "KEY"),
        (f"{ADDRESS[:9]}[dot]{ADDRESS[9:]}", "DECORATED"),
        (" ".join(ADDRESS), "CHAIN"),
        ("qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "CASH"),
        ("it ends in f4T3", "HINT"),
    ],
)
def test_find_stretches__knows_other_ways_of_writing(text: str, what: str):
    assert what in [name for name, *_ in found_in(f"({text})")[0]]
    assert what not in [name for name, *_ in found_in("Ordinary words, 12 of them, 3.5g each.")[0]]


@given(st.integers(1, 33), st.integers(1, 33), st.sampled_from([" ", "-", "\n ", ". ", " * "]))
def test_find_joins__finds_a_broken_address(one: int, other: int, gap: str):
    first, second = sorted((one, other))
    parts = [part for part in (ADDRESS[:first], ADDRESS[first:second], ADDRESS[second:]) if part]
    text = f"pay to {gap.join(parts)} please"
    if len(parts) > 1:
        ((start, stop),) = reference.joins(text, {ADDRESS})
        assert text[start:stop] in joined_in(text)


@pytest.mark.parametrize("size", range(1, 6))
def test_find_joins__finds_groups_of_equal_length(size: int):
    groups = " ".join(ADDRESS[at : at + size] for at in range(0, len(ADDRESS), size))
    assert groups in joined_in(f"pay this {groups} now")


def test_find_joins__passes_over_prose_and_prices():
    text = "1 gram of MDMA crystals 25 USD, 3 Grams 70 EUR; ask BigVendor at iPhone 7 Plus. " * 20
    assert joined_in(text) == []


def test_find_joins__stops_where_there_is_no_more_room():
    broken = f"{ADDRESS[:17]} {ADDRESS[17:]}; "
    assert len(joined_in(broken * 9, room=4)) == 4


WORDS = ["abandon", "ability", "able", "zoo", "wrong", "liar"]


@given(
    st.lists(st.sampled_from([*WORDS, "Zoo", "the", "of", "unlikely"]), min_size=10, max_size=60),
    st.sampled_from([" ", "\n 1. ", ", ", " -- 12 -- "]),
)
def test_find_word_runs__agrees_with_reference(words: list[str], gap: str):
    text = gap.join(words)
    rows = np.empty((len(text) // 4 + 2, 4), dtype=np.int64)
    count = find_word_runs(codes_of(text), *word_table(WORDS), rows)
    runs: dict[int, list[str]] = {}
    for start, stop, index, run in rows[:count].tolist():
        assert text[start:stop].lower() == WORDS[index]
        runs.setdefault(run, []).append(WORDS[index])
    assert list(runs.values()) == reference.word_runs(text, WORDS)


@pytest.mark.parametrize("word", ["ab", "abandoned", "Zoo", "caf\u00e9"])
def test_word_table__refuses_what_it_cannot_hold(word: str):
    with pytest.raises(ValueError, match="three to eight"):
        word_table([word])


def test_word_table__refuses_too_many():
    dice = random.Random(1)
    with pytest.raises(ValueError, match="holds 4096"):
        word_table(["".join(dice.choices("abcdefgh", k=8)) for _ in range(5_000)])


def test_word_number__is_different_for_different_words():
    assert word_number("ba") == (2 << 5) + 1
    assert len({word_number(word) for word in WORDS}) == len(WORDS)
