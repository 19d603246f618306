"""What markets pay out, and to whom: payments that a market's wallets take part in.

Three traces count, each for what it shows:

- `payout`: a market's wallet pays an entity that is not the market's. It may be a seller's
  earnings, a buyer's rest of a deposit, or the market's own change that no rule joined. Where
  everything goes to one output it is nearly always the market gathering its coins, and left out;
- `release`: a coin is split, and the share of the market is its commission
  (`chain_commission`), so that the other output is a seller's. Only where a market's splits
  make a signature, since deposits of buyers look the same at any other share;
- `escrow`: a 2-of-3 with the market's key is settled at that key's commission
  (`chain_escrows`), whatever address the commission arrives at.

Each rests on a tag alone or on an escrow key as well, and says which.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from arien_flows.vendors.chain_commission import Commission, commission_of
from arien_flows.vendors.chain_escrows import Escrows, find_escrows
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_markets import MOST_MARKETS, Market, groups_of, markets_of
from arien_flows.vendors.chain_policy import VendorPolicy
from chains.types import BoolArray, Int64Array
from heuristics.market_flows import GroupFlows, group_flows
from heuristics.role_features import CommissionRange, rates_ppm


class PayoutKind(IntEnum):
    """What a payment shows; where several hold the first is told."""

    ESCROW = 0
    RELEASE = 1
    PAYOUT = 2


@dataclass(frozen=True, kw_only=True)
class Payouts:
    """Payments out of markets, by the entity that is paid, then in chain order; arrays."""

    holder: Int64Array
    transaction: Int64Array
    output: Int64Array
    market: Int64Array
    """Place of the market in `MarketMoney.markets`."""

    kind: Int64Array
    """See `PayoutKind`."""

    rests_on_key: BoolArray
    """Whether the market was found by an escrow key, and not by a tag alone."""

    seller_key: Int64Array
    """The seller's key of an escrow's settlement; -1 otherwise."""

    market_key: Int64Array
    """The market's key of an escrow's settlement, at whose rate it was settled; -1 otherwise."""

    def of(self, holder: int) -> "Payouts":
        """Return those to one entity, in chain order."""
        begin, end = np.searchsorted(self.holder, [holder, holder + 1]).tolist()
        return self.where(slice(begin, end))

    def where(self, chosen: BoolArray | Int64Array | slice) -> "Payouts":
        """Return some of them."""
        return Payouts(**{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def __len__(self) -> int:
        return len(self.output)


_COLUMNS = (
    "holder",
    "transaction",
    "output",
    "market",
    "kind",
    "rests_on_key",
    "seller_key",
    "market_key",
)


@dataclass(frozen=True, kw_only=True)
class MarketMoney:
    """Everything that a ledger shows of its markets."""

    markets: tuple[Market, ...]
    commissions: tuple[Commission, ...]
    """What the splits of each market keep."""

    escrows: Escrows
    payouts: Payouts
    mixed: int
    """Transactions that several markets take part in: left out."""

    wide: int
    """Transactions that pay a market and too many others to be a split: left out."""

    moved: int
    """Transactions by which a market's wallet gives everything to one output: left out."""

    markets_left_out: int
    """Markets past the number that can be told apart."""


def market_money(
    ground: VendorGround, policy: VendorPolicy, limits: CommissionRange
) -> MarketMoney:
    """Read all that markets pay out: a few passes over the chain, however many markets."""
    escrows = find_escrows(ground, policy, limits)
    found = markets_of(ground, escrows, policy)
    markets = found[:MOST_MARKETS]
    flows = group_flows(
        ground.columns, ground.labels, groups_of(markets, ground.labels), ground.marks
    )
    is_move = _outputs_of(ground, flows.payouts[:, 0]) == 1
    commissions, releases = _releases(ground, flows, len(markets), (policy, limits))
    parts = [
        _settlements(ground, escrows, markets),
        _payouts(ground, flows.splits[releases][:, [0, 2, 3]], PayoutKind.RELEASE),
        _payouts(ground, flows.payouts[~is_move], PayoutKind.PAYOUT),
    ]
    parts[1] = _resting(ground, parts[1], markets, flows.splits[releases][:, 1])
    parts[2] = _resting(ground, parts[2], markets, None)
    return MarketMoney(
        markets=markets,
        commissions=commissions,
        escrows=escrows,
        payouts=_joined(parts, markets),
        mixed=flows.mixed,
        wide=flows.wide,
        moved=int(np.count_nonzero(is_move)),
        markets_left_out=len(found) - len(markets),
    )


def _outputs_of(ground: VendorGround, transactions: Int64Array) -> Int64Array:
    """Return how many outputs each transaction has."""
    first = ground.view.first_output
    return (first[transactions + 1] - first[transactions]).astype(np.int64)


def _releases(
    ground: VendorGround,
    flows: GroupFlows,
    markets: int,
    terms: tuple[VendorPolicy, CommissionRange],
) -> tuple[tuple[Commission, ...], BoolArray]:
    """Return each market's commission, and which splits are at it."""
    policy, limits = terms
    splits = flows.splits
    values = ground.view.output_value
    share = values[splits[:, 1]].astype(np.int64)
    rates = rates_ppm(share, share + values[splits[:, 2]])
    # Where several others are paid beside the share nobody can tell whose it is.
    _, place, times = np.unique(splits[:, 1], return_inverse=True, return_counts=True)
    alone = times[place] == 1 if len(splits) else np.empty(0, np.bool_)
    chosen = np.zeros(len(splits), dtype=np.bool_)
    commissions = []
    for number in range(1, markets + 1):
        mine = (splits[:, 3] == number) & alone
        commission = commission_of(rates[mine], limits, policy)
        commissions.append(commission)
        if commission.is_signature:
            chosen |= mine & (np.abs(rates - commission.rate_ppm) <= limits.half_width_ppm)
    return tuple(commissions), chosen


def _payouts(ground: VendorGround, rows: Int64Array, kind: PayoutKind) -> Payouts:
    """Return rows of transaction, output and group as payouts that rest on no key."""
    return Payouts(
        holder=ground.holders(rows[:, 1]),
        transaction=rows[:, 0],
        output=rows[:, 1],
        market=rows[:, 2] - 1,
        kind=np.full(len(rows), kind, np.int64),
        rests_on_key=np.zeros(len(rows), np.bool_),
        seller_key=np.full(len(rows), -1, np.int64),
        market_key=np.full(len(rows), -1, np.int64),
    )


def _settlements(ground: VendorGround, escrows: Escrows, markets: tuple[Market, ...]) -> Payouts:
    """Return what settlements of escrows pay to sellers."""
    of_key = {key: place for place, market in enumerate(markets) for key in market.keys}
    market = np.array(
        [of_key.get(key, -1) for key in escrows.settled_market_key.tolist()], np.int64
    )
    kept = market >= 0
    return Payouts(
        holder=ground.holders(escrows.seller_output[kept]),
        transaction=escrows.settlement[kept],
        output=escrows.seller_output[kept],
        market=market[kept],
        kind=np.full(int(np.count_nonzero(kept)), PayoutKind.ESCROW, np.int64),
        rests_on_key=np.ones(int(np.count_nonzero(kept)), np.bool_),
        seller_key=escrows.settled_seller_key[kept],
        market_key=escrows.settled_market_key[kept],
    )


def _resting(
    ground: VendorGround, found: Payouts, markets: tuple[Market, ...], share: Int64Array | None
) -> Payouts:
    """Return payouts that say whether a key found the wallet that pays, or that gets the share."""
    tagged = np.concatenate([np.empty(0, np.int64), *(market.tagged for market in markets)])
    is_tagged = np.zeros(ground.view.counts.addresses, dtype=np.bool_)
    is_tagged[tagged] = True
    if share is not None:
        rests = ~is_tagged[ground.holders(share)]
    else:
        transactions, place = np.unique(found.transaction, return_inverse=True)
        rests = ~_spends_tagged(ground, transactions, is_tagged)[place]
    return Payouts(
        **{name: getattr(found, name) for name in _COLUMNS if name != "rests_on_key"},
        rests_on_key=rests,
    )


def _spends_tagged(
    ground: VendorGround, transactions: Int64Array, is_tagged: BoolArray
) -> BoolArray:
    """Return which transactions spend from a tagged entity."""
    view = ground.view
    first, last = view.first_input[transactions], view.first_input[transactions + 1]
    lengths = (last - first).astype(np.int64)
    place = np.repeat(np.arange(len(transactions)), lengths)
    rows = np.arange(len(place)) - (np.cumsum(lengths) - lengths)[place] + first[place]
    address = view.input_address[rows].astype(np.int64)
    known = address < len(ground.labels)
    spends = np.zeros(len(transactions), dtype=np.bool_)
    spends[place[known][is_tagged[ground.labels[address[known]]]]] = True
    return spends


def _joined(parts: list[Payouts], markets: tuple[Market, ...]) -> Payouts:
    """Return all payouts, each output once, without those that stay with markets."""
    joined = Payouts(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    )
    own = np.concatenate(
        [np.empty(0, np.int64), *(roots for it in markets for roots in (it.tagged, it.by_key))]
    )
    joined = joined.where(~np.isin(joined.holder, own) & (joined.holder >= 0))
    order = np.lexsort((joined.kind, joined.output))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = joined.output[order][1:] != joined.output[order][:-1]
    joined = joined.where(order[first])
    return joined.where(np.lexsort((joined.output, joined.holder)))
