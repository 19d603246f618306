from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.electrum.headers import (
    LINKED_TO_TIP,
    as_rows,
    block_headers,
    first_without_work,
    is_linked,
    stretches_for,
)
from tests.electrum_stand_in import mine_headers
from tests.reference.headers import median_time_past

tips_and_heights = st.integers(0, 3_000).flatmap(
    lambda tip: st.tuples(st.just(tip), st.lists(st.integers(0, tip), max_size=20))
)


@given(tips_and_heights)
def test_stretches__hold_what_the_heights_need_and_each_height_once(case):
    tip, heights = case
    stretches = stretches_for(heights, tip)
    held = [height for stretch in stretches for height in range(*stretch)]
    assert held == sorted(set(held))
    assert all(0 <= height <= tip for height in held)
    for height in heights:
        upper = tip if tip - height < LINKED_TO_TIP else height
        assert set(range(max(0, height - 10), upper + 1)) <= set(held)
    for one, other in pairwise(stretches):
        assert one.stop < other.start


@given(tips_and_heights)
def test_stretches__hold_nothing_else(case):
    tip, heights = case
    needed = {
        below
        for height in heights
        for below in range(
            max(0, height - 10), (tip if tip - height < LINKED_TO_TIP else height) + 1
        )
    }
    assert needed == {
        height for stretch in stretches_for(heights, tip) for height in range(*stretch)
    }


@given(st.integers(0, 9_000), st.integers(1, 9_000))
def test_pieces__are_what_a_server_gives_at_once(start, length):
    (stretch,) = stretches_for([start + length - 1], start + length + LINKED_TO_TIP)
    pieces = stretch.pieces()
    assert [height for piece in pieces for height in range(*piece)] == list(range(*stretch))
    assert all(piece.stop - piece.start <= 2016 for piece in pieces)


def test_block_headers__start_where_the_median_time_is_known():
    chain = mine_headers(40)
    times = [int.from_bytes(header[68:72], "little") for header in chain]
    for start in (0, 1, 7, 25):
        found = block_headers(as_rows(b"".join(chain[start:])), start)
        assert list(found) == list(range(start + 10 if start else 0, 40))
        for height, header in found.items():
            assert header.height == height
            assert header.header == chain[height]
            assert header.median_time == median_time_past(times, height)


def test_is_linked__sees_a_header_out_of_place():
    chain = mine_headers(12)
    assert is_linked(as_rows(b"".join(chain)))
    assert is_linked(as_rows(chain[5]))
    for gap in range(1, 11):
        assert not is_linked(as_rows(b"".join(chain[:gap] + chain[gap + 1 :])))


def test_first_without_work__finds_it():
    chain = mine_headers(8)
    assert first_without_work(as_rows(b"".join(chain))) is None
    # A target of one bit less than the hash needs.
    chain[5] = chain[5][:72] + (0x03000001).to_bytes(4, "little") + chain[5][76:]
    assert first_without_work(as_rows(b"".join(chain))) == 5
