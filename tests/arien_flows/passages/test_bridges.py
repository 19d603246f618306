"""Crossings between ledgers: by identifier, over THORChain, and by candidate."""

import csv
import gzip
import json
from bisect import bisect_left, bisect_right
from collections import defaultdict

import pytest

from arien_flows.passages.bridges import (
    MOST_PAIRS,
    account_ports,
    candidate_crossings,
    coin_ports,
    crossings,
    family_of,
)
from arien_flows.passages.memos import Memo, memos_of, read_memo
from chains.ethereum.tables import EventKind
from tests.account_chains import ETHER, AccountChain, hash_of, text_of
from tests.ledgers import Tx, build_view

COIN = 100_000_000
WORD = hash_of("transfer")


def departing(name: str, word: bytes, times: int = 1) -> AccountChain:
    chain = AccountChain(salt="here")
    chain.genesis(**{name: 100 * ETHER})
    chain.block()
    for _ in range(times):
        with chain.transaction(name, "bridge") as tx:
            tx.move(name, "bridge", 10 * ETHER)
            tx.event(EventKind.BRIDGE, "bridge", name, word=word, amount=1)
    return chain


def arriving(name: str, word: bytes, wei: int = 10 * ETHER, seconds: int = 60) -> AccountChain:
    chain = AccountChain(salt="there")
    chain.genesis(bridge=100 * ETHER)
    chain.block(seconds)
    with chain.transaction("relay", "bridge") as tx:
        tx.move("bridge", name, wei)
        tx.event(EventKind.BRIDGE, "bridge", name, word=word, amount=2)
    return chain


def test_crossings__join_what_shows_the_same_identifier():
    here, there = departing("alice", WORD).view(), arriving("bob", WORD).view()
    (it,) = crossings(account_ports(here).departures, account_ports(there).arrivals)
    assert it.departure.party == here.find_account(text_of("alice"))
    assert it.arrival.party == there.find_account(text_of("bob"))
    assert (it.rule, it.candidates, it.percent) == ("bridge-identifier", 1, None)
    assert it.certainty == "inference"


def test_crossings__of_a_repeated_identifier_say_how_many_there_are():
    here, there = departing("alice", WORD, times=2).view(), arriving("bob", WORD).view()
    found = crossings(account_ports(here).departures, account_ports(there).arrivals)
    assert [it.candidates for it in found] == [2, 2]


def test_crossings__are_not_made_by_empty_words():
    here, there = departing("alice", bytes(32)).view(), arriving("bob", bytes(32)).view()
    assert not crossings(account_ports(here).departures, account_ports(there).arrivals)


def test_candidate_crossings__fit_by_amount_and_time():
    here = departing("alice", WORD).view()
    bridge = {here.find_account(text_of("bridge"))}
    for wei, seconds, expected in (
        (98 * ETHER // 10, 60, [70]),
        (96 * ETHER // 10, 60, []),
        (10 * ETHER, 7_200, []),
    ):
        there = arriving("alice", bytes(32), wei, seconds).view()
        paying = {there.find_account(text_of("bridge"))}
        found = candidate_crossings(here, there, bridge, paying, 3_600)
        assert [it.percent for it in found] == expected
    assert family_of(here, 0) == ("ETH", 18)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=:ETH.ETH:0xAb:1e6:t:30", ("swap", "ETH.ETH", "0xAb", b"")),
        ("SWAP:BTC.BTC:bc1q", ("swap", "BTC.BTC", "bc1q", b"")),
        ("=:e:0xAb/0xCd", ("swap", "ETH.ETH", "0xAb", b"")),
        (f"OUT:{'AB' * 32}", ("out", "", "", b"\xab" * 32)),
        (f"REFUND:{'ab' * 32}", ("refund", "", "", b"\xab" * 32)),
        ("OUT:12", None),
        ("=:ETH.ETH", None),
        ("+:ETH.ETH:0x", None),
        ("hello", None),
    ],
)
def test_read_memo__tells_what_is_wanted_and_answered(text, expected):
    memo = read_memo(text)
    told = None if memo is None else (memo.kind, memo.asset, memo.destination, memo.answers)
    assert told == expected
    assert memo is None or isinstance(memo, Memo)


def test_coin_ports__read_thorchain_both_ways():
    answered = hash_of("deposit on the other chain")
    view = build_view(
        [
            Tx(name="m", outputs=[("alice", 50 * COIN)]),
            Tx(
                name="in",
                inputs=["m:0"],
                outputs=[("vault", 49 * COIN), ("data:=:ETH.ETH:0xAb", 0), ("data:hello", 0)],
            ),
            Tx(
                name="out",
                inputs=["in:0"],
                outputs=[
                    ("bob", 9 * COIN),
                    ("vault", 39 * COIN),
                    (f"data:OUT:{answered.hex()}", 0),
                ],
            ),
        ]
    )
    assert [memo.kind for memo in memos_of(view).values()] == ["swap", "out"]
    ports = coin_ports(view)
    (gone,), (came,) = ports.departures, ports.arrivals
    assert gone.word == bytes.fromhex(gone.txid)
    assert gone.party == int(
        view.output_address[view.spent_output[view.first_input[gone.transaction]]]
    )
    assert came.output is not None
    assert int(view.output_value[came.output]) == 9 * COIN

    there = arriving("carol", gone.word).view()
    (crossed,) = crossings(ports.departures, account_ports(there).arrivals)
    assert (crossed.departure.network, crossed.arrival.network) == (
        "bitcoin-regtest",
        "ethereum-dev",
    )
    here = departing("dave", answered).view()
    (back,) = crossings(account_ports(here).departures, ports.arrivals)
    assert back.arrival.txid == came.txid


@pytest.mark.parametrize("bridge", ["Celer", "Poly"])
def test_labelled_deposits__show_how_far_amount_and_time_can_tell(shared_data, bridge):
    """The pairs have no amounts on their far side, so only the near side's ambiguity is measured.

    For each labelled deposit all others are counted that a payment of the same amount, fee 0, could
    be of as well: same asset, up to 3 % more, up to an hour earlier.
    """
    folder = shared_data / "crosschain_connector"
    with gzip.open(folder / f"ETH-BNB_{bridge}_sample.json.gz", "rt") as file:
        deposits = json.load(file)
    with gzip.open(folder / f"ETH-BNB_{bridge}_label.csv.gz", "rt") as file:
        labelled = {row["srcTxhash"] for row in csv.DictReader(file)}
    known = [it for it in deposits if it["txhash"] in labelled]
    assert len(known) > 5_000
    by_asset: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for it in known:
        args = it["args"]
        by_asset[args["asset_s"].lower()].append(
            (it["timestamp"], args["amount"], args["receiver"].lower())
        )
    alone = among_own = 0
    for listed in by_asset.values():
        listed.sort()
        times = [it[0] for it in listed]
        for time, amount, receiver in listed:
            near = listed[bisect_left(times, time - 3_600) : bisect_right(times, time)]
            fitting = [it for it in near if amount <= it[1] <= amount * 100 // 97]
            alone += len(fitting) == 1
            among_own += len([it for it in fitting if it[2] == receiver]) == 1
    assert alone / len(known) > 0.8
    assert among_own >= alone


def test_crossings__of_one_word_are_bounded_and_say_how_many_there_are():
    here, there = departing("alice", WORD, times=12).view(), departing("bob", WORD, times=12)
    there.salt = "there"
    both = account_ports(here).departures, account_ports(there.view()).departures
    found = crossings(*both)
    assert len(found) == MOST_PAIRS
    assert {it.candidates for it in found} == {144}
