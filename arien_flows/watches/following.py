"""Following the ledgers: what moved since the last look becomes alerts.

A duty of the workers. Watches of one network that are judged together form a lane: those of
addresses, and those of entities under each profile. A lane knows the hashes of the blocks that it
judged last. Where the ledger holds another block in the place of one of them, a reorganisation has
removed it: the lane goes back to the fork, and alerts of transactions that are gone are marked
withdrawn. Then come the new blocks, some at a time; what a step found is written in the very
transaction that moves the lane, so that a kill between two steps loses nothing, and what is found
again is recognised by watch and transaction.

A new watch is behind its lane. Its own past, from the block at which it begins, is read from the
history of its subject; then it goes with the lane.

Entities are those of the last clustering. As long as that lags behind the ledger, an address that
a later run will join is not known yet. So a lane of entities remembers up to which block its run
knew all joins, and judges what came after once more when there is another run. What an address
moved before a rule joined it, in blocks that were settled already, alerts nobody.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TypeVar

from arien_flows.casebook.watch_records import (
    ADDRESSES,
    Found,
    Lane,
    LaneStep,
    Raised,
    Watch,
)
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.errors import NotFoundError, StaleSnapshotError
from arien_flows.watches.account_ground import AccountGround
from arien_flows.watches.coin_ground import CoinGround
from arien_flows.watches.ground import Ground
from arien_flows.workspace import OpenNetwork, Workspace

log = logging.getLogger("arien_flows.watches")

SECONDS = 20.0
"""No step is begun in a call that has lasted so long."""

BLOCKS_TOGETHER = 144
"""Blocks of one step, so that a ledger that was filled in one go is judged in pieces."""

FOUND_TOGETHER = 1_000
"""Alerts of one transaction."""

FIRST_REMEMBERED = 100
"""Blocks that a new lane remembers, to know how deep a reorganisation goes."""

BLOCK_TIME_SLACK = timedelta(hours=2)
"""A block's time may be so much ahead; a watch whose time is over waits as long before it ends."""

BEHIND_TOGETHER = 500
"""Watches whose past is read in one step."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What a look at the ledger came to."""

    step: LaneStep
    found: tuple[Found, ...] = ()
    gone: tuple[Raised, ...] = ()
    met: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    """Watches whose time was over before the last block that was judged."""


def follow(workspace: Workspace, now: datetime) -> None:
    """Raise alerts of what moved since the last look: the duty of a worker."""
    end = monotonic() + SECONDS
    for network, lane in workspace.casebook.watches.open_lanes():
        try:
            _Following(workspace, network, lane).run(now, end)
        except (NotFoundError, StaleSnapshotError) as error:
            # There is no ledger any more, or it changes faster than it can be read: next time.
            log.warning("watches of %s are not judged: %s", network, error)


def ground_of(
    workspace: Workspace, network: str, lane: str, question: Callable[[Ground], Answer]
) -> Answer:
    """Return what a question says of a state of the ledger that still holds afterwards."""
    opened = workspace.open_any(network)
    of_entities = lane != ADDRESSES
    profile = lane if of_entities else DEFAULT_PROFILE
    if isinstance(opened, OpenNetwork):
        return opened.ask(
            lambda reading: question(CoinGround(reading, of_entities=of_entities)), profile
        )
    return opened.ask(
        lambda reading: question(AccountGround(reading, of_entities=of_entities)), profile
    )


class _Following:
    """One lane at one time."""

    def __init__(self, workspace: Workspace, network: str, lane: str) -> None:
        self._workspace = workspace
        self._watches = workspace.casebook.watches
        self._network = network
        self._name = lane

    def run(self, now: datetime, end: float) -> None:
        """Make step after step until nothing is new, or the time is up."""
        while monotonic() < end:
            lane = self._watches.lane(self._network, self._name)
            look = partial(self._look, lane)
            step = ground_of(self._workspace, self._network, self._name, look)
            if step is None or not self._write(lane, step, now):
                return

    def _write(self, lane: Lane, step: _Step, now: datetime) -> bool:
        """Write a step; tell whether to go on: nobody else has moved the lane meanwhile."""
        rest = len(step.found) % FOUND_TOGETHER
        for first in range(0, len(step.found) - rest, FOUND_TOGETHER):
            self._watches.raise_alerts(step.found[first : first + FOUND_TOGETHER], now)
        moved = self._watches.advance(
            lane,
            step.step,
            now,
            found=step.found[len(step.found) - rest :],
            gone=step.gone,
            met=step.met,
        )
        if moved and step.ended:
            self._watches.end(step.ended, by=None, now=now)
        if step.found or step.gone:
            found, gone = len(step.found), len(step.gone)
            log.info("watches of %s: %d found, %d withdrawn", self._network, found, gone)
        return moved

    def _look(self, lane: Lane, ground: Ground) -> _Step | None:
        """Return the next step of a lane; nothing where there is none to make."""
        if ground.top < ground.first_height:
            return None
        if lane.position is None:
            # All of its watches are behind it then.
            first = max(ground.first_height, ground.top - FIRST_REMEMBERED + 1)
            return _Step(step=_at(ground, lane, first, ground.top))
        fork = _fork(ground, lane)
        if fork != lane.position:
            return self._back(ground, lane, fork)
        settled = lane.settled_height
        is_other_run = self._name != ADDRESSES and ground.clustering not in (None, lane.clustering)
        if is_other_run and settled is not None and settled < lane.position:
            return self._again(ground, lane, settled + 1, lane.position)
        if lane.position < ground.top:
            return self._forward(ground, lane, lane.position)
        return self._behind(ground, lane, lane.position)

    def _back(self, ground: Ground, lane: Lane, fork: int | None) -> _Step:
        """Go back to the fork, and withdraw alerts of transactions that are gone."""
        if fork is None:
            begins = [watch.begins_at for watch in self._watches.going_with(lane)]
            start = min([*begins, ground.top + 1]) - 1
            start = max(start, ground.first_height - 1)
            above, forgotten = start, -1
            blocks = {start: ground.hash_at(start) or ""}
        else:
            above, forgotten, blocks = fork, fork, {}
        gone = tuple(
            alert
            for alert in self._watches.standing(lane, above)
            if ground.hash_at(alert.height) != alert.block_hash and not ground.holds(alert.txid)
        )
        settled = None if lane.settled_height is None else min(lane.settled_height, above)
        step = LaneStep(
            blocks=blocks,
            forgotten_above=forgotten,
            begin_at_latest=None if fork is None else fork + 1,
            clustering=lane.clustering,
            settled_height=settled,
        )
        return _Step(step=step, gone=gone)

    def _again(self, ground: Ground, lane: Lane, first: int, last: int) -> _Step:
        """Judge blocks once more, by a later run of the rules."""
        found = self._news(ground, self._watches.going_with(lane), first, last)
        return _Step(step=_at(ground, lane, last, last), found=found)

    def _forward(self, ground: Ground, lane: Lane, position: int) -> _Step:
        """Judge the next blocks."""
        watches = self._watches.going_with(lane)
        last = min(position + BLOCKS_TOGETHER, ground.top)
        over = ground.time_at(last) - BLOCK_TIME_SLACK
        return _Step(
            step=_at(ground, lane, position + 1, last),
            found=self._news(ground, watches, position + 1, last),
            ended=tuple(it.id for it in watches if it.until is not None and it.until < over),
        )

    @staticmethod
    def _news(ground: Ground, watches: Sequence[Watch], first: int, last: int) -> tuple[Found, ...]:
        found: list[Found] = []
        for begin in range(first, last + 1, BLOCKS_TOGETHER) if watches else ():
            found += ground.news(watches, begin, min(begin + BLOCKS_TOGETHER - 1, last))
        return tuple(found)

    def _behind(self, ground: Ground, lane: Lane, position: int) -> _Step | None:
        """Read the past of watches that have yet to meet the lane."""
        if self._name != ADDRESSES and ground.clustering is None:
            return None
        found: list[Found] = []
        met: list[str] = []
        for watch in self._watches.behind(lane, BEHIND_TOGETHER):
            if watch.begins_at <= position:
                found += ground.past(watch, watch.begins_at, position)
            met.append(watch.id)
            if len(found) >= FOUND_TOGETHER:
                break
        if not met:
            return None
        same = LaneStep(blocks={}, clustering=lane.clustering, settled_height=lane.settled_height)
        return _Step(step=same, found=tuple(found), met=tuple(met))


def _fork(ground: Ground, lane: Lane) -> int | None:
    """Return the last judged block that is still there; nothing where none is remembered."""
    for height, block_hash in lane.blocks:
        is_start = height == ground.first_height - 1 and not block_hash
        if is_start or ground.hash_at(height) == block_hash:
            return height
    return None


def _at(ground: Ground, lane: Lane, first: int, last: int) -> LaneStep:
    """Return a lane that has judged blocks up to `last`, the new ones from `first` on."""
    clustered, settled = ground.clustered_height, lane.settled_height
    if clustered is not None:
        settled = min(clustered, last)
    elif settled is None:
        settled = last
    return LaneStep(
        blocks={height: ground.hash_at(height) or "" for height in range(first, last + 1)},
        clustering=ground.clustering,
        settled_height=settled,
    )
