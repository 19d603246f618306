"""Markets that seem to have closed."""

from dataclasses import dataclass

import numpy as np

from arien_flows.vendors.chain_ground import DAY_SECONDS, VendorGround
from arien_flows.vendors.chain_payouts import MarketMoney
from arien_flows.vendors.chain_policy import VendorPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A market that paid out much and then, long before the chain's end, nothing more."""

    market: int
    """Place in `MarketMoney.markets`."""

    last_transaction: int
    days_silent: int


def closures(ground: VendorGround, money: MarketMoney, policy: VendorPolicy) -> list[Closure]:
    """Return the markets that seem to have closed, by place."""
    found = []
    now = int(ground.view.median_times[-1])
    for place in range(len(money.markets)):
        paid = money.payouts.transaction[money.payouts.market == place]
        if len(paid) < policy.least("closure_payouts"):
            continue
        last = int(paid.max())
        silent = (now - int(ground.clock(np.array([last]))[0])) // DAY_SECONDS
        if silent >= policy.least("closure_days"):
            found.append(Closure(market=place, last_transaction=last, days_silent=silent))
    return found
