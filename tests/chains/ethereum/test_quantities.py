import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import MalformedBlockError
from chains.ethereum.decode.rows import AddressPool, unique_rows
from chains.ethereum.quantities import (
    ints_of,
    limbs_of,
    limbs_of_words,
    products,
    quantity_of,
    raw_of,
)

wide = st.integers(0, (1 << 256) - 1)
short = st.integers(0, (1 << 64) - 1)


@given(st.lists(wide))
def test_limbs_of__are_read_back(values):
    assert ints_of(limbs_of(values)) == values
    words = b"".join(value.to_bytes(32, "big") for value in values)
    column = limbs_of_words(np.frombuffer(words, np.uint8).reshape(-1, 32))
    assert ints_of(column) == values


@given(st.lists(st.tuples(short, short), min_size=1))
def test_products__are_exact(pairs):
    left, right = (np.array(side, np.uint64) for side in zip(*pairs, strict=True))
    assert ints_of(products(left, right)) == [one * other for one, other in pairs]


@given(wide)
def test_quantity_of__reads_what_python_writes(value):
    assert quantity_of(hex(value), "it", 1 << 256) == value
    assert quantity_of(f"0x{value:064X}", "it", 1 << 256) == value


@pytest.mark.parametrize(
    "value", [None, 1, True, "1", "0x", "0x 1", "0x1 ", "-0x1", "0x-1", "0x1_0", "0xg", b"0x1", 1.0]
)
def test_quantity_of__coerces_nothing(value):
    with pytest.raises(MalformedBlockError, match="it is"):
        quantity_of(value, "it")


@pytest.mark.parametrize("value", [None, 1, "", "00", "0x0", "0x0 0", "0x00 00", "0xzz", ["0x"]])
def test_raw_of__coerces_nothing(value):
    with pytest.raises(MalformedBlockError, match="it is"):
        raw_of(value, "it")


def test_raw_of__counts_bytes():
    assert raw_of("0xAbcd", "it", 2) == b"\xab\xcd"
    with pytest.raises(MalformedBlockError, match="it has 2 bytes and not 20"):
        raw_of("0xabcd", "it", 20)


def test_quantity_of__does_not_repeat_a_long_text():
    with pytest.raises(MalformedBlockError) as caught:
        quantity_of("x" * 10_000, "it")
    assert len(str(caught.value)) < 120


addresses = st.binary(min_size=20, max_size=20)


@given(st.lists(addresses | st.sampled_from([bytes(20), b"a" * 20, b"a" * 19 + b"b"])))
def test_unique_rows__finds_each_once(rows):
    column = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 20)
    first, place = unique_rows(column)
    assert len(first) == len(set(rows))
    assert [rows[first[at]] for at in place] == rows


def test_unique_rows__is_not_deceived_by_addresses_that_mix_alike():
    one = np.zeros((2, 20), np.uint8)
    # The bit of the second word that the mix moves onto a bit of the first.
    one[0, 8] = 1
    one[1, 2] = 2
    first, place = unique_rows(one)
    assert len(first) == 2
    assert place[0] != place[1]


def test_address_pool__keeps_numbers_apart_from_rows():
    pool = AddressPool()
    assert pool.one(b"a" * 20) == 0
    assert pool.many(np.full((2, 20), 7, np.uint8)).tolist() == [1, 2]
    assert pool.one(b"a" * 20) == 0
    assert pool.one(b"b" * 20) == 3
    assert pool.addresses()[[0, 3]].tobytes() == b"a" * 20 + b"b" * 20
