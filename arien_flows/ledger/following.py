"""Staying at the tip of a chain: taking in what comes, for as long as one is let.

The writer stays open between the rounds, so that its lock and what it holds in memory are kept; a
round costs what its new blocks cost. A node may go away and come back meanwhile. As long as it is
away nothing is lost and nothing is done but to ask again, less and less often; who watches is told
once that it is gone and once that it is back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from threading import Event
from time import monotonic
from typing import Protocol

from arien_flows.ledger.ingest import IngestStep, IngestSummary, catch_up
from arien_flows.ledger.writer import LedgerWriter
from chains.errors import ChainChangedError, MalformedBlockError, SourceUnavailableError
from chains.source import BlockSource

EVERY_SECONDS = 30.0
"""How often to look for new blocks where nothing announces them."""

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
"""A source that failed is asked again after a pause that doubles from the first to the longest."""

SLICE_SECONDS = 1.0
"""A wait is cut into pieces of this length, so that a stop is noticed."""


class SourceState(Enum):
    """How it stands with the source that is followed."""

    FOLLOWED = "followed"
    BEHIND = "behind"
    """Its best chain has no more work than the ledger's, and ends elsewhere."""

    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """How it stands with the source from now on; printed, it says so to people."""

    state: SourceState
    words: str

    def __str__(self) -> str:
        return self.words


class Followed(Protocol):
    """A source that a ledger keeps up with."""

    def refresh(self) -> None:
        """See the chain as it is now."""
        ...

    def wait(self, seconds: float) -> None:
        """Return when there may be a new block, at the latest after `seconds`."""
        ...


class Watcher(Protocol):
    """Is told what happens. Called by the thread that follows."""

    def step(self, step: IngestStep) -> None:
        """Hear of a commit."""
        ...

    def took_in(self, summary: IngestSummary) -> None:
        """Hear of a round that added or removed blocks; the ledger is at the source's tip now."""
        ...

    def changed(self, change: SourceChange) -> None:
        """Hear how it stands with the source; once for each change."""
        ...


def follow(
    writer: LedgerWriter,
    source: BlockSource,
    watcher: Watcher,
    *,
    stop: Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Keep the ledger at the tip of the source's best chain until `stop` is set.

    A source that is away, or delivers broken blocks, is waited for without end. Whatever else
    goes wrong is raised: blocks that break the rules, a full disk.
    """
    keep_up(
        lambda: catch_up(writer, source, stop=stop, report=watcher.step),
        source,
        watcher,
        last_height=lambda: writer.next_height - 1,
        stop=stop,
        every_seconds=every_seconds,
    )


def keep_up(
    round_of: Callable[[], IngestSummary],
    source: Followed,
    watcher: Watcher,
    *,
    last_height: Callable[[], int],
    stop: Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Take in what comes, round by round, until `stop` is set; `follow` says what happens then.

    `round_of` brings a ledger of whatever kind to the tip of the source, and `last_height` tells
    where it ends.
    """
    told = _Told(watcher)
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        try:
            source.refresh()
            summary = round_of()
        except ChainChangedError:
            stop.wait(FIRST_PAUSE_SECONDS)
            continue
        except (SourceUnavailableError, MalformedBlockError) as error:
            told.away(error)
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            continue
        pause = FIRST_PAUSE_SECONDS
        told.at_hand(summary, last_height())
        if summary.blocks_added or summary.blocks_removed:
            watcher.took_in(summary)
        _wait(source, every_seconds, stop)


def _wait(source: Followed, seconds: float, stop: Event) -> None:
    """Return when there may be a new block, when time is up, or when `stop` is set."""
    deadline = monotonic() + seconds
    while not stop.is_set() and (left := deadline - monotonic()) > 0:
        piece = min(left, SLICE_SECONDS)
        begun = monotonic()
        try:
            source.wait(piece)
        except SourceUnavailableError:
            # The next round says what is wrong; a source that can't wait must not be hurried.
            stop.wait(piece)
            continue
        if monotonic() - begun < piece / 2:
            return


def kept_words(summary: IngestSummary, height: int) -> str:
    """Return why a ledger that ends at `height` keeps blocks that the source's chain lacks."""
    return (
        f"The source's best chain, which ends at block {summary.source_height}, has no more work "
        f"than the ledger's, which ends at block {height}: the ledger is kept as it is"
    )


class _Told:
    """What the watcher was told of the source last."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._state = SourceState.FOLLOWED
        self._words = ""

    def away(self, error: Exception) -> None:
        words = f"{' '.join(str(error).split())}; trying again"
        self._say(SourceState.AWAY, words)

    def at_hand(self, summary: IngestSummary, height: int) -> None:
        if summary.blocks_kept:
            self._state_behind(summary, height)
        elif self._state is SourceState.AWAY:
            self._say(SourceState.FOLLOWED, f"The source is back, at block {summary.source_height}")
        else:
            self._state, self._words = SourceState.FOLLOWED, ""

    def _state_behind(self, summary: IngestSummary, height: int) -> None:
        if self._state is not SourceState.BEHIND:
            self._say(SourceState.BEHIND, kept_words(summary, height))

    def _say(self, state: SourceState, words: str) -> None:
        if (state, words) != (self._state, self._words):
            self._watcher.changed(SourceChange(state=state, words=words))
        self._state, self._words = state, words
