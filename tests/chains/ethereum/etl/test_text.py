from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import MalformedBlockError
from chains.ethereum.etl.text import (
    amounts,
    fixed_bytes,
    heights,
    numbers,
    split_topics,
    varied_bytes,
)
from chains.ethereum.quantities import ints_of

wide = st.integers(0, (1 << 256) - 1) | st.sampled_from(
    [0, 9, 10, 10**9 - 1, 10**9, 2**64 - 1, 2**64, 2**256 - 1]
)


def column(values, kind=None) -> pa.ChunkedArray:
    """Return a column in two pieces, the second of which begins within its buffer."""
    array = pa.array([None, *values], kind or pa.string())
    middle = 1 + len(values) // 2
    return pa.chunked_array([array[1:middle], array[middle:]])


@given(st.lists(wide, min_size=1, max_size=40))
def test_amounts__are_exact(values):
    assert ints_of(amounts(column([str(value) for value in values]), "it")) == values


@given(st.lists(st.integers(0, 10**38 - 1), min_size=1))
def test_amounts__are_read_from_decimals(values):
    from decimal import Decimal

    found = column([Decimal(value) for value in values], pa.decimal128(38, 0))
    assert ints_of(amounts(found, "it")) == values


def test_amounts__take_nothing_for_zero_and_leading_zeros_for_none():
    assert ints_of(amounts(column(["", None, "007", "0" * 77 + "5"]), "it")) == [0, 0, 7, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-1", "no whole number"),
        ("1.5", "no whole number"),
        ("1e18", "no whole number"),
        ("0x1", "no whole number"),
        (str(1 << 256), "more than 256 bits"),
        ("9" * 78, "more than 256 bits"),
        ("1" + "0" * 78, "too many digits in row 2"),
    ],
)
def test_amounts__names_the_column(text, said):
    with pytest.raises(MalformedBlockError, match=f"it (holds|has).*{said}|it has {said}"):
        amounts(column(["1", text, "2"]), "it")


@given(st.lists(st.binary(max_size=70), min_size=1), st.booleans())
def test_varied_bytes__are_read_back(values, is_upper):
    texts = [value.hex().upper() if is_upper else value.hex() for value in values]
    raw, starts = varied_bytes(column(["0x" + text for text in texts]), "it")
    assert raw.tobytes() == b"".join(values)
    assert [raw[start:stop].tobytes() for start, stop in pairwise(starts)] == values


@given(st.lists(st.binary(min_size=20, max_size=20) | st.none(), min_size=1))
def test_fixed_bytes__are_read_back(values):
    texts = [None if value is None else "0x" + value.hex() for value in values]
    found = fixed_bytes(column(texts), 20, "it")
    assert [row.tobytes() for row in found] == [value or bytes(20) for value in values]


@given(st.lists(st.lists(st.binary(min_size=32, max_size=32), max_size=4), min_size=1))
def test_split_topics__reads_text_and_lists(rows):
    written = [["0x" + topic.hex() for topic in row] for row in rows]
    for found in (
        split_topics(column([",".join(row) for row in written]), "it"),
        split_topics(column(written, pa.list_(pa.string())), "it"),
    ):
        topics, counts = found
        assert counts.tolist() == [len(row) for row in rows]
        for at, row in enumerate(rows):
            assert topics[at].tobytes() == b"".join(row) + bytes(32 * (4 - len(row)))


def test_numbers__reads_text_numbers_and_times():
    assert numbers(column(["1", "18446744073709551615"]), "it").tolist() == [1, 2**64 - 1]
    assert numbers(column([1, 2], pa.int64()), "it").tolist() == [1, 2]
    assert numbers(column([5, None], pa.timestamp("s")), "it", 7).tolist() == [5, 7]
    assert heights(column(["", "3"]).slice(1), "it").tolist() == [3]


@pytest.mark.parametrize(
    ("read", "values", "said"),
    [
        (lambda found: numbers(found, "it"), ["1", ""], "it is missing in row 2"),
        (lambda found: numbers(found, "it"), ["1", "x"], "no number"),
        (lambda found: numbers(found, "it"), ["1", "-1"], "no number"),
        (lambda found: heights(found, "it"), ["1", str(1 << 63)], "it is 9223372036854775808"),
        (lambda found: fixed_bytes(found, 2, "it"), ["0x0102", "0x01"], "not 2 bytes in row 2"),
        (lambda found: fixed_bytes(found, 1, "it"), ["0x01", "0x0g"], "not hexadecimal"),
        (lambda found: varied_bytes(found, "it"), ["0x01", "0x012"], "not whole bytes in row 2"),
        (lambda found: split_topics(found, "it"), ["0x" + "1" * 63], "up to four hashes in row 1"),
        (lambda found: split_topics(found, "it"), [",".join(["0x" + "1" * 64] * 5)], "four hashes"),
    ],
)
def test_columns__name_what_is_wrong(read, values, said):
    with pytest.raises(MalformedBlockError, match=said):
        read(column(values))
