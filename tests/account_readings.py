"""Readings of small chains of accounts: a view, with names that sources give its accounts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from arien_flows.account_ledger.limits import limits_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution, empty_attribution, snapshot
from arien_flows.attribution.tag import Statement
from arien_flows.shapes import Truncation
from chains.types import UInt32Array
from tests.account_chains import AccountChain, text_of


@dataclass(frozen=True)
class JoinedAccounts:
    """Accounts joined by hand; each group is named by its first-seen account."""

    labels: UInt32Array
    identity: str = "by hand"

    def root_of(self, account: int) -> int:
        return int(self.labels[account])

    def members(self, root: int) -> UInt32Array:
        return np.flatnonzero(self.labels == root).astype(np.uint32)


def joined(view: AccountView, *groups: tuple[str, ...]) -> JoinedAccounts:
    """Return the map in which the accounts of each group are one entity."""
    labels = np.arange(view.counts.accounts, dtype=np.uint32)
    for group in groups:
        numbers = [view.find_account(text_of(name)) for name in group]
        labels[numbers] = min(numbers)
    return JoinedAccounts(labels)


@dataclass(frozen=True)
class SmallReading:
    """What answers read of a small chain."""

    view: AccountView
    entities: EntityMap = field(default_factory=SingleAddresses)
    attribution: Attribution = field(default_factory=lambda: empty_attribution("ethereum-dev"))
    tags_are_later: bool = False

    @property
    def limits(self) -> tuple[Truncation, ...]:
        return limits_of(self.view)


def reading_of(
    chain: AccountChain,
    services: Mapping[str, tuple[str, str]] | None = None,
    groups: tuple[tuple[str, ...], ...] = (),
) -> SmallReading:
    """Return the reading in which named accounts are (label, category) and groups are entities."""
    view = chain.view()
    entities = joined(view, *groups) if groups else SingleAddresses()
    return SmallReading(view, entities, attribution_of(view, services or {}, entities))


def attribution_of(
    view: AccountView, services: Mapping[str, tuple[str, str]], entities: EntityMap
) -> Attribution:
    """Return the snapshot in which each named account has a label and a category."""
    if not services:
        return empty_attribution(view.network.name)
    names = list(services)
    statements = [
        Statement(
            label=label, source="https://example.org/list", currency="ETH",
            confidence="service_data", concepts=(concept,), tag_type=None, actor=None,
            is_cluster_definer=False, context=None, lastmod=None, creator="tests",
        )
        for label, concept in services.values()
    ]  # fmt: skip
    return snapshot(
        view.network.name,
        entities,
        statements=statements,
        documents=[""] * len(names),
        statement=np.arange(len(names)),
        number=np.array([view.find_account(text_of(name)) for name in names], np.int64),
        is_own=np.ones(len(names), np.bool_),
        text_of=lambda row: text_of(names[row]),
        revision="by hand",
        not_in_ledger=0,
        foreign=0,
    )
