"""The kinds of a view's accounts, worked out once for all its answers."""

from arien_flows.account_entities.actors import Actors
from arien_flows.account_workspace import AccountReading


def actors_of(reading: AccountReading) -> Actors:
    """Return what each account of a reading is; the first to ask waits for a pass over all."""
    return reading.kept.of("actors", lambda: Actors(reading.view))
