"""The risk categories, what makes each, and what others call it."""

from dataclasses import dataclass

from arien_flows.attribution.categories import Category, standard_categories
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAnswer(Shape):
    """One risk category."""

    name: str
    """As exposures and scores call it."""

    summary: str
    """What it is, in a few words."""

    concepts: tuple[str, ...]
    """Any one of these in a tag makes the category: ids of GraphSense or of INTERPOL's DW-VA."""

    together: tuple[tuple[str, ...], ...]
    """So does each of these sets where a tag has all of it."""

    elliptic: tuple[str, ...]
    """What Elliptic calls it, as far as is published; none where it has no such category."""

    chainalysis: tuple[str, ...]
    """What Chainalysis calls it, likewise."""

    graphsense: tuple[str, ...]
    """Concepts of GraphSense that mean it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryList(Shape):
    """The map that makes categories of what tags say."""

    name: str
    """Its name, with its version."""

    sha256: str
    """Hash of its file, as every answer that uses it states."""

    items: tuple[CategoryAnswer, ...]
    """The most severe first: a tag whose concepts make several is of the first."""


def categories_answer(name: str | None = None) -> CategoryList:
    """Return the map of this version, or one category of it; `InputError` where there is none."""
    found = standard_categories()
    chosen = found.categories if name is None else (found.category(name),)
    return CategoryList(name=found.name, sha256=found.sha256, items=tuple(map(_category, chosen)))


def _category(category: Category) -> CategoryAnswer:
    return CategoryAnswer(
        name=category.name,
        summary=category.summary,
        concepts=tuple(sorted(category.concepts)),
        together=tuple(sorted(tuple(sorted(each)) for each in category.together)),
        elliptic=category.elliptic,
        chainalysis=category.chainalysis,
        graphsense=category.graphsense,
    )
