"""The interval: against an oracle that goes through every outcome, and drawn ones against that."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given

from arien_flows.risk import interval as intervals
from arien_flows.risk.inputs import Inputs, OwnTag
from arien_flows.risk.interval import interval
from arien_flows.risk.policy import IntervalRule, standard_policy
from arien_flows.risk.score import score
from tests.arien_flows.risk.made import EXAMPLE_7, exposed, inputs

POLICY = standard_policy()


def with_rule(**changed: int) -> IntervalRule:
    return replace(POLICY.interval, **changed)


def oracle(made: Inputs) -> tuple[float, float]:
    """Return the percentiles where each naming rests on one document, and each on its own."""
    outcomes = []
    for right in product([True, False], repeat=len(made.exposed)):
        chance, parts = 1.0, []
        for part, is_right in zip(made.exposed, right, strict=True):
            chance *= part.confidence / 100 if is_right else 1 - part.confidence / 100
            if is_right:
                parts.append(replace(part, confidence=100))
        # An outcome in which all are right needs no interval: its score is the outcome's.
        outcomes.append((score(replace(made, exposed=tuple(parts)), POLICY).score, chance))
    outcomes.sort()
    found = []
    for wanted in (0.05, 0.95):
        reached = 0.0
        for value, chance in outcomes:
            reached += chance
            if reached >= wanted - 1e-12:
                found.append(value)
                break
    return found[0], found[1]


def test_interval__of_the_worked_example_is_that_of_the_oracle() -> None:
    found = interval(EXAMPLE_7, POLICY, score(EXAMPLE_7, POLICY).score)
    assert (found.lower, found.upper) == pytest.approx(oracle(EXAMPLE_7))
    # The exchange weighs nothing, so nobody has to ask whether it is one.
    assert (found.sources, found.outcomes) == (2, 4)


def test_interval__takes_tags_of_one_document_for_right_or_wrong_together() -> None:
    apart = Inputs(
        total_in=100,
        total_out=0,
        exposed=tuple(
            exposed("scam", 20 + i, confidence=50, document=letter)
            for i, letter in enumerate("abc")
        ),
    )
    together = replace(
        apart, exposed=tuple(replace(part, documents=frozenset("a")) for part in apart.exposed)
    )
    certain = score(apart, POLICY).score
    alone, joint = interval(apart, POLICY, certain), interval(together, POLICY, certain)
    assert (alone.outcomes, joint.outcomes) == (8, 2)
    assert joint.lower == 0
    assert joint.upper == alone.upper == pytest.approx(oracle(apart)[1])


def test_interval__of_a_naming_by_several_documents_fails_only_if_all_do() -> None:
    several = Inputs(
        total_in=100,
        total_out=0,
        exposed=(replace(exposed("scam", 50), documents=frozenset("ab"), confidence=96),),
    )
    found = interval(several, POLICY, score(several, POLICY).score)
    # Each fails with a chance of 0.2, both with 0.04; they are thrown as one.
    assert (found.sources, found.outcomes) == (2, 2)
    assert found.lower == min(found.upper, score(several, POLICY).score)
    certain = replace(several.exposed[0], confidence=100)
    assert found.upper == score(replace(several, exposed=(certain,)), POLICY).score


def test_interval__throws_documents_that_always_stand_together_as_one() -> None:
    many = frozenset(f"{i:064x}" for i in range(10_000))
    one = OwnTag(category="scam", label="X", confidence=70, documents=frozenset("a"))
    inputs_of = [
        Inputs(total_in=0, total_out=0, own=(replace(one, documents=documents),))
        for documents in (frozenset("a"), many)
    ]
    single, joint = (interval(made, POLICY, score(made, POLICY).score) for made in inputs_of)
    assert (joint.sources, joint.outcomes, joint.is_exact) == (10_000, 2, True)
    assert (joint.lower, joint.upper) == (single.lower, single.upper)


def test_interval__does_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    many = Inputs(
        total_in=1_300,
        total_out=0,
        exposed=tuple(
            exposed("scam", 50 + i, confidence=40 + i, document=f"{i:x}") for i in range(13)
        ),
    )
    whole = interval(many, POLICY, score(many, POLICY).score)
    monkeypatch.setattr(intervals, "BLOCK", 100)
    assert interval(many, POLICY, score(many, POLICY).score) == whole


def test_interval__lets_a_floor_of_several_owners_fall_with_any_that_it_needs() -> None:
    parts = tuple(
        replace(exposed("sanctioned", 60_000, confidence=96, document=letter), label=letter)
        for letter in "ab"
    )
    grave = Inputs(total_in=10**12, total_out=0, exposed=parts)
    assert score(grave, POLICY).score == 90
    found = interval(grave, POLICY, 90.0)
    # One of the two is wrong with a chance of 0.0784.
    assert found.lower < 1
    surer = replace(grave, exposed=tuple(replace(part, confidence=99) for part in parts))
    assert interval(surer, POLICY, 90.0).lower == 90


def test_interval__lets_a_floor_fall_with_its_tag() -> None:
    own = OwnTag(category="scam", label="X", confidence=90, documents=frozenset("a"))
    made = Inputs(total_in=0, total_out=0, own=(own,))
    found = interval(made, POLICY, score(made, POLICY).score)
    assert (found.lower, found.upper) == (0, 80)
    assert score(made, POLICY).score == pytest.approx(72)


@given(inputs())
def test_interval__by_drawing_is_close_to_going_through_all(made: Inputs) -> None:
    certain = score(made, POLICY).score
    exact = interval(made, POLICY, certain)
    drawn = interval(made, replace(POLICY, interval=with_rule(enumerate_documents=0)), certain)
    if not exact.is_exact or exact.sources == 0:
        return
    assert not drawn.is_exact
    assert drawn.outcomes == 4000
    # A percentile that is drawn lies between those a few percent to either side.
    for near, value in ((5, drawn.lower), (95, drawn.upper)):
        wide = [
            interval(
                made,
                replace(POLICY, interval=with_rule(lower_percent=low, upper_percent=high)),
                certain,
            )
            for low, high in ((max(0, near - 3), min(100, near + 3)),)
        ]
        bounds = sorted((wide[0].lower, wide[0].upper))
        assert bounds[0] - 1e-9 <= value <= bounds[1] + 1e-9


def test_interval__draws_the_same_numbers_everywhere() -> None:
    many = Inputs(
        total_in=1_300,
        total_out=0,
        exposed=tuple(
            exposed("scam", 50 + i, confidence=40 + i, document=f"{i:x}") for i in range(13)
        ),
    )
    found = interval(many, POLICY, score(many, POLICY).score)
    assert (found.sources, found.outcomes, found.is_exact) == (13, 4000, False)
    assert (f"{found.lower:.6f}", f"{found.upper:.6f}") == DRAWN
    exact = interval(many, replace(POLICY, interval=with_rule(enumerate_documents=13)), found.lower)
    assert exact.is_exact
    assert found.lower == pytest.approx(exact.lower, abs=2)
    assert found.upper == pytest.approx(exact.upper, abs=2)


DRAWN = ("34.501304", "72.622286")
"""From raw numbers of a generator that is specified, and sums in one order."""
