"""Connections over real blocks: the two ends, limits that are told, amounts that add up."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import InputError, NotFoundError
from arien_flows.fetched.completeness import Fetched
from arien_flows.ledger.history import History, HistoryIndex
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from arien_flows.tracing import paths_ends, sources
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.engine import spend_columns
from arien_flows.tracing.manifest import result_sha256
from arien_flows.tracing.paths import find_paths
from arien_flows.tracing.paths_amounts import along
from arien_flows.tracing.paths_answer import PathAnswer
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.request import POLICIES
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.arien_flows.tracing.test_trace import JoinedAddresses, marks_of
from tests.ledgers import Chain, Tx, batch_of, build_view, text_of_name

CONSERVING = [name for name in POLICIES if name != "poison"]

CHAIN = [
    Tx(name="mined", outputs=[("thief", 50 * COIN)]),
    Tx(name="other", outputs=[("bystander", 50 * COIN)]),
    Tx(name="split", inputs=["mined:0"], outputs=[("hop", 20 * COIN), ("keep", 30 * COIN - 1000)]),
    Tx(name="join", inputs=["other:0", "split:0"],
       outputs=[("friend", 60 * COIN), ("change", 10 * COIN - 2000)]),
    Tx(name="late", inputs=["split:1"], outputs=[("friend", 7 * COIN), ("last", 23 * COIN - 5000)]),
    Tx(name="on", inputs=["join:0"], outputs=[("end", 60 * COIN)]),
]  # fmt: skip


@pytest.fixture(scope="module")
def chain() -> View:
    return build_view(CHAIN)


def end_text(name: str) -> str:
    """Return an end by the name of an address; other kinds of end stay as they are."""
    kind, colon, rest = name.partition(":")
    if kind == "entity":
        return f"entity:{text_of_name(rest)}"
    return name if colon else text_of_name(name)


def ask(view: View, origin: str, destination: str, /, **fields: Any) -> PathAnswer:
    names = ("entities", "attribution", "coinjoin_marks", "fetched")
    known = {name: fields.pop(name) for name in names if name in fields}
    request = PathRequest(origin=end_text(origin), destination=end_text(destination), **fields)
    return find_paths(view, request, **known)


def cuts(answer: PathAnswer) -> dict[str, str]:
    return {cut.reason: cut.detail for cut in answer.truncations}


def holders(answer: PathAnswer) -> list[list[str]]:
    """Return who holds the coins of each connection."""
    names = {text_of_name(name): name for tx in CHAIN for name, _ in tx.outputs}
    return [[names[str(coin.address)] for coin in each.coins] for each in answer.connections]


def test_find_paths__lists_every_way_with_what_it_carries(chain):
    answer = ask(chain, "thief", "friend")
    assert holders(answer) == [["thief", "hop", "friend"], ["thief", "keep", "friend"]]
    assert [each.carried for each in answer.connections] == [str(20 * COIN), str(7 * COIN)]
    assert (answer.count, answer.by_hops) == ("2", {"2": "2"})
    assert answer.statement.startswith(
        f"2 paths from {text_of_name('thief')} to {text_of_name('friend')} within these limits: "
        "at most 12 transactions long, coins of at least 0.00000001 tBTC"
    )
    assert "The one that carries the most has 2 transactions and carries at most 20.0" in (
        answer.statement
    )
    coin = answer.connections[0].coins[1]
    assert coin.value == str(20 * COIN)
    assert coin.outpoint.startswith(coin.txid)
    assert coin.height == 1


def test_find_paths__counts_only_the_first_arrival(chain):
    # What the friend pays on has arrived already: the way to "end" goes through the friend.
    assert holders(ask(chain, "thief", "end")) == [["thief", "hop", "friend", "end"]]
    joined = JoinedAddresses(chain, ["friend", "end"])
    assert ask(chain, "thief", "entity:end", entities=joined).by_hops == {"2": "2"}


def test_find_paths__orders_by_hops_where_asked(chain):
    joined = JoinedAddresses(chain, ["last", "end"])
    by_hops = ask(chain, "thief", "entity:end", entities=joined, by="hops")
    assert [each.hops for each in by_hops.connections] == [2, 3]
    by_value = ask(chain, "thief", "entity:end", entities=joined)
    assert [each.carried for each in by_value.connections] == [
        str(23 * COIN - 5000),
        str(20 * COIN),
    ]


def test_find_paths__states_what_each_policy_says_arrived(chain):
    totals = ask(chain, "thief", "friend").totals
    assert totals.source == str(50 * COIN)
    arrived = {name: int(it.arrived) for name, it in totals.by_policy.items()}
    # The bystander's 50 come first; the friend's 60 hold 10 of the thief's, and 7 came directly.
    assert arrived["fifo"] == 17 * COIN
    assert arrived["lifo"] == 20 * COIN + 7 * COIN
    assert arrived["haircut"] == 60 * 20 * COIN // 70 + 7 * COIN
    assert arrived["poison"] == 67 * COIN
    assert set(arrived) == set(POLICIES)
    conserved = [arrived[name] for name in CONSERVING]
    assert (totals.least, totals.most) == (str(min(conserved)), str(max(conserved)))


def test_find_paths__states_what_went_along_one_connection(chain):
    first, second = ask(chain, "thief", "friend").connections
    pro_rata = 50 * COIN * Fraction(20, 50) * Fraction(60, 70)
    assert first.policies == {
        "fifo": str(10 * COIN), "lifo": str(20 * COIN), "haircut": str(int(pro_rata))
    }  # fmt: skip
    assert second.policies["fifo"] == str(7 * COIN)


@pytest.mark.parametrize("origin", ["thief", "outpoint", "entity:thief"])
@pytest.mark.parametrize("destination", ["end", "outpoint", "entity:end", "category:shop"])
def test_find_paths__takes_every_kind_of_end(chain, origin, destination):
    outpoints = {"thief": "mined", "end": "on"}
    said = attribution_of(chain, {"end": "shop"})
    txid = {name: chain.txid_text(i) for i, name in enumerate(tx.name for tx in CHAIN)}
    one = f"{txid[outpoints['thief']]}:0" if origin == "outpoint" else origin
    other = f"{txid[outpoints['end']]}:0" if destination == "outpoint" else destination
    answer = ask(chain, one, other, attribution=said)
    assert holders(answer) == [["thief", "hop", "friend", "end"]]
    assert answer.connections[0].coins[-1].tag == "The end"


def test_find_paths__searches_from_one_side_where_the_other_is_a_category(chain):
    said = attribution_of(chain, {"end": "exchange", "bystander": "shop"})
    to = ask(chain, "thief", "category:exchange", attribution=said)
    assert (to.searched.origin_coins, to.searched.destination_coins) == (1, None)
    assert holders(to) == [["thief", "hop", "friend", "end"]]
    named = ask(chain, "thief", "service:The end", attribution=said)
    assert named.connections == to.connections
    since = ask(chain, "category:shop", "end", attribution=said)
    assert (since.searched.origin_coins, since.searched.destination_coins) == (None, 1)
    assert holders(since) == [["bystander", "friend", "end"]]
    assert since.totals.source == str(50 * COIN)


def test_find_paths__inherits_a_category_from_the_entity(chain):
    entities = JoinedAddresses(chain, ["friend", "end"])
    said = attribution_of(chain, {"end": "exchange"}, entities)
    answer = ask(chain, "thief", "category:exchange", attribution=said, entities=entities)
    assert answer.by_hops == {"2": "2"}
    assert "friend" in holders(answer)[0]
    # A service of another kind is not the exchange, whatever joins the two.
    told = attribution_of(chain, {"end": "exchange", "friend": "mixer"}, entities)
    fields: dict[str, Any] = {"attribution": told, "entities": entities}
    assert ask(chain, "thief", "category:exchange", **fields).count == "0"
    answer = ask(chain, "thief", "category:exchange", through=("services",), **fields)
    assert holders(answer) == [["thief", "hop", "friend", "end"]]


def test_find_paths__stops_at_a_service_in_the_middle_unless_asked(chain):
    said = attribution_of(chain, {"friend": "exchange"})
    answer = ask(chain, "thief", "end", attribution=said)
    assert answer.count == "0"
    assert answer.statement.startswith("No path from")
    assert "not through a service or a CoinJoin" in answer.statement
    assert "Everything within them was looked at." in answer.statement
    (ended, *_) = answer.ended_at
    assert (ended.reason, ended.label, ended.value) == (
        "service_reached", "The friend", str(60 * COIN)
    )  # fmt: skip
    assert answer.totals.by_policy["fifo"].elsewhere == str(50 * COIN)
    asked = ask(chain, "thief", "end", attribution=said, through=("services",))
    assert asked.count == "1"
    assert not asked.ended_at
    assert asked.connections[0].coins[2].tag == "The friend"


def test_find_paths__does_not_stop_at_the_ends_themselves(chain):
    said = attribution_of(chain, {"thief": "exchange", "friend": "mixer"})
    assert ask(chain, "thief", "friend", attribution=said).count == "2"


def test_find_paths__stops_at_a_coinjoin_unless_asked(chain):
    marks = marks_of(chain, "join", of=CHAIN)
    answer = ask(chain, "thief", "end", coinjoin_marks=marks)
    assert answer.count == "0"
    assert [(it.reason, it.label, it.value) for it in answer.ended_at] in (
        [("coinjoin", None, str(20 * COIN))],
        [("coinjoin", None, str(60 * COIN))],
        [("coinjoin", None, str(60 * COIN)), ("coinjoin", None, str(20 * COIN))],
    )
    asked = ask(chain, "thief", "end", coinjoin_marks=marks, through=("coinjoins",))
    assert asked.count == "1"


@pytest.mark.parametrize(
    ("limits", "reason", "listed"),
    [
        ({"max_hops": 1}, "hop_limit", 0),
        ({"min_value_sat": 8 * COIN}, "below_min", 1),
        ({"until": datetime(2011, 2, 2, 23, 30, tzinfo=UTC)}, "time_window", 0),
        ({"budget": 1}, "budget", 0),
        ({"limit": 1}, "limit", 1),
    ],
)
def test_find_paths__tells_each_limit_that_cut(chain, limits, reason, listed):
    if reason == "time_window":
        limits = {"until": chain.tip.time.replace(year=2010)}
        with pytest.raises(InputError, match="between since and until"):
            ask(chain, "thief", "friend", **limits)
        return
    answer = ask(chain, "thief", "friend", coinjoin_marks=marks_of(chain, of=CHAIN), **limits)
    assert reason in cuts(answer)
    assert not answer.complete
    assert len(answer.connections) == listed


def test_find_paths__tells_what_lies_outside_the_time():
    first = [Tx(name="mined", outputs=[("a", COIN)]), Tx(name="b1", outputs=[("x", COIN)])]
    later = [Tx(name=f"c{i}", outputs=[("x", COIN)]) for i in range(20)]
    chain = [*first, *later, Tx(name="pay", inputs=["mined:0"], outputs=[("b", COIN)])]
    view = build_view(chain)
    early = datetime.fromtimestamp(int(view.median_times[5]), UTC)
    answer = ask(view, "a", "b", until=early)
    assert answer.count == "0"
    assert "time_window" in cuts(answer)
    assert f"not after {early:%Y-%m-%dT%H:%M:%SZ}" in answer.statement


def test_find_paths__says_what_is_certain_when_the_budget_ends(chain):
    answer = ask(chain, "thief", "friend", budget=1)
    assert answer.searched.ended == "budget"
    assert not answer.searched.exhaustive
    assert int(answer.searched.certain_from or 0) > 20 * COIN
    assert "every path that carries at least" in cuts(answer)["budget"]
    assert "Not everything within them was looked at" in answer.statement
    answer = ask(chain, "thief", "friend", budget=1, by="hops")
    assert answer.searched.certain_from is None


def test_find_paths__says_that_money_goes_one_way(chain):
    answer = ask(chain, "friend", "thief")
    assert answer.searched.ended == "time_order"
    assert answer.searched.exhaustive
    assert "before the first coin of the origin in block" in answer.statement
    assert "money goes one way" in answer.statement
    assert (answer.count, answer.connections) == ("0", ())
    assert {it.arrived for it in answer.totals.by_policy.values()} == {"0"}


def padding(name: str) -> list[Tx]:
    """Return blocks between two times: the median of the block times moves past each."""
    return [Tx(name=f"{name}{i}", outputs=[("nobody", COIN)]) for i in range(24)]


PAID_TWICE = [
    Tx(name="mined", outputs=[("thief", 50 * COIN)]),
    Tx(name="pay", inputs=["mined:0"], outputs=[("friend", 50 * COIN)]),
    *padding("between"),
    Tx(name="again", outputs=[("thief", 20 * COIN)]),
]  # fmt: skip


def time_of(view: View, block: int) -> datetime:
    """Return the time from which on a block is inside, counting from 0 or back from the last."""
    return datetime.fromtimestamp(int(view.median_times[block]), UTC)


def test_find_paths__says_whatever_the_limits_only_where_it_is_true():
    view = build_view(PAID_TWICE)
    assert ask(view, "thief", "friend").count == "1"
    answer = ask(view, "thief", "friend", since=time_of(view, -1))
    assert (answer.count, answer.searched.ended) == ("0", "time_order")
    assert "whatever the limits" not in answer.statement
    assert "within these limits" in answer.statement
    assert f"not before {time_of(view, -1):%Y-%m-%dT%H:%M:%SZ}" in answer.statement
    assert "before the first coin of the origin within this time in block" in answer.statement
    assert "was not searched from: 50.00000000 tBTC in 1 coin." in answer.statement
    assert [(cut.where, cut.reason) for cut in answer.truncations] == [("origin", "time_window")]
    assert (
        "50.00000000 tBTC in 1 coin that the origin received outside"
        in (cuts(answer)["time_window"])
    )
    assert not answer.complete


def test_find_paths__says_whatever_the_limits_where_no_coin_left_out_is_older():
    chain = [
        Tx(name="early", outputs=[("friend", COIN)]),
        *padding("first"),
        Tx(name="one", outputs=[("thief", COIN)]),
        *padding("second"),
        Tx(name="two", outputs=[("thief", COIN)]),
    ]
    view = build_view(chain)
    answer = ask(view, "thief", "friend", since=time_of(view, -1))
    assert "whatever the limits" in answer.statement
    assert "before the first coin of the origin in block 25" in answer.statement
    answer = ask(view, "thief", "friend", since=time_of(view, 0))
    assert "whatever the limits" in answer.statement
    assert answer.complete


def test_find_paths__tells_of_coins_received_before_the_time_and_spent_within():
    chain = [
        Tx(name="mined", outputs=[("thief", 50 * COIN)]),
        *padding("between"),
        Tx(name="again", outputs=[("thief", 20 * COIN)]),
        Tx(name="pay", inputs=["mined:0"], outputs=[("friend", 50 * COIN)]),
    ]
    view = build_view(chain)
    fields = {"through": ("services", "coinjoins"), "since": time_of(view, -1)}
    answer = ask(view, "thief", "friend", **fields)
    assert answer.count == "0"
    assert answer.statement.endswith(
        "What the origin received outside this time was not searched from: 50.00000000 tBTC in "
        "1 coin."
    )
    assert [(cut.where, cut.reason) for cut in answer.truncations] == [("origin", "time_window")]
    # A coin that is named is meant whenever it was paid.
    named = ask(view, f"{view.txid_text(0)}:0", "friend", **fields)
    assert (named.count, named.complete) == ("1", True)


def test_find_paths__tells_of_more_coins_outside_the_time_than_are_listed(monkeypatch):
    view = build_view(PAID_TWICE)
    monkeypatch.setattr(sources, "MAX_SOURCE_OUTPUTS", 1)
    answer = ask(view, "thief", "friend", since=time_of(view, -1))
    assert "whatever the limits" not in answer.statement
    assert answer.statement.endswith("was not searched from: more coins than can be listed.")


def test_find_paths__orders_ends_within_a_block_and_a_transaction():
    mined = Tx(name="mined", outputs=[("x", 2 * COIN)])
    chain = [
        mined,
        Tx(name="first", inputs=["mined:0"], outputs=[("friend", COIN), ("y", COIN)]),
        Tx(name="second", inputs=["first:1"], outputs=[("thief", COIN)]),
    ]
    statement = ask(build_view(chain), "thief", "friend").statement
    assert "earlier in that block than the first coin of the origin, and" in statement
    chain = [mined, Tx(name="f", inputs=["mined:0"], outputs=[("friend", COIN), ("thief", COIN)])]
    statement = ask(build_view(chain), "thief", "friend").statement
    assert "by the transaction that made the first coin of the origin, and" in statement


@pytest.mark.parametrize("destination", ["friend", "nobody"])
def test_find_paths__tells_apart_what_the_origin_did_not_spend(destination):
    chain = [
        Tx(name="one", outputs=[("thief", 50 * COIN)]),
        Tx(name="two", outputs=[("thief", 50 * COIN)]),
        Tx(name="pay", inputs=["one:0"], outputs=[("friend", 30 * COIN), ("z", 19 * COIN)]),
        Tx(name="last", outputs=[("nobody", COIN)]),
    ]
    totals = ask(build_view(chain), "thief", destination).totals
    assert totals.source == str(100 * COIN)
    for it in totals.by_policy.values():
        assert it.unspent == str(50 * COIN)
    found = totals.by_policy["fifo"]
    parts = (30, 19, 1) if destination == "friend" else (0, 50, 0)
    assert [int(it) // COIN for it in (found.arrived, found.elsewhere, found.fees)] == list(parts)


def test_find_paths__is_complete_where_stops_that_nobody_knows_have_no_bearing(chain):
    answer = ask(chain, "thief", "friend")
    assert cuts(answer).keys() == {"no_tags", "coinjoin_marks_absent"}
    answer = ask(chain, "thief", "friend", through=("services",))
    assert cuts(answer).keys() == {"coinjoin_marks_absent"}
    answer = ask(chain, "thief", "friend", through=("services", "coinjoins"))
    assert answer.complete
    # Nothing was searched, so nothing could have stopped.
    assert ask(chain, "friend", "thief").complete


def test_find_paths__tells_that_the_ledger_begins_late():
    blocks = Chain().add(CHAIN).blocks
    heights = np.arange(7, 7 + len(blocks), dtype=np.uint32)
    view = view_of(batch_of(blocks), REGTEST, heights=heights)
    assert "before_ledger" in cuts(ask(view, "thief", "friend"))


class UnreadHistories(HistoryIndex):
    """An index of which nothing but totals may be read."""

    def history(self, address: int, start: int = 0, stop: int | None = None) -> History:
        raise AssertionError(f"the history of address {address} was read: {start} to {stop}")


def test_find_paths__reads_no_history_longer_than_can_be_listed(monkeypatch):
    view = build_view(PAID_TWICE)
    shut = UnreadHistories(
        runs=view.histories.runs, transaction_count=view.histories.transaction_count
    )
    origin = f"{view.txid_text(0)}:0"
    with pytest.raises(AssertionError, match="was read"):
        ask(replace(view, histories=shut), origin, "friend")
    monkeypatch.setattr(paths_ends, "MAX_ENTRIES", 23)
    answer = ask(replace(view, histories=shut), origin, "nobody")
    assert answer.searched.destination_coins is None
    assert answer.searched.ended == "origin_done"
    joined = JoinedAddresses(view, ["nobody", "friend"])
    answer = ask(replace(view, histories=shut), origin, "entity:friend", entities=joined)
    assert (answer.searched.destination_coins, answer.count) == (None, "1")


def test_find_paths__lists_no_coins_of_transactions_that_pay_too_many(chain, monkeypatch):
    assert ask(chain, "thief", "friend").searched.destination_coins == 2
    monkeypatch.setattr(paths_ends, "MAX_ROWS", 3)
    answer = ask(chain, "thief", "friend")
    assert (answer.searched.destination_coins, answer.count) == (None, "2")


def test_find_paths__makes_the_texts_of_listed_coins_at_once(monkeypatch):
    width = 30
    outputs = [(f"r{i}", COIN) for i in range(width)]
    chain = [
        Tx(name="mined", outputs=[("payer", 50 * COIN)]),
        Tx(name="fan", inputs=["mined:0"], outputs=outputs),
        Tx(name="hub", inputs=[f"fan:{i}" for i in range(width)], outputs=[("hub", COIN)]),
    ]
    view = build_view(chain)
    expected = ask(view, "payer", "hub", limit=width)
    singly: list[int] = []

    def counted(kind: type, name: str) -> None:
        one = getattr(kind, name)

        def told(view: View, number: int) -> object:
            singly.append(number)
            return one(view, number)

        monkeypatch.setattr(kind, name, told)

    for name in ("address_text", "txid_text"):
        counted(View, name)
    assert ask(view, "payer", "hub", limit=width) == expected
    assert len(expected.connections) == width
    assert not singly


@pytest.mark.parametrize(
    ("origin", "destination", "message"),
    [
        ("thief", "thief", "both ends are the same"),
        ("entity:thief", "thief", "have coins in common"),
        ("category:shop", "category:exchange", "can be searched from"),
        ("category:shop", "bystander", "have coins in common"),
    ],
)
def test_find_paths__refuses_what_makes_no_question(chain, origin, destination, message):
    said = attribution_of(chain, {"bystander": "shop", "end": "exchange"})
    with pytest.raises(InputError, match=message):
        ask(chain, origin, destination, attribution=said)


def test_find_paths__names_the_categories_that_there_are(chain):
    said = attribution_of(chain, {"bystander": "shop", "end": "exchange"})
    with pytest.raises(NotFoundError, match="there are exchange, shop"):
        ask(chain, "thief", "category:bank", attribution=said)
    with pytest.raises(NotFoundError, match="there are The bystander, The end"):
        ask(chain, "thief", "service:Bank", attribution=said)
    with pytest.raises(NotFoundError, match="no tags of this network"):
        ask(chain, "thief", "category:bank")


def test_find_paths__refuses_a_view_of_fetched_transactions(chain):
    fetched = Fetched.__new__(Fetched)
    with pytest.raises(InputError, match="in a ledger only"):
        ask(chain, "thief", "friend", fetched=fetched)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"by": "age"}, "neither value nor hops"),
        ({"limit": 0}, "between 1 and 1,000"),
        ({"max_hops": 101}, "max_hops"),
        ({"min_value_sat": 0}, "min_value"),
        ({"budget": True}, "whole number"),
        ({"through": ("walls",)}, "neither services nor coinjoins"),
        ({"since": datetime(2026, 3, 1)}, "time zone"),  # noqa: DTZ001 what is refused
    ],
)
def test_path_request__refuses_what_is_out_of_range(fields, message):
    with pytest.raises(InputError, match=message):
        PathRequest(origin="a", destination="b", **fields)


def check_arrivals(seed: int, length: int, by: str) -> bool:
    """Check one random question; say whether there was something to check."""
    view = build_view(busy_chain(seed, length))
    random = Random(seed)
    destination = random.choice(["exchange", "mixer", f"a{random.randrange(40)}"])
    try:
        answer = ask(view, "thief", destination, by=by, limit=1_000, max_hops=60)
    except NotFoundError:
        return False
    totals = answer.totals
    for it in totals.by_policy.values():
        parts = (it.arrived, it.elsewhere, it.unspent, it.returned, it.fees, it.destroyed)
        assert min(map(int, parts)) >= 0
        if it is not totals.by_policy["poison"]:
            assert sum(map(int, parts)) == int(totals.source)
    poison = int(totals.by_policy["poison"].arrived)
    assert (answer.count == "0") == (poison == 0)
    assert all(int(it.arrived) <= poison for it in totals.by_policy.values())
    if len(answer.connections) == int(answer.count):
        # Each unit takes one way by order of arrival, so the ways add up to all that arrived.
        for name in ("fifo", "lifo"):
            alone = sum(int(each.policies[name]) for each in answer.connections)
            assert alone == int(totals.by_policy[name].arrived)
    return answer.count != "0"


def test_find_paths__arrivals_agree_with_the_sum_of_the_ways():
    assert sum(check_arrivals(seed, 10, "value") for seed in range(4))


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(["value", "hops"]))
def test_find_paths__arrivals_agree_with_the_sum_of_the_ways_in_many_chains(seed, by):
    check_arrivals(seed, 40, by)


def test_along__agrees_with_units_in_a_row(chain):
    # By hand: thief's units 0 to 20 go to "hop"; the friend gets the bystander's 50 and 10 of it.
    first_output = chain.first_output
    row = (int(first_output[0]), int(first_output[2]), int(first_output[3]))
    assert along(row, spend_columns(chain))["fifo"] == 10 * COIN


def test_find_paths__same_question_same_bytes(chain):
    first, second = (ask(build_view(CHAIN), "thief", "friend") for _ in range(2))
    assert canonical_json(first) == canonical_json(second)
    assert first.manifest.result_sha256 == result_sha256(first)
    assert ask(chain, "thief", "end").manifest.result_sha256 != first.manifest.result_sha256
    assert first.manifest.rules.keys() >= {"connect", "follow"}


def test_find_paths__ends_in_bounded_time_at_a_star():
    # 100 receivers of one payout, each of whom pays one hub: 100 ways, counted and cut.
    width = 100
    chain = [
        Tx(name="mined", outputs=[("payer", 50 * COIN)]),
        Tx(name="fan", inputs=["mined:0"], outputs=[(f"r{i}", COIN // 100) for i in range(width)]),
        Tx(name="hub", inputs=[f"fan:{i}" for i in range(width)], outputs=[("hub", COIN)]),
        Tx(name="out", inputs=["hub:0"], outputs=[("receiver", COIN)]),
    ]
    view = build_view(chain)
    answer = ask(view, "payer", "receiver", limit=3)
    assert (answer.count, len(answer.connections)) == (str(width), 3)
    assert [each.coins[1].outpoint.partition(":")[2] for each in answer.connections] == [
        "0", "1", "2"
    ]  # fmt: skip
    said = attribution_of(view, {"hub": "exchange"})
    stopped = ask(view, "payer", "receiver", attribution=said)
    assert stopped.count == "0"
    assert stopped.ended_at[0].label == "The hub"
    assert np.all([it.arrived == "0" for it in stopped.totals.by_policy.values()])
