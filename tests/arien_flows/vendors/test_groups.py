from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.vendors.groups import enemies_of, group
from arien_flows.vendors.linking import Link, LinkRule, links_of
from arien_flows.vendors.sightings import FINGERPRINT
from tests.arien_flows.vendors.known import DAY, START, known, sighting
from tests.arien_flows.vendors.test_linking import statement
from tests.reference import aliases as reference

NAMES = ("a", "b", "c", "d", "e", "f")
PAIRS = list(combinations(NAMES, 2))
links = st.lists(
    st.builds(
        lambda pair, confidence: Link(
            first=pair[0],
            second=pair[1],
            rule=LinkRule.SAME_KEY,
            value=str(confidence),
            confidence=confidence,
            shown=(),
        ),
        st.sampled_from(PAIRS),
        st.sampled_from((90, 75, 30)),
    ),
    max_size=8,
    unique_by=lambda each: (each.pair, each.confidence),
)
enemies = st.lists(st.sampled_from(PAIRS), max_size=4, unique=True)


def plain(links):
    return [(each.first, each.second, each.confidence) for each in links if each.joins]


@given(found=links, apart=enemies)
def test_group__agrees_with_reference(found, apart):
    made = group(NAMES, found, apart)
    sets, refused = reference.group(NAMES, plain(found), apart)
    assert made.set_of == sets
    assert set(plain(each.link for each in made.refused)) == refused


@given(found=links, apart=enemies, random=st.randoms(use_true_random=False))
def test_group__does_not_depend_on_order(found, apart, random):
    first = group(NAMES, found, apart)
    shuffled, names, pairs = list(found), list(NAMES), [pair[::-1] for pair in apart]
    for each in (shuffled, names, pairs):
        random.shuffle(each)
    second = group(names, shuffled, pairs)
    assert second.set_of == first.set_of
    assert second.refused == first.refused


@given(found=links, apart=enemies)
def test_group__never_brings_enemies_together(found, apart):
    made = group(NAMES, found, apart)
    assert all(made.set_of[one] != made.set_of[other] for one, other in apart)
    assert all(made.set_of[each.first] is made.set_of[each.second] for each in made.joined)
    for each in made.refused:
        assert each.enemies
        assert set(each.enemies) <= set(apart)


@given(found=links)
def test_group__without_enemies_refuses_nothing(found):
    made = group(NAMES, found, ())
    assert made.refused == ()
    assert len(made.joined) + len(made.leads) == len(found)


def two(*, other="bb", days=(0, 40), apart=0):
    """Two accounts with one contact and a key each, in use for some days."""
    seen = []
    for day in days:
        seen += [
            sighting("m/x", "aa", day=day),
            sighting("n/y", other, day=day + apart),
            sighting("m/x", "green", kind="wickr", day=day),
            sighting("n/y", "green", kind="wickr", day=day + apart),
        ]
    return seen


def joined(content):
    found = links_of(content)
    made = group(content.accounts, found, enemies_of(content, found))
    return len(made.set_of["m/x"]) == 2


def test_enemies_of__are_accounts_that_keep_two_keys_at_a_time():
    assert not joined(known(two()))
    assert joined(known(two(other="aa")))


def test_enemies_of__are_none_where_a_key_is_new():
    assert joined(known(two(days=(0, 20))))
    assert not joined(known(two(days=(0, 20)), created=START - 30 * DAY))


def test_enemies_of__are_none_that_never_met():
    assert joined(known(two(days=(0, 40), apart=48)))
    assert not joined(known(two(days=(0, 40), apart=47)))


def test_enemies_of__are_reconciled_by_a_statement_about_the_key():
    both = [statement("aa", fingerprints=["bb"]), statement("bb", fingerprints=["aa"])]
    assert joined(known(two(), statements=both))
    other = known(two(), statements=[statement("aa", fingerprints=["cc"])])
    assert not joined(other)


def test_enemies_of__are_reconciled_by_one_statement_only_if_the_older_key_signed():
    claim = [statement("aa", fingerprints=["bb"])]
    # Nobody knows which is older; then the one that signed is, then the other is.
    assert not joined(known(two(), statements=claim))
    assert joined(known([*two(), sighting("m/x", "aa", day=-9)], statements=claim))
    assert not joined(known([*two(), sighting("n/y", "bb", day=-9)], statements=claim))


def test_group__lets_no_impostor_sign_himself_into_a_vendor_s_accounts():
    seen = [each for each in two() if each.kind == FINGERPRINT]
    claim = statement("aa", accounts=["n/y"], fingerprints=["bb"])
    assert not joined(known(seen, statements=[claim]))
    assert not joined(known([*seen, sighting("m/x", "aa", day=-9)], statements=[claim]))


def test_enemies_of__are_none_that_share_a_key():
    assert joined(known([*two(), sighting("n/y", "aa", day=3)]))
