"""Checks that a stored clustering is what its manifest says, and what the rules say."""

from pathlib import Path
from typing import Protocol

import numpy as np

from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.joining import LOG_CHUNK
from arien_flows.entities.position import HEADERS, clustering_folder, coinjoin_folder
from arien_flows.entities.profiles import profile_of, terms_of
from arien_flows.entities.storage import DerivedSet, Manifest, Rows, false_checksums
from arien_flows.ledger.view import View
from chains.types import UInt32Array
from heuristics.constrained_sets import NO_OWNER
from heuristics.cospend import first_false_row
from heuristics.union_find import finalise, new_forest

_COMPARED_ROWS = 1 << 22


class Replayed(Protocol):
    """A clustering with its merge log."""

    @property
    def labels(self) -> UInt32Array:
        """The root of each address."""

    @property
    def log(self) -> Rows:
        """The merge log, in the order in which merges were made; see `LogField`."""


def replay_faults(clustering: Replayed) -> list[str]:
    """Replay the merge log and compare; return what is wrong, one sentence each.

    Each row must join two sets that were apart, by one address of each, and the outcome must be
    the stored labels. The ledger is not read.
    """
    labels = clustering.labels
    parent = new_forest(len(labels))
    done = 0
    for chunk in clustering.log.chunks(LOG_CHUNK):
        row = first_false_row(parent, np.ascontiguousarray(chunk))
        if row >= 0:
            return [f"row {done + row} of the merge log does not join the two sets it names"]
        done += len(chunk)
    finalise(parent)
    wrong = int(np.count_nonzero(parent != labels))
    return [f"{wrong} addresses are not in the entity that the merge log gives"] if wrong else []


def owner_faults(clustering: Clustering) -> list[str]:
    """Say which entities hold addresses that tags give to different owners."""
    owner = clustering.constraints.columns.owner
    known = owner != NO_OWNER
    roots, owners = clustering.tagged_root[known], owner[known]
    pairs = np.unique(np.stack([roots, owners], axis=1), axis=0)
    _entities, count = np.unique(pairs[:, 0], return_counts=True)
    twice = int(np.count_nonzero(count > 1))
    return [f"{twice} entities hold addresses of different owners"] if twice else []


def verify_clustering(view: View, derived: Path, clustering: Clustering) -> list[str]:
    """Check files, log and rules of a stored clustering; return what is wrong, one sentence each.

    Files are compared with their checksums, the merge log is replayed, and the whole run is
    repeated in memory from the first block and compared row by row. `view` must end at the
    clustering's last block.
    """
    faults = []
    for folder, part in (
        (coinjoin_folder(derived), clustering.coinjoins.derived),
        (clustering_folder(derived, clustering.profile), clustering.derived),
    ):
        if folder is not None:
            false = false_checksums(folder, part.manifest)
            faults += [f"{folder / file} was changed after it was written" for file in false]
    faults += replay_faults(clustering)
    faults += owner_faults(clustering)
    repeated = run_clustering(
        view, None, profile_of(clustering.derived), terms_of(clustering.derived)
    )
    marks = _as_of(clustering.coinjoins.derived, clustering.manifest)
    faults += array_faults("coinjoin", marks, repeated.coinjoins.derived)
    faults += array_faults(clustering.profile, clustering.derived, repeated.derived)
    return faults


def _as_of(marks: DerivedSet, made: Manifest) -> DerivedSet:
    """Return the marks up to a clustering's last block: later runs of other profiles add more."""
    count = made.counts["transactions"]
    stops = {"marks": count, HEADERS: made.counts["blocks"]}
    for table in ("details", "amounts"):
        # The first column is the transaction's number, ascending.
        stops[table] = int(np.searchsorted(marks.whole(table)[:, 0], count))
    arrays = {name: rows.first(stops[name]) for name, rows in marks.arrays.items()}
    return DerivedSet(manifest=marks.manifest, arrays=arrays)


def array_faults(name: str, stored: DerivedSet, repeated: DerivedSet) -> list[str]:
    """Say which arrays of a stored set are not those of a repeated run."""
    return [
        f"{name}: {array} is not what the rules give for this chain"
        for array, rows in repeated.arrays.items()
        if not _equal(stored.arrays[array], rows)
    ]


def _equal(left: Rows, right: Rows) -> bool:
    if len(left) != len(right):
        return False
    return all(
        np.array_equal(mine, theirs)
        for mine, theirs in zip(
            left.chunks(_COMPARED_ROWS), right.chunks(_COMPARED_ROWS), strict=True
        )
    )
