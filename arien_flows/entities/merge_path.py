"""The path between two addresses in the tree of reasons that the merge log forms.

Every row of the log hangs one root under a smaller one, so the rows form a forest over addresses
in which rows grow on the way up: an address was merged away before the one above it was. Two
addresses were joined by the last row on the way from each to where the ways meet. The pair of
addresses that this row names lies on the path, and each side of it is a question of the same kind
about earlier rows.
"""

from typing import Protocol

import numpy as np

from arien_flows.entities.artefacts import NO_ROW
from arien_flows.entities.storage import Rows
from chains.types import UInt32Array
from heuristics.cospend import LogField

PATH_BOUND = 30_000
"""Steps up the forest that the search for one path may take; about half a second."""


class Logged(Protocol):
    """A clustering with its merge log."""

    @property
    def log(self) -> Rows:
        """The merge log, in the order in which merges were made; see `LogField`."""

    def root_of(self, address: int) -> int:
        """Return the first-seen address of an address's entity."""

    def merged_members(self, root: int) -> tuple[UInt32Array, UInt32Array]:
        """Return an entity's addresses, ascending, and the row that merged each away."""


class _PathTooLongError(Exception):
    """The bound was reached."""


class _Forest:
    """The forest of one entity, read step by step."""

    def __init__(self, clustering: Logged, address: int, bound: int) -> None:
        self._members, self._rows = clustering.merged_members(clustering.root_of(address))
        self._log = clustering.log
        self._known: dict[int, tuple[int, int]] = {}
        self._left = bound

    def above(self, address: int) -> tuple[int, int]:
        """Return the row that merged the set of a root, and the root of the other set."""
        self._left -= 1
        if self._left < 0:
            raise _PathTooLongError
        if address not in self._known:
            # Of the members' own type: for any other one, NumPy would convert all of them first.
            place = int(np.searchsorted(self._members, np.uint32(address)))
            row = int(self._rows[place])
            self._known[address] = row, -1 if row == NO_ROW else int(self.row(row)[LogField.PARENT])
        return self._known[address]

    def row(self, row: int) -> UInt32Array:
        """Return a row of the log."""
        found: UInt32Array = self._log.slice(row, row + 1)[0]
        return found

    def root_before(self, address: int, row: int) -> int:
        """Return the root of an address's set just before a row was applied."""
        merged, top = self.above(address)
        while merged < row:
            address = top
            merged, top = self.above(address)
        return address

    def joining(self, a: int, b: int) -> tuple[int, int]:
        """Return the row that joined two addresses, and the root of the first just before."""
        top_a, top_b, row, was = a, b, -1, a
        while top_a != top_b:
            (row_a, above_a), (row_b, above_b) = self.above(top_a), self.above(top_b)
            was, row = top_a, min(row_a, row_b)
            if row_a < row_b:
                top_a = above_a
            else:
                top_b = above_b
        return row, was


def logged_path(
    clustering: Logged, start: int, goal: int, bound: int = PATH_BOUND
) -> list[UInt32Array] | None:
    """Return the rows of the merge log between two addresses of one entity, in order.

    Nothing is returned where the search would take more than `bound` steps up the forest.
    """
    if start == goal:
        return []
    try:
        return _path(_Forest(clustering, start, bound), start, goal)
    except _PathTooLongError:
        return None


def _path(forest: _Forest, start: int, goal: int) -> list[UInt32Array]:
    path: list[UInt32Array] = []
    # What is opened last is answered first, so the rows come in order.
    opened: list[tuple[int, int] | UInt32Array] = [(start, goal)]
    while opened:
        question = opened.pop()
        if not isinstance(question, tuple):
            path.append(question)
            continue
        a, b = question
        if a != b:
            number, root_of_a = forest.joining(a, b)
            row = forest.row(number)
            left, right = int(row[LogField.ADDRESS_A]), int(row[LogField.ADDRESS_B])
            near, far = left, right
            if forest.root_before(left, number) != root_of_a:
                near, far = right, left
            opened += [(far, b), row, (a, near)]
    return path
