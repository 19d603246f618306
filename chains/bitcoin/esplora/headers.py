"""Headers from a server that lists blocks downwards, some at a time.

A list answers for all heights that lie close together. Servers state a block's median time past;
where one does not, it is computed from the block and the ten below it.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from chains.bitcoin.esplora.answers import StatedBlock
from chains.bitcoin.esplora.routes import EsploraRoutes
from chains.bitcoin.headers import (
    HEADER_LENGTH,
    MEDIAN_SPAN,
    header_times,
    median_time_past,
    previous_hashes,
)
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.lookups import BlockHeader

LISTED_BLOCKS = 10
"""Blocks of one list, by the documentation. A server that lists more or fewer costs a request
more here and there."""


def tops_of_lists(heights: Sequence[int]) -> list[int]:
    """Return at which heights lists must begin to hold all of `heights`, given downwards."""
    tops: list[int] = []
    for height in heights:
        if not tops or height <= tops[-1] - LISTED_BLOCKS:
            tops.append(height)
    return tops


def headers_down_from(routes: EsploraRoutes, top: int) -> list[BlockHeader]:
    """Return the header at height `top` and, as far as one list tells, some below it.

    Raises `LookupFailedError` where the server has no block at that height.
    """
    try:
        blocks = _blocks_down_from(routes, top)
    except LookupFailedError:
        # Servers that list no blocks still show single ones.
        blocks = [_single_block(routes, top)]
    stated = [
        BlockHeader(height=block.height, header=block.header, median_time=block.median_time)
        for block in blocks
        if block.median_time is not None
    ]
    if len(stated) == len(blocks):
        return stated
    median_time = _median_time(routes, blocks)
    return [BlockHeader(height=top, header=blocks[0].header, median_time=median_time)]


def _blocks_down_from(routes: EsploraRoutes, top: int) -> list[StatedBlock]:
    """Return the block at height `top` and some below it, each the parent of the one before."""
    blocks = routes.blocks_down_from(top)
    heights = [block.height for block in blocks]
    if not blocks or heights != list(range(top, top - len(blocks), -1)):
        raise SourceUnavailableError(
            f"{routes.name} answers /blocks/{top} with blocks of other heights"
        )
    if not all(_follows(above, below) for above, below in itertools.pairwise(blocks)):
        raise SourceUnavailableError(
            f"{routes.name} answers /blocks/{top} with blocks that do not follow one another"
        )
    return blocks


def _single_block(routes: EsploraRoutes, height: int) -> StatedBlock:
    block = routes.block(routes.block_hash(height))
    if block.height != height:
        raise SourceUnavailableError(
            f"{routes.name} places the block that it has at height {height} at {block.height}"
        )
    return block


def _median_time(routes: EsploraRoutes, blocks: list[StatedBlock]) -> int:
    """Return the median time of the first of `blocks`, each the parent of the one before."""
    while len(blocks) < MEDIAN_SPAN and blocks[-1].height > 0:
        lower = _blocks_down_from(routes, blocks[-1].height - 1)
        if not _follows(blocks[-1], lower[0]):
            raise LookupFailedError(
                f"the chain of {routes.name} changed while headers were read: ask again"
            )
        blocks = [*blocks, *lower]
    ascending = b"".join(block.header for block in reversed(blocks[:MEDIAN_SPAN]))
    headers = np.frombuffer(ascending, np.uint8).reshape(-1, HEADER_LENGTH)
    return int(median_time_past(header_times(headers))[-1])


def _follows(above: StatedBlock, below: StatedBlock) -> bool:
    header = np.frombuffer(above.header, np.uint8).reshape(1, HEADER_LENGTH)
    return previous_hashes(header).tobytes() == below.block_hash
