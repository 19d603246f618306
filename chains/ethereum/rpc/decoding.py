"""From what a node answered to the canonical tables."""

from collections.abc import Sequence

from chains.errors import MalformedBlockError
from chains.ethereum.decode.batch import decode_blocks
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.rpc.reading import FetchedBlock
from chains.ethereum.tables import AccountBatch


def decoded(blocks: Sequence[FetchedBlock], network: EthereumNetwork, name: str) -> AccountBatch:
    """Decode blocks of the node `name`; `MalformedBlockError` says which is not sound, and how."""
    traces = [block.traces for block in blocks if block.traces is not None]
    try:
        return decode_blocks(
            [block.block for block in blocks],
            [block.receipts for block in blocks],
            traces if len(traces) == len(blocks) else None,
            network,
            uncles={block.height: block.uncles for block in blocks if block.uncles},
        )
    except MalformedBlockError as error:
        raise MalformedBlockError(
            f"{name} gives what is no sound block ({error}): name another node"
        ) from error
