"""The risk categories as text for people."""

from collections.abc import Iterable

from arien_flows.answers.categories import CategoryList
from arien_flows.cli.output import NOTHING, pairs


def category_lines(answer: CategoryList) -> Iterable[str]:
    """Return the categories, the most severe first, with the names that others give them."""
    for category in answer.items:
        concepts = [*category.concepts, *(" with ".join(each) for each in category.together)]
        yield f"{category.name}: {category.summary}"
        yield from pairs(
            (
                ("  concepts", _listed(concepts)),
                ("  Elliptic", _listed(category.elliptic)),
                ("  Chainalysis", _listed(category.chainalysis)),
                ("  GraphSense", _listed(category.graphsense)),
            )
        )
        yield ""
    yield "Names of others help to compare answers; they are no promise of the same meaning."
    yield f"Map {answer.name} ({answer.sha256})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or NOTHING
