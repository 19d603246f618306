"""Exposure and risk of accounts: partitions of the whole, exact to the wei."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_workspace import AccountReading, account_reading
from arien_flows.answers.account_exposure import account_exposure_answer, account_ground
from arien_flows.answers.account_risk import account_risk_answer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.errors import InputError, NotFoundError
from arien_flows.exposure.accounts import (
    AccountExposureRequest,
    account_exposure_of,
    rounded_together,
)
from arien_flows.exposure.shares import Exposure
from chains.ethereum.tables import EventKind
from tests.account_chains import ETHER, AccountChain, text_of
from tests.arien_flows.casebook.packs import bring_in, pack, row

BURN = "0x000000000000000000000000000000000000dead"


def tag(name: str, label: str, category: str) -> str:
    return row(
        f'"{text_of(name)}"', label, network="ethereum-dev", category=category,
        confidence="forensic",
    )  # fmt: skip


PACK = pack(
    tag("thief", "Thief", "perpetrator"),
    tag("exchange", "Exchange", "exchange"),
    tag(BURN, "Burn", "perpetrator"),
)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    casebook = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    bring_in(casebook, PACK)
    yield casebook
    casebook.close()


def reading_of(chain: AccountChain, book: Casebook) -> AccountReading:
    return account_reading(chain.view(), book)


def found(reading: AccountReading, direction: str, **more: object) -> Exposure:
    request = AccountExposureRequest(
        subjects=(text_of("alice"),),
        direction=direction,  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )
    return account_exposure_of(account_ground(reading), request)


def shares(exposure: Exposure) -> list[tuple[str, int, int]]:
    return [(it.label, it.hops, it.value) for it in exposure.shares]


def story() -> AccountChain:
    chain = AccountChain()
    chain.genesis(thief=10 * ETHER, clean=30 * ETHER)
    chain.block()
    chain.pay("thief", "mule", 10 * ETHER)
    chain.pay("clean", "mule", 30 * ETHER)
    chain.pay("mule", "alice", 4 * ETHER, burnt=7)
    chain.block()
    chain.pay("alice", "exchange", ETHER, burnt=3, tip=2)
    chain.pay("alice", "hop", ETHER)
    chain.pay("hop", "exchange", ETHER // 2)
    chain.pay("alice", BURN, ETHER // 4)
    return chain


def test_account_exposure_of__divides_what_came_by_where_it_came_from(book: Casebook):
    exposure = found(reading_of(story(), book), "in")
    assert exposure.total == 4 * ETHER
    assert shares(exposure) == [("Thief", 2, ETHER)]
    assert exposure.rest == {"newly_mined": 3 * ETHER}


def test_account_exposure_of__divides_what_went_with_gas_and_burns_apart(book: Casebook):
    exposure = found(reading_of(story(), book), "out")
    assert exposure.total == 2 * ETHER + ETHER // 4 + 5
    assert shares(exposure) == [("Exchange", 1, ETHER), ("Exchange", 2, ETHER // 2)]
    assert exposure.rest == {"unspent": ETHER // 2, "destroyed": ETHER // 4, "fee": 5}


def test_account_exposure_of__a_hop_limit_keeps_what_is_direct(book: Casebook):
    exposure = found(reading_of(story(), book), "out", max_hops=1)
    assert shares(exposure) == [("Exchange", 1, ETHER)]
    assert exposure.rest["hop_limit"] == ETHER // 2
    assert sum(exposure.rest.values()) + ETHER == exposure.total


def test_account_exposure_of__nothing_is_a_whole_too(book: Casebook):
    chain = AccountChain()
    chain.genesis(alice=5)
    chain.pay("bob", "carol", 0)
    exposure = found(reading_of(chain, book), "out")
    assert (exposure.total, exposure.shares, exposure.rest) == (0, (), {})


def test_account_exposure_of__goes_through_a_swap_by_the_part_that_was_exchanged(book: Casebook):
    chain = AccountChain()
    chain.knows("usd", "USDX", 6)
    chain.genesis(thief=8 * ETHER, pool=99 * ETHER)
    chain.send("usd", "null", "pool", 10**9)
    chain.block()
    chain.pay("thief", "mule", 8 * ETHER)
    with chain.transaction("mule", "pool") as tx:
        tx.move("mule", "pool", 8 * ETHER)
        tx.token("usd", "pool", "mule", 1_000)
        tx.event(EventKind.SWAP, "pool", "mule", "mule")
    chain.send("usd", "mule", "alice", 250)
    exposure = found(reading_of(chain, book), "in", asset="USDX")
    assert exposure.total == 250
    assert shares(exposure) == [("Thief", 2, 250)]
    assert [cut.reason for cut in exposure.truncations] == ["converted"]


def test_account_exposure_of__does_not_count_what_the_subject_exchanged_itself(book: Casebook):
    chain = AccountChain()
    chain.knows("usd", "USDX", 6)
    chain.genesis(alice=9 * ETHER, pool=ETHER)
    chain.send("usd", "null", "pool", 10**9)
    chain.block()
    with chain.transaction("alice", "pool") as tx:
        tx.move("alice", "pool", 2 * ETHER)
        tx.token("usd", "pool", "alice", 1_000)
        tx.event(EventKind.SWAP, "pool", "alice", "alice")
    chain.pay("alice", "exchange", ETHER)
    exposure = found(reading_of(chain, book), "out")
    assert exposure.total == ETHER
    assert shares(exposure) == [("Exchange", 1, ETHER)]


payments = st.lists(
    st.tuples(
        st.sampled_from(["thief", "alice", "mule", "hop"]),
        st.sampled_from(["alice", "mule", "hop", "exchange", "null"]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(payments)
def test_account_exposure_of__is_a_partition(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str, int]]
):
    chain = AccountChain()
    chain.genesis(alice=9, thief=9, mule=9, hop=9)
    for giver, receiver, amount in written:
        chain.pay(giver, receiver, amount, burnt=amount % 2)
    casebook = Casebook(sqlite_url(tmp_path_factory.mktemp("book") / "casebook.sqlite"))
    bring_in(casebook, PACK)
    reading = reading_of(chain, casebook)
    for direction in ("in", "out"):
        exposure = found(reading, direction, min_value=1)
        parts = [it.value for it in exposure.shares] + list(exposure.rest.values())
        assert sum(parts) == exposure.total
    casebook.close()


@given(st.lists(st.fractions(0, 9, max_denominator=50), min_size=1, max_size=6), st.integers(0, 99))
def test_rounded_together__sums_exactly_and_is_near(weights: list[Fraction], total: int):
    parts = rounded_together(weights, total)
    assert sum(parts) == total
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - weight * total / whole) < 1


def test_account_exposure_answer__sums_to_the_total_and_names_its_asset(book: Casebook):
    requests = [
        AccountExposureRequest(subjects=(text_of("alice"),), direction=each)
        for each in ("in", "out")
    ]
    answer = account_exposure_answer(reading_of(story(), book), requests)
    assert (answer.asset, answer.decimals, answer.standing) == ("tETH", 18, "coin")
    for side in answer.sides:
        rows = [*side.categories, *side.rest]
        assert sum(int(row.value) for row in rows) == int(side.total)
        assert sum(round(float(row.percent) * 100) for row in rows) == 10_000
    again = account_exposure_answer(reading_of(story(), book), requests)
    assert again == answer


def test_account_exposure_answer__refuses_what_it_cannot_name(book: Casebook):
    reading = reading_of(story(), book)
    for subjects, error in (("0x12", InputError), ("0x" + "ab" * 20, NotFoundError)):
        with pytest.raises(error):
            account_exposure_answer(reading, [AccountExposureRequest(subjects=(subjects,))])
    with pytest.raises(InputError):
        account_exposure_answer(
            reading, [AccountExposureRequest(subjects=(text_of("alice"),), asset="NOPE")]
        )


def test_account_risk_answer__scores_by_the_same_policy_and_burns_carry_nothing(book: Casebook):
    answer = account_risk_answer(reading_of(story(), book), text_of("alice"))
    assert answer.score == "24.88"
    (line,) = answer.contributions
    assert (line.label, line.share_percent, line.hops) == ("Thief", "25.00", 2)
    assert (answer.asset, answer.profile) == ("tETH", "none")
    assert {flag.verdict for flag in answer.flags} == {"not_measured"}


def test_account_risk_answer__says_that_other_assets_were_not_scored(book: Casebook):
    chain = story()
    chain.send("token", "thief", "alice", 5)
    reading = reading_of(chain, book)
    answer = account_risk_answer(reading, text_of("alice"))
    assert "one_asset" in {cut.reason for cut in answer.truncations}
    token = account_risk_answer(reading, text_of("alice"), asset=text_of("token"))
    assert token.contributions[0].label == "Thief"
    assert token.contract is not None
