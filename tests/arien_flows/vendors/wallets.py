"""What markets pay to a wallet, made for tests of what is said of it."""

import numpy as np

from arien_flows.vendors.chain_commission import Commission
from arien_flows.vendors.chain_escrows import Escrows
from arien_flows.vendors.chain_markets import Market
from arien_flows.vendors.chain_payouts import MarketMoney, PayoutKind, Payouts

NONE = np.empty(0, np.int64)
NOTHING = Commission(rate_ppm=-1, inside=0, candidates=0, splits=0, is_signature=False)


def market(name: str) -> Market:
    return Market(name=name, is_named=True, tagged=NONE, by_key=NONE, tags=())


def money_of(rows: list[tuple[int, int]], holder: int) -> MarketMoney:
    """Return payouts to one entity, given as (transaction, market)."""
    count = len(rows)
    payouts = Payouts(
        holder=np.full(count, holder),
        transaction=np.array([it[0] for it in rows], np.int64),
        output=np.array([it[0] for it in rows], np.int64),
        market=np.array([it[1] for it in rows], np.int64),
        kind=np.full(count, PayoutKind.PAYOUT, np.int64),
        rests_on_key=np.zeros(count, np.bool_),
        seller_key=np.full(count, -1, np.int64),
        market_key=np.full(count, -1, np.int64),
    )
    escrows = Escrows(
        address=NONE,
        market_key=NONE,
        seller_key=NONE,
        first_byte_of_key=NONE,
        commissions={},
        settlement=NONE,
        settled_market_key=NONE,
        settled_seller_key=NONE,
        share_output=NONE,
        seller_output=NONE,
    )
    return MarketMoney(
        markets=(market("old"), market("new")),
        commissions=(NOTHING, NOTHING),
        escrows=escrows,
        payouts=payouts,
        mixed=0,
        wide=0,
        moved=0,
        markets_left_out=0,
    )
