"""Checking a stored clustering of accounts: the files, the log, and the whole run again."""

from pathlib import Path

import numpy as np

from arien_flows.account_entities.clustering import (
    FOLDER,
    AccountClustering,
    run_account_clustering,
)
from arien_flows.account_entities.profiles import terms_from
from arien_flows.account_ledger.view import AccountView
from arien_flows.entities.storage import false_checksums
from arien_flows.entities.verify import array_faults, replay_faults
from heuristics.constrained_sets import NO_OWNER


def owner_faults(clustering: AccountClustering) -> list[str]:
    """Say how many entities hold accounts that tags give to different owners."""
    if "different_owners" not in clustering.manifest.rules:
        return []
    columns = clustering.known.constraints.columns
    known = columns.owner != NO_OWNER
    roots = clustering.labels[columns.address[known]]
    pairs = np.unique(np.stack([roots, columns.owner[known]], axis=1), axis=0)
    _, count = np.unique(pairs[:, 0], return_counts=True)
    twice = int(np.count_nonzero(count > 1))
    return [f"{twice} entities hold accounts of different owners"] if twice else []


def verify_account_clustering(
    view: AccountView, derived: Path | None, clustering: AccountClustering
) -> list[str]:
    """Check files, log and rules of a stored clustering; return what is wrong, one sentence each.

    Files are compared with their checksums, the merge log is replayed, and the whole run is
    repeated in memory and compared row by row. `view` must end at the clustering's last block.
    """
    faults = []
    if derived is not None:
        folder = derived / FOLDER / clustering.profile
        false = false_checksums(folder, clustering.manifest)
        faults += [f"{folder / file} was changed after it was written" for file in false]
    faults += replay_faults(clustering)
    faults += owner_faults(clustering)
    terms = terms_from(clustering.derived, clustering.known)
    repeated = run_account_clustering(view, None, clustering.profile, terms)
    return faults + array_faults(clustering.profile, clustering.derived, repeated.derived)
