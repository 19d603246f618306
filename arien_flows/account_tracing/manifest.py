"""What a trace of balances stands on, in the manifest that all answers share."""

from importlib.metadata import version

from arien_flows.account_entities.clustering import AccountClustering
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing import answer
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.traced import Traced
from arien_flows.attribution.ownership import EntityMap
from arien_flows.prices import table
from arien_flows.tracing import layout
from arien_flows.tracing.manifest import NEAR_BLOCKS, PROGRAM
from arien_flows.tracing.manifest_answer import BlockSeen, ClusteringMade, Manifest
from heuristics import account_taint, mixer_links
from heuristics.passage_rules import CONVERSIONS, VERSIONS

KIND = "account_trace"
FETCHED_KIND = "fetched_account_trace"
"""Of an answer from an explorer's lists, which cannot be made again from a ledger."""

COMPARISON = "account_comparison"


def rule_versions() -> dict[str, int]:
    """Return the versions of the rules that traces of balances rest on."""
    return {
        "account_answer": answer.VERSION,
        "account_taint": account_taint.VERSION,
        **{rule: VERSIONS[rule] for rule in CONVERSIONS},
        "layout": layout.VERSION,
        "mixer_links": mixer_links.VERSION,
        "prices": table.VERSION,
    }


def manifest_of(ground: Ground, traced: Traced) -> Manifest:
    """Return the manifest of a trace, its result hash still empty."""
    view = ground.view
    return Manifest(
        kind=KIND if ground.fetched is None else FETCHED_KIND,
        program=PROGRAM,
        version=version(PROGRAM),
        network=view.network.name,
        tip_height=view.tip.height,
        tip_hash=view.tip.block_hash,
        first_height=int(view.blocks.height[0]),
        blocks=() if ground.fetched is not None else blocks_seen(view),
        rules=rule_versions(),
        tags_sha256=ground.attribution.revision,
        tags_are_later=ground.tags_are_later,
        clustering=ground.entities.identity,
        clustering_made=clustering_made(ground.entities),
        coinjoin_marks="absent",
        transactions_explored=traced.search.looked_at,
        transactions_followed=len({each.row for each in traced.found.carried}),
        timed_out=traced.search.timed_out,
        result_sha256="",
    )


def clustering_made(entities: EntityMap) -> ClusteringMade | None:
    """Return how the entities were made; nothing where each account stands for itself."""
    if not isinstance(entities, AccountClustering):
        return None
    made = entities.manifest
    return ClusteringMade(
        profile=entities.profile,
        height=made.height,
        block_hash=made.block_hash,
        rules=dict(sorted(made.rules.items())),
        parameters=dict(sorted(made.parameters.items())),
    )


def blocks_seen(view: AccountView) -> tuple[BlockSeen, ...]:
    """Return blocks below the last one, the highest first, at distances that double."""
    rows, step, row = [], 1, view.counts.blocks - 2
    while row > 0:
        rows.append(row)
        step *= 2 if len(rows) >= NEAR_BLOCKS else 1
        row -= step
    if view.counts.blocks > 1:
        rows.append(0)
    return tuple(
        BlockSeen(
            height=int(view.blocks.height[row]),
            block_hash="0x" + view.blocks.block_hash[row].tobytes().hex(),
        )
        for row in rows
    )
