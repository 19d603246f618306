"""Chain-side evidence that a wallet is a vendor's, item by item, each with what shows it.

Every item of the policy becomes a *finding*: it holds, fails, or is undecided where nothing could
be measured. What shows it stands beside as rows: transactions, tags, documents. A finding that
holds has rows; without them it would not be one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from arien_flows.attribution.snapshot import Attribution
from arien_flows.attribution.tag import Tag
from arien_flows.entities.roles import Verdict
from arien_flows.vendors.chain_case import Case
from arien_flows.vendors.chain_closures import closures
from arien_flows.vendors.chain_ground import DAY_SECONDS
from arien_flows.vendors.chain_habits import (
    gatherings,
    hour_counts,
    hours_match,
    same_gathering,
    split_at,
)
from arien_flows.vendors.chain_orders import order_receipts, published_addresses
from arien_flows.vendors.chain_payouts import MarketMoney, PayoutKind, Payouts
from arien_flows.vendors.chain_prices import match_prices
from arien_flows.vendors.chain_tags import document_of, exchange_roots, vendor_places
from chains.types import BoolArray, Int64Array
from heuristics.role_features import Measure, share

MOST_ROWS = 1_000
"""Rows that a finding lists; it says how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One row that shows something: a transaction, a tag, or a document."""

    transaction: int | None = None
    output: int | None = None
    tag: Tag | None = None
    document: str | None = None
    """SHA-256."""

    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One item of the policy, and what it comes to."""

    item: str
    verdict: Verdict
    measured: str
    """In words, with the numbers that decide."""

    rows: tuple[Shown, ...] = ()
    """The first `MOST_ROWS`."""

    row_count: int = 0


def findings(case: Case) -> tuple[Finding, ...]:
    """Return all findings, in the order of the policy."""
    measures: tuple[Callable[[Case], Finding], ...] = (
        market_payouts,
        published_address,
        price_list,
        activity_hours,
        consolidation_habits,
        exchange_share,
        service,
    )
    return tuple(measure(case) for measure in measures)


def market_payouts(case: Case) -> Finding:
    """Payouts of markets that a tag names: how many, and over how long."""
    named = named_payouts(case.money, case.wallet.payouts)
    policy = case.policy
    if len(named) == 0:
        total = len(case.wallet.payouts)
        beside = f"; {total:,} of markets without a name" if total else ""
        if not any(market.is_named for market in case.money.markets):
            return _undecided("market_payouts", f"no tag names a market{beside}")
        return Finding(
            item="market_payouts", verdict=Verdict.FAILS, measured=f"no payout of a market{beside}"
        )
    clock = case.ground.clock(named.transaction)
    transactions = np.unique(named.transaction)
    days = int(clock.max() - clock.min()) // DAY_SECONDS
    by_kind = ", ".join(
        f"{count:,} {kind.name.lower()}"
        for kind in PayoutKind
        if (count := int(np.count_nonzero(named.kind == kind)))
    )
    on_key = int(np.count_nonzero(named.rests_on_key))
    enough = len(transactions) >= policy.least("payouts") and days >= policy.least("payout_days")
    return _found(
        "market_payouts",
        enough,
        f"{len(transactions):,} transactions over {days:,} days ({by_kind}); {on_key:,} of "
        f"{len(named):,} payments rest on an escrow key beside the tag",
        payout_rows(case.money, named),
        len(named),
    )


def named_payouts(money: MarketMoney, payouts: Payouts) -> Payouts:
    """Return the payouts of markets that a tag names."""
    is_named = np.array([market.is_named for market in money.markets], np.bool_)
    return payouts.where(is_named[payouts.market] if len(is_named) else np.empty(0, np.int64))


def payout_rows(money: MarketMoney, payouts: Payouts) -> tuple[Shown, ...]:
    """Return the first rows of payouts, with the market of each."""
    columns = zip(
        payouts.transaction[:MOST_ROWS].tolist(),
        payouts.output[:MOST_ROWS].tolist(),
        payouts.market[:MOST_ROWS].tolist(),
        payouts.kind[:MOST_ROWS].tolist(),
        strict=True,
    )
    return tuple(
        Shown(
            transaction=transaction,
            output=output,
            says=f"{PayoutKind(kind).name.lower()} of {money.markets[market].name}",
        )
        for transaction, output, market, kind in columns
    )


def published_address(case: Case) -> Finding:
    """Tags that call an address of the wallet a vendor's, each with its document."""
    attribution = case.ground.attribution
    places = vendor_places(attribution, case.policy)
    mine = places[np.isin(attribution.holder[places], case.wallet.roots)]
    about = case.alias.documents
    if about is not None:
        speaks = [document_of(attribution, place) in about for place in mine.tolist()]
        mine = mine[np.array(speaks, np.bool_)]
    rows = tuple(_tag_row(attribution, place) for place in mine[:MOST_ROWS].tolist())
    if not len(places):
        return _undecided("published_address", "no tag names a vendor")
    return _found(
        "published_address",
        len(mine) > 0,
        f"{len(mine):,} tag{'s' * (len(mine) != 1)} of its addresses name a vendor"
        f"{' in documents of the account' * (about is not None)}",
        rows,
        len(mine),
    )


def price_list(case: Case) -> Finding:
    """Single orders against the price list."""
    policy, name = case.policy, "price_list"
    if not case.alias.prices:
        return _undecided(name, "no price list of an account is known")
    receipts = order_receipts(case)
    match = match_prices(receipts, case.alias.prices, case.coin, case.books, policy)
    told = (
        f"{match.matches:,} of {match.receipts:,} single orders are near a listed price; "
        f"{match.by_chance_percent} % would be near one by chance"
    )
    told += f"; {match.unpriced:,} without a price of the coin" if match.unpriced else ""
    told += f"; {match.cut:,} receipts or lines past the limit" if match.cut else ""
    unread = _unread(case)
    if unread and np.isin(published_addresses(case), case.wallet.gathered.subject.addresses).any():
        return _undecided(name, f"{told}; direct deals may lie in what was not read: {unread}")
    if match.receipts < policy.least("price_receipts"):
        return _undecided(name, told)
    if match.by_chance_percent >= policy.least("most_by_chance_percent"):
        return _undecided(name, told)
    rows = tuple(
        Shown(transaction=int(transaction), output=int(output), says="near a listed price")
        for transaction, output in zip(
            case.ground.view.transactions_of_outputs(receipts.output[match.matched])[:MOST_ROWS],
            receipts.output[match.matched][:MOST_ROWS],
            strict=True,
        )
    )
    documents = sorted({price.document for price in case.alias.prices})
    rows += tuple(Shown(document=document, says="shows the list") for document in documents)
    enough = 100 * match.matches >= policy.least("price_percent") * match.receipts
    return _found(name, enough, told, rows, match.matches + len(documents))


def activity_hours(case: Case) -> Finding:
    """Hours of the day in which the wallet receives and those in which the account is active."""
    name, least = "activity_hours", case.policy.least("hour_events")
    times = case.alias.activity_times
    if times is None or len(times) < least:
        return _undecided(name, "too little is known of when the account is active")
    payouts = case.wallet.payouts
    transactions = np.unique(payouts.transaction)
    if len(transactions) < least:
        return _undecided(name, f"{len(transactions):,} receipts, fewer than {least}")
    match = hours_match(hour_counts(case.ground.times(transactions)), hour_counts(times))
    told = f"overlap {match.overlap_percent} %, best when turned by {match.best_turn} hours"
    if not match.is_telling:
        return _undecided(name, f"{told}; the hours are too even to tell")
    enough = match.overlap_percent >= case.policy.least("hour_overlap_percent")
    rows = tuple(
        Shown(document=each, says="shows activity") for each in case.alias.activity_documents
    )
    rows += tuple(
        Shown(transaction=each, says="paid by a market")
        for each in transactions[:MOST_ROWS].tolist()
    )
    return _found(name, enough and abs(match.best_turn) <= 1, told, rows, len(rows))


def consolidation_habits(case: Case) -> Finding:
    """Gatherings before and after the closure of a market that paid the wallet."""
    name, policy = "consolidation_habits", case.policy
    sold_on = set(np.unique(case.wallet.payouts.market).tolist())
    shut = [it for it in closures(case.ground, case.money, policy) if it.market in sold_on]
    if not shut:
        return _undecided(name, "no market that paid it has closed")
    found = gatherings(case.wallet.gathered.activity, case.wallet.sides)
    least, told, alike, rows = policy.least("consolidations"), [], [], []
    for closure in shut:
        moment = int(case.ground.clock(np.array([closure.last_transaction]))[0])
        before, after = split_at(found, moment)
        market = case.money.markets[closure.market].name
        if min(len(before.time), len(after.time)) < least:
            told.append(f"too few gatherings around the closure of {market}")
            continue
        same = same_gathering(before, after)
        alike.append(same >= policy.least("habit_percent"))
        told.append(f"{same} % alike around the closure of {market}")
        places = np.concatenate([before.place, after.place])
        rows += [
            Shown(transaction=each, says="gathers coins")
            for each in case.wallet.gathered.transactions[places].tolist()
        ]
    if unread := _unread(case):
        return _undecided(name, "; ".join([*told, f"not all was read: {unread}"]))
    if not alike:
        return _undecided(name, "; ".join(told))
    return _found(name, all(alike), "; ".join(told), tuple(rows[:MOST_ROWS]), len(rows))


def exchange_share(case: Case) -> Finding:
    """Share of what the wallet pays to others, CoinJoins apart, that goes to exchanges at once.

    Undecided where a part of the wallet's activity was not read: it may be paid elsewhere.
    """
    name, policy = "exchange_share", case.policy
    exchanges = exchange_roots(case.ground.attribution, policy)
    if not len(exchanges):
        return _undecided(name, "no tag names an exchange")
    rows, to_exchange = _payment_rows(case, exchanges)
    activity = case.wallet.gathered.activity
    payments = len(np.unique(activity.output_place[rows]))
    if payments < policy.least("exchange_payments"):
        return _undecided(name, f"{payments:,} payments to others")
    value = activity.output_sat[rows]
    measure: Measure = share(int(value[to_exchange].sum()), int(value.sum()))
    if measure.value is None:
        return _undecided(name, "it pays nothing to others")
    held = measure.value * 100 >= policy.least("exchange_percent")
    places = np.unique(activity.output_place[rows[to_exchange]])
    transactions = case.wallet.gathered.transactions[places].tolist()
    told = f"{_percent(measure.value)} % of what it pays to others, over {payments:,} payments"
    if unread := _unread(case):
        return _undecided(name, f"{told}, as far as it was read: {unread}")
    return _found(
        name,
        held,
        told,
        tuple(
            Shown(transaction=each, says="pays an exchange") for each in transactions[:MOST_ROWS]
        ),
        len(transactions),
    )


def _unread(case: Case) -> str:
    """Say what of a wallet's activity was not read; empty where all was, but for CoinJoins."""
    wallet = case.wallet
    cuts = [wallet.gathered.cut] if wallet.gathered.cut else []
    cuts += [f"{wallet.cut:,} linked entities are left out"] if wallet.cut else []
    return "; ".join(cuts)


def _payment_rows(case: Case, roots: Int64Array) -> tuple[Int64Array, BoolArray]:
    """Return the outputs that pay others, and which of them pay some entities."""
    activity, sides = case.wallet.gathered.activity, case.wallet.sides
    rows = np.flatnonzero(sides.is_payment[activity.output_place] & ~activity.output_is_own)
    return rows, np.isin(activity.output_holder[rows], roots)


def service(case: Case) -> Finding:
    """Roles and tags that make the entity a service."""
    name, policy = "service", case.policy
    attribution = case.ground.attribution
    held = sorted(
        role
        for role, verdict in case.roles.items()
        if role in policy.service_roles and verdict is Verdict.HOLDS
    )
    places = np.flatnonzero(np.isin(attribution.service_root, case.wallet.asked))
    rows = tuple(Shown(says=f"role {role}") for role in held)
    rows += tuple(
        _tag_row(attribution, place) for place in attribution.service_root_tag[places].tolist()
    )
    if rows:
        return _found(name, True, ", ".join(row.says for row in rows), rows, len(rows))
    open_roles = sorted(
        role
        for role, verdict in case.roles.items()
        if role in policy.service_roles and verdict is Verdict.UNDECIDED
    )
    if open_roles:
        return _undecided(name, f"undecided: {', '.join(open_roles)}")
    return Finding(item=name, verdict=Verdict.FAILS, measured="no role and no tag of a service")


def _tag_row(attribution: Attribution, place: int) -> Shown:
    tag = attribution.tag(place)
    return Shown(tag=tag, document=document_of(attribution, place), says=tag.label)


def _percent(part: Decimal) -> str:
    return f"{part * 100:f}".rstrip("0").rstrip(".")


def _found(item: str, holds: bool, measured: str, rows: tuple[Shown, ...], count: int) -> Finding:
    return Finding(
        item=item,
        verdict=Verdict.HOLDS if holds else Verdict.FAILS,
        measured=measured,
        rows=rows,
        row_count=count,
    )


def _undecided(item: str, why: str) -> Finding:
    return Finding(item=item, verdict=Verdict.UNDECIDED, measured=why)
