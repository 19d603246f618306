"""The last points on the chain: what is said of the coins at services at which paths ended."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.amounts import asset_of, coins
from arien_flows.cli.trace_texts import comparison_lines
from arien_flows.ledger.view import View
from arien_flows.reports.cells import safe_text
from arien_flows.reports.service_points_table import COLUMNS, write_service_points
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.comparison import compare
from arien_flows.tracing.request import POLICIES, TraceRequest
from arien_flows.tracing.trace import trace
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.arien_flows.tracing.test_trace import JoinedAddresses
from tests.ledgers import Tx, build_view, text_of_name

PAID = [
    Tx(name="mined", outputs=[("thief", 50 * COIN)]),
    Tx(name="other", outputs=[("bystander", 50 * COIN)]),
    Tx(name="first", inputs=["mined:0"], outputs=[("deposit", 5 * COIN), ("hop", 45 * COIN)]),
    Tx(name="second", inputs=["first:1"], outputs=[("deposit", 7 * COIN), ("hop-2", 38 * COIN)]),
    Tx(
        name="third",
        inputs=["other:0", "second:1"],
        outputs=[("till", 60 * COIN), ("rest", 27 * COIN)],
    ),
    Tx(name="sweep", inputs=["first:0", "second:0"], outputs=[("vault", 12 * COIN - 500)]),
]
SERVICES = {"deposit": "exchange", "till": "payment_processor"}


@pytest.fixture(scope="module")
def paid() -> View:
    return build_view(PAID)


def ask(view: View, source: str = "thief", /, **fields: object) -> TraceAnswer:
    request = TraceRequest(
        sources=(text_of_name(source),),
        min_value_sat=1,
        **fields,  # type: ignore[arg-type]
    )
    return trace(view, request, attribution=attribution_of(view, SERVICES)).answer


def name_of(view: View, outpoint: str | None) -> str:
    assert outpoint is not None
    txid, _, vout = outpoint.rpartition(":")
    return f"{PAID[view.find_transaction(txid)].name}:{vout}"


def test_service_points__gather_the_coins_of_an_address(paid):
    deposit, till = ask(paid).service_points
    assert (deposit.label, deposit.kind, deposit.address) == (
        "The deposit", "deposit", text_of_name("deposit"),
    )  # fmt: skip
    assert [name_of(paid, coin.outpoint) for coin in deposit.coins] == ["first:0", "second:0"]
    assert [(coin.value, coin.traced) for coin in deposit.coins] == [
        (str(5 * COIN),) * 2, (str(7 * COIN),) * 2,
    ]  # fmt: skip
    assert (deposit.value, deposit.traced) == (str(12 * COIN),) * 2
    assert [coin.hops for coin in deposit.coins] == [1, 2]
    for coin in deposit.coins:
        assert coin.outpoint is not None
        assert coin.txid == coin.outpoint.partition(":")[0]
        assert coin.next is not None
        assert paid.find_transaction(coin.next.txid) == 5
        assert (coin.next.inputs, coin.next.outputs) == (2, 1)
    assert (deposit.source, deposit.confidence, deposit.tagged) == (
        "https://example.org/list", 50, "direct",
    )  # fmt: skip
    # By arrival order, 50 of the 60 are the bystander's.
    assert (till.value, till.traced, till.reason) == (
        str(60 * COIN), str(10 * COIN), "service_reached",
    )  # fmt: skip
    assert till.coins[0].next is None


def test_service_points__say_what_rests_on_the_entity(paid):
    entities = JoinedAddresses(paid, ["till", "rest"])
    answer = trace(
        paid,
        TraceRequest(sources=(text_of_name("thief"),), min_value_sat=1),
        entities=entities,
        attribution=attribution_of(paid, SERVICES, entities),
    ).answer
    by_address = {point.address: point for point in answer.service_points}
    assert by_address[text_of_name("till")].tagged == "direct"
    rest = by_address[text_of_name("rest")]
    assert (rest.tagged, rest.label, rest.entity) == (
        "inherited", "The till", text_of_name("till"),
    )  # fmt: skip
    assert "another address of its entity" in rest.text


def test_service_points__backward_name_the_transaction_in_which_the_service_paid(paid):
    (point,) = ask(paid, "vault", direction="backward").service_points
    assert (point.kind, point.address) == ("withdrawal", text_of_name("deposit"))
    assert {paid.find_transaction(coin.txid) for coin in point.coins} == {5}
    moves = [paid.find_transaction(coin.next.txid) for coin in point.coins if coin.next]
    assert moves == [2, 3]
    assert "Paid out by it" in point.text


def test_service_points__text_can_be_copied_as_it_stands(paid):
    deposit, _ = ask(paid).service_points
    lines = deposit.text.splitlines()
    assert lines[0] == f"Ask The deposit about the address {text_of_name('deposit')}"
    assert "in all" not in deposit.text
    assert "12.00000000 tBTC in 2 coins" in lines[2]
    assert "by the fifo convention (an inference): 12.00000000 tBTC" in lines[3]
    assert sum(line.startswith("- ") for line in lines) == 2
    assert sum("spent with 1 other coin in" in line for line in lines) == 2
    assert lines[-1].startswith("Which account")
    assert deposit.text.endswith("\n")


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(POLICIES)))
def test_service_points__add_up_to_the_services_of_the_trace(seed, policy):
    view = build_view(busy_chain(seed))
    services = attribution_of(view, {"exchange": "exchange", "mixer": "mixer"})
    request = TraceRequest(sources=(text_of_name("thief"),), policy=policy, min_value_sat=1)
    answer = trace(view, request, attribution=services).answer
    for total in answer.services:
        told = [point for point in answer.service_points if point.label == total.label]
        points = [point for point in told if point.reason == total.reason]
        assert sum(int(point.traced) for point in points) == int(total.traced)
        assert sum(len(point.coins) for point in points) == total.coins
        assert len(points) == total.addresses
        assert min(point.first_time for point in points) == total.first_time
    leaves = {leaf.outpoint: leaf for leaf in answer.leaves if leaf.service}
    for point in answer.service_points:
        for coin in point.coins:
            leaf = leaves.pop(coin.outpoint)
            assert (coin.traced, coin.value, coin.hops) == (leaf.traced, leaf.value, leaf.hops)
    assert not leaves


def test_comparison__shows_the_span_at_each_address(paid):
    request = TraceRequest(sources=(text_of_name("thief"),), min_value_sat=1)
    told = compare(paid, request, attribution=attribution_of(paid, SERVICES))
    spans = {span.address: span for span in told.service_points}
    till = spans[text_of_name("till")]
    assert till.traced["fifo"] == str(10 * COIN)
    assert till.traced["poison"] == till.value == str(60 * COIN)
    assert int(till.least) <= 10 * COIN < int(till.most) < 60 * COIN
    lines = list(comparison_lines(told))
    place = lines.index(f"  at {till.address}, The till")
    least, most = (coins(each, asset_of("regtest")) for each in (till.least, till.most))
    assert lines[place - 1] == f"{least} to {most}, of 60.00000000 tBTC in all"
    deposit = spans[text_of_name("deposit")]
    assert (deposit.least, deposit.most) == (str(12 * COIN),) * 2


# --- the table


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n@"])
def test_safe_cell__starts_no_formula(start):
    cell = safe_text(f"{start}HYPERLINK(1)")
    assert cell[0] == "'"
    assert safe_text("plain = text") == "plain = text"


def test_write_service_points__writes_a_row_for_each_coin(tmp_path: Path, paid):
    file = tmp_path / "points.csv"
    services = {"deposit": "exchange", "till": "market"}
    request = TraceRequest(sources=(text_of_name("thief"),), min_value_sat=1)
    answer = trace(paid, request, attribution=attribution_of(paid, services)).answer
    write_service_points(answer, file)
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [row["outpoint"] for row in rows] == [
        coin.outpoint for point in answer.service_points for coin in point.coins
    ]
    assert [row["traced_base_units"] for row in rows] == [
        coin.traced for point in answer.service_points for coin in point.coins
    ]
    assert rows[2]["traced_coins"] == "10.00000000"
    assert {cell[:1] for row in rows for cell in row.values()}.isdisjoint("=+-@")
