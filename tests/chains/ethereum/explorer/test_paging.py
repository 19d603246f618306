"""Lists past the window: whatever the pages, the same rows."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import LookupFailedError
from chains.ethereum.explorer.answers import Row, Rows
from chains.ethereum.explorer.errors import QueryTooLargeError, UnexpectedAnswerError
from chains.ethereum.explorer.paging import ListReader, PageQuestion, most_rows

TIP = 60


def listed(heights: list[int]) -> list[Row]:
    rows = [{"blockNumber": str(height), "n": str(n)} for n, height in enumerate(sorted(heights))]
    return [Row(dict(row), f"result[{at}]") for at, row in enumerate(rows)]


def server(
    rows: list[Row], *, window: int, cap: int, most: int = 1 << 30
) -> Callable[[PageQuestion], Rows]:
    """Return one that shows at most `window` rows of a question, and `cap` of a page."""

    def ask(question: PageQuestion) -> Rows:
        found = [
            row for row in rows if question.start <= row.number("blockNumber") <= question.stop
        ]
        size = min(question.rows, cap)
        start = (question.page - 1) * size
        shown = found[start : min(start + size, window)]
        if len(shown) > most:
            raise QueryTooLargeError("it gave up")
        return Rows(shown, "")

    return ask


@given(
    st.lists(st.integers(0, TIP), max_size=700),
    st.sampled_from([50, 100, 150, 400, 1000]),
    st.sampled_from([50, 100, 200, 1000]),
)
def test_whole__is_the_same_however_the_pages_are_cut(
    heights: list[int], window: int, cap: int
) -> None:
    rows = listed(heights)
    fullest = max((heights.count(height) for height in set(heights)), default=0)
    reader = ListReader(server(rows, window=window, cap=cap), stop=TIP, window=window)
    if fullest < window:
        assert reader.whole(most_rows(10_000)).rows == rows


def test_whole__ends_with_a_clear_error_at_a_block_that_fills_a_window() -> None:
    rows = listed([3, *[7] * 150, 9])
    reader = ListReader(server(rows, window=100, cap=100), stop=TIP, window=100)
    with pytest.raises(LookupFailedError, match="block 7 alone holds 100 rows or more"):
        reader.whole(most_rows(10_000))


def test_whole__asks_for_less_when_the_server_gives_up() -> None:
    rows = listed([at % TIP for at in range(900)])
    ask = server(rows, window=10_000, cap=10_000, most=100)
    assert ListReader(ask, stop=TIP).whole(most_rows(10_000)).rows == rows


def test_whole__gives_up_with_the_server_in_the_end() -> None:
    ask = server(listed([1, 2]), window=10_000, cap=10_000, most=1)
    with pytest.raises(QueryTooLargeError):
        ListReader(ask, stop=TIP).whole(most_rows(10_000))


def test_whole__refuses_more_rows_than_are_wanted() -> None:
    ask = server(listed(list(range(40))), window=100, cap=100)
    with pytest.raises(LookupFailedError, match="more than 39 rows"):
        ListReader(ask, stop=TIP, window=100).whole(most_rows(39))


@pytest.mark.parametrize("heights", [[3, 2], [2, TIP + 1]])
def test_whole__believes_no_list_that_is_not_what_was_asked_for(heights: list[int]) -> None:
    rows = [Row({"blockNumber": str(height)}, "result") for height in heights]
    with pytest.raises(UnexpectedAnswerError):
        ListReader(lambda _: Rows(rows, ""), stop=TIP).whole(most_rows(10))


def test_paged__reads_lists_that_take_no_range_and_come_in_any_order() -> None:
    rows = listed(list(range(1, 56)))
    upside_down = rows[::-1]

    def ask(question: PageQuestion) -> Rows:
        start = (question.page - 1) * 20
        return Rows(upside_down[start : start + question.rows], "")

    found = ListReader(ask, start=2, stop=50, window=1000)
    found._size = 20
    assert found.paged(most_rows(100)).rows == rows[1:50]


def test_paged__says_where_the_window_ends() -> None:
    rows = listed([1] * 300)
    reader = ListReader(server(rows, window=200, cap=100), stop=TIP, window=200)
    with pytest.raises(LookupFailedError, match="no more can be had"):
        reader.paged(most_rows(10_000))
