"""What a whole-ledger taint is told: the ledger, the sources, and how taint is passed on."""

from typing import NamedTuple

from heuristics.columns import Int64Array
from heuristics.stops import SpendColumns


class SweepColumns(NamedTuple):
    """A ledger of whole blocks."""

    ledger: SpendColumns
    fee: Int64Array
    first_transaction: Int64Array
    """Of each block, and one past the last."""

    subsidy: Int64Array
    """Of each block; nothing where fees are not followed into coinbases."""

    voided: Int64Array
    """Outputs that a repeated coinbase id made unspendable (BIP 30), ascending."""


class SweepSources(NamedTuple):
    """Declared outputs, ascending, none of them worth nothing."""

    output: Int64Array
    creator: Int64Array
    colour: Int64Array
    """Set of sources that each stands for."""


class SweepTerms(NamedTuple):
    """How taint is passed on."""

    policy: int
    follows_fees: bool
    """Into coinbases."""

    subsidy_last: bool
    has_colours: bool
    """Whether sources are told apart: then every policy keeps coins, with amounts by source."""

    stops_at_services: bool
    stop_transaction: int
    """Transactions from this one on are not looked at."""

    window_bits: int = 16
    """Windows of so many transactions as a power of two: what is kept for each of them at hand
    (4 or 8 bytes) fits the processor's own memory."""

    clear_from: int = 1 << 20
    """Segments of a window from which on the dead ones are cleared."""
