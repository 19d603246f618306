"""What the program says of simulated chains, held against what is true."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tagpack import read_tagpack
from arien_flows.entities.change_decisions import KindField
from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.counted_votes import counted_votes
from arien_flows.entities.fingerprints import multisig_reveals, multisig_reveals_of
from arien_flows.entities.profiles import Terms
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.verify import verify
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.roles import Kind
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import trace
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from chains.tables import ScriptType
from heuristics.coinjoin import DETECTIONS, EQUAL_MARKS, CoinJoinMark
from heuristics.constrained_fields import DecidedBy
from heuristics.cospend import LogField

pytestmark = pytest.mark.slow

SHAPED = {
    Kind.EQUAL_OUTPUTS: EQUAL_MARKS,
    Kind.FIVE_BY_FIVE: CoinJoinMark.WHIRLPOOL,
    Kind.DENOMINATIONS: CoinJoinMark.WASABI_2,
}
"""CoinJoins that have a shape, and the marks that say so."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A simulated chain as the program sees it, with the truth beside."""

    truth: Truth
    view: View
    clustering: Clustering

    def owner(self, address: int) -> int:
        """Return the true owner of an address number."""
        return self.truth.owner_of_text(str(self.view.address_text(address)))


@pytest.fixture(scope="module", params=[(2_000, 1), (8_000, 5)])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    transactions, seed = request.param
    folder = tmp_path_factory.mktemp("truth")
    simulate(Parameters(transactions=transactions, seed=seed, xor_key=bytes(range(8))), folder)
    truth = Truth(folder)
    with LedgerWriter(folder / "ledger", REGTEST) as writer:
        ingest(writer, BlockFiles(truth.blocks, REGTEST))
    ledger = Ledger(folder / "ledger")
    assert verify(ledger).ok
    view = ledger.view()
    return Case(
        truth=truth, view=view, clustering=run_clustering(view, folder / "ledger" / "derived")
    )


def test_ledger__holds_what_was_simulated(case: Case) -> None:
    assert [case.view.txid_text(1 + i) for i in range(len(case.truth.transactions))] == [
        case.truth.txid(i) for i in range(len(case.truth.transactions))
    ]
    assert case.view.tip.block_hash == case.truth.summary["tip_hash"]
    unspent = (case.view.spender >= case.view.counts.transactions) & (
        case.view.output_address != NO_ADDRESS
    )
    # The genesis block's output is in the ledger and not in the truth.
    assert int(unspent.sum()) - 1 == case.truth.summary["unspent_outputs"]


def test_clustering__joins_two_owners_only_where_a_rule_must_fail(case: Case) -> None:
    kind_of = dict(zip(case.truth.joint["transaction"] + 1, case.truth.joint["kind"], strict=True))
    must_fail = dict(
        zip(case.truth.joint["transaction"] + 1, case.truth.joint["must_fail"], strict=True)
    )
    false_merges: Counter[Kind] = Counter()
    true_merges = 0
    log = case.clustering.log
    for row in log.slice(0, len(log)):
        left, right = int(row[LogField.ADDRESS_A]), int(row[LogField.ADDRESS_B])
        transaction = int(row[LogField.TRANSACTION])
        if case.owner(left) == case.owner(right):
            true_merges += 1
            continue
        kind = Kind(kind_of[transaction])
        assert must_fail[transaction] == "multi_input"
        false_merges[kind] += 1
    print(  # noqa: T201 - what `pytest -s` reports
        "false merges by kind of transaction:", {k.name: n for k, n in false_merges.items()}
    )
    assert true_merges > 100 * false_merges.total()
    assert false_merges[Kind.PAYJOIN] > 0, "the simulation must hold what the rule gets wrong"


def test_wide__guesses_nothing_about_the_release_of_an_escrow(case: Case) -> None:
    kinds = case.truth.transactions["kind"]
    releases = 1 + np.flatnonzero(np.isin(kinds, [Kind.ESCROW_RELEASE, Kind.ESCROW_REFUND]))
    released_by_keys = releases[
        [
            case.view.script_type[case.view.input_address[case.view.first_input[number]]]
            in (ScriptType.P2SH, ScriptType.P2WSH)
            for number in releases.tolist()
        ]
    ]
    assert len(released_by_keys) > 0
    log = run_clustering(case.view, None, "wide", Terms(decision_lag=20)).log.whole()
    by_guess = log[np.isin(log[:, LogField.RULE], [DecidedBy.VOTE, DecidedBy.ONE_TIME])]
    assert len(by_guess) > 0
    assert not np.isin(by_guess[:, LogField.TRANSACTION], released_by_keys).any()


def test_counted_votes__come_to_the_lead_of_every_decision(case: Case) -> None:
    made = run_clustering(case.view, None, "wide", Terms(decision_lag=20)).derived
    kinds = made.whole("decision_kind")
    by_vote = np.flatnonzero(kinds[:, KindField.RULE] == DecidedBy.VOTE)
    for row in by_vote[:: max(len(by_vote) // 300, 1)].tolist():
        found = counted_votes(case.view, int(made.whole("decision_transaction")[row]), 20)
        assert found is not None
        assert found.lead == kinds[row, KindField.VOTES]


def test_multisig_reveals_of__are_the_rows_that_a_pass_finds(case: Case) -> None:
    rows = multisig_reveals(case.view)
    assert len(rows) > 0
    shown = case.view.input_address[case.view.reveal_input[rows]].tolist()
    assert multisig_reveals_of(case.view, shown).tolist() == rows.tolist()
    others = sorted(set(range(0, case.view.counts.addresses, 50)) - set(shown))
    assert len(multisig_reveals_of(case.view, others)) == 0


def test_clustering__leaves_out_every_coinjoin_of_a_known_shape(case: Case) -> None:
    joint = case.truth.joint
    marks = case.clustering.coinjoins.marks
    for kind, shape in SHAPED.items():
        known = joint[joint["kind"] == kind]["transaction"] + 1
        assert len(known) > 0
        assert (marks[known] & np.uint16(shape) != 0).all()
    true_joint = set(joint["transaction"] + 1)
    marked = case.clustering.coinjoins.detected.nonzero()[0]
    mistaken = [number for number in marked if int(number) not in true_joint]
    print(  # noqa: T201 - what `pytest -s` reports
        f"CoinJoins: {len(marked)} marked, {len(mistaken)} of them wrongly, "
        f"of {len(marks)} transactions"
    )
    assert len(mistaken) <= len(marked) // 10


def test_coinjoins__tell_a_tx0_and_leave_its_inputs_joined(case: Case) -> None:
    kinds = case.truth.transactions["kind"].to_numpy()
    tx0 = np.flatnonzero(kinds == Kind.MIX_ENTRY) + 1
    marks = case.clustering.coinjoins.marks
    is_marked = marks[tx0] & np.uint16(CoinJoinMark.WHIRLPOOL_TX0) != 0
    print(  # noqa: T201 - what `pytest -s` reports
        f"Tx0: {is_marked.sum()} of {len(tx0)} marked"
    )
    assert is_marked.mean() > 0.8
    assert not (marks[tx0[is_marked]] & np.uint16(DETECTIONS)).any()
    others = np.delete(marks, tx0)
    assert not (others & np.uint16(CoinJoinMark.WHIRLPOOL_TX0)).any()


@pytest.mark.parametrize("policy", ["poison", "haircut", "fifo"])
def test_trace__of_the_theft_ends_at_the_deposits_with_the_exact_amounts(
    case: Case, policy: str
) -> None:
    theft = case.truth.theft
    tags = read_tagpack(case.truth.tagpack)
    answer = trace(
        case.view,
        TraceRequest(sources=(theft["source"],), policy=policy),
        entities=case.clustering,
        attribution=attribute(case.view, tags.tags, case.clustering),
        coinjoin_marks=case.clustering.coinjoins.detected,
    ).answer
    assert answer.totals.source == str(theft["stolen_sat"])
    arrived = {leaf.outpoint: leaf for leaf in answer.leaves if leaf.reason == "service_reached"}
    for deposit in theft["deposits"]:
        leaf = arrived[deposit["outpoint"]]
        assert leaf.address == theft["deposit_address"]
        assert int(leaf.traced) == deposit["expected_sat"][policy]
        assert leaf.service is not None
    if policy != "poison":
        parts = [*answer.totals.by_reason.values(), answer.totals.fees, answer.totals.destroyed]
        assert sum(map(int, parts)) == theft["stolen_sat"]


def test_demix__gives_each_candidate_the_chance_that_it_has(case: Case) -> None:
    joint = case.truth.joint
    attribution = attribute(case.view, read_tagpack(case.truth.tagpack).tags, case.clustering)
    found: Counter[str] = Counter()
    expected = Fraction(0)
    for kind in SHAPED:
        for transaction in (joint[joint["kind"] == kind]["transaction"] + 1).tolist()[:20]:
            row = int(case.view.first_input[transaction])
            coin = int(case.view.spent_output[row])
            told = trace(
                case.view,
                TraceRequest(
                    sources=(case.view.outpoint_text(coin),),
                    min_value_sat=1,
                    demix="candidates",
                    demix_depth=1,
                ),
                entities=case.clustering,
                attribution=attribution,
                coinjoin_marks=case.clustering.coinjoins.detected,
            ).answer
            assert told.totals.by_reason == {"coinjoin": str(int(case.view.output_value[coin]))}
            assert told.inferences is not None
            (behind,) = told.inferences.coinjoins
            owner = case.owner(int(case.view.input_address[row]))
            for candidate in behind.candidates:
                is_his = case.truth.owner_of_text(str(candidate.address)) == owner
                if candidate.rule == "demix_change":
                    found["changes"] += 1
                    found["right changes"] += is_his
                elif candidate.chance is not None:
                    found["equal"] += 1
                    found["right equal"] += is_his
                    chance = candidate.chance
                    expected += Fraction(int(chance.numerator), int(chance.denominator))
    print(  # noqa: T201 - what `pytest -s` reports
        f"candidates: {found['right equal']} of {found['equal']} equal ones right, "
        f"{float(expected):.1f} expected; {found['right changes']} of {found['changes']} changes"
    )
    assert found["changes"] == found["right changes"] > 0
    # Every participant of a simulated round takes one equal output; remixed coins can be his, too.
    assert expected <= found["right equal"] <= expected + found["equal"] // 20
