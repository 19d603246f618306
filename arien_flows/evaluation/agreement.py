"""How well a clustering agrees with known owners.

Two measures that punish different things. *Pairwise*: of all pairs of addresses that the
clustering joins, how many have one owner (precision), and of all pairs of one owner, how many are
joined (recall). Large clusters weigh by the square of their size, so one wrong merge of two large
services ruins the precision, as it should. *Variation of information*: how many bits the clusters
leave open about the owners (wrong merges) and the owners about the clusters (splits); here every
address weighs the same. Besides, the share of owners who share a cluster with a stranger: the
chance of an innocent to be named with somebody else.

Pairs are counted exactly, from the table of clusters against owners; nobody lists them.

Source of the variation of information: M. Meila, Journal of Multivariate Analysis 98 (2007),
873-895.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.evaluation.proportions import Proportion, share
from chains.types import Int64Array, UInt32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A clustering against the owners of its addresses; addresses without one are left out."""

    addresses: int
    owners: int
    clusters: int

    joined_pairs: int
    """Pairs of addresses in one cluster."""

    owned_pairs: int
    """Pairs of addresses of one owner."""

    right_pairs: int
    """Pairs that are both."""

    wrongly_joined_owners: int
    """Owners who share a cluster with another owner."""

    merged_bits: float
    """What the cluster of an address leaves open about its owner, on average: wrong merges."""

    split_bits: float
    """What the owner of an address leaves open about its cluster, on average: missed merges."""

    @property
    def precision(self) -> Proportion | None:
        """Return the share of joined pairs that have one owner; nothing where none is joined."""
        return share(self.right_pairs, self.joined_pairs)

    @property
    def recall(self) -> Proportion | None:
        """Return the share of pairs of one owner that are joined; nothing where there is none."""
        return share(self.right_pairs, self.owned_pairs)

    @property
    def wrongly_joined(self) -> Proportion | None:
        """Return the share of owners who share a cluster with another one."""
        return share(self.wrongly_joined_owners, self.owners)

    @property
    def variation_bits(self) -> float:
        """Return the variation of information, in bits; 0 for equal partitions."""
        return self.merged_bits + self.split_bits


def agreement(labels: UInt32Array, owners: Int64Array) -> Agreement:
    """Compare a clustering with owners.

    Parameters
    ----------
    labels
        The cluster of each address.
    owners
        The owner of each address; negative where he is not known.
    """
    if len(labels) != len(owners):
        raise ValueError(f"{len(labels)} labels and {len(owners)} owners speak of other addresses")
    known = owners >= 0
    clusters, cluster = np.unique(labels[known], return_inverse=True)
    people, owner = np.unique(owners[known], return_inverse=True)
    cells, cell_size = np.unique(
        cluster.astype(np.int64) * max(1, len(people)) + owner, return_counts=True
    )
    cell_cluster, cell_owner = np.divmod(cells, max(1, len(people)))
    cluster_size = np.bincount(cluster, minlength=len(clusters))
    owner_size = np.bincount(owner, minlength=len(people))
    shared = np.bincount(cell_cluster, minlength=len(clusters)) > 1
    count = int(known.sum())
    return Agreement(
        addresses=count,
        owners=len(people),
        clusters=len(clusters),
        joined_pairs=_pairs(cluster_size),
        owned_pairs=_pairs(owner_size),
        right_pairs=_pairs(cell_size),
        wrongly_joined_owners=len(np.unique(cell_owner[shared[cell_cluster]])),
        merged_bits=_open_bits(cell_size, cluster_size[cell_cluster], count),
        split_bits=_open_bits(cell_size, owner_size[cell_owner], count),
    )


def _pairs(sizes: Int64Array) -> int:
    """Return the number of pairs within sets; below 2^63 for up to 2^32 members in all."""
    sizes = sizes.astype(np.int64)
    # One of n and n - 1 is even; halving it first keeps the product in range.
    return int((sizes // 2 * (sizes - 1 + sizes % 2)).sum())


def _open_bits(cell: Int64Array, whole: Int64Array, count: int) -> float:
    """Return the mean, over addresses, of log2(whole / cell)."""
    return float((cell * np.log2(whole / cell)).sum() / count) if count else 0.0
