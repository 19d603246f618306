from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.entities import change_votes, position
from arien_flows.entities.change_decisions import Decided, cut, merged, together
from arien_flows.entities.clustering import Clustering, open_clustering, run_clustering
from arien_flows.entities.profiles import WIDE, Profile, Terms, standard, standard_by_votes
from arien_flows.entities.verify import verify_clustering
from arien_flows.entities.vote_decider import VoteDecider, VotePolicy
from arien_flows.entities.why import DEFAULT_BOUND, Explanation, why
from arien_flows.ledger.view import View
from heuristics.coinjoin import STANDARD_EXCLUSION
from heuristics.constrained_fields import DecidedBy, Verdict
from tests.arien_flows.entities.deciders import decided_of
from tests.arien_flows.entities.random_chains import grow, random_chain, view_at
from tests.arien_flows.entities.test_clustering import assert_same
from tests.ledgers import Tx, build_view, text_of_name

BLOCKS = 12
PROFILES = [standard, lambda: standard("model"), lambda: WIDE]


@pytest.mark.slow
@pytest.mark.parametrize("made", PROFILES)
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(0, BLOCKS), st.integers(1, BLOCKS))
@settings(max_examples=4)
def test_profile__continued_or_reorganised_gives_the_bytes_of_one_run(
    made, seed: int, lag: int, fork: int, first_run: int
) -> None:
    profile: Profile = made()
    stale, shared = random_chain(seed, BLOCKS), random_chain(seed, fork)
    current = grow(shared.copy(), Random(seed + 1), BLOCKS - fork + 1, salt=1)
    terms = Terms(decision_lag=lag)
    with TemporaryDirectory() as folder:
        run_clustering(view_at(stale, first_run), Path(folder), profile, terms)
        run_clustering(view_at(stale), Path(folder), profile, terms)
        continued = run_clustering(view_at(current), Path(folder), profile, terms)
    whole = run_clustering(view_at(current), None, profile, terms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(position, "CHUNK_TRANSACTIONS", 4)
        patch.setattr(change_votes, "VOTE_TRANSACTIONS", 5)
        assert_same(run_clustering(view_at(current), None, profile, terms), whole)
    assert_same(continued, whole)


PAYMENT = [
    Tx(name="c1", outputs=[("a", 50_000_000), ("a2", 30_000_000), ("s", 7)]),
    Tx(name="c2", outputs=[("p2pkh:shop", 1_000_000), ("b", 40_000_000)]),
    # Inputs of one type, a round amount to another type that is not fresh, and the rest.
    Tx(
        name="pay",
        inputs=["c1:0", "c1:1"],
        outputs=[("p2pkh:shop", 70_000_000), ("rest", 9_981_400)],
    ),
    Tx(name="reuse", inputs=["c2:1"], outputs=[("shop2", 10_000_000), ("b", 29_000_000)]),
    Tx(name="c3", outputs=[]),
]


def decided(policy: VotePolicy) -> list[tuple[str, str, str, Verdict, int]]:
    """Return what is decided about the payment: payer, output, rule, verdict, votes."""
    view = build_view(PAYMENT)
    coinjoins = run_clustering(view, None).coinjoins
    decider = VoteDecider(view, coinjoins, STANDARD_EXCLUSION, policy, 0)
    found = decider.decide(0, view.counts.blocks)
    assert found.first[-1] == len(found.transaction)
    return [
        (
            text(view, found.input_address[row]),
            text(view, found.output_address[row]),
            DecidedBy(int(found.rule[row])).name,
            Verdict(int(found.verdict[row])),
            int(found.votes[row]),
        )
        for row in range(len(found.transaction))
    ]


def text(view: View, address: int) -> str:
    return view.address_text(int(address)) or ""


def test_vote_decider__joins_what_enough_votes_agree_on_and_separates_the_other() -> None:
    payer, rest, shop = (text_of_name(name) for name in ("a", "rest", "p2pkh:shop"))
    found = decided(VotePolicy(votes_needed=7, only_two_outputs=True))
    about_payment = [row for row in found if row[0] == payer]
    assert about_payment == [
        (payer, shop, "VOTE", Verdict.OTHER_OWNER, about_payment[0][4]),
        (payer, rest, "VOTE", Verdict.SAME_OWNER, about_payment[0][4]),
    ]
    assert about_payment[0][4] >= 7
    sure = decided(VotePolicy(votes_needed=27, only_two_outputs=True))
    assert not [row for row in sure if row[0] == payer]


def test_vote_decider__a_reused_address_decides_without_votes() -> None:
    found = decided(VotePolicy(votes_needed=1, only_two_outputs=True))
    b, shop2 = text_of_name("b"), text_of_name("shop2")
    assert (b, shop2, "REUSE", Verdict.OTHER_OWNER, 0) in found
    assert not [row for row in found if row[:2] == (b, b)]
    votes_only = decided(VotePolicy(votes_needed=1, before=(), only_two_outputs=True))
    assert "REUSE" not in {row[2] for row in votes_only}


def joined(profile: Profile, without: frozenset[str] = frozenset()) -> Clustering:
    return run_clustering(
        build_view(PAYMENT), None, profile, Terms(decision_lag=0, without=without)
    )


def test_standard__tells_which_rules_made_an_entity() -> None:
    view = build_view(PAYMENT)
    payer, rest = (view.find_address(text_of_name(name)) for name in ("a", "rest"))
    clustering = joined(standard_by_votes())
    assert clustering.root_of(rest) == payer
    assert clustering.merges_by_rule(payer) == {"cospend": 1, "change_vote": 1}
    without = joined(standard_by_votes(), frozenset({"change_vote"}))
    assert without.root_of(rest) == rest
    assert without.manifest.parameters["without"] == "change_vote"
    assert "change_vote" not in without.manifest.rules


ROWS = [[(5, 1, 2, -1, 18, 1, 7)], [], [(6, 1, 3, -1, 18, 2, 7), (7, 2, 4, -1, 18, 1, 8)]]


def told(found: Decided) -> list[object]:
    return [column.tolist() for column in found]


def test_decided__parts_make_the_whole() -> None:
    whole = decided_of(ROWS)
    parts = [cut(whole, 0, 1), cut(whole, 1, 3)]
    assert told(together(parts)) == told(whole)
    assert told(parts[1])[:2] == [[0, 0, 2], [6, 7]]
    other = decided_of(
        [[(4, 9, 9, 5, 19, 1, 0)], [(5, 9, 9, 5, 19, 1, 0)], [(7, 9, 9, 5, 19, 1, 0)]]
    )
    both = merged(whole, other)
    assert both.first.tolist() == [0, 2, 3, 6]
    assert both.transaction.tolist() == [4, 5, 5, 6, 7, 7]
    assert both.rule.dtype == np.uint8


@pytest.mark.parametrize("bound", [DEFAULT_BOUND, 0])
def test_why__a_step_by_change_tells_how_sure_it_was(bound: int) -> None:
    view, clustering = build_view(PAYMENT), joined(standard_by_votes())
    ends = text_of_name("a2"), text_of_name("rest")
    answer = why(view, clustering, *ends, bound=bound)
    assert isinstance(answer, Explanation)
    assert [step.rule for step in answer.steps] == ["cospend", "change_vote"]
    assert [step.votes is None for step in answer.steps] == [True, False]
    assert answer.steps[1].transaction == view.txid_text(2)
    assert answer.steps[1].probability_ppm is None
    votes_for, votes_against = answer.steps[1].votes_for, answer.steps[1].votes_against
    assert {"change_address_type", "change_power_of_ten_7"} <= set(votes_for)
    assert len(votes_for) - len(votes_against) == answer.steps[1].votes
    assert answer.steps[0].votes_for == answer.steps[0].votes_against == ()
    assert answer.shortest is (bound > 0)


def test_verify__repeats_a_run_with_decisions(tmp_path: Path) -> None:
    view = build_view(PAYMENT)
    terms = Terms(decision_lag=0, without=frozenset({"not_change"}))
    made = run_clustering(view, tmp_path, WIDE, terms)
    assert len(made.derived.whole("decision_transaction")) > 0
    assert verify_clustering(view, tmp_path, made) == []
    kinds = next((tmp_path / "clusterings/wide").glob("decision_kind.*"))
    kinds.write_bytes(b"\x12\x01\x05\x07" + kinds.read_bytes()[4:])
    changed = open_clustering(view, tmp_path, "wide")
    faults = verify_clustering(view, tmp_path, changed)
    assert "wide: decision_kind is not what the rules give for this chain" in faults
