from pathlib import Path

from arien_flows.entities.coinjoins import CoinJoinFinding, mark_coinjoins
from heuristics.coinjoin import CoinJoinMark
from tests.ledgers import Tx, build_view

OPENING = [Tx(name="c", outputs=[(f"in{i}", 60_000) for i in range(5)])]
MIX = Tx(
    name="mix",
    inputs=["c:0", "c:1", "c:2"],
    outputs=[(f"out{i}", 40_000) for i in range(3)] + [(f"rest{i}", 20_000 - i) for i in range(3)],
)
DECOY = Tx(
    name="decoy",
    inputs=["c:3", "c:4"],
    outputs=[("s0", 50_000), ("s1", 50_000), ("s2", 12_000), ("s3", 8_000)],
)


def test_finding__tells_rules_confidence_and_shape() -> None:
    coinjoins = mark_coinjoins(build_view([*OPENING, MIX]), None)
    finding = coinjoins.finding(1)
    assert finding == CoinJoinFinding(
        rules=("coinjoin_definite", "coinjoin_joinmarket"),
        vetoed=False,
        confidence=49,
        participants=3,
        denomination_sat=40_000,
    )
    assert not finding.reportable
    assert coinjoins.finding(0) is None
    assert coinjoins.finding(2) is None


def test_detected__a_veto_hides_a_mark_from_traces_but_not_from_clustering() -> None:
    coinjoins = mark_coinjoins(build_view([*OPENING, MIX, DECOY]), None)
    finding = coinjoins.finding(2)
    assert finding is not None
    assert finding.vetoed
    assert finding.rules[-1] == "coinjoin_stonewall"
    assert finding.confidence is None
    assert coinjoins.marks[2] & CoinJoinMark.DEFINITE
    assert coinjoins.detected.tolist() == [0, coinjoins.marks[1], 0]


def test_finding__needs_a_measured_confidence_to_be_reported() -> None:
    def finding(confidence: int | None, vetoed: bool) -> CoinJoinFinding:
        return CoinJoinFinding(
            rules=("coinjoin_definite",),
            vetoed=vetoed,
            confidence=confidence,
            participants=3,
            denomination_sat=1,
        )

    assert finding(60, vetoed=False).reportable
    assert not finding(60, vetoed=True).reportable
    assert not finding(59, vetoed=False).reportable
    assert not finding(None, vetoed=False).reportable


def test_mark_coinjoins__continues_where_it_ended(tmp_path: Path) -> None:
    later = [Tx(name="c2", outputs=[("late", 1)]), MIX]
    mark_coinjoins(build_view([*OPENING, DECOY]), tmp_path)
    continued = mark_coinjoins(build_view([*OPENING, DECOY, *later]), tmp_path)
    whole = mark_coinjoins(build_view([*OPENING, DECOY, *later]), None)
    assert continued.marks.tolist() == whole.marks.tolist()
    assert continued.details.tolist() == whole.details.tolist()
    assert continued.derived.manifest.generation == 2
