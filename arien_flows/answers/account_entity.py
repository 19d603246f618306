"""Entities of accounts: what rules join, what they did together, and who holds their deposits.

A deposit address belongs to an entity by its use: whoever pays to it is the exchange's customer.
Its key is the exchange's. So it is listed twice, among the accounts of the entity and, with the
exchange and how that is known, among its deposits; and what it received was paid on to the
exchange.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.account_entities.clustering import AccountClustering
from arien_flows.account_entities.software import copies_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_clustering import (
    clustering_of_accounts,
    entity_cuts,
    tags_changed_on_accounts,
)
from arien_flows.answers.account_facts import AssetShape, Shapes
from arien_flows.answers.conflicts import probability_text
from arien_flows.answers.entity import AddressPage, make_cursor, read_cursor
from arien_flows.answers.rates import error_rates
from arien_flows.answers.tags import MAX_TAGS, TagAnswer, tag_answers, tag_cuts
from arien_flows.errors import NotFoundError, StaleCursorError
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from chains.types import UInt32Array
from heuristics.constrained_fields import ConflictField, ConflictKind
from heuristics.wide import sums

MAX_ACCOUNTS_SUMMED = 1_000
"""Accounts of an entity whose amounts are added up in one answer."""

MAX_ASSETS = 50
MAX_DEPOSITS = 100
MAX_REFUSED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityAmount(Shape):
    """What an entity did with one asset."""

    asset: AssetShape
    """Which asset."""

    received: str
    """From accounts outside the entity, in base units; new units included."""

    sent: str
    """To accounts outside the entity, gas and destroyed units included."""

    balance: str
    """What its accounts hold; below zero only where movements are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositAnswer(Shape):
    """A deposit address of an entity."""

    address: str
    """The address that an exchange gave to this customer."""

    exchange: str
    """The account of the exchange that it forwarded to first."""

    exchange_name: str
    """Whose account that is by the tags that the clustering heeded; may be empty."""

    exchange_certainty: Certainty
    """Always `attribution`: whose account it is a source says."""

    matches: int
    """Payments that it passed on."""

    confidence: str
    """How near amounts and blocks of these were, from 0 to 1, on average: not a share of right
    answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareAnswer(Shape):
    """Contracts with the same code as the one that was asked for: not a statement about owners."""

    code_hash: str
    """Keccak of the code without the compiler's trailer."""

    contracts: int
    """Contracts that have this code, this one counted, up to the clustering's last block."""

    deployers: int
    """Accounts that sent the transactions which put it there."""

    certainty: Certainty
    """Always `fact`: the codes are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLink(Shape):
    """Two accounts that a rule would have joined."""

    address_a: str
    """The first account."""

    address_b: str
    """The second account."""

    rule: str
    """The rule that proposed it."""

    reason: str
    """`owners` or `services` where tags name different ones; `growth` where both sets are large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEntityAnswer(ChainAnswer):
    """An entity with a page of its accounts."""

    network: str
    """Name of the network."""

    id: str
    """Its first-seen account."""

    profile: str
    """The set of rules that made it."""

    certainty: Certainty
    """Always `inference`: rules say that one owner controls these accounts, or uses them."""

    clustering: str
    """Names the run that made it: rules, versions and last block."""

    rules: dict[str, int]
    """The rules of the run, with their versions."""

    error_rates: dict[str, str]
    """By rule: how often it was wrong, and among what; or `not measured`."""

    merges: dict[str, int]
    """The rules that joined its accounts, with how many merges each made."""

    least_confidence: str | None
    """The confidence of the least sure of these merges, from 0 to 1; nothing for one account. It
    is the rule's own, and not a measured share of right answers."""

    refused_count: int
    """Links of the entity to others that were not made."""

    refused: tuple[RefusedLink, ...]
    """The first of them, the surest first."""

    height: int
    """The last block that the run knew."""

    address_count: int
    """Accounts that it joins."""

    addresses: AddressPage
    """The accounts of this page."""

    deposits: tuple[DepositAnswer, ...]
    """Its deposit addresses, which exchanges hold."""

    software: SoftwareAnswer | None
    """Contracts with the code of the account that was asked for; nothing where it has none."""

    amounts: tuple[EntityAmount, ...]
    """What it received, sent and holds, the coin and listed assets first."""

    tags: tuple[TagAnswer, ...]
    """What sources say of its accounts."""


def account_entity_answer(
    reading: AccountReading, text: str, *, limit: int, cursor: str | None = None
) -> AccountEntityAnswer:
    """Return the entity of an account, with the accounts after the one that `cursor` names."""
    clustering, view = clustering_of_accounts(reading), reading.view
    account = view.find_account(text)
    root = clustering.root_of(account)
    members = clustering.members(root)
    start = 0 if cursor is None else _after(reading, members, read_cursor(cursor))
    shown = [view.account_text(member) for member in members[start : start + limit].tolist()]
    more = start + limit < len(members)
    tags = reading.tags.tags_of(root, MAX_TAGS)
    refused = refused_links(view, clustering, clustering.conflicts_about(root))
    deposits = _deposits(reading, clustering, members)
    amounts, amount_cuts = _amounts(reading, members)
    sure = clustering.least_confidence_ppm(root)
    cuts = (
        *entity_cuts(view, clustering),
        *tags_changed_on_accounts(reading),
        *_too_many("refused", len(refused), MAX_REFUSED),
        *_too_many("deposits", len(deposits), MAX_DEPOSITS),
        *amount_cuts,
        *tag_cuts(reading, tags),
        *reading.limits,
    )
    return AccountEntityAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        id=view.account_text(root),
        profile=clustering.profile,
        certainty="inference",
        clustering=clustering.identity,
        rules=dict(clustering.manifest.rules),
        error_rates=error_rates(clustering.manifest.rules),
        merges=clustering.merges_by_rule(root),
        least_confidence=probability_text(sure),
        refused_count=len(refused),
        refused=tuple(refused[:MAX_REFUSED]),
        height=clustering.height,
        address_count=len(members),
        addresses=AddressPage(
            items=tuple(shown), next_cursor=make_cursor(shown[-1]) if more and shown else None
        ),
        deposits=tuple(deposits[:MAX_DEPOSITS]),
        software=_software(reading, clustering, account),
        amounts=amounts,
        tags=tag_answers(tags.shown),
    )


def _after(reading: AccountReading, members: UInt32Array, text: str) -> int:
    """Return the place after an account in an entity's list."""
    try:
        number = reading.view.find_account(text)
    except NotFoundError as error:
        raise StaleCursorError(
            f"the cursor names account {text}, which a reorganisation removed: "
            "start again without a cursor"
        ) from error
    place = int(np.searchsorted(members, np.uint32(number)))
    if place == len(members) or int(members[place]) != number:
        raise StaleCursorError(
            "the account that the cursor names is not in this entity (any more): "
            "start again without a cursor"
        )
    return place + 1


def refused_links(
    view: AccountView, clustering: AccountClustering, conflicts: UInt32Array
) -> list[RefusedLink]:
    """Return rows of the conflicts as answers show them."""
    text = view.account_text
    return [
        RefusedLink(
            address_a=text(int(row[ConflictField.ADDRESS_A])),
            address_b=text(int(row[ConflictField.ADDRESS_B])),
            rule=clustering.rule_name(int(row[ConflictField.RULE])),
            reason=ConflictKind(int(row[ConflictField.KIND])).name.lower(),
        )
        for row in conflicts
    ]


def _deposits(
    reading: AccountReading, clustering: AccountClustering, members: UInt32Array
) -> list[DepositAnswer]:
    text, custody = reading.view.account_text, clustering.custody_of(members)
    columns = (column.tolist() for column in custody)
    return [
        DepositAnswer(
            address=text(deposit),
            exchange=text(exchange),
            exchange_name=clustering.known.custodian(exchange),
            exchange_certainty="attribution",
            matches=matches,
            confidence=probability_text(ppm) or "",
        )
        for deposit, exchange, matches, ppm in zip(*columns, strict=True)
    ]


def _software(
    reading: AccountReading, clustering: AccountClustering, account: int
) -> SoftwareAnswer | None:
    found = copies_of(clustering.software, reading.view, account)
    if found is None:
        return None
    return SoftwareAnswer(
        code_hash="0x" + found.code_hash.hex(),
        contracts=found.contracts,
        deployers=found.deployers,
        certainty="fact",
    )


def _amounts(
    reading: AccountReading, members: UInt32Array
) -> tuple[tuple[EntityAmount, ...], tuple[Truncation, ...]]:
    """Return what crossed the border of an entity, by asset."""
    view = reading.view
    if len(members) > MAX_ACCOUNTS_SUMMED:
        detail = f"amounts of entities of more than {MAX_ACCOUNTS_SUMMED:,} accounts are not summed"
        cut = Truncation(
            where="amounts", reason="too_many", limit=MAX_ACCOUNTS_SUMMED, detail=detail
        )
        return (), (cut,)
    rows = np.unique(
        np.concatenate([view.index.movements_of(member, None) for member in members.tolist()])
    )
    giver = np.isin(view.movements.giver[rows], members)
    receiver = np.isin(view.movements.receiver[rows], members)
    assets, place = np.unique(view.movements.asset[rows], return_inverse=True)
    amount = view.amounts.of(rows)
    place = place.astype(np.int64)
    received = sums(amount, np.where(receiver & ~giver, place, -1), len(assets))
    sent = sums(amount, np.where(giver & ~receiver, place, -1), len(assets))
    shapes = Shapes(view)
    found = [
        EntityAmount(
            asset=shapes.of(asset), received=str(came), sent=str(went), balance=str(came - went)
        )
        for asset, came, went in zip(assets.tolist(), received, sent, strict=True)
    ]
    rank = {"coin": 0, "listed": 1, "unverified": 2, "imitation": 3}
    found.sort(key=lambda it: (rank[it.asset.standing], it.asset.symbol, it.asset.contract or ""))
    return tuple(found[:MAX_ASSETS]), _too_many("amounts", len(found), MAX_ASSETS)


def _too_many(where: str, count: int, limit: int) -> tuple[Truncation, ...]:
    if count <= limit:
        return ()
    detail = f"{count - limit:,} more are not shown"
    return (Truncation(where=where, reason="too_many", limit=limit, detail=detail),)
