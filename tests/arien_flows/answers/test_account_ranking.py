"""What to look at next, on a story of stolen money."""

import pytest

from arien_flows.answers import account_ranking
from arien_flows.answers.account_ranking import RankingAnswer, RankingRequest, ranked
from arien_flows.cli.next import ranking_lines
from arien_flows.errors import InputError, NotFoundError
from arien_flows.shapes import json_text
from chains.ethereum.address import checksummed
from tests.account_chains import ETHER, AccountChain, text_of
from tests.account_readings import reading_of


def stolen() -> AccountChain:
    """Return money that goes from a victim over a swap to an exchange, and some that does not."""
    chain = AccountChain()
    chain.knows("usd", "USD", 6)
    chain.genesis(victim=100 * ETHER, bob=10 * ETHER, pool=0)
    chain.block()
    with chain.transaction("usd", "usd") as tx:
        tx.token("usd", "null", "pool", 10**12)
    chain.pay("bob", "before", ETHER)
    chain.pay("victim", "thief", 90 * ETHER, burnt=1000, tip=10)
    with chain.transaction("thief", "router", burnt=1000) as tx:
        tx.move("thief", "pool", 60 * ETHER)
        tx.token("usd", "pool", "thief", 180_000_000_000)
    chain.block()
    chain.send("usd", "thief", "mule", 170_000_000_000)
    chain.pay("thief", "bob", ETHER)
    chain.pay("thief", "null", ETHER)
    chain.send("usd", "mule", "exchange", 160_000_000_000)
    chain.pay("bob", "after", ETHER // 2)
    return chain


def ask(chain: AccountChain, start: str = "thief", **fields: object) -> RankingAnswer:
    reading = reading_of(chain, {"exchange": ("Kraken", "exchange"), "mule": ("Mule", "scam")})
    return ranked(reading, RankingRequest(address=text_of(start), **fields))  # type: ignore[arg-type]


def places(answer: RankingAnswer) -> dict[str, int]:
    names = ("victim", "mule", "exchange", "bob", "before", "after", "pool", "null")
    known = {checksummed(text_of(name)): name for name in names}
    return {known[it.address]: it.place for it in answer.ranked}


def test_ranked__goes_over_a_swap_and_stops_at_a_service():
    answer = ask(stolen())
    found = places(answer)
    assert "pool" not in found
    assert "null" not in found
    assert "before" not in found
    assert found["mule"] < min(found["bob"], found["after"])
    by_name = {it.place: it for it in answer.ranked}
    assert by_name[found["exchange"]].not_passed == "service"
    assert by_name[found["mule"]].label == "Mule"
    assert sum(it.share_millionths for it in answer.ranked) + answer.start_millionths > 999_980
    assert answer.complete


def test_ranked__of_one_asset_does_not_go_over():
    answer = ask(stolen(), asset="tETH", by="weight")
    assert "mule" not in places(answer)
    assert places(answer)["pool"] == 1
    assert answer.request.asset == "tETH"
    by_token = ask(stolen(), asset=text_of("usd"), by="time")
    assert set(places(by_token)) == {"mule", "exchange", "pool"}


def test_ranked__says_what_it_left_out(monkeypatch):
    answer = ask(stolen(), limit=1, budget=1)
    assert [cut.reason for cut in answer.truncations] == ["budget", "limit"]
    assert len(answer.ranked) == 1
    assert answer.unlisted_millionths > 0
    monkeypatch.setattr(account_ranking, "MOST_MOVES", 2)
    wide = ask(stolen())
    assert "many_movements" in [cut.reason for cut in wide.truncations]
    assert "after" not in places(wide)


def test_ranked__states_no_amount():
    text = "\n".join(ranking_lines(ask(stolen())))
    assert "nothing about amounts" in text
    assert "tETH" not in text
    assert "Kraken" in text
    assert json_text(ask(stolen())) == json_text(ask(stolen()))


def test_ranked__refuses_what_means_nothing():
    with pytest.raises(InputError, match="none of"):
        RankingRequest(address="x", by="magic")
    with pytest.raises(InputError, match="budget"):
        RankingRequest(address="x", budget=0)
    with pytest.raises(InputError, match="listed"):
        RankingRequest(address="x", limit=0)
    with pytest.raises(NotFoundError, match="never used"):
        ask(stolen(), "nobody")
    with pytest.raises(InputError, match="no listed token"):
        ask(stolen(), asset="WBTC")
    with pytest.raises(InputError, match="is no token's contract"):
        ask(stolen(), asset=text_of("victim"))
    with pytest.raises(InputError, match="never gave or received USD"):
        ask(stolen(), "victim", asset="USD")


def test_ranked__refuses_an_account_with_any_number_of_movements(monkeypatch):
    monkeypatch.setattr(account_ranking, "MOST_AT_START", 2)
    with pytest.raises(InputError, match="serves many people"):
        ask(stolen())
