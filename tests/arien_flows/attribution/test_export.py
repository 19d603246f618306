"""TagPacks that are written are read back as the same tags."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.concepts import CONCEPTS
from arien_flows.attribution.export import tagpack_text
from arien_flows.attribution.subjects import network_of
from arien_flows.attribution.tag import CONFIDENCE, TAG_TYPES, Tag
from arien_flows.attribution.tagpack import parse_tagpack

texts = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(bool)
)
"""Everything that a pack may say, in any script; a NUL is refused when it is read."""

tricky = st.sampled_from(["null", "~", "yes", "0x1f", "2024-01-01", "1e3", "- a: b", "#x", "'"])


def tags_of(name: str, subject: st.SearchStrategy[str]) -> st.SearchStrategy[Tag]:
    return st.builds(
        Tag,
        address=subject,
        tx_hash=st.none(),
        network=st.just(name),
        label=texts | tricky,
        source=texts | tricky,
        currency=st.sampled_from(["BTC", "ETH", "USDT"]),
        confidence=st.sampled_from(sorted(CONFIDENCE)),
        concepts=st.lists(st.sampled_from(sorted(CONCEPTS)), unique=True, max_size=3).map(tuple),
        tag_type=st.none() | st.sampled_from(sorted(TAG_TYPES)),
        actor=st.none() | texts | tricky,
        is_cluster_definer=st.booleans(),
        context=st.none() | texts | tricky,
        lastmod=st.none() | st.dates(date(2009, 1, 3)),
        creator=st.just("A Creator: 'quoted'"),
    )


tags = (
    tags_of("bitcoin", texts | tricky) | tags_of("bitcoin-regtest", texts) | tags_of("ltc", texts)
)


def read_back(tag: Tag) -> tuple[object, ...]:
    return network_of(tag.network), tag.address, tag.statement


@given(st.lists(tags, min_size=1, max_size=4))
def test_export__is_read_back_as_the_same_tags(found):
    text = "".join(tagpack_text(found, title="T", creator=found[0].creator))
    pack = parse_tagpack(text.encode(), "export.yaml")
    assert pack.faults == ()
    assert pack.creator == found[0].creator
    assert sorted(map(str, map(read_back, pack.tags))) == sorted(map(str, map(read_back, found)))


@given(st.lists(tags, min_size=2, max_size=4, unique_by=lambda tag: (tag.address, tag.label)))
def test_export__does_not_depend_on_the_order(found):
    forward, backward = (
        "".join(tagpack_text(some, title="T", creator="C")) for some in (found, found[::-1])
    )
    assert forward == backward
