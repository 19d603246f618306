"""What answers about accounts say of entities: whose an account is, and what is left open."""

from arien_flows.account_entities.clustering import account_cluster_command
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_clustering import tags_changed_on_accounts
from arien_flows.answers.entity import EXPLORATION, EntityName
from arien_flows.shapes import Truncation


def account_entity(reading: AccountReading, account: int) -> EntityName | None:
    """Return the entity of an account number; nothing where no clustering was made."""
    clustering = reading.clustering
    if clustering is None:
        return None
    root = clustering.root_of(account)
    return EntityName(
        id=reading.view.account_text(root),
        profile=clustering.profile,
        address_count=clustering.size(root),
        certainty="inference",
        clustering=clustering.identity,
        height=clustering.manifest.height,
    )


def account_cuts(reading: AccountReading, where: str = "entity") -> tuple[Truncation, ...]:
    """Say what an answer leaves open about entities: none were made, late blocks, later tags."""
    clustering = reading.clustering
    if clustering is None:
        return (Truncation(where=where, reason="no_clustering", detail=reading.clustering_gap),)
    cuts = [*EXPLORATION] if clustering.for_exploration else []
    height = clustering.manifest.height
    command = account_cluster_command(reading.view.network.name, clustering.profile)
    if height != reading.view.tip.height:
        cuts.append(
            Truncation(
                where=where,
                reason="clustering_behind",
                limit=height,
                detail=f"the clustering ends at block {height}: `{command}` brings it up to date",
            )
        )
    return (*cuts, *tags_changed_on_accounts(reading, where))
