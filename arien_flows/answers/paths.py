"""Connections over a reading: the clustering, the tags and the CoinJoin marks that belong to it."""

from arien_flows.tracing.paths import find_paths
from arien_flows.tracing.paths_answer import PathAnswer
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.workspace import Reading


def connected(reading: Reading, request: PathRequest) -> PathAnswer:
    """Find connections in the present state of a network."""
    return find_paths(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
    )
