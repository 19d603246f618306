"""What is listed of a clustering's conflicts, and that none of it is told as if it were today's."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.entities.artefacts import _listed_conflicts
from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.constraints import Constraints, constraints_of
from arien_flows.entities.decisions import decisions_about, joining_decisions
from arien_flows.entities.profiles import STRICT, Profile, Terms
from arien_flows.entities.review import (
    CONFLICTS,
    REVIEW,
    conflict_at,
    conflicts_about,
    conflicts_between,
    conflicts_of,
    count_conflicts,
)
from arien_flows.entities.storage import Rows
from arien_flows.entities.why import Explanation, NotJoined, why
from arien_flows.ledger.view import View
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import REGTEST
from heuristics.constrained_fields import CONFLICT_WIDTH, ConflictField, ConflictKind
from heuristics.cospend import MergeRule
from tests.arien_flows.entities import deciders
from tests.arien_flows.entities.deciders import ARBITRARY
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.ledgers import Tx, build_view, text_of_name

OWNER, SERVICE = (90, False), (60, True)


def tags(view: View, told: dict[str, str], sure: tuple[int, bool] = OWNER) -> Constraints:
    """Say who holds some named addresses."""
    names = tuple(sorted(set(told.values())))
    numbers = [view.find_lock(*parse_address(text_of_name(each), REGTEST)) for each in told]
    return constraints_of(
        "tags",
        names,
        np.array(numbers, dtype=np.int64),
        np.array([names.index(each) for each in told.values()], dtype=np.int64),
        np.full(len(told), sure[0], dtype=np.int64),
        np.full(len(told), sure[1]),
    )


def joined(
    history: list[Tx], told: dict[str, str], sure=OWNER, profile: Profile = STRICT
) -> tuple[View, Clustering]:
    view = build_view(history)
    terms = Terms(decision_lag=0, constraints=tags(view, told, sure))
    return view, run_clustering(view, None, profile, terms)


COINS = [
    Tx(name=f"c{turn}", outputs=[(name, 100) for name in ("a1", "a2", "b", "u", "v")])
    for turn in range(3)
]
REFUSED = Tx(name="t", inputs=["c0:0", "c0:1", "c0:2", "c0:3"], outputs=[("shop", 400)])
LATER = Tx(name="later", inputs=["c1:0", "c1:1"], outputs=[("shop", 200)])
ALICE_AND_BOB = {"a1": "alice", "b": "bob"}


@pytest.mark.parametrize("bound", [100_000, 0])
def test_why__does_not_cite_a_transaction_that_joined_nothing(bound: int) -> None:
    view, clustering = joined([*COINS, REFUSED, LATER], ALICE_AND_BOB)
    answer = why(view, clustering, text_of_name("a1"), text_of_name("a2"), bound=bound)
    assert isinstance(answer, Explanation)
    assert clustering.derived.whole("refused_transaction").tolist() == [3]
    assert [step.transaction for step in answer.steps] == [view.txid_text(4)]


def test_why__not_joined_names_the_conflicts_between_the_two() -> None:
    view, clustering = joined([*COINS, REFUSED, LATER], ALICE_AND_BOB)
    for other, kind in (("b", ConflictKind.OWNERS), ("u", ConflictKind.SEVERAL_PAYERS)):
        answer = why(view, clustering, text_of_name("a2"), text_of_name(other))
        assert isinstance(answer, NotJoined)
        assert [conflict_at(clustering, row).kind for row in answer.conflicts] == [kind]
    stranger = why(view, clustering, text_of_name("a2"), text_of_name("v"))
    assert isinstance(stranger, NotJoined)
    assert stranger.conflicts == ()


def test_conflict_at__says_that_the_two_came_together_by_other_means() -> None:
    view, clustering = joined([*COINS, REFUSED, LATER], ALICE_AND_BOB)
    found, _ = conflicts_of(clustering, CONFLICTS, 0, 10)
    ends = {view.address_text(each.address_b): each for each in found}
    with_a2, with_b = ends[text_of_name("a2")], ends[text_of_name("b")]
    assert (with_a2.joined, with_a2.together_now) == (False, True)
    assert (with_a2.owner_a, with_a2.owner_b) == ("alice", None)
    assert (with_b.joined, with_b.together_now) == (False, False)
    assert (with_b.owner_a, with_b.owner_b) == ("alice", "bob")


def test_conflict_at__names_both_services_after_a_proof_has_joined_them() -> None:
    _, clustering = joined([*COINS, LATER], {"a1": "mixer", "a2": "exchange"}, SERVICE)
    (conflict,), following = conflicts_of(clustering, CONFLICTS, 0, 10)
    assert following is None
    assert conflict.kind == ConflictKind.SERVICES_JOINED
    assert (conflict.owner_a, conflict.owner_b) == ("mixer", "exchange")
    assert (conflict.joined, conflict.together_now) == (True, True)


def test_conflict_at__tells_no_probability_of_a_cospend() -> None:
    # Of the inputs' owners, one is also paid; a decision speaks about the same two addresses.
    history = [*COINS, replace(REFUSED, outputs=[("b", 400)])]
    view = build_view(history)
    decisions = {view.txid_text(3): [(text_of_name("a1"), text_of_name("b"), 900_000)]}
    profile = deciders.given(decisions)
    _, clustering = joined(history, ALICE_AND_BOB, profile=profile)
    found, _ = conflicts_of(clustering, CONFLICTS, 0, 10)
    assert [(each.rule, each.probability_ppm) for each in found] == [("cospend", None)] * 3


def test_conflicts__are_listed_once_for_each_pair_of_sets() -> None:
    payments = [
        Tx(name=f"t{turn}", inputs=[f"c{turn}:0", f"c{turn}:2"], outputs=[("shop", 200)])
        for turn in range(3)
    ]
    view, clustering = joined([*COINS, *payments], ALICE_AND_BOB)
    assert len(clustering.derived.whole("conflict")) == 3
    assert count_conflicts(clustering, CONFLICTS) == 1
    assert clustering.derived.whole("refused_transaction").tolist() == [3, 4, 5]
    root = clustering.root_of(view.find_address(text_of_name("b")))
    assert conflicts_about(clustering, root).tolist() == [0]


tables = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([0, 1, 5])), max_size=12
)


@given(tables, st.lists(st.integers(0, 1), min_size=5, max_size=5))
def test_listed_conflicts__are_the_first_of_each_pair_and_kind(rows, named) -> None:
    conflicts = np.zeros((len(rows), CONFLICT_WIDTH), dtype=np.uint32)
    for row, (a, b, kind) in enumerate(rows):
        conflicts[row, [ConflictField.ROOT_A, ConflictField.ROOT_B, ConflictField.KIND]] = (
            a,
            b,
            kind,
        )
    labels = np.array(named, dtype=np.uint32)
    seen, expected = set(), []
    for row, (a, b, kind) in enumerate(rows):
        key = (frozenset((a, b)), kind)
        if key not in seen and not (kind == ConflictKind.GROWTH and named[a] == named[b]):
            expected.append(row)
        seen.add(key)
    assert _listed_conflicts(conflicts, labels).tolist() == expected


@pytest.mark.slow
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(1, 5))
@settings(max_examples=8)
def test_review__agrees_with_the_whole_table(seed: int, lag: int, pieces: int) -> None:
    view = view_at(random_chain(seed, 10))
    forms = [f"p2pkh:k{key}" for key in range(8)]
    held = [
        each
        for each in forms
        if view.find_lock(*parse_address(text_of_name(each), REGTEST)) is not None
    ]
    told = {each: "xyz"[number % 3] for number, each in enumerate(held)}
    made = run_clustering(
        view, None, ARBITRARY, Terms(decision_lag=lag, constraints=tags(view, told))
    )
    split = {
        name: Rows.of(*np.array_split(rows.whole(), pieces))
        for name, rows in made.derived.arrays.items()
    }
    clustering = replace(made, derived=replace(made.derived, arrays=split))
    everything, _ = conflicts_of(clustering, [*ConflictKind], 0, 1 << 20)
    paged, start = [], 0
    while start is not None:
        page, start = conflicts_of(clustering, CONFLICTS | REVIEW, start, 2)
        paged += page
    assert paged == everything
    table = clustering.derived.whole("conflict")
    by_hand = {
        row[ConflictField.TRANSACTION]
        for row in table.tolist()
        if row[ConflictField.RULE] == MergeRule.COSPEND
        and row[ConflictField.KIND] == ConflictKind.OWNERS
    }
    assert clustering.derived.whole("refused_transaction").tolist() == sorted(by_hand)
    labels = clustering.labels.tolist()
    for each in everything:
        roots = labels[each.address_a], labels[each.address_b]
        assert each.together_now == (roots[0] == roots[1])
        assert each.number in conflicts_about(clustering, roots[1]).tolist()
        assert each.number in conflicts_between(clustering, *roots).tolist()
    for address in range(view.counts.addresses):
        wanted = np.unique(view.history(address).transaction.astype(np.int64))
        found, read = joining_decisions(clustering.derived, wanted, address)
        about = [
            each for number in wanted.tolist() for each in decisions_about(made.derived, number)
        ]
        assert read == len(about)
        assert found == [
            each for each in about if each.joins and address in (each.spent, each.paid)
        ]
