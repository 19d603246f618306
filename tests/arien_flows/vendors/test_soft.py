from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.vendors.moments import read_moment
from arien_flows.vendors.soft import (
    MOST_EACH,
    MOST_TOGETHER,
    Habits,
    hour_times,
    likenesses,
    together,
)
from arien_flows.vendors.style import LEAST_TEXTS, MOST, ranks

START = datetime(2019, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WARES = ("tea 5 g", "tea 10 g", "coffee 1 kg", "sugar cubes", "salt 3 g", "fine pepper")


def habits(market="a", *, origin="Germany", titles=WARES, factor=1, days=range(30), hour=9):
    moments = tuple(START.replace(hour=hour) + DAY * at for at in days)
    return Habits(
        market=market,
        origins=frozenset([origin]),
        titles=tuple(titles),
        prices={title: {"USD": Decimal(10 + at) * factor} for at, title in enumerate(titles)},
        sales=moments,
        days=moments,
    )


drawn = st.builds(
    habits,
    st.sampled_from("ab"),
    origin=st.sampled_from(("Germany", "Worldwide", "Poland")),
    titles=st.lists(st.sampled_from(WARES), unique=True, max_size=6),
    factor=st.sampled_from((1, 2)),
    days=st.lists(st.integers(0, 90), max_size=30, unique=True).map(sorted),
    hour=st.integers(0, 23),
)


@given(first=drawn, second=drawn)
def test_likenesses__are_bounded_and_mutual(first, second):
    found = likenesses(first, second)
    assert found == likenesses(second, first)
    assert all(0 < each.confidence <= MOST_EACH for each in found)
    assert together(each.confidence for each in found) <= MOST_TOGETHER


def test_likenesses__name_each_rule():
    mine = habits()
    theirs = habits("b", days=range(33, 63))
    assert {each.rule for each in likenesses(mine, theirs)} == {
        "same-origin",
        "product-mix",
        "price-list",
        "active-hours",
        "market-move",
    }


def test_likenesses__of_different_vendors_are_none():
    other = habits(
        "b",
        origin="Worldwide",
        titles=("gun", "knife", "rope", "bat", "axe"),
        days=range(30),
        hour=20,
    )
    assert likenesses(habits(origin="worldwide"), other) == []


@given(confidences=st.lists(st.integers(0, MOST_EACH), max_size=8), more=st.integers(0, MOST_EACH))
def test_together__grows_and_never_joins(confidences, more):
    assert together(confidences) <= together([*confidences, more]) <= MOST_TOGETHER
    assert together(confidences) == together(confidences[::-1])


def test_hour_times__are_those_of_the_markets_clock():
    dated = [
        read_moment("Sep 27, 2019 20:49", None),
        read_moment("2019-09-27", None),
        read_moment("2019-09-27 04:05:06Z", None),
    ]
    found = hour_times([(each.earliest, each.latest) for each in dated])
    assert [each.hour for each in found] == [20, 4]


def writing(seed, count=LEAST_TEXTS):
    """Texts of one hand: its own words, over and over in other orders."""
    words = [f"{seed}{stem}{end}" for stem in ("lo", "mar", "tir") for end in ("an", "esk", "ou")]
    return [" ".join(words[at % 9 :] + words[: at % 9]) + f" {at} kilo" for at in range(count)]


def test_ranks__find_the_same_hand():
    texts = {f"m/{name}": writing(name) for name in "bcdefghijklmnopqrstuvw"}
    texts["n/other"] = [each + " greetings" for each in writing("d")]
    found = ranks("m/d", texts)
    assert found[0].other == "n/other"
    assert found[0].rank == 1
    assert found[0].finds_itself
    assert 0 < found[0].confidence <= MOST
    assert [each.rank for each in found] == list(range(1, len(texts)))


def test_ranks__need_enough_texts():
    texts = {"a": writing("b"), "b": writing("b", LEAST_TEXTS - 1)}
    assert ranks("a", texts) == []
    assert ranks("b", texts) == []
    repeated = {"a": writing("b"), "b": writing("b")[:1] * LEAST_TEXTS}
    assert ranks("a", repeated) == []


@given(random=st.randoms(use_true_random=False))
def test_ranks__do_not_depend_on_order(random):
    texts = {name: writing(name) for name in "bcde"}
    first = ranks("b", texts)
    names = list(texts)
    random.shuffle(names)
    shuffled = {name: random.sample(texts[name], len(texts[name])) for name in names}
    assert ranks("b", shuffled) == first
