"""Connections over a reading of accounts."""

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.paths import find_account_paths
from arien_flows.account_tracing.paths_answer import AccountPathAnswer
from arien_flows.account_tracing.paths_request import AccountPathRequest
from arien_flows.account_workspace import AccountReading
from arien_flows.passages.conversion import conversions_in


def path_ground(reading: AccountReading) -> Ground:
    """Return what connections stand on."""
    view = reading.view
    return Ground(
        view=view,
        entities=reading.entities,
        attribution=reading.attribution,
        find_conversions=conversions_in,
        burns=burn_accounts(view),
        denied=denied_accounts(view),
        tags_are_later=reading.tags_are_later,
    )


def connected_accounts(reading: AccountReading, request: AccountPathRequest) -> AccountPathAnswer:
    """Find connections in the present state of a network of accounts."""
    return find_account_paths(path_ground(reading), request)
