"""Whether the chain that an answer stood on is still the ledger's chain."""

from dataclasses import dataclass

from arien_flows.ledger.beginning import first_height
from arien_flows.ledger.view import View
from arien_flows.tracing.manifest_answer import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """Where a ledger's chain leaves the one of an answer."""

    after: int | None
    """Height of the last block that is known to be in both; nothing where none is."""

    by: int
    """Height of the first block that is known to be in one of them only."""


def holds(view: View, height: int, block_hash: str) -> bool:
    """Tell whether a ledger of whole blocks holds a block."""
    row = height - first_height(view)
    return 0 <= row < view.counts.blocks and view.block_hash(row) == block_hash


def parting(view: View, manifest: Manifest) -> Parting:
    """Return where a ledger that does not hold an answer's last block leaves its chain."""
    by = manifest.tip_height
    for block in manifest.blocks:
        if holds(view, block.height, block.block_hash):
            return Parting(after=block.height, by=by)
        by = block.height
    return Parting(after=None, by=by)
