from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import LedgerDamagedError, LedgerError, SourceError
from arien_flows.ledger.files import run_path
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.sorted_runs import FAN_IN
from arien_flows.ledger.verify import verify
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from chains.errors import SourceUnavailableError
from chains.tables import BlockBatch
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.late import ChainSource
from tests.arien_flows.ledger.stores import QuickDisk, cut, everything_of, fill, manifest_of
from tests.ledgers import batch_of


def stage(root: Path, batches: list[list[bytes]], commits: list[bool]) -> None:
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        for index, blocks in enumerate(batches):
            writer.stage(writer.prepare(batch_of(blocks)))
            if commits[index % len(commits)]:
                writer.commit()
        writer.finish_merges()


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), commits=st.lists(st.booleans(), min_size=1, max_size=12))
def test_commit__its_moments_leave_no_trace(
    tmp_path_factory: pytest.TempPathFactory, seed: int, commits: list[bool]
) -> None:
    blocks = random_chain(Random(seed), 12).blocks
    batches = cut(blocks, [1] * len(blocks))
    each, some = tmp_path_factory.mktemp("each"), tmp_path_factory.mktemp("some")
    fill(each, batches)
    stage(some, batches, commits)
    assert everything_of(some) == everything_of(each)


def test_stage__is_seen_by_nobody_before_the_commit(tmp_path: Path) -> None:
    blocks = random_chain(Random(5), 12).blocks
    fill(tmp_path, [blocks[:5]])
    before = everything_of(tmp_path)
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        reader = Ledger(tmp_path)
        shown = reader.view()
        for block in blocks[5:]:
            writer.stage(writer.prepare(batch_of([block])))
            assert reader.view() is shown
            assert writer.view.counts == shown.counts
            assert writer.next_height == writer.counts.blocks > shown.counts.blocks
        assert (shown.spenders(np.arange(shown.counts.outputs)) < shown.counts.transactions).all()
    assert everything_of(tmp_path) == before
    fill(tmp_path, [blocks[5:]])
    assert verify(Ledger(tmp_path)).ok


def test_stage__a_fault_does_not_take_earlier_batches_with_it(tmp_path: Path) -> None:
    blocks = random_chain(Random(6), 8).blocks
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        writer.stage(writer.prepare(batch_of(blocks[:4])))
        with pytest.raises(SourceError, match="follow"):
            writer.stage(writer.prepare(batch_of(blocks[5:])))
        with pytest.raises(LedgerError, match="open it again"):
            writer.stage(writer.prepare(batch_of(blocks[4:])))
        writer.commit()
    assert Ledger(tmp_path).view().counts.blocks == 4


class BreakingSource(ChainSource):
    """Goes away after some batches."""

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        yield from super().batches(start, min(start + 6, stop))
        raise SourceUnavailableError("the node is gone")


def test_ingest__commits_what_came_before_the_source_went(tmp_path: Path) -> None:
    source = BreakingSource(random_chain(Random(8), 20).blocks)
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        for rounds in (1, 2):
            with pytest.raises(SourceUnavailableError):
                ingest(writer, source)
            assert Ledger(tmp_path).view().counts.blocks == 6 * rounds


def test_roll_back__commits_what_is_staged_first(tmp_path: Path) -> None:
    blocks = random_chain(Random(9), 10).blocks
    staged, plain = tmp_path / "staged", tmp_path / "plain"
    with LedgerWriter(staged, REGTEST, QuickDisk(staged)) as writer:
        writer.append(batch_of(blocks[:4]))
        writer.stage(writer.prepare(batch_of(blocks[4:])))
        writer.roll_back(6)
    with LedgerWriter(plain, REGTEST, QuickDisk(plain)) as writer:
        for part in (blocks[:4], blocks[4:]):
            writer.append(batch_of(part))
        writer.roll_back(6)
    assert everything_of(staged) == everything_of(plain)


def spends_of_earlier_blocks(view: View, first_input: int) -> int:
    spending = view.transactions_of_inputs(np.arange(first_input, view.counts.inputs))
    spent = view.transactions_of_outputs(view.spent_output[first_input:])
    blocks = [np.searchsorted(view.first_transaction, rows, "right") for rows in (spending, spent)]
    return np.count_nonzero(blocks[0] != blocks[1])


def test_commit__is_due_when_enough_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arien_flows.ledger.writer.LEAST_SPENDS", 3)
    blocks = random_chain(Random(10), 12).blocks
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        for block in blocks:
            writer.stage(writer.prepare(batch_of([block])))
            spent = spends_of_earlier_blocks(writer._staged.view, writer.view.counts.inputs)
            assert writer.commit_is_due == (spent >= 3)
            if writer.commit_is_due:
                writer.commit()
        assert writer.view.counts.inputs > 3


def test_finish_merges__refuses_a_run_that_was_damaged(tmp_path: Path) -> None:
    blocks = random_chain(Random(11), FAN_IN).blocks
    batches = [*cut(blocks[: FAN_IN - 1], [1] * (FAN_IN - 1)), blocks[FAN_IN - 1 :]]
    fill(tmp_path, batches[:-1])
    run = manifest_of(tmp_path).runs.history[2]
    file = tmp_path / run_path("history", run)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        writer.append(batch_of(batches[-1]))
        with pytest.raises(LedgerDamagedError, match=file.name):
            writer.finish_merges()
    content[-1] ^= 1
    file.write_bytes(content)
    # The new block is there, the merge is not.
    assert Ledger(tmp_path).view().counts.blocks == len(blocks)
    assert run in manifest_of(tmp_path).runs.history
    fill(tmp_path, [])
    fill(tmp_path / "whole", batches)
    assert everything_of(tmp_path) == everything_of(tmp_path / "whole")
