"""What a vendor's wallet received, by month and by what each receipt shows.

*Revenue* is what counts as earned: payments out of markets (escrows settled, coins split at the
commission, balances paid out), each told by market, and *direct deals*: receipts at an address
that a tag calls the vendor's own, from nobody whom a tag names, of whatever confidence. Everything
else that arrives is listed beside it and is not revenue: what services pay out (a vendor's own
withdrawals come back that way), newly minted coins, and all others: receipts from those whom a tag
names otherwise, and, at other addresses, from strangers, which may be direct deals and may be
anything.

Change and moves between the wallet's own addresses never count, because only transactions that
spend nothing of the wallet are receipts. CoinJoins are left out. A payment out of a market that is
not revenue (a buyer's rest of a deposit) cannot be told from one that is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import numpy as np

from arien_flows.vendors.chain_case import Case
from arien_flows.vendors.chain_orders import direct_outputs, market_roots, payers_of
from arien_flows.vendors.chain_payouts import PayoutKind
from arien_flows.vendors.chain_wallet import output_rows
from chains.types import Int64Array
from heuristics.role_features import DAY_SECONDS

NO_MARKET = -1


class Source(Enum):
    """What a receipt shows."""

    ESCROW = "escrow"
    RELEASE = "release"
    PAYOUT = "payout"
    DIRECT = "direct_deal"
    SERVICE = "from_service"
    MINED = "newly_mined"
    OTHER = "other_receipt"

    @property
    def is_revenue(self) -> bool:
        """Whether it counts as earned."""
        return self in REVENUE


REVENUE = (Source.ESCROW, Source.RELEASE, Source.PAYOUT, Source.DIRECT)
"""What counts as earned."""

_SOURCES = tuple(Source)
_OF_KIND = {
    PayoutKind.ESCROW: Source.ESCROW,
    PayoutKind.RELEASE: Source.RELEASE,
    PayoutKind.PAYOUT: Source.PAYOUT,
}


@dataclass(frozen=True, kw_only=True)
class Receipts:
    """Receipts of a wallet, by output; arrays."""

    output: Int64Array
    transaction: Int64Array
    value_sat: Int64Array
    time: Int64Array
    """What the header of the block states, in seconds since 1970."""

    source: Int64Array
    """Place in `Source`."""

    market: Int64Array
    """Place in `MarketMoney.markets`, or `NO_MARKET`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPart:
    """Receipts of one month from one source."""

    month: str
    """Year and month, UTC."""

    source: Source
    market: int
    rows: Int64Array
    """Of `Receipts`."""


def receipts_of(case: Case) -> Receipts:
    """Return what arrived at a wallet from outside.

    Payments out of markets are all there; others as far as the wallet's activity was read.
    """
    payouts, wallet = case.wallet.payouts, case.wallet
    kinds = np.array([_SOURCES.index(_OF_KIND[kind]) for kind in PayoutKind], np.int64)
    activity, sides = wallet.gathered.activity, wallet.sides
    got = sides.is_receipt[activity.output_place] & activity.output_is_own
    outputs = output_rows(case.ground, wallet.gathered)[got]
    rest = np.setdiff1d(outputs, payouts.output)
    place = activity.output_place[got][np.searchsorted(outputs, rest)]
    joined = np.concatenate([payouts.output, rest])
    order = np.argsort(joined, kind="stable")
    made = case.ground.view.transactions_of_outputs(joined)
    market = np.concatenate([payouts.market, np.full(len(rest), NO_MARKET, np.int64)])
    source = np.concatenate([kinds[payouts.kind], _sources(case, rest, place)])
    return Receipts(
        output=joined[order],
        transaction=made[order],
        value_sat=case.ground.view.output_value[joined].astype(np.int64)[order],
        time=case.ground.times(made)[order],
        source=source[order],
        market=market[order],
    )


def _sources(case: Case, outputs: Int64Array, place: Int64Array) -> Int64Array:
    """Return what receipts show that are no payouts of markets."""
    payer = payers_of(case.wallet)[place]
    named = np.union1d(case.ground.attribution.service_root, market_roots(case.money))
    found = np.full(len(outputs), _SOURCES.index(Source.OTHER), np.int64)
    found[np.isin(outputs, direct_outputs(case))] = _SOURCES.index(Source.DIRECT)
    found[np.isin(payer, named)] = _SOURCES.index(Source.SERVICE)
    found[case.wallet.gathered.activity.is_coinbase[place]] = _SOURCES.index(Source.MINED)
    return found


def source_at(place: int) -> Source:
    """Return the source at a place."""
    return _SOURCES[place]


def by_month(receipts: Receipts) -> list[MonthPart]:
    """Return receipts by month, source and market, in that order."""
    days, day = np.unique(receipts.time // DAY_SECONDS, return_inverse=True)
    names = [f"{datetime.fromtimestamp(d * DAY_SECONDS, UTC):%Y-%m}" for d in days.tolist()]
    known = sorted(set(names))
    month = np.array([known.index(name) for name in names], np.int64)[day.reshape(-1)]
    keys = np.stack([month, receipts.source, receipts.market], axis=1)
    distinct, place = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(place.reshape(-1), kind="stable")
    stops = np.cumsum(np.bincount(place.reshape(-1), minlength=len(distinct)))[:-1]
    return [
        MonthPart(month=known[when], source=_SOURCES[source], market=market, rows=rows)
        for (when, source, market), rows in zip(
            distinct.tolist(), np.split(order, stops), strict=True
        )
    ]
