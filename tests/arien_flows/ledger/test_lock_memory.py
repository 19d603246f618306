"""Whatever memory holds, and however keys collide, a ledger says the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arien_flows.ledger import key_filter, lock_memory, numbering, recent_rows, writer
from arien_flows.ledger.append import NewRows, build_rows
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.lock_memory import LockMemory
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.verify import verify
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from chains.tables import BlockBatch
from chains.types import Int64Array
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.stores import QuickDisk, columns_of, cut, fill
from tests.ledgers import Chain, Tx, batch_of

own_keys = Locks.keys

BLURS: dict[str, Callable[[Int64Array], Int64Array]] = {
    "ordinary": lambda keys: keys,
    "one key for all": lambda keys: keys * 0,
    "four keys": lambda keys: (keys & 3) << 61,
    "equal tags": lambda keys: keys & ~0xFFFF_FFFF,
    "equal blocks": lambda keys: keys & 0xFF,
}
"""Keys that whoever makes scripts might grind."""


@pytest.fixture
def tiny_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_rows, "SMALLEST", 1 << 2)
    monkeypatch.setattr(lock_memory, "MOST_ADDRESSES", 1 << 4)
    monkeypatch.setattr(lock_memory, "MOST_REVEALS", 1 << 3)
    monkeypatch.setattr(lock_memory, "CHUNK", 3)
    monkeypatch.setattr(key_filter, "SMALLEST_BLOCKS", 8)
    monkeypatch.setattr(key_filter, "FULL_AT", 64)
    monkeypatch.setattr(numbering, "ROWS_PER_THREAD", 2)


class Lagging:
    """Builds rows on a view whose indexes lack the last batch, as while runs are being written."""

    def __init__(self) -> None:
        self.before: View | None = None

    def __call__(self, batch: BlockBatch, base: View, *rest: Any, **options: Any) -> NewRows:
        late = base
        if self.before is not None and self.before.generation == base.generation:
            late = replace(
                base,
                addresses_by_lock=self.before.addresses_by_lock,
                reveals_by_lock=self.before.reveals_by_lock,
            )
        self.before = base
        return build_rows(batch, late, *rest, **options)


def take_in(root: Path, parts: list[tuple[int, list[list[bytes]]]]) -> None:
    """Roll back to a height, if there is something to roll back, and append batches; repeat."""
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as held:
        for height, batches in parts:
            if held.view.counts.blocks:
                held.roll_back(height)
            for blocks in batches:
                held.append(batch_of(blocks))


@pytest.mark.usefixtures("tiny_tables")
@pytest.mark.parametrize("blur", BLURS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 4), max_size=14))
def test_ledger__depends_neither_on_memory_nor_on_keys(
    tmp_path_factory: pytest.TempPathFactory, blur: str, seed: int, sizes: list[int]
) -> None:
    random = Random(seed)
    common = random_chain(random, 5)
    losing = random_chain(random, 4, common.copy(), salt=1).blocks
    winning = random_chain(random, 5, common.copy(), salt=2).blocks
    plain, hard = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("hard")
    fill(plain, [winning])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Locks, "keys", lambda locks: BLURS[blur](own_keys(locks)))
        patch.setattr(writer, "build_rows", Lagging())
        # Numbers that the losing branch gave away are given to other scripts.
        take_in(hard, [(-1, cut(losing, sizes)), (5, cut(winning[6:], sizes))])
        view = Ledger(hard).view()
        for number in range(view.counts.addresses):
            assert view.find_lock(*view.lock(number)) == number
    assert columns_of(hard) == columns_of(plain)


@pytest.mark.usefixtures("tiny_tables")
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), restarts=st.lists(st.booleans(), min_size=10, max_size=10))
def test_ledger__does_not_depend_on_restarts(
    tmp_path_factory: pytest.TempPathFactory, seed: int, restarts: list[bool]
) -> None:
    blocks = random_chain(Random(seed), 10).blocks
    plain, broken = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("broken")
    fill(plain, [blocks])
    part: list[list[bytes]] = []
    for block, restart in zip(blocks, [*restarts, True], strict=True):
        part.append([block])
        if restart:
            fill(broken, part)
            part = []
    assert columns_of(broken) == columns_of(plain)
    assert verify(Ledger(broken)).ok


def many_addresses(blocks: int, each: int) -> list[bytes]:
    """Return a chain in which each block pays new addresses, and one of each earlier block."""
    chain = Chain.from_genesis()
    for height in range(1, blocks + 1):
        fresh = [(f"p2tr:{height}-{index}", 1) for index in range(each)]
        again = [(f"p2tr:{earlier}-{height % each}", 1) for earlier in range(1, height)]
        chain.add([Tx(name=f"cb{height}", outputs=[*fresh, *again])])
    return chain.blocks


@pytest.mark.slow
def test_ledger__of_more_addresses_than_memory_and_filter_were_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = many_addresses(20, 100)
    fill(tmp_path / "plain", [blocks])
    monkeypatch.setattr(recent_rows, "SMALLEST", 1 << 4)
    monkeypatch.setattr(lock_memory, "MOST_ADDRESSES", 1 << 8)
    monkeypatch.setattr(key_filter, "SMALLEST_BLOCKS", 8)
    monkeypatch.setattr(numbering, "ROWS_PER_THREAD", 4)
    monkeypatch.setattr(writer, "build_rows", Lagging())
    grown = tmp_path / "grown"
    with LedgerWriter(grown, REGTEST, QuickDisk(grown)) as held:
        sizes, held_rows = set(), set()
        for block in blocks:
            held.append(batch_of([block]))
            assert held._resident is not None
            memory = held._resident.locks
            sizes.add(len(memory.filter.words))
            held_rows.add(np.count_nonzero(memory.addresses.young))
        assert len(sizes) > 1
        assert max(held_rows) < 512 < held.view.counts.addresses
        renewed = LockMemory.of(
            held.view.addresses_by_lock.runs, held.view.reveals_by_lock.runs
        ).filter
        assert renewed.count <= held.view.counts.addresses + held.view.counts.reveals
    assert columns_of(grown) == columns_of(tmp_path / "plain")
