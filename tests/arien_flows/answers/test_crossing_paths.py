"""Ways from one chain to another, between two ledgers of accounts and from coins to accounts."""

from types import SimpleNamespace

import pytest

from arien_flows.answers import crossing_paths
from arien_flows.answers.crossing_paths import (
    AccountChainSide,
    CoinChainSide,
    CrossingPathAnswer,
    find_ways_across,
)
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import no_attribution
from arien_flows.cli.crossing_path import crossing_lines, other_network, refuse_between_chains
from arien_flows.errors import InputError, NotFoundError
from chains.ethereum.tables import EventKind
from tests.account_chains import ETHER, AccountChain, hash_of, text_of
from tests.account_readings import reading_of
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000
WORD = hash_of("transfer")
BRIDGE = {"bridge": ("A bridge", "bridge")}


def leaving(word: bytes) -> AccountChain:
    chain = AccountChain(salt="here")
    chain.genesis(thief=100 * ETHER, late=ETHER)
    chain.block()
    chain.pay("thief", "mule", 20 * ETHER)
    chain.block()
    with chain.transaction("mule", "bridge") as tx:
        tx.move("mule", "bridge", 10 * ETHER)
        tx.event(EventKind.BRIDGE, "bridge", "mule", word=word, amount=1)
    chain.block()
    chain.pay("late", "mule", ETHER)
    return chain


def coming(word: bytes) -> AccountChain:
    chain = AccountChain(salt="there")
    chain.genesis(bridge=100 * ETHER, early=ETHER)
    chain.block(60)
    with chain.transaction("relay", "bridge") as tx:
        tx.move("bridge", "new", 99 * ETHER // 10)
        tx.event(EventKind.BRIDGE, "bridge", "new", word=word, amount=2)
    chain.block()
    chain.pay("new", "exchange", 9 * ETHER)
    return chain


def side(chain: AccountChain) -> AccountChainSide:
    return AccountChainSide(reading=reading_of(chain, BRIDGE), max_hops=4, budget=1_000)  # type: ignore[arg-type]


def ask(word: bytes, origin: str = "thief", destination: str = "exchange") -> CrossingPathAnswer:
    ends = text_of(origin), text_of(destination)
    return find_ways_across(side(leaving(word)), side(coming(word)), *ends, 10)


def test_find_ways_across__by_an_identifier():
    answer = ask(WORD)
    (way,) = answer.ways
    assert (way.before.hops, way.after.hops) == (1, 1)
    assert (way.bridge.rule, way.bridge.percent) == ("bridge-identifier", None)
    assert answer.statement.startswith("1 path from")
    text = "\n".join(crossing_lines(answer))
    assert "both sides show one identifier" in text
    assert "rate of error not measured" in text


def test_find_ways_across__by_a_candidate_say_how_sure_it_is():
    (way,) = ask(bytes(32)).ways
    assert (way.bridge.rule, way.bridge.percent) == ("bridge-candidate", 70)
    assert "at most 70 % sure" in "\n".join(crossing_lines(ask(bytes(32))))


def test_find_ways_across__heed_the_order_of_time():
    # Who paid the mule after it had paid the bridge has no part in what the bridge carried.
    answer = ask(WORD, "late")
    assert answer.ways == ()
    assert answer.statement.startswith("No path from")
    own = ask(WORD, "mule", "new")
    assert (own.ways[0].before.hops, own.ways[0].after.hops) == (0, 0)
    assert "it is the end itself" in "\n".join(crossing_lines(own))
    with pytest.raises(NotFoundError):
        ask(WORD, "thief", "nobody")


def test_find_ways_across__go_from_coins_to_accounts_over_thorchain():
    view = build_view(
        [
            Tx(name="m", outputs=[("victim", 50 * COIN)]),
            Tx(name="steal", inputs=["m:0"], outputs=[("thief", 49 * COIN)]),
            Tx(
                name="in",
                inputs=["steal:0"],
                outputs=[("vault", 48 * COIN), ("data:=:ETH.ETH:0xAb", 0)],
            ),
        ]
    )
    reading = SimpleNamespace(
        view=view, entities=SingleAddresses(), coinjoin_marks=None, fetched=None,
        tags=SimpleNamespace(attribution=no_attribution(view)), tags_are_later=False, limits=(),
    )  # fmt: skip
    coins = CoinChainSide(reading=reading, max_hops=4, budget=1_000)  # type: ignore[arg-type]
    word = bytes.fromhex(coins.ports().departures[0].txid)
    answer = find_ways_across(
        coins, side(coming(word)), text_of_name("victim"), text_of("exchange"), 10
    )
    (way,) = answer.ways
    assert way.before.coins is not None
    assert (way.before.hops, way.after.hops) == (2, 1)
    assert answer.as_of.network == "bitcoin-regtest"
    assert answer.as_of_there.network == "ethereum-dev"
    assert "vault" not in "\n".join(crossing_lines(answer))


def test_other_network__is_named_before_a_colon():
    assert other_network("bitcoin:bc1q") == ("bitcoin", "bc1q")
    assert other_network("ethereum:0xAb") == ("ethereum", "0xAb")
    assert other_network("category:exchange") is None
    assert other_network("0xAb") is None
    refuse_between_chains(asset=None, since=None)
    with pytest.raises(InputError, match="--as-of means nothing"):
        refuse_between_chains(as_of=3)


def test_find_ways_across__look_first_at_what_an_end_itself_sent(monkeypatch):
    here, there = AccountChain(salt="here"), AccountChain(salt="there")
    here.genesis(bob=ETHER, mule=ETHER)
    there.genesis(bridge=9 * ETHER)
    here.block()
    there.block(60)
    for name in ("bob", "mule"):
        with here.transaction(name, "bridge") as tx:
            tx.event(EventKind.BRIDGE, "bridge", name, word=hash_of(name), amount=1)
        with there.transaction("relay", "bridge") as tx:
            tx.event(EventKind.BRIDGE, "bridge", f"{name} there", word=hash_of(name), amount=2)
    monkeypatch.setattr(crossing_paths, "MOST_CROSSINGS", 1)
    ends = text_of("mule"), text_of("mule there")
    answer = find_ways_across(side(here), side(there), *ends, 10)
    assert len(answer.ways) == 1
    assert [it.where for it in answer.truncations] == ["crossings"]
