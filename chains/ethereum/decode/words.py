"""The words of events, many events at once.

What a contract writes into an event is its own affair: an event may bear the hash of `Transfer`
and hold something else. So an event counts as one of a text only if it has the form that a
compiler gives it: as many topics and words as it should, and addresses with twelve zero bytes
before them. Others are left aside; they are nobody's fault, and they move nothing.
"""

from typing import NamedTuple

import numpy as np

from chains.ethereum.decode.rows import AddressPool, LogRows, MoveRows
from chains.ethereum.decode.signatures import topic_of
from chains.ethereum.quantities import limbs_of_words
from chains.ethereum.tables import MovementKind
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array, UInt64Array

WORD = 32
_PADDING = 12
"""Zero bytes before the address in its word."""


class Chosen(NamedTuple):
    """Events of one form."""

    logs: LogRows
    rows: Int64Array
    topics: int
    """How many each has, the first one included."""

    def words(self, number: int) -> UInt8Array:
        """Return word `number` of each event, shape (rows, 32)."""
        if number < self.topics - 1:
            topic: UInt8Array = self.logs.topics[self.rows, number + 1]
            return topic
        start = self.logs.payload_start[self.rows] + WORD * (number - self.topics + 1)
        found: UInt8Array = self.logs.payload[start[:, None] + np.arange(WORD)]
        return found

    def amounts(self, number: int) -> UInt64Array:
        """Return a word as amounts."""
        return limbs_of_words(self.words(number))

    def accounts(self, number: int, pool: AddressPool) -> UInt32Array:
        """Return the accounts that a word names."""
        return pool.many(np.ascontiguousarray(self.words(number)[:, _PADDING:]))

    def holds_addresses(self, *numbers: int) -> BoolArray:
        """Return which events have addresses in all of these words."""
        found = np.ones(len(self.rows), np.bool_)
        for number in numbers:
            found &= ~self.words(number)[:, :_PADDING].any(axis=1)
        return found

    def where(self, chosen: BoolArray) -> "Chosen":
        """Return some of the events."""
        return self._replace(rows=self.rows[chosen])


class EventIndex:
    """The events of a batch by their first topic."""

    def __init__(self, logs: LogRows, texts: tuple[str, ...]) -> None:
        self._logs = logs
        self._sizes = np.diff(logs.payload_start)
        topics = np.frombuffer(b"".join(map(topic_of, texts)), np.uint8).reshape(-1, WORD)
        keys = np.ascontiguousarray(topics[:, :8]).view(np.uint64).reshape(-1)
        order = np.argsort(keys)
        found = np.ascontiguousarray(logs.topics[:, 0, :8]).view(np.uint64).reshape(-1)
        place = order[np.minimum(np.searchsorted(keys[order], found), len(keys) - 1)]
        known = (keys[place] == found) & (logs.topic_count > 0)
        known &= (logs.topics[:, 0] == topics[place]).all(axis=1)
        rows = np.flatnonzero(known)
        by_text = rows[np.argsort(place[rows], kind="stable")]
        ends = np.searchsorted(place[by_text], np.arange(len(texts) + 1))
        self._rows = {
            text: by_text[ends[at] : ends[at + 1]].astype(np.int64) for at, text in enumerate(texts)
        }

    def of(self, text: str, topics: int, words: int) -> Chosen:
        """Return the events of a text with so many topics and exactly so many words."""
        return self._chosen(text, topics, self._sizes == WORD * (words - topics + 1))

    def at_least(self, text: str, topics: int, words: int) -> Chosen:
        """Return the events of a text with so many topics and at least so many words."""
        return self._chosen(text, topics, self._sizes >= WORD * (words - topics + 1))

    def _chosen(self, text: str, topics: int, fits: BoolArray) -> Chosen:
        rows = self._rows[text]
        rows = rows[(self._logs.topic_count[rows] == topics) & fits[rows]]
        return Chosen(self._logs, rows, topics)


def is_one_of(chosen: Chosen, contracts: list[bytes], pool: AddressPool) -> BoolArray:
    """Return which events were emitted by one of some contracts."""
    found = np.zeros(len(chosen.rows), np.bool_)
    if not contracts or not len(found):
        return found
    emitter = pool.addresses()[chosen.logs.contract[chosen.rows]]
    for contract in contracts:
        found |= (emitter == np.frombuffer(contract, np.uint8)).all(axis=1)
    return found


def token_moves(
    chosen: Chosen,
    kind: MovementKind,
    giver: UInt32Array,
    gets: UInt32Array,
    amount: UInt64Array,
    token_id: UInt64Array | None = None,
) -> MoveRows:
    """Return the movements that events of one form tell."""
    logs, rows, count = chosen.logs, chosen.rows, len(chosen.rows)
    return MoveRows(
        transaction=logs.transaction[rows],
        sequence=logs.sequence[rows],
        kind=np.full(count, kind, np.uint8),
        giver=giver,
        gets=gets,
        asset=logs.contract[rows],
        amount=amount,
        log_index=logs.log_index[rows],
        names_token=np.full(count, token_id is not None, np.bool_),
        token_id=np.zeros((count, 4), np.uint64) if token_id is None else token_id,
    )
