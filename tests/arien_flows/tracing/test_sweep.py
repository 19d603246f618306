"""Whole-ledger taint over real blocks: sources, sums, conservation, files, interruption."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from bitcoin.core import CoreRegTestParams
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import no_attribution
from arien_flows.errors import InputError, NotFoundError
from arien_flows.ledger.beginning import genesis_outputs
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from arien_flows.tracing import sweep as engine
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.engine import Ground
from arien_flows.tracing.request import POLICIES, TraceRequest
from arien_flows.tracing.sweep import Swept, run_sweep
from arien_flows.tracing.sweep_answer import TaintAnswer
from arien_flows.tracing.sweep_files import (
    COINS_FILE,
    FEES_FILE,
    FeeRows,
    folder_in_the_making,
    write_coins,
)
from arien_flows.tracing.sweep_request import SweepRequest, listed_sources
from arien_flows.tracing.sweep_summary import taint_answer
from arien_flows.tracing.trace import trace
from chains.bitcoin.networks import REGTEST
from chains.types import UInt8Array
from heuristics.conservation import ConservationError
from heuristics.propagate import MOST_COLOURS
from heuristics.taint import Stop
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.ledgers import Tx, batch_of, build_view, text_of_name


def ground_of(
    view: View, services: dict[str, str] | None = None, marks: UInt8Array | None = None
) -> Ground:
    return Ground(
        view=view,
        entities=SingleAddresses(),
        attribution=attribution_of(view, services) if services else no_attribution(view),
        coinjoin_marks=marks,
    )


def taint(view: View, *names: str, services: dict[str, str] | None = None, **fields: Any) -> Swept:
    sources = tuple(name if ":" in name else text_of_name(name) for name in names)
    return run_sweep(ground_of(view, services), SweepRequest(sources=sources, **fields))


def accounted(answer: TaintAnswer) -> int:
    totals = answer.totals
    return sum(map(int, totals.by_reason.values())) + int(totals.fees) + int(totals.destroyed)


@pytest.mark.slow
@settings(max_examples=10)
@given(st.integers(0, 1_000), st.sampled_from(sorted(POLICIES)))
def test_sweep__agrees_with_a_trace_without_limits(seed, policy):
    view = build_view(busy_chain(seed, 25))
    swept = taint(view, "thief", policy=policy)
    request = TraceRequest(
        sources=(text_of_name("thief"),),
        policy=policy,
        min_value_sat=1,
        max_hops=10_000,
        fan_out_percent=0,
        dormant_days=36_500,
    )
    expected = trace(view, request).answer
    answer = taint_answer(swept)
    assert answer.totals == expected.totals
    ends = {
        (view.outpoint_text(int(output)), Stop(reason).name.lower()): str(amount)
        for output, amount, reason in zip(
            swept.found.output, swept.found.amount.tolist(), swept.found.reason, strict=True
        )
        if reason != Stop.DESTROYED
    }
    assert ends == {(leaf.outpoint, leaf.reason): leaf.traced for leaf in expected.leaves}


@pytest.mark.slow
@settings(max_examples=10)
@given(
    st.integers(0, 1_000),
    st.sampled_from(sorted(POLICIES)),
    st.sampled_from(["track", "drop"]),
)
def test_answer__adds_up_in_every_way(seed, policy, fee_mode):
    view = build_view(busy_chain(seed, 25))
    services = {"exchange": "exchange", "miner2": "market"}
    swept = taint(view, "thief", "miner2", services=services, policy=policy, fee_mode=fee_mode)
    answer = taint_answer(swept)
    if policy != "poison":
        assert accounted(answer) == int(answer.totals.source) == swept.source_sat
    resting = int(answer.totals.by_reason.get("unspent", "0"))
    assert sum(int(month.came_to_rest) for month in answer.months) == resting
    assert sum(int(month.fees) for month in answer.months) == int(answer.totals.fees)
    assert sum(int(month.destroyed) for month in answer.months) == int(answer.totals.destroyed)
    assert sum(int(holder.tainted) for holder in answer.holders) == resting
    assert answer.holder_count == len(answer.holders)
    named = {holder.label: holder.tainted for holder in answer.holders if holder.label}
    assert {service.label: service.tainted for service in answer.services} == named
    for holder in answer.holders:
        assert 0 < int(holder.tainted) <= int(holder.value)
    assert canonical_json(taint_answer(swept)) == canonical_json(answer)


def test_answer__tells_up_to_62_sources_apart():
    view = build_view(busy_chain(3, 25))
    answer = taint_answer(taint(view, "thief", "miner1", "miner2"))
    assert [share.source for share in answer.by_source] == list(answer.request.sources)
    for reason in ("unspent", "fees"):
        whole = answer.totals.fees if reason == "fees" else answer.totals.by_reason[reason]
        assert sum(int(share.by_reason.get(reason, 0)) for share in answer.by_source) >= int(whole)
    outputs = [f"{view.txid_text(0)}:0"] * 63
    many = taint_answer(run_sweep(ground_of(view), SweepRequest(sources=tuple(outputs))))
    assert many.by_source == ()
    assert "sources_not_told_apart" in {cut.reason for cut in many.truncations}


CHAIN = [
    Tx(name="mined", outputs=[("market", 50 * COIN)]),
    Tx(name="mined2", outputs=[("clean", 50 * COIN)]),
    Tx(name="sell", inputs=["mined:0"], outputs=[("vendor", 20 * COIN), ("cash", 29 * COIN)]),
    Tx(name="bank", inputs=["sell:1"], outputs=[("exchange", 29 * COIN)]),
    Tx(name="on", inputs=["bank:0"], outputs=[("stranger", 28 * COIN)]),
    Tx(name="later", outputs=[("market", 5 * COIN)]),
]


def test_sweep__goes_through_services_unless_told_to_stop():
    view = build_view(CHAIN)
    services = {"exchange": "exchange"}
    through = taint_answer(taint(view, "market", services=services))
    assert through.services == ()
    stopped = taint_answer(taint(view, "market", services=services, stops_at_services=True))
    assert stopped.totals.by_reason["service_reached"] == str(29 * COIN)
    (service,) = stopped.services
    assert (service.label, service.concepts) == ("The exchange", ("exchange",))
    assert (service.tainted, service.coins, service.addresses) == (str(29 * COIN), 1, 1)


def test_sweep__stops_at_coinjoins_if_they_are_marked():
    view = build_view(CHAIN)
    marks = np.zeros(view.counts.transactions, np.uint8)
    marks[view.find_transaction(view.txid_text(len(marks) - 2))] = 1
    request = SweepRequest(sources=(text_of_name("market"),), stops_at_coinjoins=True)
    swept = run_sweep(ground_of(view, marks=marks), request)
    assert set(swept.ended_sat()) == {Stop.UNSPENT, Stop.COINJOIN}
    with pytest.raises(InputError, match="no CoinJoins are marked"):
        run_sweep(ground_of(view), request)


def test_sweep__up_to_a_height_knows_nothing_later():
    view = build_view(CHAIN)
    last = taint_answer(taint(view, "market"))
    height = int(view.heights_of(np.array([view.counts.transactions - 1]))[0])
    before = taint_answer(taint(view, "market", until_height=height - 1))
    assert int(last.totals.source) == 55 * COIN
    assert int(before.totals.source) == 50 * COIN
    assert before.as_of.height == height - 1
    assert [cut.where for cut in before.truncations if cut.reason == "as_of"] == ["tags"]
    assert all(cut.reason != "as_of" for cut in last.truncations)
    with pytest.raises(InputError, match="is not in the ledger: name one from"):
        taint(view, "market", until_height=10**6)
    with pytest.raises(InputError, match="received no money up to"):
        taint(view, f"{view.txid_text(view.counts.transactions - 1)}:0", until_height=height - 1)


def test_sources__of_a_list_may_be_absent_and_are_counted():
    view = build_view(CHAIN)
    absent = text_of_name("nobody ever")
    request = SweepRequest(sources=(), listed=(text_of_name("market"), absent))
    answer = taint_answer(run_sweep(ground_of(view), request))
    (cut,) = [cut for cut in answer.truncations if cut.reason == "sources_absent"]
    assert absent in cut.detail
    assert answer.source_outputs == 2
    with pytest.raises(NotFoundError):
        taint(view, "nobody ever")


def test_sources__category_means_every_address_that_is_tagged_so():
    view = build_view(CHAIN)
    services = {"market": "market", "clean": "market", "exchange": "exchange"}
    swept = taint(view, "category:market", services=services)
    assert swept.source_sat == 105 * COIN
    with pytest.raises(NotFoundError, match="the tags here say: exchange, market"):
        taint(view, "category:mixer", services=services)


def test_listed_sources__are_lines_without_comments():
    text = "# seized\nabc\n\n  def:1  # the second\r\nentity:x\n"
    assert listed_sources(text) == ("abc", "def:1", "entity:x")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sources": ()}, "name 1 to 1,000,000 sources"),
        ({"policy": "lottery"}, "policy 'lottery' is unknown"),
        ({"fee_mode": "burn"}, "fee_mode 'burn' is unknown"),
        ({"subsidy_order": "middle"}, "subsidy_order 'middle' is unknown"),
        ({"until_height": -1}, "never negative"),
    ],
)
def test_request__refuses_what_it_does_not_know(fields, message):
    with pytest.raises(InputError, match=message):
        SweepRequest(**({"sources": ("a",)} | fields))


def test_conservation__stops_the_run_with_both_numbers(monkeypatch):
    view = build_view(CHAIN)
    honest = engine.sweep

    def lossy(*arguments: Any) -> Any:
        found = honest(*arguments)
        return found._replace(amount=found.amount - 1)

    monkeypatch.setattr(engine, "sweep", lossy)
    with pytest.raises(ConservationError, match="5500000000 sat were declared tainted and 5499"):
        taint(view, "market")


def test_conservation__is_checked_for_each_source(monkeypatch):
    view = build_view(CHAIN)
    honest = engine.sweep

    def double(*arguments: Any) -> Any:
        found = honest(*arguments)
        found.by_colour[int(Stop.RETAINTED), 0] += 1
        return found

    taint(view, "market", "clean")
    monkeypatch.setattr(engine, "sweep", double)
    with pytest.raises(ConservationError, match="5500000000 sat of source 0 were declared"):
        taint(view, "market", "clean")


def test_answer__says_where_sources_could_not_be_told_apart(monkeypatch):
    view = build_view(CHAIN)
    honest = engine.sweep
    assert taint_answer(taint(view, "market", "clean")).by_source
    monkeypatch.setattr(engine, "sweep", lambda *all: honest(*all)._replace(told_apart=False))
    answer = taint_answer(taint(view, "market", "clean"))
    assert answer.by_source == ()
    (cut,) = [cut for cut in answer.truncations if cut.where == "by_source"]
    assert (cut.reason, cut.limit) == ("sources_not_told_apart", MOST_COLOURS)


def genesis_view() -> View:
    """Return the genesis block of regtest, as python-bitcoinlib holds it."""
    block = CoreRegTestParams.GENESIS_BLOCK.serialize()
    return view_of(batch_of([block]), REGTEST, heights=np.zeros(1, np.uint32))


def test_sweep__and_trace_take_the_coin_of_the_genesis_block_for_destroyed():
    view = genesis_view()
    coin = f"{view.txid_text(0)}:0"
    swept = run_sweep(ground_of(view), SweepRequest(sources=(coin,)))
    assert swept.found.reason.tolist() == [Stop.DESTROYED]
    answer = trace(view, TraceRequest(sources=(coin,))).answer
    assert answer.totals.destroyed == str(50 * COIN)
    assert answer.totals.by_reason == {}
    other = build_view(CHAIN)
    assert genesis_outputs(other) == 0
    assert genesis_outputs(view) == 1


def test_files__hold_every_coin_and_fee(tmp_path: Path):
    view = build_view(busy_chain(5, 25))
    request = SweepRequest(sources=(text_of_name("thief"),))
    ground = ground_of(view)
    with FeeRows(view, tmp_path) as fees:
        swept = run_sweep(ground, request, take_fees=fees.take)
    write_coins(swept, tmp_path)
    coins = pq.read_table(tmp_path / COINS_FILE).to_pylist()
    assert sum(row["tainted"] for row in coins) + swept.found.fees == swept.source_sat
    for row in coins:
        output = view.find_output(row["outpoint"])
        assert row["value"] == view.output_value[output]
        assert row["address"] == row["entity"] == view.address_text(view.output_address[output])
    paid = pq.read_table(tmp_path / FEES_FILE).to_pylist()
    assert sum(row["tainted"] for row in paid) == swept.found.fees > 0
    for row in paid:
        transaction = view.find_transaction(row["txid"])
        assert row["tainted"] <= view.fee[transaction]
        assert row["height"] == view.heights_of(np.array([transaction]))[0]


def break_off(folder: Path) -> None:
    with folder_in_the_making(folder) as making:
        (making / "a").write_text("half")
        raise KeyboardInterrupt


def test_folder_in_the_making__leaves_nothing_of_a_run_that_is_broken_off(tmp_path: Path):
    folder = tmp_path / "results"
    with pytest.raises(KeyboardInterrupt):
        break_off(folder)
    assert list(tmp_path.iterdir()) == []
    with folder_in_the_making(folder) as making:
        (making / "a").write_text("whole")
    assert [file.name for file in folder.iterdir()] == ["a"]
    with pytest.raises(KeyboardInterrupt):
        break_off(folder)
    assert (folder / "a").read_text() == "whole"
    assert list(tmp_path.iterdir()) == [folder]
    with pytest.raises(InputError, match="is a file"), folder_in_the_making(folder / "a"):
        pass


def test_months__name_the_month_of_the_block():
    view = build_view(CHAIN)
    answer = taint_answer(taint(view, "market"))
    assert all(datetime.strptime(month.month, "%Y-%m") for month in answer.months)  # noqa: DTZ007
    assert sum(month.coins for month in answer.months) == answer.tainted_outputs
