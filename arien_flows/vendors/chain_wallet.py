"""A vendor's wallet as far as the chain leads: an entity, and those that his escrow key links.

Clustering joins what is spent together. A seller who is paid at a new address for each order and
does not gather his coins has thousands of entities; the key that he puts into his escrows is the
same in all orders. So from one entity that is paid by escrows with a seller's key follow all others
that are. That is an inference of its own, kept apart from the clustering, and not made

- where an entity is named a service: sellers let themselves be paid at exchanges;
- through an entity that escrows of more than a few sellers pay, for the same reason.

Documents may name addresses of several entities as one owner's: these begin as one wallet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.entities.activity import Bounds, Gathered, Subject, gather
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_payouts import MarketMoney, Payouts
from arien_flows.vendors.chain_policy import VendorPolicy
from chains.types import Int64Array, UInt32Array
from heuristics.follow import ranges
from heuristics.role_features import Sides, sides_of

WALLET_BOUNDS = Bounds(addresses=20_000, transactions=200_000)
"""How much of a wallet's activity is read."""

MOST_LINKED = 100_000
"""Entities that a key may link to one wallet."""


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """An entity and those linked to it, with what they did, or the part of it that was read."""

    root: int
    """The entity that was asked about, or the first of them."""

    joined: Int64Array
    """The other entities that were asked about as the same owner's, ascending."""

    linked: Int64Array
    """Entities that escrows with the same seller's key pay, ascending, without those above."""

    seller_keys: tuple[int, ...]
    """The keys that link them, as `Escrows` numbers them."""

    unlinked_reason: str
    """Why no entity was linked though there are keys; empty otherwise."""

    cut: int
    """Entities past `MOST_LINKED`."""

    labels: UInt32Array
    """The root of each address of the view, the wallet's all being `root`."""

    gathered: Gathered
    payouts: Payouts
    """All that markets pay to it, in chain order; never cut."""

    @cached_property
    def sides(self) -> Sides:
        """What each transaction that was read is to the wallet."""
        return sides_of(self.gathered.activity)

    @cached_property
    def roots(self) -> Int64Array:
        """All its entities, ascending."""
        return np.union1d(self.linked, self.asked)

    @property
    def asked(self) -> Int64Array:
        """The entities that were asked about."""
        return np.append(self.joined, self.root)


def output_rows(ground: VendorGround, gathered: Gathered) -> Int64Array:
    """Return the output that stands behind each output of a gathered activity."""
    view, transactions = ground.view, gathered.transactions
    rows = ranges(view.first_output[transactions], view.first_output[transactions + 1])
    payable: Int64Array = rows[view.output_address[rows] != NO_ADDRESS]
    return payable


def wallet_of(
    ground: VendorGround,
    money: MarketMoney,
    root: int,
    policy: VendorPolicy,
    bounds: Bounds = WALLET_BOUNDS,
    *,
    joined: Iterable[int] = (),
) -> Wallet:
    """Return the wallet around an entity, and others that are asked about as the same owner's."""
    others = np.array(sorted(set(joined) - {root}), np.int64)
    asked = np.append(others, root)
    keys, linked, reason = _linked(ground, money.payouts, asked, policy)
    cut = max(0, len(linked) - MOST_LINKED)
    linked = linked[:MOST_LINKED]
    roots = [root, *others.tolist(), *linked.tolist()]
    addresses = np.sort(
        np.concatenate([ground.entities.members(each).astype(np.uint32) for each in roots])
    )
    labels = ground.labels
    if len(roots) > 1:
        labels = labels.copy()
        labels[addresses] = root
    subject = Subject(root=root, addresses=addresses, is_entity=True)
    gathered = gather(ground.view, labels, ground.marks, subject, bounds)
    mine = np.isin(money.payouts.holder, np.append(linked, asked))
    payouts = money.payouts.where(mine)
    return Wallet(
        root=root,
        joined=others,
        linked=linked,
        seller_keys=keys,
        unlinked_reason=reason,
        cut=cut,
        labels=labels,
        gathered=gathered,
        payouts=payouts.where(np.argsort(payouts.output, kind="stable")),
    )


def _linked(
    ground: VendorGround, payouts: Payouts, asked: Int64Array, policy: VendorPolicy
) -> tuple[tuple[int, ...], Int64Array, str]:
    """Return the keys under which entities are paid, what they link, and why they link nothing."""
    none = np.empty(0, np.int64)
    keys = np.unique(payouts.where(np.isin(payouts.holder, asked)).seller_key)
    keys = keys[keys >= 0]
    found = tuple(keys.tolist())
    if not found:
        return (), none, ""
    most = policy.least("most_seller_keys")
    # Each of an owner's accounts may have a key of its own.
    if len(found) > most * len(asked):
        return found, none, f"escrows of {len(found):,} sellers pay it: it may be a service"
    services = ground.attribution.service_root
    if np.isin(asked, services).any():
        return found, none, "a tag names it a service, where sellers may be customers"
    paid = np.isin(payouts.seller_key, keys)
    others = np.setdiff1d(payouts.holder[paid], services)
    # Whom other sellers' escrows pay as well may be a service that nobody named.
    strange = payouts.holder[(payouts.seller_key >= 0) & ~np.isin(payouts.seller_key, keys)]
    others = np.setdiff1d(others, strange)
    return found, np.setdiff1d(others, asked), ""
