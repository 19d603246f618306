from pathlib import Path

import numpy as np
import pytest

from arien_flows.entities import coinjoin_neighbours, coinjoins
from arien_flows.entities.coinjoin_findings import MARK_OF_RULE, Amount, CoinJoinFinding
from arien_flows.entities.coinjoins import (
    COORDINATORS,
    CoinJoins,
    eras_of,
    mark_coinjoins,
)
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.networks import BITCOIN
from heuristics.coinjoin import CoinJoinMark, Design
from heuristics.coinjoin_columns import ANY_TIME, Eras
from tests.ledgers import Chain, Tx, batch_of, build_view, text_of_name

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
PAIR = Tx(name="pair", inputs=["c:3", "c:4"], outputs=[("p0", 50_000), ("p1", 50_000)])
LEVELS = [
    Tx(name="c", outputs=[(f"in{i}", 180_000_000) for i in range(3)]),
    Tx(
        name="levels",
        inputs=["c:0", "c:1", "c:2"],
        outputs=[("l0", 9_960_000), ("l1", 10_000_000), ("l2", 10_040_000), ("l3", 500_000_123)],
    ),
]
PAYJOIN = Tx(
    name="payjoin", inputs=["c:2", "c:3", "c:4"], outputs=[("p0", 70_000), ("p1", 100_000)]
)


def found_in(view: View, transaction: int, **known: object) -> CoinJoinFinding | None:
    return mark_coinjoins(view, None).finding(transaction, view=view, **known)


def test_finding__tells_rules_confidence_and_shape() -> None:
    marked = mark_coinjoins(build_view([*OPENING, MIX]), None)
    finding = marked.finding(1)
    assert finding is not None
    assert finding.rules == (
        "coinjoin_definite",
        "coinjoin_proven",
        "coinjoin_joinmarket",
        "coinjoin_possible",
    )
    assert finding.design == Design.EQUAL_OUTPUTS
    assert finding.detected
    assert not finding.vetoed
    assert finding.confidence == 49
    assert finding.participants == 3
    assert finding.amounts == (Amount(value_sat=40_000, outputs=3),)
    assert not finding.reportable
    assert marked.finding(0) is None
    assert marked.finding(2) is None


def test_detected__a_veto_hides_a_mark_from_traces_but_not_from_clustering() -> None:
    marked = mark_coinjoins(build_view([*OPENING, MIX, DECOY]), None)
    finding = marked.finding(2)
    assert finding is not None
    assert finding.vetoes == ("coinjoin_stonewall",)
    assert finding.confidence is None
    assert marked.mark(2) & CoinJoinMark.DEFINITE
    assert marked.detected.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("payment", "rules", "design"),
    [(PAIR, ("coinjoin_possible",), Design.POSSIBLE), (PAYJOIN, ("payjoin_possible",), None)],
)
def test_finding__what_is_only_possible_is_no_detection(payment, rules, design) -> None:
    marked = mark_coinjoins(build_view([*OPENING, payment]), None)
    finding = marked.finding(1)
    assert finding is not None
    assert (finding.rules, finding.design) == (rules, design)
    assert not finding.detected
    assert not finding.reportable
    assert marked.detected.tolist() == [0, 0]
    assert len(marked.details) == 0


def test_finding__needs_a_source_for_its_confidence_to_be_reported() -> None:
    def finding(
        confidence: int | None, *, vetoes: tuple[str, ...] = (), mark: str = "DEFINITE"
    ) -> CoinJoinFinding:
        return CoinJoinFinding(
            marks=CoinJoinMark[mark],
            design=Design.EQUAL_OUTPUTS,
            rules=("coinjoin_definite",),
            vetoes=vetoes,
            confidence=confidence,
            participants=3,
            amounts=(),
        )

    assert finding(60).reportable
    assert not finding(60, vetoes=("coinjoin_exchange",)).reportable
    assert not finding(59).reportable
    assert not finding(None).reportable
    assert finding(None, mark="WASABI_1").reportable
    assert not finding(None, mark="WASABI_1", vetoes=("coinjoin_exchange",)).reportable


def test_mark_coinjoins__continues_where_it_ended(tmp_path: Path) -> None:
    later = [Tx(name="c2", outputs=[("late", 1)]), MIX]
    mark_coinjoins(build_view([*OPENING, DECOY]), tmp_path)
    continued = mark_coinjoins(build_view([*OPENING, DECOY, *later]), tmp_path)
    whole = mark_coinjoins(build_view([*OPENING, DECOY, *later]), None)
    assert continued.marks.tolist() == whole.marks.tolist()
    assert continued.details.tolist() == whole.details.tolist()
    assert continued.amounts.tolist() == whole.amounts.tolist()
    assert continued.derived.manifest.generation == 2


def test_finding__an_exchange_among_the_senders_is_a_veto() -> None:
    view = build_view([*OPENING, MIX, DECOY])
    exchange = view.find_address(text_of_name("in1"))
    finding = found_in(view, 1, is_exchange=exchange.__eq__)
    assert finding is not None
    assert finding.vetoes == ("coinjoin_exchange",)
    other = found_in(view, 1, is_exchange=view.find_address(text_of_name("in3")).__eq__)
    assert other is not None
    assert other.vetoes == ()


POOL = 1_000_000
FUNDS = [
    Tx(name="c", outputs=[(f"in{i}", 4_000_000) for i in range(3)]),
    Tx(name="c2", outputs=[(f"old{i}", POOL) for i in range(4)]),
]
TX0 = [
    Tx(
        name=f"tx0-{i}",
        inputs=[f"c:{i}"],
        outputs=[
            ("data:pool", 0),
            (f"fee{i}", 50_000),
            (f"pre{i}", POOL + 300),
            (f"pre{i}b", POOL + 300),
            (f"change{i}", 198_500 if i < 2 else 60_000),
        ],
    )
    for i in range(3)
]
FIRST_MIX = Tx(
    name="first",
    inputs=["c2:0", "c2:1", "c2:2", "tx0-0:2", "tx0-1:2"],
    outputs=[(f"mix{i}", POOL) for i in range(5)],
)
SECOND_MIX = Tx(
    name="second",
    inputs=["first:0", "first:1", "first:2", "tx0-0:3", "tx0-2:2"],
    outputs=[(f"again{i}", POOL) for i in range(5)],
)
THIRD_MIX = Tx(
    name="third",
    inputs=["second:0", "second:1", "second:2", "tx0-1:3", "tx0-2:3"],
    outputs=[(f"third{i}", POOL) for i in range(5)],
)
MIXES = [*FUNDS, *TX0, FIRST_MIX, SECOND_MIX, THIRD_MIX]
NUMBER = {tx.name: number for number, tx in enumerate(MIXES)}


@pytest.fixture(scope="module")
def mixes() -> tuple[View, CoinJoins]:
    view = build_view(MIXES)
    return view, mark_coinjoins(view, None)


def test_finding__a_whirlpool_mix_is_as_good_as_where_its_coins_come_from(mixes) -> None:
    view, marked = mixes
    lineages = {}
    for name in ("first", "second", "third"):
        finding = marked.finding(NUMBER[name], view=view)
        assert finding is not None
        assert finding.design == Design.WHIRLPOOL
        assert finding.reportable
        lineages[name] = finding.lineage
    # Two mixes back the third comes to the second; the first, where coins of unknown origin came
    # in, lies further back.
    assert lineages == {"first": "broken", "second": "broken", "third": "proven"}
    unasked = marked.finding(NUMBER["third"])
    assert unasked is not None
    assert unasked.lineage is None


def test_finding__a_tx0_is_surer_once_a_mix_spends_it(mixes) -> None:
    view, marked = mixes
    before = marked.finding(NUMBER["tx0-0"])
    after = marked.finding(NUMBER["tx0-0"], view=view)
    assert before is not None
    assert after is not None
    assert (before.confidence, after.confidence) == (60, 90)
    assert before.participants == after.participants == 2
    assert after.rules == ("coinjoin_whirlpool_tx0", "coinjoin_whirlpool_tx0_spent")
    assert not after.detected
    alone = build_view([*FUNDS, *TX0])
    unspent = found_in(alone, NUMBER["tx0-0"])
    assert unspent is not None
    assert unspent.confidence == 60


def test_finding__a_mix_shows_a_tx0_whose_shape_is_in_doubt(mixes) -> None:
    view, marked = mixes
    assert not marked.mark(NUMBER["tx0-2"]) & CoinJoinMark.WHIRLPOOL_TX0
    found = marked.finding(NUMBER["tx0-2"], view=view)
    assert found is not None
    assert found.design == Design.WHIRLPOOL_TX0
    assert found.rules == ("coinjoin_whirlpool_tx0_spent",)
    assert found.confidence == 90
    assert found.amounts == (Amount(value_sat=POOL, outputs=2),)


def equal_tx0() -> list[Tx]:
    """Return a split by three addresses that pays no pool, and a mix that spends a coin of it."""
    return [
        Tx(name="c", outputs=[(f"own{i}", POOL + 600) for i in range(3)]),
        Tx(name="old", outputs=[(f"old{i}", POOL) for i in range(4)]),
        Tx(
            name="split",
            inputs=["c:0", "c:1", "c:2"],
            outputs=[
                ("data:pool", 0),
                *((f"new{i}", POOL + 300) for i in range(3)),
                ("rest0", 100),
                ("rest1", 200),
            ],
        ),
        Tx(
            name="mix",
            inputs=["old:0", "old:1", "old:2", "old:3", "split:1"],
            outputs=[(f"mix{i}", POOL) for i in range(5)],
        ),
    ]


def test_finding__a_mix_shows_a_tx0_where_outputs_are_equal() -> None:
    view = build_view(equal_tx0())
    marked = mark_coinjoins(view, None)
    before, after = marked.finding(2), marked.finding(2, view=view)
    assert before is not None
    assert after is not None
    assert (before.design, after.design) == (Design.EQUAL_OUTPUTS, Design.WHIRLPOOL_TX0)
    assert before.marks == after.marks
    assert after.detected
    assert after.rules == (*before.rules, "coinjoin_whirlpool_tx0_spent")
    assert after.confidence == 90
    assert after.amounts == (Amount(value_sat=POOL, outputs=3),)


def test_finding__wasabi_1_by_levels_says_what_outputs_are_near() -> None:
    view = build_view(LEVELS)
    found = found_in(view, 1)
    assert found is not None
    assert found.design == Design.WASABI_1
    assert found.amounts == ()
    assert found.level == Amount(value_sat=10_000_000, outputs=3)


def test_finding__tells_how_many_inputs_were_not_asked(monkeypatch) -> None:
    monkeypatch.setattr(coinjoin_neighbours, "INPUTS_ASKED", 2)
    view = build_view([*OPENING, MIX])
    last = found_in(view, 1, is_exchange=view.find_address(text_of_name("in2")).__eq__)
    first = found_in(view, 1, is_exchange=view.find_address(text_of_name("in1")).__eq__)
    unasked = found_in(view, 1)
    assert last is not None
    assert first is not None
    assert unasked is not None
    assert (last.vetoes, last.inputs_unasked) == ((), 1)
    assert (first.vetoes, first.inputs_unasked) == (("coinjoin_exchange",), 0)
    assert unasked.inputs_unasked == 0


def test_finding__a_decoy_of_mixed_coins_is_no_coinjoin() -> None:
    decoy = Tx(
        name="decoy",
        inputs=["third:0", "third:1"],
        outputs=[("d0", 700_000), ("d1", 700_000), ("d2", 290_000), ("d3", 290_000)],
    )
    view = build_view([*MIXES, decoy])
    found = found_in(view, len(MIXES))
    assert found is not None
    assert found.marks & CoinJoinMark.DEFINITE
    assert found.vetoes == ("coinjoin_postmix",)
    unasked = mark_coinjoins(view, None).finding(len(MIXES))
    assert unasked is not None
    assert unasked.vetoes == ()


def round_of(name: str, inputs: list[str], amounts: list[int]) -> Tx:
    return Tx(name=name, inputs=inputs, outputs=[(f"{name}{i}", v) for i, v in enumerate(amounts)])


def rounds(amounts: list[int]) -> list[Tx]:
    """Return a round of 15 coins, one that spends a coin of it, and one that nobody mixes again."""
    sizes = [amounts[0] + 50_000] * 46
    fund = Tx(name="c", outputs=[(f"in{i}", size) for i, size in enumerate(sizes)])
    one = round_of("one", [f"c:{i}" for i in range(15)], amounts)
    two = round_of("two", [*(f"c:{i}" for i in range(15, 30)), "one:0"], amounts)
    three = round_of("three", [f"c:{i}" for i in range(30, 45)], amounts)
    return [fund, one, two, three]


@pytest.mark.parametrize(
    ("amounts", "vetoes"),
    [
        (
            [100_000, 100_000, 50_000, 50_000, 20_000, 10_000],
            [(), (), ("coinjoin_wasabi_2_isolated",)],
        ),
        (
            [8_388_608, 8_388_608, 50_000, 50_000, 20_000, 10_000],
            [
                ("coinjoin_wasabi_2_lookalike",),
                (),
                ("coinjoin_wasabi_2_lookalike",),
            ],
        ),
    ],
)
def test_finding__a_round_of_wasabi_2_hangs_together_with_others(amounts, vetoes) -> None:
    view = build_view(rounds(amounts))
    marked = mark_coinjoins(view, None)
    found = [marked.finding(number, view=view) for number in (1, 2, 3)]
    assert [each.design for each in found if each] == [Design.WASABI_2] * 3
    assert [each.vetoes for each in found if each] == vetoes
    last = np.array([view.counts.outputs - 1])
    unsure = marked.finding(3, view=view, unasked=last)
    assert unsure is not None
    assert "coinjoin_wasabi_2_isolated" not in unsure.vetoes
    assert marked.detected.tolist() == [0, 1, 1, 1]
    first = found[1]
    assert first is not None
    assert first.participants == 2
    assert first.amounts == tuple(
        Amount(value_sat=value, outputs=amounts.count(value)) for value in sorted(set(amounts))
    )


def test_eras_of__other_networks_have_no_history() -> None:
    assert eras_of(build_view(OPENING)) == ANY_TIME


def test_eras_of__the_main_network_begins_each_design_at_its_block(monkeypatch) -> None:
    names = ["a", "b", "p2wpkh:coordinator", "d", "e"]
    chain = Chain().add([Tx(name=name, outputs=[(name, 1)]) for name in names])
    batch = batch_of(chain.blocks)
    heights = [530_499, 530_500, 570_000, 741_212, 741_213]
    view = view_of(batch, BITCOIN, heights=np.array(heights, dtype=np.uint32))
    assert eras_of(view) == Eras(1, 3, 2, 4, -1, -1)
    early = view_of(
        batch_of(chain.blocks[:2]), BITCOIN, heights=np.array(heights[:2], dtype=np.uint32)
    )
    assert eras_of(early) == Eras(1, 2, 2, 2, -1, -1)
    known = view.address_text(2)
    monkeypatch.setattr(coinjoins, "COORDINATORS", (known, COORDINATORS[1]))
    assert eras_of(view) == Eras(1, 3, 2, 4, 2, -1)


def test_mark_of_rule__names_every_mark() -> None:
    assert sorted(MARK_OF_RULE.values()) == sorted(CoinJoinMark)
