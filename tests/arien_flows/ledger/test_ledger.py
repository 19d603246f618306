"""Readers beside a writer: they see whole batches, say when they are stale, and never crash."""

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import numpy as np
import pytest

from arien_flows.errors import StaleSnapshotError
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.stores import QuickDisk, fill
from tests.ledgers import batch_of

SECONDS = 8
FORK = 20


def consistent(view: View) -> tuple[int, int]:
    """Check everything that half a batch would break; return generation and blocks."""
    counts = view.counts
    outputs = np.arange(counts.outputs)
    spenders = view.spenders(outputs)
    spent = np.flatnonzero(spenders >= 0)
    assert len(view.header) == counts.blocks
    assert int(view.first_transaction[-1]) == counts.transactions
    assert int(view.first_input[-1]) == counts.inputs == len(spent)
    assert int(view.first_output[-1]) == counts.outputs
    assert np.array_equal(np.sort(view.spent_output), spent)
    inputs = np.arange(counts.inputs)
    assert (spenders[view.spent_output] == view.transactions_of_inputs(inputs)).all()
    assert int(view.output_address.max(initial=0, where=view.output_address < 2**32 - 1)) + 1 == (
        counts.addresses
    )
    last = counts.transactions - 1
    assert view.find_transaction(view.txid_text(last)) == last
    address = counts.addresses - 1
    totals = view.totals(address)
    assert totals.received_sat == int(view.output_value[view.output_address == address].sum())
    assert totals.sent_sat == int(view.input_value[view.input_address == address].sum())
    return view.generation, counts.blocks


def read_on(root: Path, report: Connection) -> None:
    """Ask and ask again until told to stop; report what was seen, or the first thing wrong."""
    seen: set[tuple[int, int]] = set()
    answers = stale = 0
    try:
        ledger = Ledger(root)
        while not report.poll():
            try:
                seen.add(ledger.answer(consistent))
                answers += 1
            except StaleSnapshotError:
                stale += 1
        report.send(("fine", answers, stale, seen))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test must hear of it
        report.send((repr(error), answers, stale, seen))


def switch_branches(root: Path, main: list[bytes], branch: list[bytes]) -> None:
    """Roll back to the fork and append one branch, then the other."""
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        for blocks in (branch, main):
            writer.roll_back(min(FORK, writer.view.counts.blocks - 1))
            for height in range(writer.view.counts.blocks, len(blocks), 2):
                writer.append(batch_of(blocks[height : height + 2]))


def write_on(root: Path, main: list[bytes], branch: list[bytes]) -> None:
    while True:
        switch_branches(root, main, branch)


def stage_branches(root: Path, main: list[bytes], branch: list[bytes]) -> None:
    """Do the same with a commit for three batches of a block each, and one for the rest."""
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        for blocks in (branch, main):
            writer.roll_back(min(FORK, writer.view.counts.blocks - 1))
            for number, block in enumerate(blocks[writer.view.counts.blocks :], 1):
                writer.stage(writer.prepare(batch_of([block])))
                if number % 3 == 0:
                    writer.commit()
            writer.commit()


def stage_on(root: Path, main: list[bytes], branch: list[bytes]) -> None:
    while True:
        stage_branches(root, main, branch)


@pytest.mark.slow
def test_answer__never_shows_a_part_of_what_a_commit_publishes(tmp_path: Path) -> None:
    random = Random(9)
    common = random_chain(random, FORK)
    main = random_chain(random, 12, common.copy(), salt=1).blocks
    branch = random_chain(random, 12, common.copy(), salt=2).blocks
    fill(tmp_path, [main])
    stage_branches(tmp_path, main, branch)
    consistent(Ledger(tmp_path).view())
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    reader = context.Process(target=read_on, args=(tmp_path, theirs))
    writer = context.Process(target=stage_on, args=(tmp_path, main, branch))
    reader.start()
    writer.start()
    time.sleep(SECONDS)
    writer.kill()
    writer.join()
    ours.send("stop")
    reader.join(30)
    assert reader.exitcode == 0, "the reader was killed"
    verdict, answers, _stale, seen = ours.recv()
    assert verdict == "fine"
    assert answers > 20
    # A commit stands behind the fork and behind every third block above it.
    seen_blocks = {blocks for _, blocks in seen}
    assert seen_blocks <= {*range(FORK + 1, len(main), 3), len(main)}
    assert len(seen_blocks) > 2


@pytest.mark.slow
def test_answer__through_appends_roll_backs_and_recoveries(tmp_path: Path) -> None:
    random = Random(4)
    common = random_chain(random, FORK)
    main = random_chain(random, 12, common.copy(), salt=1).blocks
    branch = random_chain(random, 12, common.copy(), salt=2).blocks
    fill(tmp_path, [main])
    # Everything is compiled before the processes part, so that they work and not compile.
    switch_branches(tmp_path, main, branch)
    consistent(Ledger(tmp_path).view())
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    reader = context.Process(target=read_on, args=(tmp_path, theirs))
    reader.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        writer = context.Process(target=write_on, args=(tmp_path, main, branch))
        writer.start()
        time.sleep(random.uniform(0.1, 0.6))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
    ours.send("stop")
    reader.join(30)
    assert reader.exitcode == 0, "the reader was killed"
    verdict, answers, _stale, seen = ours.recv()
    assert verdict == "fine"
    assert answers > 20
    assert len({generation for generation, _ in seen}) > 5
    assert {blocks for _, blocks in seen} <= set(range(FORK + 1, len(main) + 1))


def test_answer__a_roll_back_in_the_middle_asks_again(tmp_path: Path) -> None:
    blocks = random_chain(Random(1), 6).blocks
    fill(tmp_path, [blocks])
    asked = []

    def count_blocks(view: View) -> int:
        asked.append(view.generation)
        if len(asked) == 1:
            with LedgerWriter(tmp_path, REGTEST) as writer:
                writer.roll_back(4)
        return view.counts.blocks

    assert Ledger(tmp_path).answer(count_blocks) == 5
    assert asked == [0, 1]


def test_answer__says_stale_when_it_never_settles(tmp_path: Path) -> None:
    blocks = random_chain(Random(1), 8).blocks
    fill(tmp_path, [blocks])

    def roll_back_once_more(view: View) -> None:
        with LedgerWriter(tmp_path, REGTEST) as writer:
            writer.roll_back(view.counts.blocks - 2)

    with pytest.raises(StaleSnapshotError, match="ask again"):
        Ledger(tmp_path).answer(roll_back_once_more)


def test_answer__an_error_of_the_question_is_passed_on(tmp_path: Path) -> None:
    fill(tmp_path, [random_chain(Random(1), 1).blocks])
    with pytest.raises(ZeroDivisionError):
        Ledger(tmp_path).answer(lambda view: view.counts.blocks // 0)


def test_view__a_spender_past_the_view_reads_as_unspent(tmp_path: Path) -> None:
    blocks = random_chain(Random(6), 10).blocks
    fill(tmp_path, [blocks[:6]])
    before = Ledger(tmp_path).view()
    outputs = np.arange(before.counts.outputs)
    spenders = before.spenders(outputs).tolist()
    fill(tmp_path, [blocks[6:]])
    assert (before.spender[outputs] != np.uint32(2**32 - 1)).sum() > np.sum(np.array(spenders) >= 0)
    assert before.spenders(outputs).tolist() == spenders


def test_view__is_the_same_object_until_something_is_committed(tmp_path: Path) -> None:
    blocks = random_chain(Random(6), 4).blocks
    fill(tmp_path, [blocks[:3]])
    ledger = Ledger(tmp_path)
    first = ledger.view()
    assert ledger.view() is first
    fill(tmp_path, [blocks[3:]])
    assert ledger.view().counts.blocks == len(blocks)
    assert ledger.bytes_on_disk() > 0
