"""2-of-3 escrows of a ledger: whose keys they name, and where their money went.

A script behind a hash is known once it was spent from, and the ledger keeps what was shown first.
So escrows that were never settled are not here. A key that comes back in very many scripts is a
market's, one that comes back beside it a seller's (`heuristics.escrow_keys`): it links all orders
of that seller, whatever addresses he was paid at.

A *settlement* spends escrows of one market key and one seller and nothing else, and pays two: the
smaller share is the market's if it lies where most smaller shares of that market key lie (its
*commission*). A settlement that pays one is a refund or an unsplit release, and tells nothing.

Fails where somebody copies a market's key from the chain into a script of his own and pays a
stranger from it: he must then also pay the market's share, but only the rate of it is checked.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.entities.fingerprints import multisig_reveals
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.vendors.chain_commission import Commission, commission_of
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_policy import VendorPolicy
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.escrow_keys import UNKNOWN_KEY, key_roles, number_keys
from heuristics.role_features import CommissionRange, rates_ppm

TWO, THREE = 0x52, 0x53
"""`OP_2` and `OP_3`."""

_SHORTEST = 105
"""Bytes of a 2-of-3 script with compressed keys."""


@dataclass(frozen=True, kw_only=True)
class Escrows:
    """The 2-of-3 scripts that were spent from, and how they were settled."""

    address: Int64Array
    """Of each script."""

    market_key: Int64Array
    """Number of the market's key of each script; `UNKNOWN_KEY` where nothing tells."""

    seller_key: Int64Array
    first_byte_of_key: Int64Array
    """Where each key stands among the revealed bytes, behind its length."""

    commissions: dict[int, Commission]
    """What the settlements of each market key keep, where that is a signature."""

    settlement: Int64Array
    """Transactions that split an escrow at its market key's rate, ascending."""

    settled_market_key: Int64Array
    settled_seller_key: Int64Array
    share_output: Int64Array
    """The market's output of each settlement …"""

    seller_output: Int64Array
    """… and the other one."""

    def key_text(self, revealed: UInt8Array, key: int) -> str:
        """Return a key as hexadecimal digits, as scripts hold it."""
        begin = int(self.first_byte_of_key[key])
        return revealed[begin : begin + int(revealed[begin - 1])].tobytes().hex()


def find_escrows(ground: VendorGround, policy: VendorPolicy, limits: CommissionRange) -> Escrows:
    """Read all 2-of-3 scripts of a view, and how they were settled."""
    view = ground.view
    rows = multisig_reveals(view)
    begins, ends = view.first_reveal_byte[rows], view.first_reveal_byte[rows + 1]
    is_two_of_three = (
        (ends - begins >= _SHORTEST)
        & (view.revealed[begins] == TWO)
        & (view.revealed[ends - 2] == THREE)
    )
    rows, begins = rows[is_two_of_three], begins[is_two_of_three].astype(np.int64)
    spends = view.reveal_input[rows].astype(np.int64)
    address = view.input_address[spends].astype(np.int64)
    # One script for each address; nested ones show theirs in the same way.
    address, first = np.unique(address, return_index=True)
    begins = begins[first]
    keys, count = number_keys(view.revealed, begins)
    roles = key_roles(keys, policy.key_limits)
    return _settled(
        ground,
        policy,
        limits,
        Escrows(
            address=address,
            market_key=roles.market,
            seller_key=roles.seller,
            first_byte_of_key=_places(view.revealed, begins, keys, count),
            commissions={},
            **{name: np.empty(0, np.int64) for name in _SETTLED},
        ),
    )


_SETTLED = (
    "settlement",
    "settled_market_key",
    "settled_seller_key",
    "share_output",
    "seller_output",
)


def _places(revealed: UInt8Array, begins: Int64Array, keys: Int64Array, count: int) -> Int64Array:
    """Return where each key stands first."""
    places = np.zeros(count, dtype=np.int64)
    at = begins + 2
    starts = []
    for _ in range(keys.shape[1]):
        starts.append(at)
        at = at + revealed[at - 1] + 1 if len(at) else at
    flat, start = keys.ravel(), np.stack(starts, axis=1).ravel()
    found, first = np.unique(flat, return_index=True)
    places[found] = start[first]
    return places


def _settled(
    ground: VendorGround, policy: VendorPolicy, limits: CommissionRange, found: Escrows
) -> Escrows:
    """Return escrows with their settlements."""
    view = ground.view
    known = found.market_key != UNKNOWN_KEY
    address = found.address[known]
    spent = _spends_of(ground, address)
    transactions = np.unique(spent)
    transactions = transactions[~ground.is_mixed(transactions)]
    market, seller, is_pure = _keys_of(ground, found, transactions)
    transactions, market, seller = transactions[is_pure], market[is_pure], seller[is_pure]
    two, outputs = _two_outputs(ground, transactions)
    transactions, market, seller = transactions[two], market[two], seller[two]
    values = view.output_value[outputs].astype(np.int64)
    smaller = np.argmin(values, axis=1)
    place = np.arange(len(outputs))
    share, rest = outputs[place, smaller], outputs[place, 1 - smaller]
    rates = rates_ppm(values[place, smaller], values.sum(axis=1))
    commissions: dict[int, Commission] = {}
    kept = np.zeros(len(transactions), dtype=np.bool_)
    for key in np.unique(market).tolist():
        mine = market == key
        commission = commission_of(rates[mine], limits, policy)
        if commission.is_signature:
            commissions[key] = commission
            kept |= mine & (np.abs(rates - commission.rate_ppm) <= limits.half_width_ppm)
    return Escrows(
        address=found.address,
        market_key=found.market_key,
        seller_key=found.seller_key,
        first_byte_of_key=found.first_byte_of_key,
        commissions=commissions,
        settlement=transactions[kept],
        settled_market_key=market[kept],
        settled_seller_key=seller[kept],
        share_output=share[kept],
        seller_output=rest[kept],
    )


def _spends_of(ground: VendorGround, address: Int64Array) -> Int64Array:
    """Return the transactions that spend from addresses, ascending."""
    view = ground.view
    wanted = np.zeros(view.counts.addresses, dtype=np.bool_)
    wanted[address] = True
    spent: list[Int64Array] = []
    step = 1 << 22
    for start in range(0, view.counts.inputs, step):
        part = view.input_address[start : start + step].astype(np.int64)
        part = np.where(part == NO_ADDRESS, 0, part)
        rows = start + np.flatnonzero(wanted[part])
        spent.append(np.unique(view.transactions_of_inputs(rows)))
    return np.concatenate([np.empty(0, np.int64), *spent])


def _keys_of(
    ground: VendorGround, found: Escrows, transactions: Int64Array
) -> tuple[Int64Array, Int64Array, BoolArray]:
    """Return market's and seller's key of each transaction, and which spend nothing else."""
    view = ground.view
    first, last = view.first_input[transactions], view.first_input[transactions + 1]
    lengths = (last - first).astype(np.int64)
    place = np.repeat(np.arange(len(transactions)), lengths)
    begin = np.cumsum(lengths) - lengths
    rows = np.arange(len(place)) - begin[place] + first[place]
    address = view.input_address[rows].astype(np.int64)
    at = np.minimum(np.searchsorted(found.address, address), max(len(found.address) - 1, 0))
    is_escrow = found.address[at] == address if len(found.address) else address < 0
    market = np.where(is_escrow, found.market_key[at], UNKNOWN_KEY)
    seller = np.where(is_escrow, found.seller_key[at], UNKNOWN_KEY)
    is_pure = np.ones(len(transactions), dtype=np.bool_)
    differs = (market != market[begin][place]) | (seller != seller[begin][place])
    is_pure[place[differs | (market == UNKNOWN_KEY)]] = False
    return market[begin], seller[begin], is_pure


def _two_outputs(ground: VendorGround, transactions: Int64Array) -> tuple[BoolArray, Int64Array]:
    """Return which transactions pay exactly two that can spend it, and these outputs."""
    view = ground.view
    first, last = view.first_output[transactions], view.first_output[transactions + 1]
    two = last - first == 2
    pairs = np.stack([first[two], first[two] + 1], axis=1).astype(np.int64)
    payable = (view.output_address[pairs] != NO_ADDRESS) & (view.output_value[pairs] > 0)
    good = payable.all(axis=1)
    chosen = two.copy()
    chosen[two] = good
    return chosen, pairs[good]
