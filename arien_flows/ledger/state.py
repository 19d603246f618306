"""Which state of the chain a view shows, in the words of every answer."""

from datetime import UTC, datetime

import numpy as np

from arien_flows.ledger.view import View
from arien_flows.shapes import AsOf


def as_of(view: View) -> AsOf:
    """Return the state of the chain that a view describes."""
    return AsOf(
        network=view.network.name,
        height=view.tip.height,
        block_hash=view.tip.block_hash,
        time=view.tip.time,
    )


def as_of_block(view: View, block: int) -> AsOf:
    """Return the state of the chain that ends with a block, which is a row of the block table."""
    seconds = int(view.times_of_blocks(np.array([block], np.int64))[0])
    return AsOf(
        network=view.network.name,
        height=int(view.block_height[block]),
        block_hash=view.block_hash(block),
        time=datetime.fromtimestamp(seconds, tz=UTC),
    )
