"""A wallet as if it were a vendor's: evidence and score, revenue, counterparties, cash-out.

Everything comes from one reading. What is asked for by an address is said of its entity, and of
the entities that an escrow key links to it; a score says how much shows that it is a vendor's at
all, and the rest of the profile is the same arithmetic whatever the score.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.answers.entity import clustering_of, lag, tags_changed
from arien_flows.answers.roles import roles_answer
from arien_flows.answers.tags import MAX_TAGS, tag_answers, tag_cuts
from arien_flows.answers.vendor_alias import alias_facts, joined_facts
from arien_flows.answers.vendor_cash_out import direct_cash_out, traced_cash_out
from arien_flows.answers.vendor_owner import Owner, owner_of_account, owner_of_address
from arien_flows.answers.vendor_parts import (
    Rated,
    market_answers,
    migrations_of,
    pair_answers,
    revenue_answer,
    score_answer,
    wallets_answer,
)
from arien_flows.answers.vendor_shapes import VendorProfile
from arien_flows.entities.roles import Verdict
from arien_flows.entities.roles import standard_policy as role_policy
from arien_flows.errors import InputError
from arien_flows.ledger.state import as_of
from arien_flows.prices.rates import PriceBook
from arien_flows.shapes import Truncation
from arien_flows.tracing.fiat import refuse_unknown
from arien_flows.vendors.chain_case import AliasFacts, Case
from arien_flows.vendors.chain_evidence import findings
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_habits import hour_counts
from arien_flows.vendors.chain_pairs import Pairs, stable_pairs
from arien_flows.vendors.chain_payouts import MarketMoney, market_money
from arien_flows.vendors.chain_policy import VendorPolicy, standard_policy
from arien_flows.vendors.chain_revenue import receipts_of
from arien_flows.vendors.chain_score import vendor_score
from arien_flows.vendors.chain_wallet import Wallet, wallet_of
from arien_flows.workspace import Reading

ENTITY = "entity:"
MOST_JUDGED = 20
"""Entities of one wallet whose roles are asked for."""

MOST_BUDGET = 200_000
"""Transactions that each trace of the cash-out may look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRequest:
    """What is asked of a wallet. Raises `InputError` where it cannot be."""

    subject: str
    """An address, or `entity:ADDRESS`, which means the same: a profile is of an entity. Or an
    account in documents, as `MARKET/HANDLE`: then it is of all that they name as its owner's."""

    currency: str | None = None
    """Currency of values, as `EUR`."""

    account: str | None = None
    """The account that the wallet is held against, as `MARKET/HANDLE`; nothing compares none, or
    those of the owner where an account is asked about."""

    trace_budget: int = 0
    """Transactions that each trace of the revenue may look at; 0 makes none."""

    def __post_init__(self) -> None:
        if not 0 <= self.trace_budget <= MOST_BUDGET:
            raise InputError(f"the budget of traces is from 0 to {MOST_BUDGET:,}")

    def owner(self, reading: Reading) -> Owner:
        """Return whom the profile is of; `NotFoundError` for nobody."""
        text = self.subject.strip()
        if "/" in text:
            return owner_of_account(reading, text)
        # In either case, as elsewhere: the word is ours, and no address begins with it.
        is_entity = text.lower().startswith(ENTITY)
        return owner_of_address(reading, text[len(ENTITY) :] if is_entity else text)


def ground_of(reading: Reading) -> VendorGround:
    """Return what evidence about vendors is read from; `NotFoundError` without a clustering."""
    clustering = clustering_of(reading)
    marks = reading.coinjoin_marks
    assert marks is not None  # noqa: S101 - there is a clustering, so there are marks
    return VendorGround(
        view=reading.view,
        entities=clustering,
        attribution=reading.tags.attribution,
        marks=marks,
    )


def money_of(reading: Reading, ground: VendorGround, policy: VendorPolicy) -> MarketMoney:
    """Return what markets pay out in a reading: it takes seconds to read, and is kept with it."""
    limits = role_policy()
    return reading.kept.of(
        ("market_money", policy.sha256, limits.sha256),
        lambda: market_money(ground, policy, limits.commission),
    )


def vendor_profile(
    reading: Reading, request: ProfileRequest, *, policy: VendorPolicy | None = None
) -> VendorProfile:
    """Return the profile of a wallet."""
    policy = policy or standard_policy()
    clustering, view = clustering_of(reading), reading.view
    owner = request.owner(reading)
    ground = ground_of(reading)
    money = money_of(reading, ground, policy)
    wallet = wallet_of(ground, money, owner.roots[0], policy, joined=owner.roots[1:])
    asset = asset_of(view.network.name)
    accounts = owner.accounts if request.account is None else (request.account,)
    alias = joined_facts(
        [alias_facts(reading.tags.casebook, each, asset.name) for each in accounts]
    )
    case = Case(
        ground=ground,
        money=money,
        wallet=wallet,
        policy=policy,
        coin=asset.name,
        books=_books(reading, request.currency, alias, asset.name),
        alias=alias,
        roles=_roles(reading, owner),
    )
    scored = vendor_score(findings(case), policy)
    receipts = receipts_of(case)
    rated = Rated.of(ground, case.books.get(request.currency or ""), asset, request.currency)
    pairs = stable_pairs(ground, wallet, policy)
    tags = reading.tags.tags_of(owner.address, MAX_TAGS)
    traced, trace_cuts = traced_cash_out(reading, receipts, request.trace_budget)
    activity = wallet.gathered.activity
    cuts = (
        *owner.cuts,
        *_cuts(wallet, money, pairs),
        *trace_cuts,
        *lag(view, clustering, where="profile"),
        *tags_changed(reading, "profile"),
        *tag_cuts(reading, tags),
        *reading.limits,
    )
    return VendorProfile(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        asset=asset.name,
        decimals=asset.decimals,
        profile=clustering.profile,
        tags_revision=ground.attribution.revision,
        account=accounts[0] if accounts else None,
        accounts=owner.accounts,
        score=score_answer(view, scored, policy),
        wallets=wallets_answer(case, clustering, owner, tag_answers(tags.shown)),
        markets=market_answers(case),
        migrations=migrations_of(case),
        revenue=revenue_answer(case, receipts, rated),
        pairs=pair_answers(case, pairs),
        cash_out=direct_cash_out(case, rated),
        traced_cash_out=traced,
        receipt_hours=tuple(hour_counts(ground.times(np.unique(receipts.transaction))).tolist()),
        payment_hours=tuple(hour_counts(activity.time[wallet.sides.is_payment]).tolist()),
    )


def _roles(reading: Reading, owner: Owner) -> Mapping[str, Verdict]:
    """Return what the roles of the entities come to: the wallet has a role that one of them has.

    Past the first `MOST_JUDGED` of them, what none of these has is undecided.
    """
    found: dict[str, set[Verdict]] = defaultdict(set)
    more = {Verdict.UNDECIDED} if len(owner.roots) > MOST_JUDGED else set()
    for root in owner.roots[:MOST_JUDGED]:
        for role in roles_answer(reading, reading.view.address_text(root) or "").roles:
            if role.subject == "entity":
                found[role.name].add(Verdict(role.verdict))
    order = (Verdict.HOLDS, Verdict.UNDECIDED, Verdict.FAILS)
    return {name: next(it for it in order if it in said | more) for name, said in found.items()}


def _books(
    reading: Reading, currency: str | None, alias: AliasFacts, coin: str
) -> dict[str, PriceBook]:
    """Return the price of the coin in the asked currency and in those of the price list."""
    books = {name: reading.prices(name) for name in {price.currency for price in alias.prices}}
    if currency is not None:
        books[currency] = reading.prices(currency)
        refuse_unknown(books[currency], reading.view.network.name)
    return {name: books[name] for name in sorted(books) if name != coin}


def _cuts(wallet: Wallet, money: MarketMoney, pairs: Pairs) -> Sequence[Truncation]:
    """Say what of the profile is only a part."""
    found: list[Truncation] = []

    def cut(where: str, reason: str, detail: str, limit: int | None = None) -> None:
        found.append(Truncation(where=where, reason=reason, limit=limit, detail=detail))

    if wallet.gathered.cut:
        cut(
            "receipts, payments and pairs of the wallet",
            "bounded",
            f"{wallet.gathered.cut}; payments out of markets are all there",
            len(wallet.gathered.transactions),
        )
    if wallet.gathered.coinjoins:
        cut("wallet", "coinjoins", f"{wallet.gathered.coinjoins:,} CoinJoins of it are left out")
    if wallet.cut:
        cut("linked entities", "bounded", f"{wallet.cut:,} more are linked by its key")
    if pairs.untested:
        cut("pairs", "bounded", f"{pairs.untested:,} regular counterparties were not tested")
    if money.mixed:
        cut(
            "markets",
            "several_markets",
            f"{money.mixed:,} transactions that several markets take part in are left out",
        )
    if money.wide:
        cut(
            "markets",
            "wide_transactions",
            f"{money.wide:,} transactions that pay a market and many others are not looked at",
        )
    if money.markets_left_out:
        cut("markets", "bounded", f"{money.markets_left_out:,} markets are left out")
    return found
