"""Whole lists from servers that show a window of them.

An explorer shows pages of a list, and no row past the first 10,000 of a question. So a long list is
asked for in ranges of blocks: from the block at which the last page ended, with that block asked
for again, because the page may have ended inside it. The rows of that block are then taken from
the later page alone: nothing is lost, and nothing is there twice. A block that fills a whole
window by itself cannot be read in this way, and the list ends with an error that says so.

Servers may show fewer rows than they are asked for, and do not say when they do. A page is taken
for the last one where it is shorter than what was asked and its length is no round number, at
which servers cut.

The lists of blocks that an account made take no range; they are read page by page, up to the end
of the window.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from chains.errors import LookupFailedError
from chains.ethereum.explorer.answers import Row, Rows
from chains.ethereum.explorer.errors import QueryTooLargeError, UnexpectedAnswerError

WINDOW = 10_000
"""Rows of one question that a server shows, however they are cut into pages."""

SMALLER = 10
"""How much less is asked for after a server gave up on a question."""

LEAST_PAGE = 100

_ROUND = 50


class PageQuestion(NamedTuple):
    """One page of a list, oldest rows first."""

    start: int
    """First block, ..."""

    stop: int
    """... and last one."""

    page: int
    """From 1."""

    rows: int
    """Most rows of a page."""


class AskPage(Protocol):
    """Asks for a page."""

    def __call__(self, question: PageQuestion, /) -> Rows:
        """Return its rows; `QueryTooLargeError` where the server gives up."""
        ...


class Whole(NamedTuple):
    """A whole list."""

    rows: list[Row]
    gaps: tuple[str, ...]
    """What the server said is missing."""


class ListReader:
    """Reads one list of one account."""

    def __init__(self, ask: AskPage, *, stop: int, start: int = 0, window: int = WINDOW) -> None:
        """Read what stands in the blocks from `start` to `stop`."""
        self._ask = ask
        self._start = start
        self._stop = stop
        self._window = window
        self._size = window
        self._gaps: dict[str, None] = {}

    def whole(self, check: Callable[[int], None]) -> Whole:
        """Return the list; `check` is told how many rows there are, and may refuse more."""
        found: list[Row] = []
        start = self._start
        while True:
            rows = self._page(start)
            if not self._may_be_cut(rows):
                found += rows
                check(len(found))
                return Whole(found, tuple(self._gaps))
            last = _height(rows[-1])
            if _height(rows[0]) == last:
                found += self._one_block(last, rows)
                start = last + 1
            else:
                found += [row for row in rows if _height(row) < last]
                start = last
            check(len(found))
            if start > self._stop:
                return Whole(found, tuple(self._gaps))

    def paged(self, check: Callable[[int], None]) -> Whole:
        """Return a list that takes no range of blocks; `LookupFailedError` past the window."""
        found: list[Row] = []
        page = 1
        while True:
            rows = self._asked(PageQuestion(self._start, self._stop, page, self._size))
            found += rows
            check(len(found))
            if not self._may_be_cut(rows):
                kept = [row for row in found if self._start <= _height(row) <= self._stop]
                return Whole(sorted(kept, key=_height), tuple(self._gaps))
            page += 1
            if (page - 1) * len(rows) >= self._window:
                raise LookupFailedError(
                    f"the list of blocks that it made has {self._window:,} rows or more, and no "
                    "more can be had: ask a node or a ledger"
                )

    def _one_block(self, height: int, first: list[Row]) -> list[Row]:
        """Return the rows of a block that fills pages."""
        found, page, length = list(first), 2, len(first)
        while page * length <= self._window:
            rows = self._asked(PageQuestion(height, height, page, length))
            found += rows
            if len(rows) < length:
                return found
            page += 1
        raise LookupFailedError(
            f"block {height:,} alone holds {len(found):,} rows or more of it, which is all that "
            "can be had of one block: ask a node or a ledger"
        )

    def _page(self, start: int) -> list[Row]:
        while True:
            try:
                rows = self._asked(PageQuestion(start, self._stop, 1, self._size))
            except QueryTooLargeError:
                if self._size // SMALLER < LEAST_PAGE:
                    raise
                self._size //= SMALLER
            else:
                break
        heights = [_height(row) for row in rows]
        if heights != sorted(heights) or (heights and heights[0] < start):
            raise UnexpectedAnswerError("its list is not in the order of blocks that was asked for")
        if heights and heights[-1] > self._stop:
            raise UnexpectedAnswerError("its list goes past the last block that was asked for")
        return rows

    def _asked(self, question: PageQuestion) -> list[Row]:
        answer = self._ask(question)
        if answer.gap:
            self._gaps[answer.gap] = None
        return answer.rows

    def _may_be_cut(self, rows: list[Row]) -> bool:
        return bool(rows) and (len(rows) >= self._size or len(rows) % _ROUND == 0)


def most_rows(most: int) -> Callable[[int], None]:
    """Return a check that refuses more than `most` rows."""

    def check(rows: int) -> None:
        if rows > most:
            raise LookupFailedError(
                f"its history has more than {most:,} rows, and no more are fetched one by one: ask "
                "a node or a ledger"
            )

    return check


def _height(row: Row) -> int:
    return row.number("blockNumber", below=1 << 40)
