"""Values of traces: each coin at its own time, sums rounded once, gaps stated and never zero."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.prices.rates import PriceBook
from arien_flows.prices.table import PriceTable
from arien_flows.tracing.answer import Leaf, TraceAnswer
from arien_flows.tracing.comparison import compare
from arien_flows.tracing.fiat import refuse_unknown
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import TraceResult, trace
from tests.arien_flows.prices.tables import daily, table_of
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.ledgers import BLOCK_SECONDS, GENESIS_TIME, Tx, build_view, text_of_name

CHAIN = [
    Tx(name="mined", outputs=[("thief", 50 * COIN)]),
    Tx(name="split", inputs=["mined:0"], outputs=[("hop", 20 * COIN), ("keep", 30 * COIN - 1000)]),
    Tx(name="next", outputs=[("pool", 50 * COIN)]),
    Tx(name="pay", inputs=["split:0"], outputs=[("exchange", 19 * COIN), ("rest", COIN - 500)]),
    Tx(name="last", outputs=[("pool", 50 * COIN)]),
    Tx(name="burn", inputs=["split:1"], outputs=[("data:x", 7), ("exchange", 30 * COIN - 2000)]),
]

EACH_BLOCK = table_of({GENESIS_TIME + BLOCK_SECONDS * i: str(100 + i) for i in range(1, 4)}, "tBTC")
"""A price for each block: 101 for the first, 102 for the second, and 103."""


@pytest.fixture(scope="module")
def view() -> View:
    return build_view(CHAIN)


def ask(view: View, *tables: PriceTable, currency: str = "EUR", **fields: Any) -> TraceResult:
    request = TraceRequest(
        sources=(text_of_name("thief"),), fiat=currency, **({"min_value_sat": 1} | fields)
    )
    return trace(
        view,
        request,
        attribution=attribution_of(view, {"exchange": "exchange"}),
        coinjoin_marks=np.zeros(0, np.uint8),
        prices=PriceBook("tBTC", currency, tables),
    )


def plain_value(parts: Sequence[tuple[int, str | None]]) -> str | None:
    """Return the value in cents of amounts, each with its price, by fractions."""
    if any(sat for sat, _ in parts) and not any(sat for sat, price in parts if price is not None):
        return None
    exact = sum(
        (Fraction(price) * sat / 10**6 for sat, price in parts if price is not None),
        start=Fraction(),
    )
    cents = round(exact)
    return f"{cents // 100}.{cents % 100:02d}"


def test_values__are_those_at_the_time_at_which_each_coin_was_paid(view):
    answer = ask(view, EACH_BLOCK).answer
    assert answer.request.fiat == "EUR"
    values = {leaf.traced: leaf.fiat for leaf in answer.leaves}
    assert {traced: (value.amount, value.rate) for traced, value in values.items() if value} == {
        str(19 * COIN): ("1938.00", "102"),
        str(COIN - 500): ("102.00", "102"),
        str(30 * COIN - 2000): ("3090.00", "103"),
    }
    value = values[str(19 * COIN)]
    assert value is not None
    assert (value.currency, value.certainty) == ("EUR", "attribution")
    assert value.rate_time == datetime.fromtimestamp(GENESIS_TIME + 2 * BLOCK_SECONDS, UTC)
    (step,) = value.steps
    assert (step.asset, step.currency, step.price, step.is_divisor) == ("tBTC", "EUR", "102", False)
    assert step.table == EACH_BLOCK.points_sha256
    (destroyed,) = answer.destroyed
    assert destroyed.fiat is not None
    assert destroyed.fiat.amount == "0.00"


def test_totals__are_sums_of_unrounded_values(view):
    answer = ask(view, EACH_BLOCK).answer
    fiat = answer.totals.fiat
    assert fiat is not None
    assert fiat.currency == "EUR"
    assert fiat.source.amount == "5050.00"
    assert {reason: total.amount for reason, total in fiat.by_reason.items()} == {
        "unspent": "102.00",
        "service_reached": "5028.00",
    }
    # 1000 and 500 sat at 101 and 102, 1993 sat at 103.
    fees = [(1000, "101"), (500, "102"), (1993, "103")]
    assert fiat.fees.amount == plain_value(fees) == "0.00"
    ends = [(19 * COIN, "102"), (COIN - 500, "102"), (30 * COIN - 2000, "103"), (7, "103"), *fees]
    assert fiat.ends.amount == plain_value(ends)
    (service,) = answer.services
    assert service.fiat is not None
    assert (service.fiat.amount, service.fiat.unpriced) == ("5028.00", "0")
    (used,) = answer.manifest.prices
    assert (used.sha256, used.points_sha256) == (EACH_BLOCK.origin.sha256, EACH_BLOCK.points_sha256)
    assert (used.granularity, used.points, used.missing) == ("600 s", 3, 0)
    assert answer.complete


def test_values__without_a_price_are_absent_and_told(view):
    prices = dict(zip(EACH_BLOCK.times.tolist(), EACH_BLOCK.prices, strict=True))
    last = max(prices)
    early = table_of({time: price for time, price in prices.items() if time < last - 600}, "tBTC")
    late = table_of({last: "103"}, "tBTC")
    for table in (early, late):
        assert ask(view, table).answer.totals.fiat is not None
    answer = ask(view, late).answer
    fiat = answer.totals.fiat
    assert fiat is not None
    assert fiat.source.amount is None
    assert fiat.source.unpriced == str(50 * COIN)
    assert not answer.complete


def test_values__where_nothing_covers_the_time_are_null_and_not_zero(view):
    later = daily("2024-03-01", ["57000", "58000"], asset="tBTC")
    answer = ask(view, later).answer
    fiat = answer.totals.fiat
    assert fiat is not None
    for total in (fiat.source, *fiat.by_reason.values(), fiat.fees, fiat.destroyed, fiat.ends):
        assert total.amount is None
        assert total.unpriced != "0"
    assert [leaf.fiat for leaf in (*answer.leaves, *answer.destroyed)] == [None] * 4
    assert answer.services[0].fiat is not None
    assert answer.services[0].fiat.amount is None
    assert answer.manifest.prices == ()
    (cut,) = [cut for cut in answer.truncations if cut.where == "fiat"]
    assert cut.reason == "no_price"
    assert cut.detail == (
        "no price in EUR was in force for the sources (50.00000000 tBTC in 1 coin, on 2011-02-02); "
        "the ends (49.99997507 tBTC in 4 coins, on 2011-02-02); fees (0.00002493 tBTC in 3 "
        "transactions, on 2011-02-02): that has no value here, and is in no sum of values"
    )
    assert '"amount":null' in ask(view, later).json_bytes().decode()


def test_values__that_are_asked_for_without_prices_are_refused(view):
    real = PriceBook("tBTC", "EUR", [daily("2011-02-02", ["0.5"], asset="BTC")])
    with pytest.raises(InputError, match=r"tBTC is the coin of a test network .* worth nothing"):
        refuse_unknown(real, "bitcoin-regtest")
    with pytest.raises(InputError, match=r"no prices from which BTC can be valued in USD"):
        refuse_unknown(PriceBook("BTC", "USD", []), "bitcoin")
    with pytest.raises(InputError, match="values need prices"):
        trace(view, TraceRequest(sources=(text_of_name("thief"),), fiat="EUR"))
    # A book that knows nothing leaves everything without a value.
    assert ask(view).answer.leaves[0].fiat is None


def test_values__in_a_currency_that_is_converted_state_both_sources(view):
    dollars = daily("2011-02-02", ["1", "1"], asset="tBTC", currency="USD", source="an exchange")
    euro = daily("2011-02-02", ["1.3803", "1.38"], asset="EUR", currency="USD", source="a bank")
    answer = ask(view, dollars, euro).answer
    leaf = answer.leaves[0]
    assert leaf.fiat is not None
    assert leaf.fiat.rate == "0.72448018546692748"
    assert [(step.source, step.is_divisor) for step in leaf.fiat.steps] == [
        ("an exchange", False),
        ("a bank", True),
    ]
    assert [table.source for table in answer.manifest.prices] == ["an exchange", "a bank"]


def test_hash__depends_on_the_prices_and_an_answer_without_them_is_as_before(view):
    other = table_of(
        {
            time: price + ".01"
            for time, price in zip(EACH_BLOCK.times.tolist(), EACH_BLOCK.prices, strict=True)
        },
        "tBTC",
    )
    results = [ask(view, table).answer.manifest.result_sha256 for table in (EACH_BLOCK, other)]
    assert len(set(results)) == 2
    # Another name of the same points changes the statement of who says so, and so the answer.
    assert ask(view, EACH_BLOCK).json_bytes() == ask(view, EACH_BLOCK).json_bytes()
    plain = trace(view, TraceRequest(sources=(text_of_name("thief"),), min_value_sat=1)).answer
    assert plain.totals.fiat is None
    assert {leaf.fiat for leaf in plain.leaves} == {None}
    valued = ask(view, EACH_BLOCK).answer
    assert [leaf.traced for leaf in plain.leaves] != []
    assert valued.totals.source == plain.totals.source


def test_tables__of_the_manifest_alone_give_the_same_answer(view):
    unused = daily("2024-03-01", ["57000"], asset="tBTC")
    first = ask(view, unused, EACH_BLOCK, unused)
    named = {table.points_sha256 for table in first.answer.manifest.prices}
    assert named == {EACH_BLOCK.points_sha256}
    again = ask(view, *(table for table in (unused, EACH_BLOCK) if table.points_sha256 in named))
    assert again.json_bytes() == first.json_bytes()


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1938"), ("KWD", "1938.000")])
def test_values__have_the_digits_of_their_currency(view, currency, amount):
    prices = dict(zip(EACH_BLOCK.times.tolist(), EACH_BLOCK.prices, strict=True))
    answer = ask(view, table_of(prices, "tBTC", currency), currency=currency).answer
    leaf = next(leaf for leaf in answer.leaves if leaf.traced == str(19 * COIN))
    assert leaf.fiat is not None
    assert leaf.fiat.amount == amount


def test_request__takes_currencies_as_answers_write_them():
    with pytest.raises(InputError, match="write the currency as EUR, not eur"):
        TraceRequest(sources=("x",), fiat="eur")
    with pytest.raises(InputError, match="is not a currency"):
        TraceRequest(sources=("x",), fiat="EURO")


def check(answer: TraceAnswer, table: PriceTable) -> None:
    """Compare every value of an answer with the plain rule."""
    prices = dict(zip(table.times.tolist(), table.prices, strict=True))

    def price(leaf: Leaf) -> str | None:
        found = table.find(np.array([int(leaf.time.timestamp())], np.int64))[0]
        return None if found < 0 else prices[int(table.times[found])]

    for leaf in (*answer.leaves, *answer.destroyed):
        expected = price(leaf)
        assert (leaf.fiat is None) == (expected is None)
        if leaf.fiat is not None:
            assert leaf.fiat.rate == expected
            assert leaf.fiat.amount == plain_value([(int(leaf.traced), expected)])
    fiat = answer.totals.fiat
    assert fiat is not None
    assert answer.buckets == ()
    groups: dict[str, list[Leaf]] = {}
    for leaf in answer.leaves:
        groups.setdefault(leaf.reason, []).append(leaf)
    assert set(groups) == set(fiat.by_reason) == set(answer.totals.by_reason)
    for reason, members in groups.items():
        total = fiat.by_reason[reason]
        assert total.amount == plain_value([(int(leaf.traced), price(leaf)) for leaf in members])
        assert int(total.unpriced) == sum(
            int(leaf.traced) for leaf in members if price(leaf) is None
        )
    for service in answer.services:
        members = [
            leaf
            for leaf in groups[service.reason]
            if leaf.service and leaf.service.label == service.label
        ]
        assert service.fiat is not None
        assert service.fiat.amount == plain_value(
            [(int(leaf.traced), price(leaf)) for leaf in members]
        )
    destroyed = [(int(leaf.traced), price(leaf)) for leaf in answer.destroyed]
    assert fiat.destroyed.amount == plain_value(destroyed)
    assert int(fiat.ends.unpriced) >= int(fiat.fees.unpriced)


@pytest.mark.slow
@settings(max_examples=20)
@given(
    st.integers(0, 30),
    st.dictionaries(
        st.integers(-2, 12), st.decimals("0.01", "99999", places=7).map(str), min_size=1, max_size=9
    ),
    st.sampled_from(["fifo", "haircut", "poison"]),
    st.sampled_from(["forward", "backward"]),
)
def test_values__of_any_trace_follow_the_plain_rule(seed, prices, policy, direction):
    found = build_view(busy_chain(seed, 30))
    table = table_of(
        {GENESIS_TIME + BLOCK_SECONDS * i: p.rstrip("0").rstrip(".") for i, p in prices.items()},
        "tBTC",
    )
    source = text_of_name("thief" if direction == "forward" else "exchange")
    result = trace(
        found,
        TraceRequest(
            sources=(source,), policy=policy, direction=direction, min_value_sat=1, fiat="EUR"
        ),
        attribution=attribution_of(found, {"exchange": "exchange", "mixer": "mixing_service"}),
        prices=PriceBook("tBTC", "EUR", [table]),
    )
    check(result.answer, table)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_values__of_coins_too_small_to_follow_are_in_the_sums(direction):
    chain = [
        *(tx for i in range(4) for tx in (
            Tx(name=f"mined{i}", outputs=[("thief", 10 * COIN + i)]),
            Tx(name=f"hop{i}", inputs=[f"mined{i}:0"], outputs=[(f"hop{i}", 10 * COIN + i)]),
        )),
        Tx(name="join", inputs=[f"hop{i}:0" for i in range(4)],
           outputs=[*((f"small{i}", COIN + i) for i in range(4)), ("target", 36 * COIN)]),
        Tx(name="later", inputs=[f"join:{i}" for i in range(4)], outputs=[("end", 4 * COIN)]),
    ]  # fmt: skip
    found = build_view(chain)
    table = table_of(
        {GENESIS_TIME + BLOCK_SECONDS * i: f"{100 + i}.07" for i in range(1, 9)}, "tBTC"
    )
    source = text_of_name("thief" if direction == "forward" else "target")
    answer = trace(
        found,
        TraceRequest(
            sources=(source,),
            direction=direction,
            min_value_sat=10 * COIN + (0 if direction == "forward" else 4),
            fiat="EUR",
        ),
        prices=PriceBook("tBTC", "EUR", [table]),
    ).answer
    (bucket,) = answer.buckets
    assert bucket.fiat is not None
    assert answer.totals.fiat is not None
    assert bucket.fiat == answer.totals.fiat.by_reason["below_min"]
    assert bucket.coins > 1
    if direction == "forward":
        # All were paid by one transaction, in the last block.
        assert bucket.fiat.amount == plain_value([(int(bucket.traced), "104.07")])
    else:
        # Each was mined in a block of its own.
        one_price = {plain_value([(int(bucket.traced), price)]) for price in table.prices}
        assert bucket.fiat.amount not in one_price


def test_comparison__shows_the_span_of_values(view):
    request = TraceRequest(sources=(text_of_name("thief"),), fiat="EUR", min_value_sat=1)
    found = compare(
        view,
        request,
        attribution=attribution_of(view, {"exchange": "exchange"}),
        prices=PriceBook("tBTC", "EUR", [EACH_BLOCK]),
    )
    assert found.fiat == "EUR"
    assert [table.points_sha256 for table in found.manifest.prices] == [EACH_BLOCK.points_sha256]
    (span,) = found.services
    assert span.fiat is not None
    assert set(span.fiat.by_policy) == set(found.totals)
    for policy, total in span.fiat.by_policy.items():
        alone = ask(view, EACH_BLOCK, policy=policy).answer
        assert alone.services[0].fiat == total
        assert found.totals[policy].fiat == alone.totals.fiat
    assert (span.fiat.least, span.fiat.most) == ("5028.00", "5028.00")
    late = table_of({max(EACH_BLOCK.times.tolist()): "103"}, "tBTC")
    partly = compare(
        view,
        request,
        attribution=attribution_of(view, {"exchange": "exchange"}),
        prices=PriceBook("tBTC", "EUR", [late]),
    )
    assert partly.services[0].fiat is not None
    assert partly.services[0].fiat.least is None
    without = compare(view, TraceRequest(sources=(text_of_name("thief"),)))
    assert (without.fiat, without.manifest.prices) == (None, ())


def test_answer__holds_no_floats(view):
    def no_float(text: str) -> float:
        raise AssertionError(f"{text} is a float")

    json.loads(ask(view, EACH_BLOCK).json_bytes(), parse_float=no_float)
