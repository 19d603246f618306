"""What a ledger holds: the answer of `ledger status` and of the list of networks."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.amounts import asset_of
from arien_flows.shapes import Shape
from arien_flows.workspace import Holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class TipAnswer(Shape):
    """The last block of a ledger."""

    height: int
    """Distance from the genesis block."""

    hash: str
    """As people read it."""

    time: datetime
    """The time that its header states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAnswer(Shape):
    """What a ledger holds."""

    network: str
    """Name of the network."""

    tip: TipAnswer | None
    """The last block; nothing in an empty ledger."""

    blocks: int
    """Blocks, the genesis block included."""

    transactions: int
    """Transactions, coinbases included."""

    inputs: int
    """Inputs; coinbases have none."""

    outputs: int
    """Outputs."""

    addresses: int
    """Different scripts that were ever paid or spent."""

    unspent_value: str
    """Sum of the outputs that no transaction spends, unspendable ones included, in base units."""

    asset: str
    """What the amount counts."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    complete_from: int | None
    """First height from which on nothing is missing; 0 where the ledger starts at genesis."""

    bytes_on_disk: int
    """Size of all files of the ledger."""


def status_answer(holdings: Holdings) -> StatusAnswer:
    """Return what a ledger holds."""
    view = holdings.view
    asset = asset_of(view.network.name)
    tip = None
    if view.counts.blocks:
        tip = TipAnswer(height=view.tip.height, hash=view.tip.block_hash, time=view.tip.time)
    return StatusAnswer(
        network=view.network.name,
        tip=tip,
        blocks=view.counts.blocks,
        transactions=view.counts.transactions,
        inputs=view.counts.inputs,
        outputs=view.counts.outputs,
        addresses=view.counts.addresses,
        unspent_value=str(holdings.unspent_value_sat),
        asset=asset.name,
        decimals=asset.decimals,
        complete_from=holdings.complete_from,
        bytes_on_disk=holdings.bytes_on_disk,
    )
