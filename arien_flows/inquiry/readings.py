"""A reading of fetched transactions: the same as of a ledger on disk, with its gaps."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.constraints import Constraints
from arien_flows.entities.profiles import DEFAULT_PROFILE, Terms
from arien_flows.fetched.completeness import Fetched
from arien_flows.inquiry.gathering import Gathering
from arien_flows.inquiry.limits import limits_of
from arien_flows.ledger.view import View
from arien_flows.tag_book import TagBook
from arien_flows.workspace import Reading

Tags = Callable[[View], TagBook]
"""Looks tags up for a view, in which each address stands for itself."""


def reading_of(gathering: Gathering, tags: Tags, *, is_exhausted: bool = False) -> Reading:
    """Return what is here as a reading; entities are made of it alone."""
    gathered = gathering.gathered()
    book = tags(gathered.view)
    clustering = cluster(gathered.view, book.constraints)
    limits = tuple(limits_of(gathering, gathered, clustering, is_exhausted=is_exhausted))
    return Reading(
        view=gathered.view,
        clustering=clustering,
        clustering_gap="",
        tags=book.among(clustering),
        fetched=Fetched(
            ledger=gathered.ledger,
            unasked=gathered.unasked,
            limits=limits,
            origin=gathering.origin(gathered),
        ),
    )


def cluster(view: View, owners: Constraints) -> Clustering:
    """Join the addresses of a view of fetched transactions, as far as tags of owners allow.

    Two clusterings share their identity only if they saw the same transactions.
    """
    made = run_clustering(view, None, DEFAULT_PROFILE, Terms(constraints=owners))
    seen = hashlib.sha256(np.ascontiguousarray(view.txid).tobytes()).hexdigest()
    manifest = replace(made.manifest, parameters={**made.manifest.parameters, "fetched": seen})
    return replace(made, derived=replace(made.derived, manifest=manifest))
