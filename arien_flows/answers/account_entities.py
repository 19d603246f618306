"""What answers about accounts say of entities: whose an account is, and what is left open."""

from arien_flows.account_workspace import AccountReading
from arien_flows.answers.entity import EntityName
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
        address_count=len(clustering.members(root)),
        certainty="inference",
        clustering=clustering.identity,
        height=clustering.height,
    )


def account_cuts(reading: AccountReading, where: str = "entity") -> tuple[Truncation, ...]:
    """Say what an answer leaves open about entities: none were made, or late blocks."""
    clustering = reading.clustering
    if clustering is None:
        return (Truncation(where=where, reason="no_clustering", detail=reading.clustering_gap),)
    if clustering.height == reading.view.tip.height:
        return ()
    name = reading.view.network.name
    return (
        Truncation(
            where=where,
            reason="clustering_behind",
            limit=clustering.height,
            detail=f"the clustering ends at block {clustering.height}: `arien-flows cluster run "
            f"--network {name} --profile {clustering.profile}` brings it up to date",
        ),
    )
