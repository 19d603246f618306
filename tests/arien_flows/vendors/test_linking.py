from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.vendors.linking import (
    CONFIDENCE,
    JOINING,
    MOST_HOLDERS,
    ClusterSeen,
    LinkRule,
    links_of,
)
from arien_flows.vendors.sightings import PHOTO, Shown, SignedStatement
from tests.arien_flows.vendors.known import START, known, sighting

ACCOUNTS = ("apollon/Green", "empire/Green", "empire/Other", "cryptonia/green")
sightings = st.lists(
    st.builds(
        sighting,
        st.sampled_from(ACCOUNTS),
        st.sampled_from(("aa", "bb")),
        kind=st.sampled_from(("fingerprint", "wickr", "email", "onion", PHOTO)),
        document=st.sampled_from(("d0", "d1", "d2")),
        rule=st.sampled_from(("key-block", "fingerprint-text")),
    ),
    max_size=12,
)


def rules(found):
    return {each.rule for each in found}


@given(seen=sightings, random=st.randoms(use_true_random=False))
def test_links_of__does_not_depend_on_order_or_repetition(seen, random):
    first = links_of(known(seen, accounts=ACCOUNTS))
    shuffled = [*seen, *seen]
    random.shuffle(shuffled)
    assert links_of(known(shuffled, accounts=ACCOUNTS)) == first


@given(seen=sightings, gone=st.sampled_from(("d0", "d1", "d2")))
def test_links_of__lose_with_a_document_exactly_what_it_alone_showed(seen, gone):
    """A link stays exactly if both accounts still show its value by its rule."""
    before = links_of(known(seen, accounts=ACCOUNTS))
    left = [each for each in seen if each.shown.document_sha256 != gone]
    after = {
        (each.pair, each.rule, each.value): each
        for each in links_of(known(left, accounts=ACCOUNTS))
    }
    for link in before:
        if not link.shown:
            continue
        still = [each for each in link.shown if each.document_sha256 != gone]
        key = (link.pair, link.rule, link.value)
        if still == list(link.shown):
            assert after[key] == link
        if key in after:
            assert set(after[key].shown) <= set(link.shown)
        if link.rule in (LinkRule.SAME_KEY, LinkRule.SAME_CONTACT, LinkRule.SAME_PHOTO):
            shows = {
                each.account
                for each in left
                if each.value == link.value
                and each.shown in link.shown
                and each.account in link.pair
            }
            assert (key in after) == (shows == set(link.pair))
    assert after.keys() <= {(each.pair, each.rule, each.value) for each in before} | {
        # What is left may be a text only, where the key itself went.
        (each.pair, LinkRule.SAME_FINGERPRINT_TEXT, each.value)
        for each in before
    }


@given(seen=sightings)
def test_links_of__show_where_both_accounts_have_the_value(seen):
    for link in links_of(known(seen)):
        if link.rule is LinkRule.SAME_HANDLE:
            continue
        for account in link.pair:
            assert any(each.account == account and each.shown in link.shown for each in seen)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("fingerprint", LinkRule.SAME_KEY),
        ("wickr", LinkRule.SAME_CONTACT),
        ("tox", LinkRule.SAME_CONTACT),
        ("email", LinkRule.SAME_MAIL),
        ("onion", LinkRule.SAME_ONION),
        (PHOTO, LinkRule.SAME_PHOTO),
    ],
)
def test_links_of__knows_each_kind_of_value(kind, rule):
    seen = [sighting("a/x", "v", kind=kind), sighting("b/y", "v", kind=kind, document="d1")]
    (link,) = links_of(known(seen))
    assert (link.rule, link.confidence) == (rule, CONFIDENCE[rule])
    assert [each.document_sha256 for each in link.shown] == ["d0", "d1"]
    assert link.joins == (link.confidence >= JOINING)


def test_confidences__are_those_of_the_design():
    wanted = {
        LinkRule.SIGNED_STATEMENT: 95,
        LinkRule.SAME_KEY: 90,
        LinkRule.SAME_CLUSTER: 80,
        LinkRule.SAME_CONTACT: 75,
        LinkRule.SAME_PHOTO: 70,
        LinkRule.SIMILAR_PHOTOS: 55,
        LinkRule.SAME_HANDLE: 30,
    }
    assert {rule: CONFIDENCE[rule] for rule in wanted} == wanted


def test_links_of__take_a_fingerprint_in_a_text_for_a_lead():
    seen = [sighting("a/x", "aa"), sighting("b/y", "aa", rule="fingerprint-text")]
    (link,) = links_of(known(seen))
    assert (link.rule, link.joins) == (LinkRule.SAME_FINGERPRINT_TEXT, False)


def test_links_of__take_a_name_on_another_market_for_a_lead():
    (link,) = links_of(known([], accounts=["a/Green-Shop", "b/greenshop"]))
    assert (link.rule, link.value, link.joins) == (LinkRule.SAME_HANDLE, "greenshop", False)


def test_links_of__link_nobody_by_what_many_of_a_market_show():
    many = [sighting(f"m/v{at}", "support", kind="jabber") for at in range(MOST_HOLDERS)]
    assert len(links_of(known(many))) == MOST_HOLDERS * (MOST_HOLDERS - 1) // 2
    more = [*many, sighting("m/one more", "support", kind="jabber")]
    assert links_of(known(more)) == []


def statement(signer, *, accounts=(), fingerprints=(), document="s0"):
    shown = Shown(document_sha256=document, begin=0, end=5, rule="clear-signed", captured_at=START)
    return SignedStatement(
        fingerprint=signer,
        signed_at=START,
        shown=shown,
        accounts=frozenset(accounts),
        fingerprints=frozenset(fingerprints),
    )


def test_links_of__believes_what_a_key_signed():
    seen = [sighting("a/x", "aa"), sighting("b/y", "bb", document="d1")]
    back = statement("bb", accounts=["a/x"], document="s1")
    by_name = known(seen, statements=[statement("aa", accounts=["b/y"]), back])
    found = links_of(by_name)
    assert {(each.rule, each.confidence) for each in found} == {(LinkRule.SIGNED_STATEMENT, 95)}
    assert {"s0", "s1"} <= {at.document_sha256 for each in found for at in each.shown}
    by_key = known(seen, statements=[statement("aa", fingerprints=["bb"]), back])
    assert rules(links_of(by_key)) == {LinkRule.SIGNED_STATEMENT}
    # A key that nobody shows, or that only stands in a text, speaks for no account.
    assert links_of(known(seen, statements=[statement("cc", accounts=["b/y"])])) == []
    text = replace(seen[0], shown=replace(seen[0].shown, rule="fingerprint-text"))
    assert links_of(known([text, seen[1]], statements=[statement("aa", accounts=["b/y"])])) == []


def test_links_of__take_what_only_one_side_signed_for_a_lead():
    seen = [sighting("a/x", "aa"), sighting("b/y", "bb", document="d1")]
    for claim in (statement("aa", accounts=["b/y"]), statement("aa", fingerprints=["bb"])):
        (link,) = links_of(known(seen, statements=[claim]))
        assert (link.rule, link.joins) == (LinkRule.NAMED_IN_STATEMENT, False)


def test_links_of__link_by_clusters_paid_under_both_names():
    place = Shown(document_sha256="d0", begin=1, end=2, rule="pay_to")
    clusters = {
        "a/x": [ClusterSeen(cluster="bc1q", shown=(place,))],
        "b/y": [ClusterSeen(cluster="bc1q", shown=(place,))],
        "b/z": [ClusterSeen(cluster="bc1p", shown=(place,))],
    }
    (link,) = links_of(known([]), clusters)
    assert (link.pair, link.rule, link.confidence) == (("a/x", "b/y"), LinkRule.SAME_CLUSTER, 80)


def test_links_of__link_by_three_pictures_that_look_alike():
    mine = [
        sighting("a/x", f"{at:064x}:{at * 0x0F0F0F0F0F0F:016x}", kind=PHOTO) for at in (1, 2, 4)
    ]
    theirs = [
        sighting("b/y", f"{at + 9:064x}:{at * 0x0F0F0F0F0F0F ^ 0b111:016x}", kind=PHOTO)
        for at in (1, 2, 4)
    ]
    assert rules(links_of(known([*mine, *theirs]))) == {LinkRule.SIMILAR_PHOTOS}
    assert links_of(known([*mine[:2], *theirs])) == []
