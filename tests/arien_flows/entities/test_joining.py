import json
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.entities import position
from arien_flows.entities.change_decisions import DueDecisions
from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.constraints import Constraints, constraints_of, read_constraints
from arien_flows.entities.profiles import STRICT, Terms
from arien_flows.errors import InputError
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import REGTEST
from heuristics.coinjoin import STANDARD_EXCLUSION
from heuristics.constrained_fields import ConflictField, ConflictKind, Outcome, Verdict
from heuristics.constrained_sets import NO_OWNER
from heuristics.cospend import LogField, MergeRule
from tests.arien_flows.entities import deciders
from tests.arien_flows.entities.deciders import ARBITRARY, ArbitraryDecider
from tests.arien_flows.entities.random_chains import grow, random_chain, view_at
from tests.arien_flows.entities.test_clustering import HISTORY, assert_same, spends_of
from tests.ledgers import Chain, Tx, batch_of, build_view, text_of_name
from tests.reference import clusters

BLOCKS = 12
seeds = st.integers(0, 2**32)
lags = st.integers(0, 4)
TAGGED = [f"{form}k{key}" for form in ("p2pkh:", "p2tr:") for key in range(8)]


def tags_of(view: View, seed: int) -> Constraints:
    """Tag the same addresses on every chain, as far as the ledger has come to them."""
    random, rows = Random(seed), []
    for name in random.sample(TAGGED, 8):
        told = (random.randrange(3), random.choice([100, 70, 50, 20]), random.random() < 0.5)
        number = view.find_lock(*parse_address(text_of_name(name), REGTEST))
        if number is not None:
            rows.append((number, *told))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return constraints_of(
        f"tags-{seed}", ("a", "b", "c"), table[:, 0], table[:, 1], table[:, 2], table[:, 3] == 1
    )


def run(chain: Chain, blocks: int | None, folder: Path | None, seed: int, lag: int) -> Clustering:
    view = view_at(chain, blocks)
    return run_clustering(
        view, folder, ARBITRARY, Terms(decision_lag=lag, constraints=tags_of(view, seed))
    )


def named(owners: np.ndarray, addresses: np.ndarray) -> dict[int, int]:
    known = owners != NO_OWNER
    return dict(zip(addresses[known].tolist(), owners[known].tolist(), strict=True))


@pytest.mark.slow
@given(seeds, lags)
@settings(max_examples=8)
def test_joined_forest__agrees_with_reference(seed: int, lag: int) -> None:
    view = view_at(random_chain(seed, BLOCKS))
    terms = Terms(decision_lag=lag, constraints=tags_of(view, seed))
    clustering = run_clustering(view, None, ARBITRARY, terms)
    columns = terms.constraints.columns
    oracle = clusters.ConstrainedSets(
        view.counts.addresses,
        named(columns.owner, columns.address),
        named(columns.service, columns.address),
    )
    decider = ArbitraryDecider(view, clustering.coinjoins, STANDARD_EXCLUSION, terms)
    spends, edges = spends_of(view, STANDARD_EXCLUSION), view.first_transaction.tolist()
    for block in range(BLOCKS):
        decided = decider.decide(block - lag, block - lag + 1) if block >= lag else None
        decisions = (
            []
            if decided is None
            else zip(*(column.tolist() for column in decided[1:]), strict=True)
        )
        oracle.apply(
            clusters.Block(
                spends[edges[block] : edges[block + 1]],
                [
                    clusters.Decision(row[0], row[1], row[2], row[5] == Verdict.SAME_OWNER, row[4])
                    for row in decisions
                ],
            )
        )
    arrays = clustering.derived
    assert arrays.whole("log").tolist() == oracle.log
    assert arrays.whole("conflict").tolist() == oracle.conflicts
    assert arrays.whole("block_rows").tolist() == oracle.marks
    outcomes = arrays.whole("decision_kind")[:, 2].tolist()
    assert [Outcome(number).name.lower() for number in outcomes] == oracle.outcomes
    assert clustering.labels.tolist() == oracle.labels()


@pytest.mark.slow
@given(seeds, lags, st.lists(st.integers(1, BLOCKS), max_size=5))
@settings(max_examples=8)
def test_joined_forest__in_steps_gives_the_bytes_of_one_run(
    seed: int, lag: int, cuts: list[int]
) -> None:
    chain = random_chain(seed, BLOCKS)
    whole = run(chain, None, None, seed, lag)
    with TemporaryDirectory() as folder:
        for cut in [*sorted(cuts), BLOCKS]:
            stepped = run(chain, cut, Path(folder), seed, lag)
        assert_same(stepped, whole)


@pytest.mark.slow
@given(seeds, lags, st.integers(0, BLOCKS), st.integers(1, 4), st.integers(1, BLOCKS))
@settings(max_examples=8)
def test_joined_forest__after_a_reorganisation_gives_the_bytes_of_one_run(
    seed: int, lag: int, fork: int, longer: int, first_run: int
) -> None:
    stale, shared = random_chain(seed, BLOCKS), random_chain(seed, fork)
    current = grow(shared.copy(), Random(seed + 1), BLOCKS - fork + longer, salt=1)
    with TemporaryDirectory() as folder:
        run(stale, first_run, Path(folder), seed, lag)
        run(stale, None, Path(folder), seed, lag)
        assert_same(
            run(current, None, Path(folder), seed, lag), run(current, None, None, seed, lag)
        )


@pytest.mark.slow
@given(seeds, lags, st.integers(1, 9))
@settings(max_examples=6)
def test_joined_forest__in_chunks_gives_the_bytes_of_one(
    seed: int, lag: int, transactions: int
) -> None:
    chain = random_chain(seed, BLOCKS)
    whole = run(chain, None, None, seed, lag)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(position, "CHUNK_TRANSACTIONS", transactions)
        assert_same(run(chain, None, None, seed, lag), whole)


@pytest.mark.slow
@given(seeds)
@settings(max_examples=6)
def test_joined_forest__strict_with_tags_differs_only_by_its_conflicts(seed: int) -> None:
    view = view_at(random_chain(seed, BLOCKS))
    tagged = run_clustering(view, None, STRICT, Terms(constraints=tags_of(view, seed)))
    plain = run_clustering(view, None, STRICT)
    if not len(tagged.derived.whole("conflict")):
        assert tagged.log.whole().tolist() == plain.log.whole().tolist()
    # Each row that the tags refused is one of the plain run's reasons, or came to nothing there.
    assert len(tagged.log) <= len(plain.log)
    labels, columns = tagged.labels, read_constraints(tagged.derived).columns
    known = columns.owner != NO_OWNER
    pairs = np.unique(np.stack([labels[columns.address[known]], columns.owner[known]]), axis=1)
    assert len(np.unique(pairs[0])) == pairs.shape[1]


VECTOR = json.loads((Path(__file__).parents[2] / "vectors/clustering.json").read_text())
MIXED_SAT = 50_000


def vector_chain() -> Chain:
    """Build the worked example on coins that a first block pays to its addresses, in order."""
    rounds = max(len(tx["inputs"]) for tx in VECTOR["transactions"])
    paid = [f"p2tr:a{number + 1}" for number in range(VECTOR["address_count"])] * rounds
    coins = Tx(name="coins", outputs=[(name, 100_000) for name in paid])
    spent = [0] * VECTOR["address_count"]
    payments = []
    for tx in VECTOR["transactions"]:
        inputs = []
        for number in tx["inputs"]:
            inputs.append(f"coins:{number - 1 + spent[number - 1] * VECTOR['address_count']}")
            spent[number - 1] += 1
        shares = [40_000 + 3_001 * place for place in range(len(tx["outputs"]))]
        if tx.get("coinjoin"):
            shares = [MIXED_SAT] * 3 + [49_000, 48_123]
        outputs = [
            (f"p2tr:a{number}", share) for number, share in zip(tx["outputs"], shares, strict=True)
        ]
        payments.append(Tx(name=tx["id"], inputs=inputs, outputs=outputs))
    return Chain.from_genesis().add([coins, Tx(name="reward"), *payments])


def sets_of(clustering: Clustering, view: View) -> list[list[int]]:
    """Return the sets of two and more of the worked example's addresses, as it numbers them."""
    numbers = [
        view.find_address(text_of_name(f"p2tr:a{each + 1}"))
        for each in range(VECTOR["address_count"])
    ]
    roots = clustering.labels[numbers]
    sets = [np.flatnonzero(roots == root) + 1 for root in np.unique(roots)]
    return [each.tolist() for each in sets if len(each) > 1]


@pytest.mark.parametrize(
    ("profile", "without", "expected"),
    [
        ("strict", set(), "strict"),
        ("standard", set(), "standard"),
        ("standard", {"not_change"}, "naive"),
    ],
)
def test_joined_forest__worked_example(profile: str, without: set[str], expected: str) -> None:
    chain = vector_chain()
    view = view_of(batch_of(chain.blocks), REGTEST, heights=np.arange(3, dtype=np.uint32))
    decisions: dict[str, list[tuple[str, str, int]]] = {}
    for row in VECTOR["change"]:
        ends = [text_of_name(f"p2tr:a{row[end]}") for end in ("input", "output")]
        decisions.setdefault(chain.txid(row["id"]), []).append((*ends, row["probability_ppm"]))
    chosen = STRICT if profile == "strict" else deciders.given(decisions)
    clustering = run_clustering(
        view, None, chosen, Terms(decision_lag=0, without=frozenset(without))
    )
    assert sets_of(clustering, view) == VECTOR[expected]
    conflicts = clustering.derived.whole("conflict")
    if expected != "standard":
        assert len(conflicts) == 0
        return
    ends = conflicts[:, [ConflictField.ADDRESS_A, ConflictField.ADDRESS_B]].tolist()
    texts = [[view.address_text(end) for end in pair] for pair in ends]
    assert texts == [
        [text_of_name(f"p2tr:a{number}") for number in pair] for pair in VECTOR["refused"]
    ]
    assert conflicts[:, ConflictField.KIND].tolist() == [ConflictKind.SEPARATED]


def test_profile__rules_can_be_switched_off() -> None:
    view = build_view(HISTORY)
    for rule, gone in (("cospend", MergeRule.COSPEND), ("same_key", MergeRule.SAME_KEY)):
        made = run_clustering(view, None, STRICT, Terms(without=frozenset({rule})))
        assert gone not in made.log.whole()[:, LogField.RULE]
        assert len(made.log) == 1
        assert rule not in made.manifest.rules
        assert made.manifest.parameters["without"] == rule
    names = {"coinjoin_definite", "coinjoin_joinmarket"}
    made = run_clustering(view, None, STRICT, Terms(without=frozenset(names)))
    assert len(made.log) == 4


def test_profile__an_unknown_rule_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no rule 'gut_feeling'.*cospend"):
        run_clustering(build_view(HISTORY), None, STRICT, Terms(without=frozenset({"gut_feeling"})))


def test_run_clustering__other_tags_start_from_the_first_block(tmp_path: Path) -> None:
    view = build_view(HISTORY)
    a, b = (view.find_address(text_of_name(name)) for name in ("p2pkh:a", "p2pkh:b"))
    tags = constraints_of(
        "tags", ("x", "y"), np.array([a, b]), np.array([0, 1]), np.array([70, 70]), np.ones(2) == 1
    )
    run_clustering(view, tmp_path)
    bound = run_clustering(view, tmp_path, STRICT, Terms(constraints=tags))
    assert bound.root_of(a) != bound.root_of(b)
    conflict = bound.derived.whole("conflict").tolist()
    assert [row[:3] for row in conflict] == [[1, a, b]]
    assert conflict[0][ConflictField.KIND] == ConflictKind.OWNERS
    assert read_constraints(bound.derived).names == ("x", "y")
    again = run_clustering(view, tmp_path, STRICT, Terms(constraints=tags))
    assert again.manifest.generation == bound.manifest.generation
    free = run_clustering(
        view, tmp_path, STRICT, Terms(constraints=tags, without=frozenset({"different_owners"}))
    )
    assert free.root_of(a) == free.root_of(b)


def test_due_decisions__nothing_is_due_before_the_lag() -> None:
    view = view_at(random_chain(1, BLOCKS))
    terms = Terms(decision_lag=BLOCKS)
    clustering = run_clustering(view, None, ARBITRARY, terms)
    assert len(clustering.derived.whole("decision_transaction")) == 0
    decider = ArbitraryDecider(
        view, clustering.coinjoins, STANDARD_EXCLUSION, Terms(decision_lag=3)
    )
    due = DueDecisions(decider, 3, only_joins=False)
    assert due.due(0, 3).first.tolist() == [0, 0, 0, 0]
    whole, split = due.due(0, BLOCKS), [due.due(0, 5), due.due(5, BLOCKS)]
    assert whole.transaction.tolist() == [
        *split[0].transaction.tolist(),
        *split[1].transaction.tolist(),
    ]
    assert len(whole.first) == BLOCKS + 1
    joins = DueDecisions(decider, 3, only_joins=True).due(0, BLOCKS)
    assert set(joins.verdict.tolist()) == {Verdict.SAME_OWNER}
    assert joins.first[-1] == len(joins.transaction)
