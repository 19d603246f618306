"""Points at services as text for people: what to ask whom, and how far the conventions differ."""

from collections.abc import Iterable, Iterator, Sequence

from arien_flows.amounts import Asset, coins
from arien_flows.tracing.points import PointSpan, ServicePoint

SHOWN_POINTS = 5
SHOWN_SPANS = 20


def point_lines(points: Sequence[ServicePoint]) -> Iterable[str]:
    """Return the questions to services, the first ones in full; each after an empty line."""
    for point in points[:SHOWN_POINTS]:
        yield ""
        yield from point.text.splitlines()
    rest = len(points) - SHOWN_POINTS
    if rest > 0:
        yield from ("", f"… and {rest:,} more addresses of services: --json or -o lists all")


def span_lines(spans: Sequence[PointSpan], asset: Asset) -> Iterator[str]:
    """Return the addresses of services with the span over the conventions that conserve money."""
    if not spans:
        return
    yield from ("", "Their addresses, with the span over all conventions but poison:")
    for span in spans[:SHOWN_SPANS]:
        least, most = coins(span.least, asset), coins(span.most, asset)
        amounts = least if least == most else f"{least} to {most}"
        yield f"{amounts}, of {coins(span.value, asset)} in all"
        yield f"  at {span.address}, {span.label}"
    rest = len(spans) - SHOWN_SPANS
    if rest > 0:
        yield f"… and {rest:,} more addresses: --json lists all"
