"""Connections over a reading: the clustering, the tags and the CoinJoin marks that belong to it."""

from typing import cast

from arien_flows.tracing.paths import find_paths
from arien_flows.tracing.paths_answer import PathAnswer, PathRequestShape
from arien_flows.tracing.paths_request import OrderName, PathRequest, ThroughName
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
        tags_are_later=reading.tags_are_later,
    )


def path_request_of(shape: PathRequestShape) -> PathRequest:
    """Return the question that an answer was made for."""
    return PathRequest(
        origin=shape.origin,
        destination=shape.destination,
        by=cast("OrderName", shape.by),
        limit=shape.limit,
        max_hops=shape.max_hops,
        min_value_sat=int(shape.min_value),
        since=shape.since,
        until=shape.until,
        budget=shape.budget,
        through=cast("tuple[ThroughName, ...]", shape.through),
    )
