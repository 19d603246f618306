import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.ahead import made_ahead

NAME = "made-ahead-test"


def threads_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(NAME)]


@given(st.lists(st.integers()), st.integers(1, 3))
def test_made_ahead__yields_what_map_does(items, stages):
    made: Iterator[int] = iter(items)
    for _ in range(stages):
        made = made_ahead(lambda item: item + 1, made, NAME)
    assert list(made) == [item + stages for item in items]
    assert threads_left() == []


def test_made_ahead__is_one_item_ahead_and_no_more():
    begun = []
    third = threading.Event()

    def make(item: int) -> int:
        begun.append(item)
        if item == 1:
            third.set()
        return item

    made = made_ahead(make, iter(range(10)), NAME)
    assert begun == []
    assert next(made) == 0
    assert third.wait(10)
    time.sleep(0.05)
    assert begun == [0, 1]
    made.close()
    assert begun == [0, 1]
    assert threads_left() == []


def test_made_ahead__two_stages_hold_three_items():
    taken = []
    held = threading.Event()

    def read(item: int) -> int:
        taken.append(item)
        if item == 2:
            held.set()
        return item

    made = made_ahead(str, made_ahead(read, range(10), NAME), NAME)
    assert next(made) == "0"
    assert held.wait(10)
    time.sleep(0.05)
    assert taken == [0, 1, 2]
    made.close()
    assert threads_left() == []


@given(st.integers(0, 5), st.booleans())
def test_made_ahead__raises_an_error_in_its_place(place, in_second_stage):
    def fail_at_place(item: int) -> int:
        if item == place:
            raise ValueError(f"item {item}")
        return item

    stages = [lambda item: item, fail_at_place]
    first, second = stages if in_second_stage else reversed(stages)
    made = made_ahead(second, made_ahead(first, range(9), NAME), NAME)
    for expected in range(place):
        assert next(made) == expected
    with pytest.raises(ValueError, match=f"item {place}"):
        next(made)
    assert next(made, None) is None
    assert threads_left() == []


def test_made_ahead__closes_what_it_takes_from():
    closed = []

    def items() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            closed.append(True)

    made = made_ahead(lambda item: item, items(), NAME)
    assert next(made) == 0
    made.close()
    assert closed == [True]


def test_made_ahead__does_not_hold_what_the_caller_lets_go():
    class Item:
        alive = 0

        def __init__(self, _number: int) -> None:
            Item.alive += 1

        def __del__(self) -> None:
            Item.alive -= 1

    made = made_ahead(Item, range(3), NAME)
    for _ in range(3):
        item = next(made)
    # The last one is made and handed over, so nothing is ahead.
    assert Item.alive == 1
    del item
    assert Item.alive == 0
    made.close()
