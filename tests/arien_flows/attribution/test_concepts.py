"""Concepts that GraphSense lacks leave in its words, and come back as they were."""

import json

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.concepts import (
    BEYOND_GRAPHSENSE,
    CONCEPTS,
    GRAPHSENSE,
    KEPT,
    canonical_concept,
    exported_concepts,
    exported_context,
    imported_context,
)

concepts = st.lists(st.sampled_from(sorted(CONCEPTS)), unique=True, max_size=4).map(tuple)
objects = st.dictionaries(
    st.sampled_from(["document_sha256", "a", KEPT, "concepts"]),
    st.recursive(
        st.none() | st.integers() | st.text() | st.sampled_from(["vendor", "shop"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.just("concepts"), inner),
        max_leaves=4,
    ),
)
contexts = (
    st.none()
    | st.text(min_size=1)
    | objects.map(lambda told: json.dumps(told, ensure_ascii=False, sort_keys=True))
    | objects.map(json.dumps)
    | concepts.map(lambda own: exported_context(own, None))
)


@given(concepts, contexts)
def test_concepts__come_back_as_they_left(own, context):
    written = exported_concepts(own)
    assert set(written) <= GRAPHSENSE
    assert imported_context(written, exported_context(own, context)) == (own, context)


def test_concepts__of_a_vendor_are_readable_by_others():
    context = exported_context(("vendor",), '{"rule": "role-1"}')
    assert exported_concepts(("vendor",)) == ("shop", "dark_web", "drugs")
    assert context is not None
    assert json.loads(context) == {KEPT: {"concepts": ["vendor"]}, "rule": "role-1"}


def test_concepts__that_somebody_changed_since_are_what_counts():
    context = exported_context(("vendor",), None)
    assert imported_context(("exchange",), context) == (("exchange",), context)


def test_concepts__are_known_by_either_spelling_of_dwva():
    assert canonical_concept("hosted-wallet") == "hosted_wallet"
    assert canonical_concept("exit-scam") == "exit_scam"
    assert canonical_concept("vendors") is None
    assert canonical_concept(["vendor"]) is None


def test_concepts__of_the_list_are_each_said_in_words_of_graphsense():
    assert not GRAPHSENSE & BEYOND_GRAPHSENSE.keys()
    for concept in BEYOND_GRAPHSENSE.values():
        assert concept.graphsense
        assert set(concept.graphsense) <= GRAPHSENSE
        assert concept.vocabulary in ("dw-va", "own")
    assert len(GRAPHSENSE) == 93
