from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.constraints import Constraints, constraints_of
from arien_flows.entities.profiles import Terms
from arien_flows.entities.spends import spend_columns
from arien_flows.entities.why import LARGEST_BOUND, Explanation, NotJoined, why
from arien_flows.errors import NotFoundError
from arien_flows.ledger.view import View
from chains.errors import AddressError
from heuristics.coinjoin import STANDARD_EXCLUSION, STRICT_EXCLUSION
from heuristics.constrained_fields import ConflictField, ConflictKind, Outcome
from heuristics.cospend import MergeRule
from tests.arien_flows.entities.deciders import ARBITRARY
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.ledgers import Tx, build_view, text_of_name
from tests.reference.clusters import shortest_path_length
from tests.reference.cospend import owners


def edges_of(view: View) -> list[tuple[int, int]]:
    """Return every pair of addresses that one transaction or link joins."""
    coinjoins, spends = run_clustering(view, None).coinjoins, spend_columns(view)
    edges = list(zip(view.link_address.tolist(), view.link_earlier.tolist(), strict=True))
    for transaction in range(view.counts.transactions):
        if not coinjoins.mark(transaction) & STRICT_EXCLUSION:
            inputs = owners(spends, transaction)
            edges += [(a, b) for a in inputs for b in inputs if a < b]
    return edges


def assert_holds(view: View, explanation: Explanation) -> None:
    """Check every step on the ledger."""
    here = explanation.address_a
    for step in explanation.steps:
        assert step.address_from == here
        here = step.address_to
        transaction = view.find_transaction(step.transaction)
        ends = {view.find_address(step.address_from), view.find_address(step.address_to)}
        assert len(ends) == 2
        if step.rule == "cospend":
            start, stop = view.first_input[transaction : transaction + 2].tolist()
            assert ends <= set(view.input_address[start:stop].tolist())
        else:
            rows = (view.link_transaction == transaction).nonzero()[0]
            assert ends in [
                {int(view.link_address[row]), int(view.link_earlier[row])} for row in rows
            ]
    assert here == explanation.address_b


@pytest.mark.slow
@given(st.integers(0, 2**32), st.data())
@settings(max_examples=25)
def test_why__finds_a_shortest_chain_and_another_where_it_is_bounded(seed: int, data) -> None:
    view = view_at(random_chain(seed, 10))
    clustering = run_clustering(view, None)
    edges = edges_of(view)
    for _ in range(5):
        a, b = (data.draw(st.integers(0, view.counts.addresses - 1)) for _ in range(2))
        texts = [view.address_text(a), view.address_text(b)]
        answer, bounded = why(view, clustering, *texts), why(view, clustering, *texts, bound=0)
        length = shortest_path_length(edges, a, b)
        if length is None:
            assert isinstance(answer, NotJoined)
            assert answer == bounded
            continue
        assert isinstance(answer, Explanation)
        assert isinstance(bounded, Explanation)
        assert answer.shortest
        assert len(answer.steps) == length
        assert bounded.shortest == (a == b)
        assert len(bounded.steps) >= length
        for explanation in (answer, bounded):
            assert_holds(view, explanation)
            assert explanation.entity == view.address_text(clustering.root_of(a))


def tags_on(view: View, seed: int) -> Constraints:
    """Tag some addresses of a random chain with one of two owners."""
    random = Random(seed)
    tagged = sorted(random.sample(range(view.counts.addresses), view.counts.addresses // 4))
    return constraints_of(
        "tags",
        ("x", "y"),
        np.array(tagged, dtype=np.int64),
        np.array([random.randrange(2) for _ in tagged], dtype=np.int64),
        np.full(len(tagged), 90, dtype=np.int64),
        np.zeros(len(tagged), dtype=np.bool_),
    )


def reasons_of(view: View, clustering: Clustering) -> list[tuple[int, int]]:
    """Return every pair of addresses that a transaction, link or decision joined."""
    spends, labels = spend_columns(view), clustering.labels.tolist()
    refused = {
        row[ConflictField.TRANSACTION]
        for row in clustering.derived.whole("conflict").tolist()
        if row[ConflictField.KIND] == ConflictKind.OWNERS
        and row[ConflictField.RULE] == MergeRule.COSPEND
    }
    edges = list(zip(view.link_address.tolist(), view.link_earlier.tolist(), strict=True))
    for transaction in range(view.counts.transactions):
        if transaction in refused or clustering.coinjoins.mark(transaction) & STANDARD_EXCLUSION:
            continue
        inputs = owners(spends, transaction)
        edges += [(a, b) for a in inputs for b in inputs if a < b]
    decided = zip(
        clustering.derived.whole("decision").tolist(),
        clustering.derived.whole("decision_kind").tolist(),
        strict=True,
    )
    edges += [
        (spent, paid)
        for (spent, paid), kind in decided
        if kind[2] in (Outcome.JOINED, Outcome.TOGETHER)
    ]
    return [(a, b) for a, b in edges if labels[a] == labels[b]]


@pytest.mark.slow
@given(st.integers(0, 2**32), st.integers(0, 3))
@settings(max_examples=15)
def test_why__among_tags_and_decisions_finds_a_shortest_chain(seed: int, lag: int) -> None:
    view = view_at(random_chain(seed, 10))
    terms = Terms(decision_lag=lag, constraints=tags_on(view, seed))
    clustering = run_clustering(view, None, ARBITRARY, terms)
    edges = reasons_of(view, clustering)
    for a in range(0, view.counts.addresses, 3):
        b = (a * 7 + seed) % view.counts.addresses
        answer = why(view, clustering, *(view.address_text(each) for each in (a, b)))
        length = shortest_path_length(edges, a, b)
        assert isinstance(answer, NotJoined if length is None else Explanation)
        if isinstance(answer, Explanation):
            assert (answer.shortest, len(answer.steps)) == (True, length)
            held = [
                {view.find_address(step.address_from), view.find_address(step.address_to)}
                for step in answer.steps
            ]
            assert all(tuple(ends) in edges or tuple(ends)[::-1] in edges for ends in held)


HISTORY = [
    Tx(name="c1", outputs=[(f"p2pkh:{name}", 100) for name in "abcdef"]),
    Tx(name="c2", outputs=[(f"p2pkh:{name}", 100) for name in "abcdef"]),
    Tx(name="t1", inputs=["c1:0", "c1:1"], outputs=[("p2pkh:x", 200)]),
    Tx(name="t2", inputs=["c1:2", "c1:3"], outputs=[("p2pkh:y", 200)]),
    Tx(name="t3", inputs=["c2:1", "c2:2"], outputs=[("p2pkh:y", 200)]),
    Tx(name="t4", inputs=["t1:0", "c2:0", "c2:3"], outputs=[("p2wpkh:x", 300)]),
]


def ask(a: str, b: str, **options) -> Explanation | NotJoined:
    view = build_view(HISTORY)
    return why(view, run_clustering(view, None), text_of_name(a), text_of_name(b), **options)


def test_why__prefers_the_short_chain_to_the_logged_one() -> None:
    view = build_view(HISTORY)
    short, logged = ask("p2pkh:a", "p2pkh:d"), ask("p2pkh:a", "p2pkh:d", bound=0)
    assert isinstance(short, Explanation)
    assert isinstance(logged, Explanation)
    assert [step.rule for step in short.steps] == ["cospend"]
    assert short.steps[0].transaction == view.txid_text(5)
    assert short.steps[0].rule_version == 1
    assert (short.shortest, len(logged.steps), logged.shortest) == (True, 3, False)
    assert short.read <= short.bound
    assert logged.bound == 0


def test_why__crosses_the_forms_of_one_key() -> None:
    answer = ask("p2wpkh:x", "p2pkh:a")
    assert isinstance(answer, Explanation)
    assert [step.rule for step in answer.steps] == ["same_key", "cospend"]


def test_why__an_address_is_itself_without_any_step() -> None:
    answer = ask("p2pkh:e", "p2pkh:e")
    assert isinstance(answer, Explanation)
    assert (answer.steps, answer.shortest, answer.read) == ((), True, 0)


def test_why__says_that_no_rule_joins_and_what_that_does_not_mean() -> None:
    answer = ask("p2pkh:d", "p2pkh:e")
    assert isinstance(answer, NotJoined)
    assert answer.entity_a == text_of_name("p2pkh:a")
    assert answer.entity_b == text_of_name("p2pkh:e")
    assert "no rule of profile strict joins" in answer.message
    assert "may still have one owner" in answer.message


def test_why__an_address_that_was_never_used_or_is_none_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="block"):
        ask("p2pkh:a", "p2pkh:nobody")
    view = build_view(HISTORY)
    with pytest.raises(AddressError):
        why(view, run_clustering(view, None), "no address", text_of_name("p2pkh:a"))


@pytest.mark.parametrize("bound", [-1, LARGEST_BOUND + 1])
def test_why__refuses_a_bound_out_of_range(bound: int) -> None:
    with pytest.raises(ValueError, match="bound"):
        ask("p2pkh:a", "p2pkh:b", bound=bound)
