"""Whole traces over real blocks: sources, stop rules, answers, repeatability."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.errors import InputError, NotFoundError
from arien_flows.ledger.view import View
from arien_flows.tracing import sources as sources_module
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.comparison import compare
from arien_flows.tracing.engine import check_conservation
from arien_flows.tracing.manifest import result_sha256
from arien_flows.tracing.request import BACKWARD_POLICIES, POLICIES, TraceRequest
from arien_flows.tracing.sources import Sources, resolve_sources
from arien_flows.tracing.trace import TraceResult, trace
from arien_flows.tracing.window import window_of
from chains.types import UInt32Array
from heuristics.conservation import ConservationError
from heuristics.taint import Stop
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.ledgers import Tx, build_view, text_of_name


class JoinedAddresses:
    """An entity map in which some addresses are one entity."""

    identity = "joined"

    def __init__(self, view: View, *groups: list[str]) -> None:
        self.labels: UInt32Array = np.arange(view.counts.addresses, dtype=np.uint32)
        for group in groups:
            numbers = [view.find_address(text_of_name(name)) for name in group]
            self.labels[numbers] = min(numbers)

    def root_of(self, address: int) -> int:
        return int(self.labels[address])

    def members(self, root: int) -> UInt32Array:
        return np.flatnonzero(self.labels == root).astype(np.uint32)


def ask(view: View, source: str = "thief", /, **fields: Any) -> TraceResult:
    known = {name: fields.pop(name) for name in ("entities", "attribution") if name in fields}
    marks = fields.pop("coinjoin_marks", None)
    text = source if ":" in source else text_of_name(source)
    fields = {"min_value_sat": 1} | fields
    return trace(view, TraceRequest(sources=(text,), **fields), coinjoin_marks=marks, **known)


def reasons(result: TraceResult) -> dict[str, int]:
    return {reason: int(sat) for reason, sat in result.answer.totals.by_reason.items()}


def cuts(result: TraceResult) -> dict[str, str]:
    """Return the reasons for what an answer leaves out, and the details."""
    return {cut.reason: cut.detail for cut in result.answer.truncations}


def marks_of(view: View, *names: str, of: list[Tx]) -> Any:
    """Return marks on the transactions of the given names."""
    marks = np.zeros(view.counts.transactions, np.uint8)
    marks[[[tx.name for tx in of].index(name) for name in names]] = 1
    return marks


THEFT = [
    Tx(name="mined", outputs=[("thief", 50 * COIN)]),
    Tx(name="other", outputs=[("bystander", 50 * COIN)]),
    Tx(name="split", inputs=["mined:0"], outputs=[("hop", 20 * COIN), ("keep", 30 * COIN - 1000)]),
    Tx(name="join", inputs=["other:0", "split:0"],
       outputs=[("exchange", 60 * COIN), ("change", 10 * COIN - 2000)]),
    Tx(name="burn", inputs=["split:1"], outputs=[("data:note", 7), ("last", 30 * COIN - 5000)]),
]  # fmt: skip


@pytest.fixture(scope="module")
def theft() -> View:
    return build_view(THEFT)


def test_trace__follows_a_theft_to_the_exchange(theft):
    services = attribution_of(theft, {"exchange": "exchange"})
    fifo = ask(theft, attribution=services)
    # By arrival order, the first 50 of the 60 that the exchange gets are the bystander's.
    assert reasons(fifo) == {"service_reached": 10 * COIN, "unspent": 40 * COIN - 2000 - 5000}
    assert fifo.answer.totals.fees == str(1000 + 2000 + 3993)
    assert fifo.answer.totals.destroyed == "7"
    haircut = ask(theft, attribution=services, policy="haircut")
    assert reasons(haircut)["service_reached"] == 60 * 20 * COIN // 70
    poison = ask(theft, attribution=services, policy="poison")
    assert reasons(poison)["service_reached"] == 60 * COIN
    leaf = next(leaf for leaf in fifo.answer.leaves if leaf.service)
    assert leaf.address == text_of_name("exchange")
    assert leaf.value == str(60 * COIN)
    assert (leaf.hops, leaf.reason) == (2, "service_reached")
    assert (leaf.service.label, leaf.service.confidence) == ("The exchange", 50)
    assert not leaf.service.is_inherited


@pytest.mark.parametrize(
    ("concept", "reason"),
    [("exchange", "service_reached"), ("mixing_service", "mixer"), ("bridge", "bridge")],
)
def test_trace__names_the_kind_of_service(theft, concept, reason):
    result = ask(theft, attribution=attribution_of(theft, {"exchange": concept}))
    assert reasons(result)[reason] == 10 * COIN
    assert result.answer.services[0].reason == reason


def test_trace__goes_on_where_a_tag_is_weak_or_no_service(theft):
    for services in ({"hop": "shop"}, {}):
        result = ask(theft, attribution=attribution_of(theft, services))
        assert set(reasons(result)) == {"unspent"}


def test_trace__inherits_a_service_from_the_entity(theft):
    entities = JoinedAddresses(theft, ["hop", "exchange"])
    services = attribution_of(theft, {"exchange": "exchange"}, entities)
    result = ask(theft, attribution=services, entities=entities)
    assert reasons(result)["service_reached"] == 20 * COIN
    assert result.answer.services[0].coins == 1
    assert next(leaf for leaf in result.answer.leaves if leaf.service).service.is_inherited
    assert result.answer.manifest.clustering == "joined"


def test_trace__does_not_stop_at_the_sources_own_entity(theft):
    entities = JoinedAddresses(theft, ["thief", "hop"])
    services = attribution_of(theft, {"thief": "exchange"}, entities)
    assert "service_reached" not in reasons(ask(theft, attribution=services, entities=entities))


def test_trace__stops_at_marked_coinjoins_and_says_when_there_are_no_marks(theft):
    result = ask(theft, coinjoin_marks=marks_of(theft, "join", of=THEFT))
    assert reasons(result)["coinjoin"] == 20 * COIN
    assert result.answer.manifest.coinjoin_marks == "present"
    assert any(node.kind == "coinjoin" for node in result.answer.graph.nodes)
    without = ask(theft)
    assert "coinjoin_marks_absent" in cuts(without)
    assert not without.answer.complete
    services = attribution_of(theft, {"exchange": "exchange"})
    known = ask(theft, coinjoin_marks=np.zeros(0, np.uint8), attribution=services)
    assert known.answer.complete


def test_trace__says_when_no_service_could_stop_it(theft):
    marks = np.zeros(0, np.uint8)
    assert list(cuts(ask(theft, coinjoin_marks=marks))) == ["no_tags"]
    # A tag of somebody whom the view does not know is a tag: silence means something.
    elsewhere = attribution_of(theft, {"nobody": "exchange"})
    assert cuts(ask(theft, coinjoin_marks=marks, attribution=elsewhere)) == {}


def test_trace__limits_are_told_in_coins(theft):
    assert cuts(ask(theft, max_hops=1))["hop_limit"].startswith("49.99999000 tBTC in 2 coins: ")
    assert cuts(ask(theft, min_value_sat=25 * COIN))["below_min"].startswith(
        "20.00000000 tBTC in 1 coin: "
    )


def test_trace__stops_at_limits_and_states_them(theft):
    hops = ask(theft, max_hops=1)
    assert reasons(hops) == {"hop_limit": 50 * COIN - 1000}
    budget = ask(theft, budget=1)
    assert reasons(budget) == {"budget": 50 * COIN - 1000}
    small = ask(theft, min_value_sat=25 * COIN)
    assert reasons(small)["below_min"] == 20 * COIN
    wide = ask(theft, fan_out_outputs=1, fan_out_percent=50)
    assert reasons(wide)["fan_out"] == 20 * COIN
    for result, reason in ((hops, "hop_limit"), (budget, "budget"), (small, "below_min")):
        cut = {truncation.reason: truncation.limit for truncation in result.answer.truncations}
        assert cut[reason] is not None
        assert not result.answer.complete


def in_blocks(chain: list[Tx]) -> list[Tx]:
    """Return the chain with every payment in a block of its own, some blocks apart."""
    spaced = []
    for tx in chain:
        if tx.inputs:
            spaced += [Tx(name=f"{tx.name}-block{i}", outputs=[("pool", 1)]) for i in range(20)]
        spaced.append(tx)
    return spaced


def test_trace__keeps_to_the_time_window_and_the_horizon():
    view = build_view(in_blocks(THEFT))
    times = view.median_times
    when = {tx.name: i for i, tx in enumerate(in_blocks(THEFT))}
    blocks = {name: int(view.blocks_of(np.array([n]))[0]) for name, n in when.items()}

    def moment(name: str, minutes: int = 0) -> Any:
        return datetime.fromtimestamp(int(times[blocks[name]]), UTC) + timedelta(minutes=minutes)

    assert reasons(ask(view, until=moment("join")))["time_window"] == 30 * COIN - 1000
    assert "time_window" not in reasons(ask(view, until=moment("burn")))
    assert reasons(ask(view, until=moment("join", -1)))["time_window"] == 50 * COIN - 1000
    from_outpoint = f"{view.txid_text(when['split'])}:1"
    late = ask(view, from_outpoint, since=moment("burn", 1))
    assert reasons(late) == {"time_window": 30 * COIN - 1000}
    with pytest.raises(InputError, match="between since and until"):
        ask(view, since=moment("mined", 1))
    back = f"{view.txid_text(when['burn'])}:1"
    before = ask(view, back, direction="backward", since=moment("split", 1))
    assert set(reasons(before)) == {"time_window"}


def test_trace__counts_the_horizon_from_each_source():
    far = [Tx(name=f"day{i}", outputs=[("pool", 1)]) for i in range(150)]
    chain = [THEFT[0], *far, Tx(name="late", inputs=["mined:0"], outputs=[("hop", 50 * COIN)])]
    view = build_view(chain)
    # 150 blocks of ten minutes are a little more than a day.
    assert set(reasons(ask(view, horizon_days=1))) == {"time_window"}
    assert set(reasons(ask(view, horizon_days=2))) == {"unspent"}
    back = f"{view.txid_text(len(chain) - 1)}:0"
    assert set(reasons(ask(view, back, direction="backward", horizon_days=1))) == {"newly_mined"}


def test_trace__tells_dormant_coins_from_fresh_ones():
    chain = [THEFT[0], *[Tx(name=f"day{i}", outputs=[("pool", 1)]) for i in range(300)]]
    view = build_view(chain)
    assert set(reasons(ask(view, dormant_days=1))) == {"dormant"}
    assert set(reasons(ask(view, dormant_days=3))) == {"unspent"}


def test_trace__backward_ends_at_coinbases_and_has_no_fees(theft):
    for policy in BACKWARD_POLICIES:
        result = ask(theft, "exchange", direction="backward", policy=policy)
        assert set(reasons(result)) == {"newly_mined"}
        assert result.answer.totals.fees == "0"
    fifo = ask(theft, "exchange", direction="backward")
    traced = {leaf.address: int(leaf.traced) for leaf in fifo.answer.leaves}
    assert traced == {text_of_name("bystander"): 50 * COIN, text_of_name("thief"): 10 * COIN}


def test_sources__an_address_means_what_it_received_from_outside():
    chain = [
        Tx(name="m1", outputs=[("a", 50 * COIN)]),
        Tx(name="m2", outputs=[("b", 50 * COIN)]),
        Tx(name="own", inputs=["m1:0"], outputs=[("x", 10 * COIN), ("a", 40 * COIN)]),
        Tx(name="gift", inputs=["m2:0"], outputs=[("a", 20 * COIN), ("c", 30 * COIN)]),
    ]
    view = build_view(chain)
    assert ask(view, "a").answer.totals.source == str(70 * COIN)
    entity = JoinedAddresses(view, ["a", "b"])
    both = ask(view, f"entity:{text_of_name('b')}", entities=entity)
    assert both.answer.totals.source == str(100 * COIN)
    one = ask(view, f"{view.txid_text(2)}:1")
    assert one.answer.totals.source == str(40 * COIN)


def test_sources__are_looked_up_once_however_often_they_are_named(theft, monkeypatch):
    read = []
    history = View.history

    def counted(view: View, address: int, *stretch: int) -> Any:
        read.append(address)
        return history(view, address, *stretch)

    entity = JoinedAddresses(theft, ["thief", "hop"])
    thief, hop = text_of_name("thief"), text_of_name("hop")
    monkeypatch.setattr(View, "history", counted)

    def sources(*texts: str) -> Sources:
        request = TraceRequest(sources=texts)
        return resolve_sources(theft, request, entity, window_of(theft, request))

    # One entity by the names of two of its addresses, and with spaces around.
    often = sources(*[f"entity:{thief}"] * 500, *[f"entity:{hop}", f" entity:{thief}"] * 250)
    assert sorted(read) == sorted(theft.find_address(text) for text in (thief, hop))
    once = sources(f"entity:{thief}")
    assert often.outputs.tolist() == once.outputs.tolist()
    assert often.colours.tolist() == [1] * len(once.outputs)
    twice = sources(thief, thief, hop)
    assert twice.colours[twice.outputs == theft.find_output(f"{theft.txid_text(0)}:0")] == 0b011


def test_sources__that_are_too_much_are_refused_before_they_are_read(theft, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("a history was read")

    entity = JoinedAddresses(theft, ["thief", "hop"])
    several = tuple(text_of_name(name) for name in ("thief", "hop", "keep"))
    with monkeypatch.context() as patch:
        patch.setattr(sources_module, "MAX_MEMBERS", 1)
        patch.setattr(View, "history", never)
        with pytest.raises(InputError, match="has 2 addresses, more than 1"):
            ask(theft, f"entity:{several[0]}", entities=entity)
    with monkeypatch.context() as patch:
        patch.setattr(sources_module, "MAX_MEMBERS", 2)
        with pytest.raises(InputError, match="3 addresses with the sources before it"):
            trace(theft, TraceRequest(sources=several))
    payments = theft.totals(theft.find_address(several[0])).transaction_count
    assert payments > 1
    with monkeypatch.context() as patch:
        patch.setattr(sources_module, "MAX_PAYMENTS", payments - 1)
        patch.setattr(View, "history", never)
        with pytest.raises(InputError, match="narrow the time with since and until"):
            ask(theft)
    with monkeypatch.context() as patch:
        # What lies outside the time limits is not read, and does not count.
        patch.setattr(sources_module, "MAX_PAYMENTS", payments - 1)
        until = datetime.fromtimestamp(int(theft.median_times[0]), UTC)
        assert int(ask(theft, until=until).answer.totals.source) > 0


def test_sources__say_what_is_wrong(theft):
    with pytest.raises(NotFoundError, match="never used"):
        ask(theft, "nobody")
    with pytest.raises(NotFoundError, match="no output 9"):
        ask(theft, f"{theft.txid_text(0)}:9")
    worthless = build_view([THEFT[0], Tx(name="zero", outputs=[("zero", 0)])])
    with pytest.raises(InputError, match="worth nothing"):
        ask(worthless, f"{worthless.txid_text(1)}:0")
    with pytest.raises(InputError, match="received nothing from outside up to block 1"):
        ask(worthless, "zero")


def test_trace__reports_money_that_returns_to_a_source_as_retainted():
    chain = [
        Tx(name="m1", outputs=[("a", 50 * COIN)]),
        Tx(name="out", inputs=["m1:0"], outputs=[("hop", 50 * COIN)]),
        Tx(name="back", inputs=["out:0"], outputs=[("a", 30 * COIN), ("c", 20 * COIN)]),
    ]
    result = ask(build_view(chain), "a")
    # 50 came in from mining and 30 from the hop: two receipts, and the second is the first's.
    assert result.answer.totals.source == str(80 * COIN)
    assert reasons(result) == {"retainted": 30 * COIN, "unspent": 50 * COIN}


@pytest.mark.slow
@settings(max_examples=60)  # each builds a chain of real blocks
@given(
    st.integers(0, 10**6),
    st.sampled_from(["fifo", "haircut"]),
    st.sampled_from(["forward", "backward"]),
)
def test_trace__totals_add_up(seed, policy, direction):
    view = build_view(busy_chain(seed, length=15))
    services = attribution_of(view, {"exchange": "exchange", "mixer": "mixer"})
    source = "thief" if direction == "forward" else "miner1"
    result = ask(view, source, policy=policy, direction=direction, attribution=services)
    totals = result.answer.totals
    parts = sum(map(int, totals.by_reason.values())) + int(totals.fees) + int(totals.destroyed)
    assert parts == int(totals.source)
    assert sum(int(leaf.traced) for leaf in result.answer.leaves) == sum(reasons(result).values())


def test_check_conservation__finds_a_missing_satoshi(theft):
    traced = ask(theft).traced
    for part in ("flow", "fees"):
        columns = getattr(traced.trail, part)
        wrong = columns.amount.copy()
        wrong[np.flatnonzero(columns.reason != Stop.FOLLOWED)[-1]] += 1
        broken = type(traced)(
            request=traced.request,
            trail=traced.trail._replace(**{part: columns._replace(amount=wrong)}),
            min_value_sat=1,
        )
        with pytest.raises(ConservationError):
            check_conservation(broken)


def test_answer__is_the_same_bytes_every_time(theft):
    services = attribution_of(theft, {"exchange": "exchange"})
    first, second = ask(theft, attribution=services), ask(theft, attribution=services)
    assert first.json_bytes() == second.json_bytes()
    again = build_view(THEFT)
    services = attribution_of(again, {"exchange": "exchange"}, SingleAddresses())
    assert ask(again, attribution=services).json_bytes() == first.json_bytes()


def test_answer__hash_covers_the_result_and_not_the_program(theft):
    answer = ask(theft).answer
    assert answer.manifest.result_sha256 == result_sha256(answer)
    hashes = {ask(theft, policy=policy).answer.manifest.result_sha256 for policy in POLICIES}
    assert len(hashes) == len(POLICIES)
    assert ask(theft, max_hops=11).answer.manifest.result_sha256 not in hashes


def test_answer__has_the_promised_shape(theft):
    answer = json.loads(ask(theft).json_bytes())
    assert {"request", "as_of", "complete", "truncations", "totals", "leaves", "graph",
            "manifest"} <= set(answer)  # fmt: skip
    assert set(answer["totals"]) == {
        "source", "by_reason", "fees", "destroyed", "by_source", "fiat", "certainty"
    }  # fmt: skip
    assert {"outpoint", "address", "entity", "value", "traced", "reason"} <= set(
        answer["leaves"][0]
    )
    assert answer["as_of"]["time"].endswith("Z")
    assert (answer["asset"], answer["decimals"]) == ("tBTC", 8)


def test_canonical_json__holds_no_floats():
    with pytest.raises(TypeError, match="float"):
        canonical_json({"amount": 1.5})


def test_compare__shows_the_span_between_the_policies(theft):
    services = attribution_of(theft, {"exchange": "exchange"})
    request = TraceRequest(sources=(text_of_name("thief"),), min_value_sat=1)
    found = compare(theft, request, attribution=services)
    (span,) = found.services
    haircut = 60 * 20 * COIN // 70
    assert span.traced == {
        "fifo": str(10 * COIN), "lifo": str(20 * COIN), "haircut": str(haircut),
        "poison": str(60 * COIN), "tiho": str(20 * COIN), "seniority": str(20 * COIN),
        "reverse_seniority": str(10 * COIN),
    }  # fmt: skip
    assert (span.least, span.most) == (str(10 * COIN), str(20 * COIN))
    assert set(found.results) == set(found.totals) == set(POLICIES)
    assert [cut.reason for cut in found.truncations] == ["coinjoin_marks_absent"]
    assert not found.complete
    assert found.as_of == trace(theft, request).answer.as_of


def test_describe_ends__sums_up_what_is_too_much_to_list(theft, monkeypatch):
    whole = ask(theft, min_value_sat=1)
    monkeypatch.setattr("arien_flows.tracing.leaves.MOST_LEAVES", 1)
    cut = ask(theft, min_value_sat=1)
    assert len(whole.answer.leaves) > len(cut.answer.leaves) >= 1
    assert (whole.answer.totals, whole.answer.services) == (cut.answer.totals, cut.answer.services)
    left_out = set(whole.answer.leaves) - set(cut.answer.leaves)
    assert sum(each.coins for each in cut.answer.further) == len(left_out)
    for field in ("traced", "value"):
        told = sum(int(getattr(each, field)) for each in cut.answer.further)
        assert told == sum(int(getattr(leaf, field)) for leaf in left_out)
    assert "too_many" in {each.reason for each in cut.answer.truncations}
    assert not whole.answer.further
