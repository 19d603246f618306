"""The score: example 7 to the last printed digit, and the properties P1 to P10."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arien_flows.risk.inputs import Exposed, Inputs, NoEvidenceError, OwnTag, Verdict
from arien_flows.risk.interval import interval
from arien_flows.risk.policy import standard_policy
from arien_flows.risk.score import UNDETERMINED, risen, score
from tests.arien_flows.risk.made import (
    CATEGORIES,
    EXAMPLE_7,
    exposed,
    inputs,
    own_tags,
    shown,
    with_part,
)

POLICY = standard_policy()
VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "risk" / "example_7.json").read_text())


def test_score__is_that_of_the_worked_example_to_all_printed_digits() -> None:
    found = score(EXAMPLE_7, POLICY)

    assert f"{found.parts.x_in:.4f}" == f"{VECTOR['X']:.4f}"
    assert f"{found.parts.g_in:.10f}" == f"{VECTOR['G']:.10f}"
    assert f"{found.parts.behaviour:.2f}" == f"{VECTOR['B']:.2f}"
    assert f"{found.score:.10f}" == f"{VECTOR['R']:.10f}"
    # The vector lists exposures, then flags; the answer lists the most points first.
    assert [f"{each.points:.10f}" for each in found.contributions] == [
        f"{points:.10f}" for points in sorted(VECTOR["points"], reverse=True)
    ]
    assert found.band == "high"
    assert found.coverage == 1
    spread = interval(EXAMPLE_7, POLICY, found.score)
    assert (f"{spread.lower:.3f}", f"{spread.upper:.3f}") == ("41.054", "80.869")
    assert f"{found.score:.1f} ({spread.lower:.1f} - {spread.upper:.1f})" == VECTOR["printed"]
    assert spread.is_exact


@pytest.mark.parametrize(("x", "g"), VECTOR["G_at"])
def test_risen__is_that_of_the_table(x: float, g: float) -> None:
    assert 100 * risen(x, POLICY) == pytest.approx(g, abs=6e-4)


@given(inputs())
def test_p1__a_score_lies_between_0_and_100(made: Inputs) -> None:
    found = score(made, POLICY)
    spread = interval(made, POLICY, found.score)

    assert 0 <= spread.lower <= found.score <= spread.upper <= 100


@given(inputs(least=1), st.data())
def test_p2__more_share_severity_confidence_or_behaviour_never_lower_it(
    made: Inputs, data: st.DataObject
) -> None:
    before = score(made, POLICY).score
    place = data.draw(st.integers(0, len(made.exposed) - 1))
    part = made.exposed[place]
    room = made.total(part.direction) - sum(
        each.value for each in made.exposed if each.direction == part.direction
    )
    more = data.draw(st.integers(0, room))
    assert score(with_part(made, place, value=part.value + more), POLICY).score >= before
    surer = data.draw(st.integers(part.confidence, 100))
    assert score(with_part(made, place, confidence=surer), POLICY).score >= before
    worse = data.draw(st.sampled_from(CATEGORIES[: CATEGORIES.index(part.category) + 1]))
    assert score(with_part(made, place, category=worse), POLICY).score >= before
    absent = sorted(set(POLICY.flags) - {flag.name for flag in made.flags})
    flag = shown(data.draw(st.sampled_from(absent)))
    assert score(replace(made, flags=(*made.flags, flag)), POLICY).score >= before
    own = data.draw(own_tags)
    assert score(replace(made, own=(*made.own, own)), POLICY).score >= before


@given(inputs(least=1), st.data())
def test_p3__moving_share_to_something_worse_never_lowers_it(
    made: Inputs, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(made.exposed) - 1))
    part = made.exposed[place]
    moved = data.draw(st.integers(0, part.value))
    worse = data.draw(st.sampled_from(CATEGORIES[: CATEGORIES.index(part.category) + 1]))
    split = with_part(made, place, value=part.value - moved)
    after = replace(split, exposed=(*split.exposed, replace(part, value=moved, category=worse)))
    # Of what is equally severe not everything makes a floor.
    direct = POLICY.floors.direct_categories
    assume(part.category not in direct or worse in direct)
    assert score(after, POLICY).score >= score(made, POLICY).score


@given(inputs(least=1), st.data())
def test_p4__splitting_a_share_changes_nothing(made: Inputs, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(made.exposed) - 1))
    part = made.exposed[place]
    moved = data.draw(st.integers(0, part.value))
    equal = [name for name in CATEGORIES if POLICY.severity[name] == POLICY.severity[part.category]]
    other = replace(part, value=moved, category=data.draw(st.sampled_from(equal)))
    split = with_part(made, place, value=part.value - moved)
    # Categories of one severity may differ in whether they make a floor.
    direct = POLICY.floors.direct_categories
    assume((part.category in direct) == (other.category in direct))
    after = score(replace(split, exposed=(*split.exposed, other)), POLICY)
    assert after.score == score(made, POLICY).score


@given(inputs(), st.randoms(use_true_random=False))
def test_p5__order_changes_nothing(made: Inputs, random) -> None:  # type: ignore[no-untyped-def]
    mixed = [list(made.exposed), list(made.own), list(made.flags)]
    for each in mixed:
        random.shuffle(each)
    after = replace(made, exposed=tuple(mixed[0]), own=tuple(mixed[1]), flags=tuple(mixed[2]))
    before, again = score(made, POLICY), score(after, POLICY)
    assert again == before
    assert interval(after, POLICY, again.score) == interval(made, POLICY, before.score)


@given(inputs(), st.sampled_from(CATEGORIES))
def test_p6__a_share_of_nothing_adds_nothing(made: Inputs, category: str) -> None:
    nothing = exposed(category, 0, confidence=100)
    before = score(made, POLICY)
    assert score(replace(made, exposed=(*made.exposed, nothing)), POLICY) == before


@given(inputs())
def test_p7__what_has_no_part_in_it_changes_nothing(made: Inputs) -> None:
    """The graph enters by the parts alone: what moved elsewhere is in no part.

    That parts do not change with unrelated transactions is a property of exposures, tested there.
    """
    fields = set(Inputs.__dataclass_fields__)
    assert fields == {"total_in", "total_out", "exposed", "own", "flags"}
    unseen = replace(
        made, flags=(*made.flags, replace(shown("night_profile"), verdict=Verdict.NOT_MEASURED))
    )
    assert score(unseen, POLICY) == score(made, POLICY)


@given(inputs(least=1), st.data())
def test_p8__more_distance_never_raises_it(made: Inputs, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(made.exposed) - 1))
    farther = made.exposed[place].hops + data.draw(st.integers(0, 5))
    after = score(with_part(made, place, hops=farther), POLICY)
    assert after.score <= score(made, POLICY).score


@given(inputs(least=1), st.data())
def test_p9__more_evidence_for_one_share_adds_nothing(made: Inputs, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(made.exposed) - 1))
    documents = made.exposed[place].documents | {"9" * 64, "8" * 64}
    after = score(with_part(made, place, documents=documents), POLICY)
    assert after.score == score(made, POLICY).score
    twice = replace(made, own=made.own + made.own)
    assert score(twice, POLICY).score == score(made, POLICY).score


@given(inputs())
def test_p10__the_same_inputs_give_the_same_bits(made: Inputs) -> None:
    first, again = score(made, POLICY), score(made, POLICY)
    assert first.score.hex() == again.score.hex()
    spread = interval(made, POLICY, first.score)
    assert spread == interval(made, POLICY, again.score)


@given(inputs())
def test_contributions__add_up_to_the_score(made: Inputs) -> None:
    found = score(made, POLICY)

    assert math.fsum(each.points for each in found.contributions) == pytest.approx(
        found.score, abs=1e-9
    )
    assert all(each.points >= 0 for each in found.contributions)
    kinds = [each.kind for each in found.contributions]
    assert "floor" not in kinds[1:]
    rest = [each.points for each in found.contributions if each.kind != "floor"]
    assert rest == sorted(rest, reverse=True)


def _floor_binds(made: Inputs) -> bool:
    found = score(made, POLICY).contributions
    return bool(found) and found[0].kind == "floor"


def test_floors__stand_first_and_say_what_they_add() -> None:
    own = OwnTag(
        category="ransomware", label="Locker", confidence=70, documents=frozenset({"e" * 64})
    )
    found = score(replace(EXAMPLE_7, own=(own,), exposed=(), flags=()), POLICY)
    assert found.score == pytest.approx(66.5)
    (line,) = found.contributions
    assert line.kind == "floor"
    assert line.floor is not None
    assert line.floor.own is own

    grave = Inputs(
        total_in=10**12,
        total_out=0,
        exposed=(exposed("sanctioned", 100_000, confidence=60),),
    )
    found = score(grave, POLICY)
    assert found.score == 90
    assert [each.kind for each in found.contributions] == ["floor", "exposure"]
    for changed in (
        {"hops": 2},
        {"confidence": 59},
        {"value": 99_999},
        {"category": "ransomware"},
    ):
        assert score(with_part(grave, 0, **changed), POLICY).score < 1


def test_floors__are_not_escaped_by_a_division_among_names() -> None:
    """Two owners, an inherited name or other documents: it is one sum in one direction."""
    whole = Inputs(
        total_in=10**12, total_out=10**12, exposed=(exposed("sanctioned", 120_000, confidence=60),)
    )
    part = replace(whole.exposed[0], value=60_000)
    apart = replace(
        whole, exposed=(part, replace(part, label="other", category="csam", is_inferred=True))
    )
    assert score(whole, POLICY).score == score(apart, POLICY).score == 90
    floor = score(apart, POLICY).contributions[0].floor
    assert floor is not None
    assert [each.value for each in floor.exposed] == [60_000, 60_000]
    # What came and what went are two things.
    turned = replace(whole, exposed=(part, replace(part, direction="out")))
    assert score(turned, POLICY).score < 1


def test_floors__stand_on_what_the_sources_state_before_others_dispute_the_actor() -> None:
    part = replace(exposed("sanctioned", 120_000, confidence=20), stated=60)
    assert score(Inputs(total_in=10**12, total_out=0, exposed=(part,)), POLICY).score == 90


def test_p5__equal_floors_are_chosen_whatever_the_order() -> None:
    parts = [exposed("sanctioned", 120_000, direction=way) for way in ("in", "out")]
    found = [
        score(Inputs(total_in=10**12, total_out=10**12, exposed=tuple(order)), POLICY)
        for order in (parts, parts[::-1])
    ]
    assert found[0] == found[1]
    tags = [
        OwnTag(category="scam", label="X", confidence=90, documents=frozenset({letter * 64}))
        for letter in "ab"
    ]
    told = [
        score(Inputs(total_in=0, total_out=0, own=tuple(order)), POLICY)
        for order in (tags, tags[::-1])
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("field", "value"), [("largest_behaviour", Fraction(0)), ("flags", Fraction(99, 100))]
)
def test_score__is_found_at_the_ends_of_what_a_policy_may_say(field: str, value: Fraction) -> None:
    changed = dict.fromkeys(POLICY.flags, value) if field == "flags" else value
    policy = replace(POLICY, **{field: changed})
    made = Inputs(total_in=0, total_out=0, flags=(shown("peel_chain"), shown("dust_sending")))
    found = score(made, policy)
    assert found.score == pytest.approx(0 if field != "flags" else 50)
    assert math.fsum(each.points for each in found.contributions) == pytest.approx(found.score)


def test_flags__count_no_more_than_the_cap_together() -> None:
    all_flags = tuple(shown(name) for name in POLICY.flags)
    found = score(Inputs(total_in=0, total_out=0, flags=all_flags), POLICY)
    assert found.parts.behaviour == 0.5
    assert found.score == pytest.approx(50)
    assert math.fsum(each.points for each in found.contributions) == pytest.approx(50)


def test_band__of_a_low_score_is_undetermined_where_little_has_a_name() -> None:
    known = Inputs(total_in=100, total_out=0, exposed=(exposed("exchange", 50),))
    assert (score(known, POLICY).score, score(known, POLICY).band) == (0, "low")
    less = replace(known, total_in=101)
    assert score(less, POLICY).band == UNDETERMINED
    assert score(less, POLICY).coverage == Fraction(50, 101)
    nothing = Inputs(total_in=0, total_out=0)
    assert score(nothing, POLICY).band == UNDETERMINED
    # All that came has a name, but nobody says of what; or nobody is known of what went.
    named = Inputs(total_in=100, total_out=0, exposed=(exposed("unknown", 100),))
    assert (score(named, POLICY).coverage, score(named, POLICY).band) == (1, UNDETERMINED)
    one_way = Inputs(total_in=100, total_out=100, exposed=(exposed("exchange", 100),))
    assert score(one_way, POLICY).coverage == Fraction(1, 2)
    assert score(one_way, POLICY).band == UNDETERMINED


@given(inputs(least=1), st.data())
def test_score__is_refused_without_evidence(made: Inputs, data: st.DataObject) -> None:
    found = score(made, POLICY)
    assume(found.contributions)
    line = data.draw(st.sampled_from(found.contributions))
    if line.kind == "flag":
        bare = replace(
            made,
            flags=tuple(
                replace(flag, transactions=()) if flag is line.flag else flag for flag in made.flags
            ),
        )
    elif line.floor is not None and line.floor.own is not None:
        bare = replace(made, own=tuple(replace(own, documents=frozenset()) for own in made.own))
    else:
        part = line.exposed or (line.floor.exposed if line.floor else None)
        assert part is not None
        place = next(i for i, each in enumerate(made.exposed) if each == part)
        for documents in (frozenset(), frozenset({""})):
            with pytest.raises(NoEvidenceError, match="names no document"):
                score(with_part(made, place, documents=documents), POLICY)
        return
    with pytest.raises(NoEvidenceError, match="nothing is scored without evidence"):
        score(bare, POLICY)


def test_inputs__of_more_parts_than_the_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="more than the whole"):
        Inputs(total_in=9, total_out=0, exposed=(exposed("scam", 10),))
    part: Exposed = exposed("scam", 10)
    assert part.sources == {"a" * 64}
