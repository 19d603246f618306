"""What a clustering is: the answer of `cluster run` and `cluster status`."""

from dataclasses import dataclass

import numpy as np

from arien_flows.answers.entity import lag
from arien_flows.answers.rates import ClusteringRateAnswer, clustering_rates, error_rates
from arien_flows.entities.clustering import Clustering
from arien_flows.entities.review import CONFLICTS, REVIEW, count_conflicts
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Truncation


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringAnswer(ChainAnswer):
    """A clustering of a ledger."""

    network: str
    """Name of the network."""

    profile: str
    """The set of rules that made it."""

    clustering: str
    """Names the run: rules, versions and last block."""

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

    addresses: int
    """Addresses that it has looked at."""

    entities: int
    """Entities that they fall into, those of one address counted."""

    merges: int
    """Rows of its log: each joined two sets of addresses."""

    decisions: int
    """Decisions about change: outputs taken for the payer's, or for somebody else's."""

    conflicts: int
    """Merges that something spoke against, the first of each pair of sets and kind."""

    waiting_for_review: int
    """Pairs of large sets that a change rule would join, and that are not together."""

    addresses_tagged_twice: int
    """Addresses that sure tags give to several owners; one of them counts."""


def clustering_answer(
    view: View, clustering: Clustering, also_left_out: tuple[Truncation, ...] = ()
) -> ClusteringAnswer:
    """Return what a clustering is."""
    made = clustering.manifest
    merges = len(clustering.log)
    cuts = (*lag(view, clustering, where="clustering"), *also_left_out)
    return ClusteringAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=made.network,
        profile=clustering.profile,
        clustering=clustering.identity,
        certainty="inference",
        rules=dict(made.rules),
        error_rates=error_rates(made.rules, made.parameters),
        measured=clustering_rates(clustering.profile, made.rules),
        parameters=dict(made.parameters),
        height=made.height,
        block_hash=made.block_hash,
        addresses=made.counts["addresses"],
        # Each merge makes one set out of two.
        entities=made.counts["addresses"] - merges,
        merges=merges,
        decisions=made.counts["decisions"],
        conflicts=count_conflicts(clustering, CONFLICTS),
        waiting_for_review=count_conflicts(clustering, REVIEW),
        addresses_tagged_twice=len(np.unique(clustering.constraints.twice_named[:, 0])),
    )
