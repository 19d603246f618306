"""Staying at the tip: new blocks, reorganisations, a source that goes away and comes back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from threading import Event

import pytest

from arien_flows.errors import SourceError
from arien_flows.ledger import following
from arien_flows.ledger.following import SourceChange, SourceState, follow
from arien_flows.ledger.ingest import MOST_CHANGES, IngestStep, IngestSummary, ingest
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from chains.errors import ChainChangedError, MalformedBlockError, SourceUnavailableError
from chains.tables import BlockBatch
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.late import ChainSource
from tests.arien_flows.ledger.stores import QuickDisk, columns_of, fill
from tests.ledgers import Chain, Tx


class Scene(ChainSource):
    """A source whose waits are the turns of a play: each does something, the last one stops."""

    def __init__(self, blocks: list[bytes], stop: Event, turns: list[Callable[[], None]]) -> None:
        self.stop, self.turns = stop, iter(turns)
        self.fault: Exception | None = None
        self.faults_left = 0
        super().__init__(blocks, batch_blocks=1)

    def wait(self, seconds: float) -> None:  # noqa: ARG002
        turn = next(self.turns, self.stop.set)
        turn()

    def refresh(self) -> None:
        self._fail()
        super().refresh()

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        for batch in super().batches(start, stop):
            yield batch
            self._fail()

    def _fail(self) -> None:
        if self.fault is not None and self.faults_left:
            self.faults_left -= 1
            raise self.fault


class Diary:
    """Keeps what a watcher is told."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.rounds: list[tuple[int, int]] = []
        self.changes: list[SourceChange] = []

    def step(self, step: IngestStep) -> None:
        self.steps.append(step.height)

    def took_in(self, summary: IngestSummary) -> None:
        self.rounds.append((summary.blocks_removed, summary.blocks_added))

    def changed(self, change: SourceChange) -> None:
        self.changes.append(change)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(following, "LONGEST_PAUSE_SECONDS", 0.002)


def played(root: Path, blocks: list[bytes], *acts: Callable[[Scene], None]) -> Diary:
    """Follow a source through some acts, one between two rounds each."""
    stop, diary = Event(), Diary()
    scene = Scene(blocks, stop, [])
    scene.turns = iter([lambda act=act: act(scene) for act in acts])
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        follow(writer, scene, diary, stop=stop, every_seconds=5)
    return diary


def comes(blocks: list[bytes]) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        scene.coming = blocks

    return act


def fails(error: Exception, times: int, blocks: list[bytes]) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        scene.fault, scene.faults_left, scene.coming = error, times, blocks

    return act


def same_as_at_once(tmp_path: Path, blocks: list[bytes]) -> None:
    fill(tmp_path / "straight", [blocks])
    assert columns_of(tmp_path / "ledger") == columns_of(tmp_path / "straight")


def test_follow__takes_in_what_comes_and_keeps_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(1)
    common = random_chain(random, 4)
    losing = random_chain(random, 2, common.copy(), salt=1).blocks
    winning = random_chain(random, 5, common.copy(), salt=2).blocks
    rebuilt = []
    of = following.LedgerWriter.append.__globals__["Resident"].of
    monkeypatch.setattr(
        "arien_flows.ledger.writer.Resident.of", lambda view: rebuilt.append(1) or of(view)
    )
    diary = played(tmp_path / "ledger", common.blocks, comes(losing), comes(losing), comes(winning))
    assert diary.rounds == [(0, 5), (0, 2), (2, 5)]
    assert diary.steps == [0, 1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9]
    assert diary.changes == []
    assert len(rebuilt) == 1
    same_as_at_once(tmp_path, winning)


@pytest.mark.parametrize(
    "error",
    [
        SourceUnavailableError("the node does not answer"),
        MalformedBlockError("block 4 is damaged"),
    ],
)
def test_follow__waits_for_a_source_that_is_away_and_says_so_once(
    tmp_path: Path, error: Exception
) -> None:
    blocks = random_chain(Random(2), 9).blocks
    diary = played(tmp_path / "ledger", blocks[:4], fails(error, 40, blocks), comes(blocks))
    assert [change.state for change in diary.changes] == [SourceState.AWAY, SourceState.FOLLOWED]
    assert str(diary.changes[0]) == f"{error}; trying again"
    assert str(diary.changes[1]) == "The source is back, at block 9"
    same_as_at_once(tmp_path, blocks)


def test_follow__says_anew_what_is_wrong_when_something_else_is(tmp_path: Path) -> None:
    blocks = random_chain(Random(2), 5).blocks

    class Changing(Scene):
        def refresh(self) -> None:
            if self.fault is not None and self.faults_left == 3:
                self.fault = SourceUnavailableError("the password is wrong")
            super().refresh()

    stop, diary = Event(), Diary()
    scene = Changing(blocks[:3], stop, [])
    scene.turns = iter([lambda: fails(SourceUnavailableError("gone"), 6, blocks)(scene)])
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        follow(writer, scene, diary, stop=stop)
    assert [str(change) for change in diary.changes] == [
        "gone; trying again",
        "the password is wrong; trying again",
        "The source is back, at block 5",
    ]


def test_follow__keeps_the_ledger_where_the_source_has_less_work_and_says_so_once(
    tmp_path: Path,
) -> None:
    blocks = random_chain(Random(3), 9).blocks
    diary = played(
        tmp_path / "ledger",
        blocks[:8],
        comes(blocks[:3]),
        comes(blocks[:4]),
        comes(blocks),
        comes(blocks[:5]),
    )
    assert [change.state for change in diary.changes] == [SourceState.BEHIND, SourceState.BEHIND]
    assert str(diary.changes[0]) == (
        "The source's best chain, which ends at block 2, has no more work than the ledger's, "
        "which ends at block 7: the ledger is kept as it is"
    )
    assert diary.rounds == [(0, 8), (0, 2)]
    same_as_at_once(tmp_path, blocks)


def test_follow__a_chain_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    blocks = random_chain(Random(4), 9).blocks
    diary = played(
        tmp_path / "ledger",
        blocks[:3],
        fails(ChainChangedError("block 5 is no longer in the chain"), 3, blocks),
        comes(blocks),
    )
    assert diary.changes == []
    same_as_at_once(tmp_path, blocks)


def test_follow__bad_blocks_end_it(tmp_path: Path) -> None:
    rich = Chain.from_genesis().add([Tx(name="a", outputs=[("alice", 51 * 10**8)])])
    with pytest.raises(SourceError, match="creates"):
        played(tmp_path, rich.blocks[:1], comes(rich.blocks))


def test_follow__stops_between_two_batches(tmp_path: Path) -> None:
    blocks = random_chain(Random(5), 9).blocks
    stop = Event()

    class Stopping(Diary):
        def step(self, step: IngestStep) -> None:
            super().step(step)
            if step.height == 4:
                stop.set()

    diary = Stopping()
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        follow(writer, ChainSource(blocks, batch_blocks=1), diary, stop=stop)
        assert writer.next_height == 5
    assert diary.steps == [0, 1, 2, 3, 4]


def test_follow__a_source_that_cannot_wait_is_not_hurried(tmp_path: Path) -> None:
    blocks = random_chain(Random(6), 2).blocks
    stop, diary, waits = Event(), Diary(), []

    class Deaf(ChainSource):
        def wait(self, seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                stop.set()
            raise SourceUnavailableError("nobody listens")

    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        follow(writer, Deaf(blocks), diary, stop=stop, every_seconds=0.02)
    assert len(waits) == 3
    assert diary.changes == []


def test_ingest__gives_up_on_a_chain_that_changes_all_the_time(tmp_path: Path) -> None:
    blocks = random_chain(Random(7), 9).blocks

    class Restless(ChainSource):
        served = 0
        refreshed = 0

        def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
            if self.served:
                self.served -= 1
                yield next(super().batches(start, stop))
            raise ChainChangedError("again")

        def refresh(self) -> None:
            self.refreshed += 1
            super().refresh()

    source = Restless(blocks, batch_blocks=1)
    source.served = 2
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        with pytest.raises(SourceUnavailableError, match=f"changed {MOST_CHANGES} times") as caught:
            ingest(writer, source)
        assert isinstance(caught.value.__cause__, ChainChangedError)
        # What could be read was kept, and began the count anew.
        assert writer.next_height == 2
        assert source.refreshed == 1 + MOST_CHANGES
