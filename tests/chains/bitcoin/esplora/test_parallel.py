import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.esplora.parallel import Askers
from chains.errors import LookupFailedError, SourceUnavailableError


@pytest.fixture(scope="module")
def askers() -> Iterator[Askers]:
    running = Askers(3)
    yield running
    running.close()


def answer(number: int) -> int:
    if number < 0:
        raise LookupFailedError(str(number))
    return number * number


@given(st.lists(st.integers(-9, 9), max_size=30))
def test_each__answers_in_order_and_failures_in_their_place(askers, numbers):
    for number, found in zip(numbers, askers.each(answer, numbers), strict=True):
        if number < 0:
            assert isinstance(found, LookupFailedError)
            assert str(found) == str(number)
        else:
            assert found == number * number


def test_each__asks_a_repeated_question_once(askers):
    asked: list[int] = []
    assert askers.each(lambda number: asked.append(number) or number, [5, 5, 6, 5]) == [5, 5, 6, 5]
    assert sorted(asked) == [5, 6]


def test_each__asks_side_by_side_and_no_more_than_it_may():
    meeting = threading.Barrier(3, timeout=10)
    askers = Askers(3)
    assert askers.each(lambda number: (meeting.wait(), number)[1], [0, 1, 2]) == [0, 1, 2]
    names: set[str] = set()
    askers.each(lambda _: names.add(threading.current_thread().name), range(50))
    askers.close()
    assert len(names) <= 3


def test_each__ends_at_an_error_that_concerns_all(askers):
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        if number == 4:
            raise SourceUnavailableError("gone")
        return number

    with pytest.raises(SourceUnavailableError, match="gone"):
        askers.each(ask, range(2_000))
    assert len(asked) < 20
    # The threads go on serving.
    assert askers.each(answer, [3]) == [9]


def test_each__does_not_wait_for_what_is_under_way_when_interrupted():
    askers, hangs = Askers(3), threading.Event()

    def ask(number: int) -> bool:
        if number == 0:
            raise KeyboardInterrupt
        return hangs.wait(30)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        askers.each(ask, range(9))
    assert time.monotonic() - started < 10
    hangs.set()
    askers.close()
