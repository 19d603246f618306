"""What a check of a clustering finds: the answer of `cluster verify`."""

from dataclasses import dataclass
from pathlib import Path

from arien_flows.entities.clustering import cluster_command, open_clustering
from arien_flows.entities.verify import verify_clustering
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.shapes import Shape

LIMITS = (
    "Shows that files, merge log and labels are what the named rules give for this ledger's "
    "blocks; not that the rules are right about who owns what."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringCheck(Shape):
    """Whether a stored clustering is what its rules give."""

    network: str
    """Name of the network."""

    profile: str
    """The set of rules that made it."""

    clustering: str
    """Names the run: rules, versions and last block."""

    rules: dict[str, int]
    """The rules of the run, with their versions."""

    height: int
    """The last block that the run knew."""

    block_hash: str
    """Hash of that block."""

    ok: bool
    """Whether nothing is wrong."""

    faults: tuple[str, ...]
    """What is wrong, one sentence each."""

    limits: str
    """What such a check cannot show."""


def clustering_check(view: View, derived: Path, profile: str) -> ClusteringCheck:
    """Check a stored clustering against a view that ends at its last block.

    Raises NotFoundError where there is none, and InputError where blocks came after it.
    """
    clustering = open_clustering(view, derived, profile)
    made = clustering.manifest
    if made.counts["blocks"] != view.counts.blocks:
        raise InputError(
            f"the clustering ends at block {made.height} and the ledger at {view.tip.height}: run "
            f"`{cluster_command(profile)}` and verify again"
        )
    faults = tuple(verify_clustering(view, derived, clustering))
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
