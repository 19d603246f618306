"""What a clustering of accounts is: the answer of `cluster run` and `cluster status`."""

from dataclasses import dataclass
from pathlib import Path

from arien_flows.account_entities.clustering import (
    AccountClustering,
    account_cluster_command,
    open_account_clustering,
)
from arien_flows.account_entities.verify import verify_account_clustering
from arien_flows.account_ledger.limits import limits_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.clustering_check import LIMITS, ClusteringCheck
from arien_flows.answers.entity import EXPLORATION
from arien_flows.answers.rates import ClusteringRateAnswer, clustering_rates, error_rates
from arien_flows.errors import InputError, NotFoundError
from arien_flows.shapes import Certainty, ChainAnswer, Truncation

NO_EXCHANGES = Truncation(
    where="clustering",
    reason="no_exchanges",
    detail="no tag names an account of an exchange, so no deposit address can be recognised: "
    "import tags of exchanges with `arien-flows tags import`, and cluster again",
)
"""Stands in every answer from a clustering that knew no exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClusteringAnswer(ChainAnswer):
    """A clustering of a ledger of accounts."""

    network: str
    """Name of the network."""

    profile: str
    """The set of rules that made it."""

    clustering: str
    """Names the run: rules, versions, terms and last block."""

    certainty: Certainty
    """Always `inference`."""

    rules: dict[str, int]
    """The rules, with their versions."""

    error_rates: dict[str, str]
    """By rule: how often it was wrong, and among what; or `not measured`."""

    measured: tuple[ClusteringRateAnswer, ...]
    """How well clusterings by these rules agreed with known owners, by population."""

    parameters: dict[str, str]
    """What else its result depends on."""

    height: int
    """The last block that it knows."""

    block_hash: str
    """Hash of that block."""

    accounts: int
    """Accounts that it has looked at."""

    entities: int
    """Entities that they fall into, those of one account counted."""

    merges: int
    """Rows of its log: each joined two sets of accounts."""

    links: int
    """Pairs of accounts that rules proposed to join."""

    refused: int
    """Links that were not made because tags name different owners, or because both sets are
    large."""

    deposit_addresses: int
    """Deposit addresses of exchanges that were recognised."""

    exchange_accounts: int
    """Accounts that tags give to exchanges and other keepers of deposits."""


def clustering_of_accounts(reading: AccountReading) -> AccountClustering:
    """Return the clustering; `NotFoundError` with the remedy where there is none."""
    if reading.clustering is None:
        raise NotFoundError(reading.clustering_gap)
    return reading.clustering


def entity_cuts(
    view: AccountView, clustering: AccountClustering, where: str = "entity"
) -> tuple[Truncation, ...]:
    """Say what any answer from a clustering leaves open: late blocks, guesses, no exchanges."""
    cuts = EXPLORATION if clustering.for_exploration else ()
    if not len(clustering.known.exchange):
        cuts = (*cuts, NO_EXCHANGES)
    height = clustering.height
    if height == view.tip.height:
        return cuts
    command = account_cluster_command(view.network.name, clustering.profile)
    return (
        *cuts,
        Truncation(
            where=where,
            reason="clustering_behind",
            limit=height,
            detail=f"the clustering ends at block {height}: `{command}` brings it up to date",
        ),
    )


def tags_changed_on_accounts(
    reading: AccountReading, where: str = "entity"
) -> tuple[Truncation, ...]:
    """Say so where the clustering does not know what tags say of owners by now."""
    made = reading.clustering
    if made is None or not reading.owners_changed:
        return ()
    command = account_cluster_command(reading.view.network.name, made.profile)
    return (
        Truncation(
            where=where,
            reason="tags_changed",
            detail="tags of owners were added or withdrawn since the clustering was made: "
            f"`{command}` takes them in",
        ),
    )


def account_clustering_answer(
    view: AccountView, clustering: AccountClustering, more: tuple[Truncation, ...] = ()
) -> AccountClusteringAnswer:
    """Return what a clustering is."""
    made = clustering.manifest
    cuts = (*entity_cuts(view, clustering, "clustering"), *more, *limits_of(view))
    return AccountClusteringAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=made.network,
        profile=clustering.profile,
        clustering=clustering.identity,
        certainty="inference",
        rules=dict(made.rules),
        error_rates=error_rates(made.rules),
        measured=clustering_rates(clustering.profile, made.rules),
        parameters=dict(made.parameters),
        height=made.height,
        block_hash=made.block_hash,
        accounts=made.counts["accounts"],
        entities=made.counts["entities"],
        merges=made.counts["merges"],
        links=made.counts["links"],
        refused=made.counts["conflicts"],
        deposit_addresses=made.counts["deposits"],
        exchange_accounts=len(clustering.known.exchange),
    )


def account_clustering_check(view: AccountView, derived: Path, profile: str) -> ClusteringCheck:
    """Check a stored clustering against a view that ends at its last block.

    Raises NotFoundError where there is none, and InputError where blocks came after it.
    """
    clustering = open_account_clustering(view, derived, profile)
    made = clustering.manifest
    if made.counts["blocks"] != view.counts.blocks:
        command = account_cluster_command(view.network.name, profile)
        raise InputError(
            f"the clustering ends at block {made.height} and the ledger at {view.tip.height}: run "
            f"`{command}` and verify again"
        )
    faults = tuple(verify_account_clustering(view, derived, clustering))
    return ClusteringCheck(
        network=made.network,
        profile=profile,
        clustering=clustering.identity,
        rules=dict(made.rules),
        height=made.height,
        block_hash=made.block_hash,
        ok=not faults,
        faults=faults,
        limits=LIMITS,
    )
