"""What is left of an account ledger after a power cut at any moment, or of what was only staged."""

from pathlib import Path
from random import Random

import pytest

from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.verify import verify_accounts
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.ledger.disk import Disk
from chains.ethereum.networks import ETHEREUM_DEV
from tests.account_chains import AccountChain
from tests.arien_flows.account_ledger.disk_ledgers import batches, columns_of, fill, random_chain
from tests.arien_flows.ledger.power_cut import PowerCutDisk, PowerCutError
from tests.arien_flows.ledger.stores import CountingDisk, QuickDisk


def grow(root: Path, chain: AccountChain, disk: Disk) -> None:
    """Append, roll back and append again: everything that a writer does."""
    with AccountLedgerWriter(root, ETHEREUM_DEV, disk) as writer:
        writer.append(chain.batch(0, 3))
        for batch in batches(chain, range(4, 9), 3):
            writer.stage(batch)
            if int(batch.height[0]) % 2:
                writer.commit()
        writer.commit()
        writer.roll_back(5)
        writer.append(chain.batch(6))


def states_of(chain: AccountChain, folder: Path) -> list[dict[str, bytes]]:
    """Return the columns of the chain's beginnings, the empty ledger first."""
    states = []
    with AccountLedgerWriter(folder, ETHEREUM_DEV, QuickDisk(folder)) as writer:
        states.append(columns_of(folder))
        for batch in batches(chain, range(20)):
            writer.append(batch)
            states.append(columns_of(folder))
    return states


@pytest.mark.slow
def test_power_cut__leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    chain = random_chain(Random(11), 10)
    states = states_of(chain, tmp_path / "states")
    counting = CountingDisk(tmp_path / "whole")
    grow(tmp_path / "whole", chain, counting)
    random = Random(7)
    found = set()
    for moment in random.sample(range(counting.operations), 40):
        image, live = tmp_path / "images" / str(moment), tmp_path / "live" / str(moment)
        image.mkdir(parents=True)
        live.mkdir(parents=True)
        with pytest.raises(PowerCutError):
            grow(live, chain, PowerCutDisk(live, image, random, moment))
        with AccountLedgerWriter(image, ETHEREUM_DEV, QuickDisk(image)) as writer:
            left = columns_of(image)
            assert left in states, f"operation {moment} left a state that never was"
            found.add(states.index(left))
            for batch in batches(chain, (), writer.rows.blocks):
                writer.append(batch)
        assert columns_of(image) == states[-1]
        assert verify_accounts(AccountLedger(image)).ok
    assert found >= {0, 3, 6}, "the cuts did not reach the states that matter"


def test_staged_rows__that_no_commit_published_are_written_over(tmp_path: Path) -> None:
    chain = random_chain(Random(11), 6)
    root = tmp_path / "ledger"
    with AccountLedgerWriter(root, ETHEREUM_DEV, QuickDisk(root)) as writer:
        writer.append(chain.batch(0, 3))
    before = columns_of(root)
    with AccountLedgerWriter(root, ETHEREUM_DEV, QuickDisk(root)) as writer:
        writer.stage(chain.batch(3))
    # The next writer finds rows behind the counts, and writes over them.
    with AccountLedgerWriter(root, ETHEREUM_DEV, QuickDisk(root)) as writer:
        assert columns_of(root) == before
        writer.append(chain.batch(3))
    fill(tmp_path / "whole", chain)
    assert columns_of(root) == columns_of(tmp_path / "whole")
