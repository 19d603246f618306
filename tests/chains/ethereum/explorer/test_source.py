"""An explorer's URI, its key, and how often it is asked."""

import json
import logging

import pytest

from chains.access import Access, Secret
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.explorer.errors import KeyRefusedError
from chains.ethereum.explorer.rate import TokenBucket
from chains.ethereum.explorer.routes import ExplorerOptions
from chains.ethereum.explorer.source import Explorer
from chains.ethereum.networks import ETHEREUM, ETHEREUM_DEV
from chains.exchange import Exchange
from chains.http import Patience
from chains.registry import open_account_lookups
from tests.account_chains import ETHER, AccountChain, address_of
from tests.ethereum_explorer import StandIn, served, uri_of
from tests.http_server import Asked, Reply, serving

KEY = "K3Y0F0N3Plus1"
SHORT = Patience(attempts=2, first_pause=0.01, in_all=1)


def stand_in(**habits: object) -> StandIn:
    chain = AccountChain()
    chain.genesis(alice=ETHER)
    chain.block()
    chain.pay("alice", "bob", 7)
    return StandIn.of(chain.batch(), **habits)


class Notes:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def allow(self) -> None:
        """Allow everything."""

    def keep(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


def test_token_bucket__spreads_requests_evenly_after_a_burst() -> None:
    now = [100.0]
    bucket = TokenBucket(5, clock=lambda: now[0])
    assert [bucket.take() for _ in range(5)] == [0.0] * 5
    assert [round(bucket.take(), 6) for _ in range(3)] == [0.2, 0.4, 0.6]
    now[0] += 60
    assert [bucket.take() for _ in range(5)] == [0.0] * 5
    assert bucket.take() > 0


def test_token_bucket__halves_its_rate_when_asked() -> None:
    now = [0.0]
    bucket = TokenBucket(4, clock=lambda: now[0])
    bucket.slow_down()
    assert bucket.take() == 0.5
    assert bucket.take() == 1.0


def test_explorer__stays_within_the_rate_that_is_named() -> None:
    state = stand_in()
    with served(state) as server:
        uri = f"{uri_of(server, state)}?rate=1000"
        with open_account_lookups(uri, "ethereum-dev") as source:
            assert source.balances([address_of("bob")], None) == [7]


def test_options__come_from_the_uri_and_the_key_from_elsewhere_too() -> None:
    access = Access(explorer_key=Secret("from a file"))
    bare = Endpoint.parse("etherscan+https://host/api?chainid=5&rate=3")
    assert ExplorerOptions.of(bare, access) == (Secret("from a file"), 5, 3.0)
    named = Endpoint.parse(f"etherscan+https://host/api?apikey={KEY}")
    assert ExplorerOptions.of(named, access).key == Secret(KEY)
    assert KEY not in repr(ExplorerOptions.of(named, access))
    assert KEY not in repr(named)
    assert "from a file" not in repr(access)


@pytest.mark.parametrize("query", ["rate=0", "rate=x", "chainid=-1", f"token={KEY}", "rate=²"])
def test_options__that_mean_nothing_are_refused_and_not_repeated(query: str) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        ExplorerOptions.of(Endpoint.parse(f"etherscan+https://host/api?{query}"), Access())
    assert KEY not in str(caught.value)


def test_explorer__names_the_chain_where_one_server_has_many() -> None:
    state = stand_in()

    def answer(asked: Asked) -> Reply:
        path = asked.path.replace("/v2/api", "/api").replace("chainid=1&", "")
        reply = state.answer(Asked(
            method=asked.method, path=path, headers={}, body=b"", client_port=0
        ))  # fmt: skip
        return Reply(body=reply.body.replace(
            b"0x" + state.blocks[0].block_hash.hex().encode(),
            b"0x" + (ETHEREUM.genesis_hash or b"").hex().encode(),
        ))  # fmt: skip

    with serving(answer) as server:
        uri = f"etherscan+{server.url}/v2/api"
        with open_account_lookups(uri, "ethereum") as source:
            source.balances([address_of("bob")], None)
        assert all("chainid=1&" in path for path in server.paths)
        with pytest.raises(SourceUnavailableError, match="chainid=8453 is not ethereum"):
            open_account_lookups(f"{uri}?chainid=8453", "ethereum")


def test_explorer__hides_its_key_from_logs_exchanges_and_errors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    state, notes = stand_in(key=KEY), Notes()

    def answer(asked: Asked) -> Reply:
        if "account" in asked.path:
            words = f"Invalid API Key {KEY}, in {asked.path}"
            return Reply(
                body=json.dumps({"status": "0", "message": "NOTOK", "result": words}).encode()
            )
        return state.answer(asked)

    with serving(answer) as server:
        endpoint = Endpoint.parse(f"{uri_of(server, state)}?apikey={KEY}")
        with Explorer(endpoint, ETHEREUM_DEV, recorder=notes, patience=SHORT) as source:
            with pytest.raises(KeyRefusedError) as caught:
                source.histories([address_of("bob")], most=10)
            shown = f"{source!r} {source.name} {caught.value} {caught.value.__cause__}"
    assert KEY not in shown
    assert KEY not in caplog.text
    assert notes.exchanges
    assert not any(KEY in each.request + each.source for each in notes.exchanges)
    assert not any(KEY.encode() in each.answer for each in notes.exchanges)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"<html>Just a moment</html>"), "web page"),
        (Reply(body=b""), "nothing at all"),
        (Reply(status=404, body=b"gone"), "answers 404"),
        (Reply(status=403, body=b"<html>denied</html>"), "answers 403"),
        (Reply(body=b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'), "not an object"),
        (Reply(body=b'{"jsonrpc":"2.0","id":1,"result":null}'), "has no block 0x0"),
        (Reply(body=b'{"jsonrpc":"2.0","id":1,"result":{"number":"7"}}'), "number is '7'"),
    ],
)
def test_explorer__that_is_none_says_so_at_once(reply: Reply, words: str) -> None:
    with serving(reply) as server:
        endpoint = Endpoint.parse(f"etherscan+{server.url}/api")
        with pytest.raises(SourceUnavailableError, match=words):
            Explorer(endpoint, ETHEREUM_DEV, patience=SHORT)


def test_explorer__gives_up_on_a_server_that_stays_busy() -> None:
    state = stand_in(refuse_first=1_000)
    with served(state) as server:
        endpoint = Endpoint.parse(uri_of(server, state))
        with pytest.raises(SourceUnavailableError, match="asked too often"):
            Explorer(endpoint, ETHEREUM_DEV, patience=SHORT)
        assert len(server.asked) == SHORT.attempts


def test_explorer__refuses_one_item_and_goes_on() -> None:
    state = stand_in()

    def answer(asked: Asked) -> Reply:
        if "tokenbalance" in asked.path:
            return Reply(
                body=b'{"status":"0","message":"NOTOK","result":"Error! Invalid contract"}'
            )
        return state.answer(asked)

    with serving(answer) as server:
        endpoint = Endpoint.parse(f"etherscan+{server.url}/api")
        with Explorer(endpoint, ETHEREUM_DEV, patience=SHORT) as source:
            (failed,) = source.balances([address_of("bob")], address_of("USD"))
            assert isinstance(failed, LookupFailedError)
            assert "Invalid contract" in str(failed)
            assert source.balances([address_of("bob")], None) == [7]
