"""What a wallet receives for single orders: settled escrows, split coins, direct deals."""

import numpy as np

from arien_flows.vendors.chain_case import Case
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_payouts import MarketMoney, PayoutKind, Payouts
from arien_flows.vendors.chain_prices import OrderReceipts
from arien_flows.vendors.chain_tags import named_roots, vendor_places
from arien_flows.vendors.chain_wallet import Wallet, output_rows
from chains.types import Int64Array


def order_receipts(case: Case) -> OrderReceipts:
    """Return what the wallet received for single orders, in chain order.

    Those are what settled escrows and split coins pay it, and what arrives at addresses that a tag
    names a vendor's, from others than markets. Balances that a market pays out are sums of orders.
    """
    ground, payouts = case.ground, case.wallet.payouts
    single = payouts.where(payouts.kind != PayoutKind.PAYOUT)
    ppm = kept_ppm(case.money, single)
    direct = direct_outputs(case)
    outputs = np.concatenate([single.output, direct])
    order = np.argsort(outputs, kind="stable")
    made = ground.view.transactions_of_outputs(outputs)
    when = ground.times(made)
    when[: len(single)] = ground.times(_funding(ground, single.transaction))
    return OrderReceipts(
        output=outputs[order],
        value_sat=ground.view.output_value[outputs].astype(np.int64)[order],
        commission_ppm=np.concatenate([ppm, np.zeros(len(direct), np.int64)])[order],
        order_time=when[order],
    )


def kept_ppm(money: MarketMoney, single: Payouts) -> Int64Array:
    """Return what the market kept of each single order, in millionths.

    An escrow was settled at the rate of its market's key, of which a market may have several.
    """
    rate = np.array([it.rate_ppm for it in money.commissions], np.int64)
    ppm = rate[single.market] if len(single) else np.empty(0, np.int64)
    for key, commission in money.escrows.commissions.items():
        ppm[single.market_key == key] = commission.rate_ppm
    return ppm


def direct_outputs(case: Case) -> Int64Array:
    """Return outputs at addresses that a tag names a vendor's, paid by nobody who is named.

    Named is whom any tag names, and the wallets of markets. The wallet's own payments are left out.
    """
    wallet, published = case.wallet, published_addresses(case)
    activity, sides = wallet.gathered.activity, wallet.sides
    payer = payers_of(wallet)
    named = np.union1d(named_roots(case.ground.attribution), market_roots(case.money))
    good = sides.is_receipt & ~activity.is_coinbase & ~np.isin(payer, named)
    rows = good[activity.output_place] & activity.output_is_own
    rows &= np.isin(activity.output_address, published)
    outputs = output_rows(case.ground, wallet.gathered)[rows]
    return np.setdiff1d(outputs, wallet.payouts.output)


def published_addresses(case: Case) -> Int64Array:
    """Return the addresses that tags name a vendor's."""
    attribution = case.ground.attribution
    places = vendor_places(attribution, case.policy)
    published: Int64Array = attribution.number[places[attribution.is_own[places]]]
    return published


def payers_of(wallet: Wallet) -> Int64Array:
    """Return the entity of the first known input of each transaction that was read, or -1."""
    activity = wallet.gathered.activity
    payer = np.full(len(activity.time), -1, np.int64)
    known = np.flatnonzero(activity.input_holder >= 0)[::-1]
    payer[activity.input_place[known]] = activity.input_holder[known]
    return payer


def market_roots(money: MarketMoney) -> Int64Array:
    """Return the entities of all markets, ascending."""
    parts = [roots for market in money.markets for roots in (market.tagged, market.by_key)]
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def _funding(ground: VendorGround, transactions: Int64Array) -> Int64Array:
    """Return the first of the transactions that made the coins which each one spends."""
    view = ground.view
    first, last = view.first_input[transactions], view.first_input[transactions + 1]
    lengths = (last - first).astype(np.int64)
    place = np.repeat(np.arange(len(transactions)), lengths)
    rows = np.arange(len(place)) - (np.cumsum(lengths) - lengths)[place] + first[place]
    spent = view.spent_output[rows].astype(np.int64)
    made = np.where(
        spent < 0, transactions[place], view.transactions_of_outputs(np.maximum(spent, 0))
    )
    found = transactions.copy()
    np.minimum.at(found, place, made)
    return found
