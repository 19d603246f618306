"""Which tags name markets, vendors and exchanges: by their risk category.

A tag counts from the policy's confidence on, and if it names an owner: one that reports an event or
a mention says nothing of whose the address is. Where its concepts name several categories the most
severe one is what it says, so that a market tagged `market, drugs` is no vendor.
"""

from collections.abc import Callable

import numpy as np

from arien_flows.attribution.categories import category_of, plain, standard_categories
from arien_flows.attribution.snapshot import Attribution
from arien_flows.attribution.tag import NAMES_SOMEBODY, Statement
from arien_flows.vendors.chain_policy import VendorPolicy
from chains.types import Int64Array


def market_name(said: Statement, policy: VendorPolicy) -> str | None:
    """Return the market that a statement names, if it names one: the actor, or else the label."""
    if not _counts(said, policy) or _category(said) not in policy.market_categories:
        return None
    return said.actor if said.actor is not None else said.label


def vendor_places(attribution: Attribution, policy: VendorPolicy) -> Int64Array:
    """Return the places of tags that name a vendor."""
    return _places(
        attribution,
        lambda said: _counts(said, policy) and _category(said) in policy.vendor_categories,
    )


def exchange_roots(attribution: Attribution, policy: VendorPolicy) -> Int64Array:
    """Return the entities that a tag calls an exchange, whatever else it says; ascending."""
    wanted = [standard_categories().category(name) for name in sorted(policy.exchange_categories)]

    def is_exchange(said: Statement) -> bool:
        concepts = frozenset(plain(each) for each in said.concepts)
        return _counts(said, policy) and any(each.is_named_by(concepts) for each in wanted)

    return np.unique(attribution.holder[_places(attribution, is_exchange)])


def named_roots(attribution: Attribution) -> Int64Array:
    """Return the entities that any tag names, however little it is trusted; ascending."""
    places = _places(attribution, lambda said: said.tag_type in NAMES_SOMEBODY)
    return np.unique(attribution.holder[places])


def document_of(attribution: Attribution, place: int) -> str | None:
    """Return the document that a tag rests on, where it is known."""
    return attribution.documents[int(attribution.statement[place])] or None


def _counts(said: Statement, policy: VendorPolicy) -> bool:
    return said.level >= policy.least("least_tag_confidence") and said.tag_type in NAMES_SOMEBODY


def _category(said: Statement) -> str:
    return category_of(said.concepts)


def _places(attribution: Attribution, wanted: Callable[[Statement], bool]) -> Int64Array:
    chosen = np.array([wanted(said) for said in attribution.statements], np.bool_)
    if not len(chosen):
        return np.empty(0, np.int64)
    return np.flatnonzero(chosen[attribution.statement])
