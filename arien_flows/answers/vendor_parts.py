"""The parts of a vendor's profile, from what was measured to what is shown."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np

from arien_flows.amounts import Asset
from arien_flows.answers.facts import block_of, block_time, named
from arien_flows.answers.tags import TagAnswer
from arien_flows.answers.vendor_owner import Owner
from arien_flows.answers.vendor_shapes import (
    EscrowKey,
    LinkedEntity,
    MarketMigration,
    PairKind,
    RevenueMonth,
    StablePairAnswer,
    VendorEvidence,
    VendorItem,
    VendorMarket,
    VendorRevenue,
    VendorScoreAnswer,
    VendorWallets,
)
from arien_flows.entities.clustering import Clustering
from arien_flows.ledger.view import View
from arien_flows.prices.money import Money, Sum
from arien_flows.prices.rates import PriceBook, Rates
from arien_flows.vendors.chain_case import Case
from arien_flows.vendors.chain_closures import closures
from arien_flows.vendors.chain_evidence import Shown
from arien_flows.vendors.chain_ground import DAY_SECONDS, VendorGround
from arien_flows.vendors.chain_pairs import Pairs, StablePair
from arien_flows.vendors.chain_payouts import PayoutKind, Payouts
from arien_flows.vendors.chain_policy import VendorPolicy
from arien_flows.vendors.chain_revenue import NO_MARKET, Receipts, by_month, source_at
from arien_flows.vendors.chain_score import VendorScore
from chains.types import Int64Array

SHOWN_ROWS = 20
"""Rows of evidence that an item lists."""

SHOWN_ENTITIES = 100
SHOWN_TRANSACTIONS = 10

COUNTS = (
    "Revenue is what markets pay out (settled escrows, coins split at the commission, balances; a "
    "buyer's rest of a deposit cannot be told from a balance) and what arrives at addresses that a "
    "tag calls the vendor's own from nobody whom a tag names, of whatever confidence. Not counted: "
    "change and moves inside, a market's transactions with one output only (taken for the market "
    "gathering its coins), CoinJoins, what services and others pay whom a tag names, newly minted "
    "coins, and at other addresses receipts from strangers, which may be direct deals."
)


@dataclass(frozen=True, kw_only=True)
class Rated:
    """How amounts get values, if a currency was asked for."""

    ground: VendorGround
    book: PriceBook | None
    money: Money | None

    @classmethod
    def of(
        cls, ground: VendorGround, book: PriceBook | None, asset: Asset, currency: str | None
    ) -> "Rated":
        """Take a price book, or none where no currency was asked for."""
        money = None if currency is None else Money(asset=asset, currency=currency)
        return cls(ground=ground, book=book, money=money)

    def worth(self, value_sat: Int64Array, time: Int64Array) -> Sum | None:
        """Return what amounts were worth at their times; nothing without a currency."""
        if self.money is None or self.book is None:
            return None
        rates: Rates = self.book.rates(time)
        prices = [
            rates.rates[place].price if place >= 0 else None for place in rates.place.tolist()
        ]
        return self.money.total(zip(value_sat.tolist(), prices, strict=True))


def score_answer(view: View, scored: VendorScore, policy: VendorPolicy) -> VendorScoreAnswer:
    """Return the score with its items."""
    items = []
    for each in scored.items:
        finding, item = each.finding, policy.item(each.finding.item)
        items.append(
            VendorItem(
                name=item.name,
                says=item.says,
                verdict=finding.verdict.value,
                points=item.points,
                given=each.points,
                is_core=item.is_core,
                measured=finding.measured,
                evidence=tuple(_row(view, row) for row in finding.rows[:SHOWN_ROWS]),
                evidence_count=finding.row_count,
            )
        )
    return VendorScoreAnswer(
        policy=policy.name,
        policy_sha256=policy.sha256,
        source=policy.source,
        score=scored.score,
        highest=scored.highest,
        confirmed_from=policy.confirmed,
        standing=scored.standing,
        items=tuple(items),
    )


def _row(view: View, row: Shown) -> VendorEvidence:
    # That a transaction took place is a fact. What a row says of it rests on tags, on clustering
    # and on rules, and so does that it is one of the wallet's.
    by_source = row.tag is not None or row.document is not None
    return VendorEvidence(
        says=row.says,
        certainty="attribution" if by_source else "inference",
        txid=None if row.transaction is None else view.txid_text(row.transaction),
        outpoint=None if row.output is None else view.outpoint_text(row.output),
        time=None if row.transaction is None else _time_of(view, row.transaction),
        address=None if row.tag is None else row.tag.address,
        source=None if row.tag is None else row.tag.source,
        confidence=None if row.tag is None else row.tag.level,
        document=row.document,
    )


def _time_of(view: View, transaction: int) -> datetime:
    return block_time(view, block_of(view, transaction))


def wallets_answer(
    case: Case, clustering: Clustering, owner: Owner, tags: tuple[TagAnswer, ...]
) -> VendorWallets:
    """Return the addresses of a wallet by how they are known."""
    wallet, view = case.wallet, case.ground.view
    paid = wallet.payouts.holder[wallet.payouts.seller_key >= 0]
    roots, settled = np.unique(paid[~np.isin(paid, wallet.asked)], return_counts=True)
    order = np.lexsort((roots, -settled))[:SHOWN_ENTITIES]
    sizes = {root: clustering.size(root) for root in wallet.linked.tolist()}
    return VendorWallets(
        address=named(view, owner.address),
        named=owner.named,
        joined=tuple(
            LinkedEntity(
                id=named(view, root),
                address_count=clustering.size(root),
                settlements=int(np.count_nonzero(paid == root)),
            )
            for root in wallet.joined.tolist()
        ),
        entity=named(view, wallet.root),
        entity_addresses=clustering.size(wallet.root),
        clustering=clustering.identity,
        seller_keys=tuple(_key(case, key) for key in wallet.seller_keys),
        linked=tuple(
            LinkedEntity(id=named(view, root), address_count=sizes[root], settlements=times)
            for root, times in zip(roots[order].tolist(), settled[order].tolist(), strict=True)
        ),
        linked_count=len(sizes),
        linked_addresses=sum(sizes.values()),
        not_linked=wallet.unlinked_reason,
        tags=tags,
    )


def _key(case: Case, key: int) -> EscrowKey:
    escrows, revealed = case.money.escrows, case.ground.view.revealed
    mine = escrows.seller_key == key
    markets = np.unique(escrows.market_key[mine]).tolist()
    return EscrowKey(
        key=escrows.key_text(revealed, key),
        scripts=int(np.count_nonzero(mine)),
        settlements=int(np.count_nonzero(escrows.settled_seller_key == key)),
        market_keys=tuple(escrows.key_text(revealed, market) for market in markets),
    )


def market_answers(case: Case) -> tuple[VendorMarket, ...]:
    """Return the markets that pay a wallet, by first payment."""
    paid = case.wallet.payouts
    shut = {it.market: it for it in closures(case.ground, case.money, case.policy)}
    found = []
    for place in np.unique(paid.market).tolist():
        closure = shut.get(place)
        closed = None
        if closure is not None:
            closed = _time_of(case.ground.view, closure.last_transaction)
        found.append(_market(case, place, paid.where(paid.market == place), closed))
    return tuple(sorted(found, key=lambda it: (it.first_payout, it.name)))


def _market(case: Case, place: int, paid: Payouts, closed: datetime | None) -> VendorMarket:
    market, view = case.money.markets[place], case.ground.view
    commission = case.money.commissions[place]
    rate = Decimal(commission.rate_ppm).scaleb(-4).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return VendorMarket(
        name=market.name,
        is_named=market.is_named,
        sources=tuple(sorted({tag.source for tag in market.tags})),
        first_payout=_time_of(view, int(paid.transaction[0])),
        last_payout=_time_of(view, int(paid.transaction[-1])),
        transactions=len(np.unique(paid.transaction)),
        by_kind={
            kind.name.lower(): int(np.count_nonzero(paid.kind == kind)) for kind in PayoutKind
        },
        value=str(int(view.output_value[paid.output].astype(np.int64).sum())),
        on_key=int(np.count_nonzero(paid.rests_on_key)),
        commission=f"{rate:f} %" if commission.is_signature else None,
        commission_splits=commission.inside if commission.is_signature else 0,
        closed=closed,
    )


def migrations_of(case: Case) -> tuple[MarketMigration, ...]:
    """Return markets that paid the wallet first after another one that paid it had closed."""
    paid, clock = case.wallet.payouts, case.ground.clock
    firsts = {
        place: int(clock(paid.transaction[paid.market == place][:1])[0])
        for place in np.unique(paid.market).tolist()
    }
    found = []
    for closure in closures(case.ground, case.money, case.policy):
        if closure.market not in firsts:
            continue
        moment = int(clock(np.array([closure.last_transaction]))[0])
        for place, first in sorted(firsts.items(), key=lambda item: item[1]):
            if first > moment:
                found.append(
                    MarketMigration(
                        left=case.money.markets[closure.market].name,
                        joined=case.money.markets[place].name,
                        days=(first - moment) // DAY_SECONDS,
                    )
                )
    return tuple(found)


def revenue_answer(case: Case, receipts: Receipts, rated: Rated) -> VendorRevenue:
    """Return receipts by month, and their sums."""
    months = []
    for part in by_month(receipts):
        values = receipts.value_sat[part.rows]
        worth = rated.worth(values, receipts.time[part.rows])
        market = part.market
        months.append(
            RevenueMonth(
                month=part.month,
                source=part.source.value,
                is_revenue=part.source.is_revenue,
                market=None if market == NO_MARKET else case.money.markets[market].name,
                receipts=len(part.rows),
                value=str(int(values.sum())),
                fiat=None if worth is None else worth.amount,
                unpriced="0" if worth is None else str(worth.unpriced),
            )
        )
    is_revenue = np.array([source_at(it).is_revenue for it in receipts.source.tolist()], np.bool_)
    counted = receipts.value_sat[is_revenue]
    worth = rated.worth(counted, receipts.time[is_revenue])
    return VendorRevenue(
        counts=COUNTS,
        currency=None if rated.money is None else rated.money.currency,
        revenue=str(int(counted.sum())),
        revenue_fiat=None if worth is None else worth.amount,
        beside=str(int(receipts.value_sat[~is_revenue].sum())),
        months=tuple(months),
    )


def pair_answers(case: Case, pairs: Pairs) -> tuple[StablePairAnswer, ...]:
    """Return stable pairs with what is known of the others."""
    return tuple(_pair(case, pair) for pair in pairs.stable)


def _pair(case: Case, pair: StablePair) -> StablePairAnswer:
    view, attribution = case.ground.view, case.ground.attribution
    known = attribution.at(pair.other, pair.other)
    paid = case.money.payouts.of(pair.other)
    enough = len(np.unique(paid.transaction)) >= case.policy.least("payouts")
    kind: PairKind = "supplier_or_payee" if pair.direction == "pays" else "reseller_or_payer"
    if pair.other in attribution.service_root:
        kind = "service"
    elif enough:
        kind = "market_seller"
    return StablePairAnswer(
        entity=named(view, pair.other),
        direction=pair.direction,
        kind=kind,
        label=None if known is None else known.tag.label,
        weeks=pair.weeks,
        days=pair.days,
        transfers=pair.transfers,
        value=str(pair.value_sat),
        probability=f"{pair.tail:.2E}",
        bound=f"{pair.bound:.2E}",
        tests=pair.tests,
        evidence=tuple(view.txid_texts(pair.transactions[:SHOWN_TRANSACTIONS])),
    )
