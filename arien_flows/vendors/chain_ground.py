"""What all chain-side evidence about vendors is read from: one view, its entities, its tags.

Entities are those of one clustering; transactions that are taken for CoinJoins are left out
everywhere, because in these nobody can tell who paid whom.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array
from heuristics.columns import TransactionColumns

DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class VendorGround:
    """A view with its entities, its tags and its CoinJoin marks."""

    view: View
    entities: EntityMap
    attribution: Attribution
    marks: UInt8Array
    """One byte for each transaction, not 0 where it is taken for a CoinJoin."""

    @cached_property
    def labels(self) -> UInt32Array:
        """The root of each address of the view, also of those past the clustering's end."""
        known = self.entities.labels
        count = self.view.counts.addresses
        if len(known) >= count:
            return known[:count]
        return np.concatenate([known, np.arange(len(known), count, dtype=np.uint32)])

    @property
    def columns(self) -> TransactionColumns:
        """What transactions take and give."""
        view = self.view
        return TransactionColumns(
            first_input=view.first_input,
            first_output=view.first_output,
            input_address=view.input_address,
            input_value_sat=view.input_value,
            output_address=view.output_address,
            output_value_sat=view.output_value,
        )

    def holders(self, outputs: Int64Array) -> Int64Array:
        """Return the entity that each output pays; -1 for outputs that nobody can spend."""
        address = self.view.output_address[outputs].astype(np.int64)
        payable = address != NO_ADDRESS
        holder = np.full(len(outputs), -1, np.int64)
        holder[payable] = self.labels[address[payable]]
        return holder

    def times(self, transactions: Int64Array) -> Int64Array:
        """Return what the header of each transaction's block states, in seconds since 1970."""
        return self.view.times_of_blocks(self.view.blocks_of(transactions))

    def clock(self, transactions: Int64Array) -> Int64Array:
        """Return the median time past of each transaction's block, which never runs backwards."""
        clock: Int64Array = self.view.median_times[self.view.blocks_of(transactions)]
        return clock

    def is_mixed(self, transactions: Int64Array) -> BoolArray:
        """Return which transactions are taken for CoinJoins."""
        mixed: BoolArray = self.marks[transactions] != 0
        return mixed
