from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.resident import Resident
from arien_flows.ledger.undo import counts_at
from arien_flows.ledger.unspent_table import AMOUNT, KEY, PLACE, output_in
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.stores import QuickDisk
from tests.ledgers import Chain, Tx, batch_of


def contents(resident: Resident, addresses: int) -> tuple[list[tuple[int, ...]], int, list[bool]]:
    """Return the entries of the table, how many it counts, and who has shown a key or script."""
    slots = resident.unspent.slots
    taken = slots[slots[:, PLACE] != 0]
    assert (np.diff(taken[:, KEY]) >= 0).all()
    entries = sorted(
        (output_in(taken, row), taken[row, AMOUNT] >> 12, taken[row, PLACE] & 0xFFFF_FFFF)
        for row in range(len(taken))
    )
    revealed = np.unpackbits(resident.revealed, bitorder="little")
    assert not revealed[addresses:].any()
    return entries, resident.unspent.count, revealed[:addresses].tolist()


def assert_as_if_rebuilt(writer: LedgerWriter) -> None:
    addresses = writer.view.counts.addresses
    assert writer._resident is not None
    held = contents(writer._resident, addresses)
    assert held == contents(Resident.of(writer.view), addresses)
    assert held[1] == len(held[0])


moves = st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=12)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), moves=moves)
def test_roll_back__leaves_what_a_rebuild_would_make(
    tmp_path_factory: pytest.TempPathFactory, seed: int, moves: list[tuple[bool, int]]
) -> None:
    root = tmp_path_factory.mktemp("ledger")
    chain = random_chain(Random(seed), 4)
    branches = [chain]
    with LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        writer.append(batch_of(chain.blocks))
        for salt, (forward, count) in enumerate(moves, start=1):
            if forward:
                longer = random_chain(Random(seed + salt), count, branches[-1].copy(), salt)
                writer.append(batch_of(longer.blocks[len(branches[-1].blocks) :]))
                branches.append(longer)
            else:
                # Back to some earlier branch, of which the ledger holds a part or all.
                kept = branches[max(0, len(branches) - 1 - count)]
                branches = branches[: branches.index(kept) + 1]
                writer.roll_back(len(kept.blocks) - 1)
            assert_as_if_rebuilt(writer)


def repeated_coinbase() -> list[bytes]:
    """Return blocks of which the second coinbase repeats the first (BIP 30), later spent."""
    chain = Chain.from_genesis().add([Tx(name="a", outputs=[("alice", 50), ("p2pkh:bob", 9)])])
    chain.height -= 1
    chain.add([Tx(name="a", outputs=[("alice", 50), ("p2pkh:bob", 9)])])
    chain.height += 2
    return chain.add(
        [
            Tx(name="b"),
            Tx(name="c", inputs=["a:0"], outputs=[("carol", 30), ("alice", 20)]),
            Tx(name="d"),
            Tx(name="e", inputs=["a:1", "c:1"], outputs=[("dave", 29)]),
        ]
    ).blocks


@pytest.mark.parametrize("height", range(-1, 4))
def test_roll_back__gives_back_what_a_repeated_coinbase_voided(tmp_path: Path, height: int) -> None:
    blocks = repeated_coinbase()
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        writer.append(batch_of(blocks))
        assert writer.view.counts.overwrites == 2
        writer.roll_back(height)
        assert_as_if_rebuilt(writer)
        writer.append(batch_of(blocks[height + 1 :]))
        assert_as_if_rebuilt(writer)


def test_roll_back__does_not_go_on_from_a_state_that_is_not_the_ledgers(tmp_path: Path) -> None:
    blocks = random_chain(Random(4), 5).blocks
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        writer.append(batch_of(blocks))
        resident = Resident.of(writer.view)
        (taken,) = resident.unspent.slots[:, PLACE].nonzero()
        resident.unspent.slots[taken[-1], AMOUNT] += 1
        with pytest.raises(LedgerDamagedError, match="ledger verify"):
            resident.roll_back(writer.view, counts_at(writer.view, -1))
