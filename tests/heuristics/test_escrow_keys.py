"""Keys of escrows: numbered byte for byte, and whose they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.escrow_keys import KeyLimits, key_roles, number_keys
from tests.reference import vendors as reference

KEYS = [bytes([2 + n % 2]) + bytes([n]) * 32 for n in range(6)]
KEYS += [b"\x04" + bytes([n]) * 64 for n in range(2)]
KEYS += [b"\x02" + bytes(31) + b"\x00", b"\x02" + bytes(31) + b"\x01"]


def script_of(keys: list[bytes]) -> bytes:
    return b"\x52" + b"".join(bytes([len(key)]) + key for key in keys) + b"\x53\xae"


@given(
    scripts=st.lists(st.lists(st.sampled_from(KEYS), min_size=3, max_size=3), max_size=12),
    gap=st.binary(max_size=5),
)
def test_number_keys__tells_keys_apart_byte_for_byte(scripts, gap):
    raw, begins = bytearray(gap), []
    for keys in scripts:
        begins.append(len(raw))
        raw += script_of(keys) + gap
    found, count = number_keys(
        np.frombuffer(bytes(raw), dtype=np.uint8), np.array(begins, dtype=np.int64)
    )
    known: dict[bytes, int] = {}
    wanted = [[known.setdefault(key, len(known)) for key in keys] for keys in scripts]
    assert found.tolist() == wanted
    assert count == len(known)


def test_number_keys__refuses_scripts_outside_of_the_bytes():
    with pytest.raises(ValueError, match="outside"):
        number_keys(np.zeros(104, dtype=np.uint8), np.array([0], dtype=np.int64))


@given(
    keys=st.lists(st.tuples(st.integers(0, 2), st.integers(2, 6), st.integers(2, 30)), max_size=40),
    limits=st.tuples(st.integers(2, 8), st.integers(1, 3), st.integers(2, 3)),
    random=st.randoms(use_true_random=False),
)
def test_key_roles__are_those_of_the_slow_version_in_any_order(keys, limits, random):
    def roles(listed: list[tuple[int, ...]]) -> list[tuple[int, int]]:
        array = np.array(listed, dtype=np.int64).reshape(-1, 3)
        found = key_roles(array, KeyLimits(*limits))
        return list(zip(found.market.tolist(), found.seller.tolist(), strict=True))

    wanted = reference.key_roles(keys, *limits)
    assert roles(keys) == wanted
    order = list(range(len(keys)))
    random.shuffle(order)
    assert roles([keys[place] for place in order]) == [wanted[place] for place in order]


def test_key_roles__find_no_seller_where_two_keys_come_back_alike():
    keys = [(0, 1, 2)] * 10 + [(0, 3, 20 + n) for n in range(10)] + [(0, 4, 4)] * 3
    found = key_roles(np.array(keys), KeyLimits(10, 2, 2))
    assert set(found.market.tolist()) == {0}
    assert found.seller.tolist()[:20] == [-1] * 10 + [3] * 10
