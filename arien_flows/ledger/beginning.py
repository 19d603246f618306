"""Where a ledger begins: at the genesis block, or later.

A ledger that begins late holds every block from a height on, and none before. What its first
blocks spend was made before it: such inputs are `EXTERNAL`, and their amounts and addresses are
what the node says that it kept to be able to take the blocks back (its undo data). Everything
about addresses is true from that height on and silent about what came before.

That the first block stands at the height that the source says can be checked without it: since
BIP 34 every coinbase states the height of its block, and the block's work covers the coinbase.
"""

from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation
from chains.bitcoin.networks import Network
from chains.types import shown_txid

_STATED_FROM = {"bitcoin": 227_931, "bitcoin-testnet3": 21_111}
"""From where on BIP 34 is a rule (Bitcoin Core, `chainparams.cpp`); elsewhere from block 1."""

_OP_1, _OP_16 = 0x51, 0x60


def first_height(view: View) -> int:
    """Return the height of a ledger's first block; 0 for an empty one."""
    return int(view.block_height[0]) if view.counts.blocks else 0


def begins_late(view: View) -> bool:
    """Return whether blocks before the first one are missing.

    A view of single fetched transactions has gaps everywhere and is not meant.
    """
    return view.gaps is None and first_height(view) > 0


def genesis_outputs(view: View) -> int:
    """Return how many of a ledger's first outputs nobody can spend: those of the genesis block.

    Nodes never add them to the unspent outputs (Bitcoin Core, `ConnectBlock`). 0 where the ledger
    does not begin with its network's genesis block.
    """
    if not view.counts.blocks or view.block_hash(0) != shown_txid(view.network.genesis_hash):
        return 0
    return int(view.first_output[int(view.first_transaction[1])])


def stated_height(network: Network, height: int, coinbase_script: bytes) -> int | None:
    """Return the height that a coinbase states; nothing where no rule made it state one.

    `height` is where its block is said to stand.
    """
    if height < _STATED_FROM.get(network.name, 1) or not coinbase_script:
        return None
    first = coinbase_script[0]
    if first == 0 or _OP_1 <= first <= _OP_16:
        return first - _OP_1 + 1 if first else 0
    return int.from_bytes(coinbase_script[1 : 1 + first], "little", signed=True)


def before_ledger(view: View) -> tuple[Truncation, ...]:
    """Return what a ledger that begins late leaves out of every answer."""
    if not begins_late(view):
        return ()
    first = first_height(view)
    return (
        Truncation(
            where="history",
            reason="before_ledger",
            limit=first,
            detail=f"the ledger begins at block {first}: what happened before is not in it, and "
            "amounts count from there; a balance lacks what was received before, and may be "
            "below zero",
        ),
    )


def row_of(view: View, height: int) -> int:
    """Return the row of the block table in which a ledger has, or would have, a height."""
    return height - first_height(view)
