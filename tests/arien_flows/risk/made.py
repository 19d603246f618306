"""Inputs of scores, made by hand."""

from dataclasses import replace

from hypothesis import strategies as st

from arien_flows.attribution.categories import standard_categories
from arien_flows.risk.inputs import Direction, Exposed, Flag, Inputs, OwnTag, Verdict
from arien_flows.risk.policy import FLAGS

CATEGORIES = standard_categories().names
DOCUMENTS = tuple(letter * 64 for letter in "abcdef0123456789")


def exposed(
    category: str,
    value: int,
    *,
    confidence: int = 90,
    hops: int = 1,
    document: str = "a",
    direction: Direction = "in",
) -> Exposed:
    return Exposed(
        direction=direction,
        category=category,
        label=category,
        value=value,
        hops=hops,
        confidence=confidence,
        documents=frozenset({document * 64}),
    )


def shown(name: str) -> Flag:
    return Flag(name=name, verdict=Verdict.SHOWN, measured="it was seen", transactions=("ab" * 32,))


EXAMPLE_7 = Inputs(
    total_in=100,
    total_out=0,
    exposed=(
        exposed("darknet_market", 30, confidence=90, document="a"),
        exposed("custodial_mixer", 10, confidence=80, hops=2, document="b"),
        exposed("exchange", 60, confidence=100, document="c"),
    ),
    # Weights 0.2 and 0.1 of the standard policy.
    flags=(shown("rapid_pass_through"), shown("new_and_large")),
)
"""Worked example 7 of the specification."""

parts = st.builds(
    Exposed,
    direction=st.sampled_from(["in", "out"]),
    category=st.sampled_from(CATEGORIES),
    label=st.sampled_from(["X", "Y"]),
    value=st.integers(0, 10**6),
    hops=st.integers(1, 6),
    confidence=st.integers(0, 100),
    documents=st.frozensets(st.sampled_from(DOCUMENTS), min_size=1, max_size=3),
)
own_tags = st.builds(
    OwnTag,
    category=st.sampled_from(CATEGORIES),
    label=st.just("Own"),
    confidence=st.integers(0, 100),
    documents=st.frozensets(st.sampled_from(DOCUMENTS), min_size=1, max_size=2),
)
flags = st.lists(st.sampled_from(FLAGS), unique=True, max_size=5).map(
    lambda names: tuple(shown(name) for name in names)
)


@st.composite
def inputs(draw: st.DrawFn, least: int = 0) -> Inputs:
    """Make inputs; of what moved, some has no name."""
    found = tuple(draw(st.lists(parts, min_size=least, max_size=6)))
    totals = {
        direction: sum(part.value for part in found if part.direction == direction)
        + draw(st.integers(0, 10**6))
        for direction in ("in", "out")
    }
    return Inputs(
        total_in=totals["in"],
        total_out=totals["out"],
        exposed=found,
        own=tuple(draw(st.lists(own_tags, max_size=2))),
        flags=draw(flags),
    )


def with_part(made: Inputs, place: int, **changed: object) -> Inputs:
    """Return inputs of which one part says something else."""
    found = list(made.exposed)
    found[place] = replace(found[place], **changed)
    return replace(made, exposed=tuple(found))
