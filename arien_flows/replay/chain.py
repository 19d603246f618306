"""Whether the chain that an answer stood on is still the ledger's chain."""

from dataclasses import dataclass

from arien_flows.account_ledger.view import AccountView
from arien_flows.ledger.beginning import first_height
from arien_flows.ledger.view import View
from arien_flows.tracing.manifest_answer import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """Where a ledger's chain leaves the one of an answer."""

    after: int | None
    """Height of the last block that is known to be in both; nothing where none is."""

    by: int | None
    """Height of the first block that is known to be in one of them only; nothing where none of the
    answer's blocks contradicts the ledger."""


def holds(view: View | AccountView, height: int, block_hash: str) -> bool:
    """Tell whether a ledger of whole blocks holds a block."""
    row = height - lowest_height(view)
    if not 0 <= row < view.counts.blocks:
        return False
    if isinstance(view, AccountView):
        raw: bytes = view.blocks.block_hash[row].tobytes()
        return "0x" + raw.hex() == block_hash
    return view.block_hash(row) == block_hash


def lowest_height(view: View | AccountView) -> int:
    """Return the height of a ledger's first block."""
    return int(view.blocks.height[0]) if isinstance(view, AccountView) else first_height(view)


def parting(view: View | AccountView, manifest: Manifest) -> Parting:
    """Return where a ledger that does not hold an answer's last block leaves its chain.

    A block past the ledger's last one, or before its first, says nothing of that.
    """
    first, last = lowest_height(view), view.tip.height
    by = manifest.tip_height if first <= manifest.tip_height <= last else None
    for block in manifest.blocks:
        if holds(view, block.height, block.block_hash):
            return Parting(after=block.height, by=by)
        if first <= block.height <= last:
            by = block.height
    return Parting(after=None, by=by)
