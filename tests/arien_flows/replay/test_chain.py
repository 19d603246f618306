"""Where a ledger and an answer part, told from the blocks that a manifest names."""

from types import SimpleNamespace
from typing import cast

from arien_flows.ledger.as_of import view_as_of
from arien_flows.ledger.view import View
from arien_flows.replay.chain import Parting, parting
from arien_flows.tracing.answer import Manifest
from arien_flows.tracing.manifest import blocks_seen
from tests.arien_flows.entities.random_chains import view_at
from tests.ledgers import Chain, Tx

BLOCKS = 40


def ledger(fork: int = BLOCKS) -> View:
    """Return a ledger whose blocks are others from a height on."""
    chain = Chain.from_genesis()
    for height in range(1, BLOCKS):
        owner = "one" if height < fork else "other"
        chain.add([Tx(name=f"mined-{height}", outputs=[(owner, 50)])])
    return view_at(chain)


def manifest_of(view: View) -> Manifest:
    told = SimpleNamespace(
        tip_height=view.tip.height, tip_hash=view.tip.block_hash, blocks=blocks_seen(view)
    )
    return cast("Manifest", told)


def test_parting__a_ledger_that_is_behind_contradicts_nothing():
    view = ledger()
    for height in range(BLOCKS - 1):
        part = parting(view_as_of(view, height), manifest_of(view))
        assert part.by is None
        assert part.after is not None
        assert part.after <= height


def test_parting__another_chain_contradicts_a_block():
    for fork in range(1, BLOCKS):
        part = parting(ledger(fork), manifest_of(ledger()))
        assert part.after is not None
        assert part.by is not None
        assert part.after < fork <= part.by
    assert parting(ledger(BLOCKS - 1), manifest_of(ledger())) == Parting(
        after=BLOCKS - 2, by=BLOCKS - 1
    )


def test_parting__a_shorter_ledger_of_another_chain_contradicts_a_block():
    view = view_as_of(ledger(2), BLOCKS - 5)
    part = parting(view, manifest_of(ledger()))
    assert part.by is not None
    assert part.after in (0, 1)
