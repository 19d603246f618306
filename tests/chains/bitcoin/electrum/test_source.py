"""The Electrum source before servers of all kinds: what it believes, and what it says."""

import hashlib
from contextlib import contextmanager
from dataclasses import replace

import pytest

from chains.access import DIRECT, Access
from chains.bitcoin.electrum.address import ElectrumAddress
from chains.bitcoin.electrum.session import Patience
from chains.bitcoin.electrum.source import ElectrumServer
from chains.bitcoin.networks import BITCOIN, REGTEST
from chains.errors import ChainChangedError, LookupFailedError, SourceUnavailableError
from chains.exchange import NoRecorder
from chains.lookups import OutputQuestion
from chains.registry import open_lookups
from chains.types import TxIdHex, raw_txid
from tests.contract.lookups import NodesWord, Notebook, failed
from tests.electrum import electrum_server as running_server
from tests.electrum_stand_in import RefusedError, StandIn, block_hash, mine_headers, serving
from tests.nodes import free_port
from tests.reference.headers import median_time_past
from tests.socks import socks_proxy

QUICK = Patience(connect=20, answer=20, attempts=3, first_pause=0.001, longest_pause=0.004)
SCRIPT = b"\x51"
KEY = hashlib.sha256(SCRIPT).digest()[::-1].hex()


@contextmanager
def opened(stand_in, network=REGTEST, recorder=None):
    """Open the source over a stand-in."""
    with (
        serving(stand_in) as uri,
        ElectrumServer(
            ElectrumAddress.parse(uri), network, DIRECT, recorder or NoRecorder(), patience=QUICK
        ) as source,
    ):
        yield source


def entry(stand_in, place, height):
    """Return a line of a history."""
    return {"tx_hash": list(stand_in.raws)[place], "height": height}


def raw_id(stand_in, place):
    return raw_txid(TxIdHex(list(stand_in.raws)[place]))


def test_open__takes_two_messages():
    stand_in = StandIn()
    with opened(stand_in) as source:
        assert source.tip_height() == 29
    version, together = stand_in.messages
    assert version["method"] == "server.version"
    assert len(together) == 3


def test_open__of_another_network_names_both():
    with (
        pytest.raises(SourceUnavailableError, match="serves bitcoin-regtest, and bitcoin is"),
        opened(StandIn(), BITCOIN),
    ):
        pass


class Lies(StandIn):
    """States a genesis block that is not its own."""

    def answer(self, method, params):
        if method == "server.features":
            return {"genesis_hash": BITCOIN.genesis_hash[::-1].hex()}
        return super().answer(method, params)


def test_open__of_a_server_that_states_another_genesis_block_is_refused():
    with (
        pytest.raises(SourceUnavailableError, match="serves bitcoin, and bitcoin-regtest is"),
        opened(Lies()),
    ):
        pass


class Featureless(StandIn):
    def answer(self, method, params):
        if method == "server.features":
            raise RefusedError(-32601, "unknown method")
        return super().answer(method, params)


def test_open__does_without_features():
    with opened(Featureless()) as source:
        assert source.tip_height() == 29


class OfUnknownChain(StandIn):
    def __init__(self):
        super().__init__()
        self.headers = self.headers[1:]

    def answer(self, method, params):
        if method == "server.features":
            return {}
        return super().answer(method, params)


def test_open__of_an_unknown_chain_shows_how_it_begins():
    stand_in = OfUnknownChain()
    shown = block_hash(stand_in.headers[0])[::-1].hex()
    with pytest.raises(SourceUnavailableError, match=shown), opened(stand_in):
        pass


def test_open__of_another_network_with_the_same_genesis_block_is_refused():
    stand_in = StandIn()
    own = replace(REGTEST, first_block_hash=bytes(32))
    with (
        pytest.raises(SourceUnavailableError, match="another network that begins with the block"),
        opened(stand_in, own),
    ):
        pass
    with opened(stand_in, replace(own, first_block_hash=block_hash(stand_in.headers[1]))):
        pass
    with opened(StandIn(blocks=1), own) as source:
        assert source.tip_height() == 0


def test_open__of_a_server_without_blocks_is_refused():
    with (
        pytest.raises(SourceUnavailableError, match="has no first block"),
        opened(Misshapen("blockchain.block.headers", {"count": 0, "hex": "", "max": 2016})),
    ):
        pass


class ListsHeaders(StandIn):
    """Speaks protocol 1.6, in which headers come as a list."""

    protocol = "1.6"

    def stretch(self, headers):
        return {"count": len(headers), "headers": [one.hex() for one in headers], "max": 2016}


@pytest.mark.parametrize("habit", [StandIn, ListsHeaders])
def test_headers__have_their_median_times_in_both_shapes(habit):
    stand_in = habit(blocks=250)
    times = [int.from_bytes(header[68:72], "little") for header in stand_in.headers]
    heights = [0, 1, 5, 10, 11, 30, 31, 100, 140, 249]
    with opened(stand_in) as source:
        answers = source.headers(heights)
    for height, answer in zip(heights, answers, strict=True):
        assert answer.header == stand_in.headers[height]
        assert answer.median_time == median_time_past(times, height)


def test_headers__of_neighbours_take_one_request():
    stand_in = StandIn(blocks=400)
    with opened(stand_in) as source:
        source.headers([200, 205, 211, 190])
        assert stand_in.asked("blockchain.block.headers")[1:] == [[180, 32]]
        source.headers([350, 310])
    assert stand_in.asked("blockchain.block.headers")[2:] == [[300, 100]]


@pytest.mark.slow
def test_headers__of_a_long_stretch_are_asked_in_pieces():
    stand_in = StandIn(blocks=2_100)
    with opened(stand_in) as source:
        answers = source.headers(range(2_100))
    assert [answer.header for answer in answers] == stand_in.headers
    assert stand_in.asked("blockchain.block.headers")[1:] == [[0, 2016], [2016, 84]]


@pytest.mark.parametrize("height", [29, 20, 0])
def test_headers__of_a_chain_that_changed_are_not_mixed(height):
    stand_in = StandIn()
    with opened(stand_in) as source:
        stand_in.headers = mine_headers(3, after=stand_in.headers[:28], seed=5)
        with pytest.raises(ChainChangedError, match="refresh and read again"):
            source.headers([height])
        source.refresh()
        (answer,) = source.headers([29])
        assert answer.header == stand_in.headers[29]
        assert source.tip_height() == 30


def test_headers__that_do_not_follow_one_another_are_not_served():
    stand_in = StandIn(blocks=400)
    with opened(stand_in) as source:
        stand_in.headers[205] = mine_headers(1, after=stand_in.headers[:205], seed=9)[-1]
        with pytest.raises(ChainChangedError):
            source.headers([210])
        assert source.headers([190])[0].header == stand_in.headers[190]


@pytest.mark.parametrize("left", [25, 10, 5])
def test_headers__of_a_chain_that_became_shorter_are_not_served(left):
    stand_in = StandIn()
    with opened(stand_in) as source:
        del stand_in.headers[left:]
        with pytest.raises(ChainChangedError):
            source.headers([20])


def test_headers__far_below_a_change_are_served():
    stand_in = StandIn(blocks=200)
    with opened(stand_in) as source:
        stand_in.headers = mine_headers(3, after=stand_in.headers[:199], seed=5)
        assert source.headers([50])[0].header == stand_in.headers[50]
        assert source.block_hash(50) == block_hash(stand_in.headers[50])


def test_tip__stays_until_the_source_is_refreshed():
    stand_in = StandIn()
    with opened(stand_in) as source:
        old = block_hash(stand_in.headers[-1])
        stand_in.headers = mine_headers(2, after=stand_in.headers)
        assert (source.tip_height(), source.block_hash(29)) == (29, old)
        with pytest.raises(ValueError, match="the tip is 29"):
            source.block_hash(30)
        # More blocks on top are no change of what was seen.
        assert source.headers([29])[0].header == stand_in.headers[29]
        source.refresh()
        assert source.tip_height() == 31


class WithoutWork(StandIn):
    """Serves a header that nobody worked for."""

    def __init__(self, height):
        super().__init__()
        header = self.headers[height]
        others = (header[:76] + nonce.to_bytes(4, "little") for nonce in range(99))
        self.headers[height] = next(one for one in others if block_hash(one)[31] > 0x7F)


def test_headers__without_work_are_refused():
    with (
        opened(WithoutWork(12)) as source,
        pytest.raises(SourceUnavailableError, match="height 12 whose hash does not meet"),
    ):
        source.headers([14])


def test_tip__without_work_is_refused():
    with (
        pytest.raises(SourceUnavailableError, match="height 29 whose hash does not meet"),
        opened(WithoutWork(29)),
    ):
        pass


def test_histories__leave_what_came_after_the_tip_unconfirmed():
    stand_in = StandIn()
    stand_in.histories[KEY] = [
        entry(stand_in, 3, 20),
        entry(stand_in, 1, 7),
        entry(stand_in, 2, 30),
        entry(stand_in, 0, 0),
        entry(stand_in, 4, -1),
    ]
    with opened(stand_in) as source:
        (seen,) = source.histories([SCRIPT], most=5)
        assert [sighting.height for sighting in seen] == [7, 20, None, None, None]
        assert [sighting.txid for sighting in seen[:2]] == [
            raw_id(stand_in, 1),
            raw_id(stand_in, 3),
        ]
        stand_in.headers = mine_headers(1, after=stand_in.headers)
        source.refresh()
        (seen,) = source.histories([SCRIPT], most=5)
    assert [sighting.height for sighting in seen] == [7, 20, 30, None, None]


def test_histories__place_the_genesis_block_s_transaction():
    stand_in = StandIn()
    genesis = stand_in.headers[0][36:68][::-1].hex()
    stand_in.histories[KEY] = [{"tx_hash": genesis, "height": 0}, entry(stand_in, 0, 0)]
    with opened(stand_in) as source:
        (seen,) = source.histories([SCRIPT], most=5)
    assert [sighting.height for sighting in seen] == [0, None]


def test_candidates__are_neither_the_funding_nor_what_came_before():
    stand_in = StandIn()
    stand_in.histories[KEY] = [
        entry(stand_in, place, height)
        for place, height in [(0, 5), (1, 9), (2, 9), (3, 12), (4, 0)]
    ]
    question = OutputQuestion(txid=raw_id(stand_in, 1), vout=0, script=SCRIPT, height=9)
    with opened(stand_in) as source:
        (seen,) = source.candidates([question], most=3)
        assert [sighting.txid for sighting in seen] == [raw_id(stand_in, n) for n in (2, 3, 4)]
        assert failed(source.candidates([question], most=2)) == [True]


def test_candidates__of_outputs_of_one_script_take_one_request():
    stand_in = StandIn()
    questions = [
        OutputQuestion(txid=raw_id(stand_in, 1), vout=vout, script=SCRIPT, height=9)
        for vout in range(5)
    ]
    with opened(stand_in) as source:
        assert source.candidates(questions, most=3) == [()] * 5
    assert len(stand_in.asked("blockchain.scripthash.get_history")) == 1


class Forges(StandIn):
    """Answers two transactions with something else."""

    def answer(self, method, params):
        if method == "blockchain.transaction.get":
            shown = list(self.raws)
            place = shown.index(params[0])
            if place == 3:
                return self.raws[shown[4]].hex()
            if place == 5:
                return self.raws[shown[5]][:-2].hex()
        return super().answer(method, params)


def test_transactions__that_do_not_hash_to_their_id_fail():
    stand_in = Forges()
    with opened(stand_in) as source:
        answers = source.transactions([raw_id(stand_in, place) for place in range(8)])
    assert failed(answers) == [False, False, False, True, False, True, False, False]
    assert answers[4].raw == list(stand_in.raws.values())[4]
    assert "not that transaction" in str(answers[3])


class Misshapen(StandIn):
    """Answers one method with what has another shape."""

    def __init__(self, method, result):
        super().__init__()
        self.method = method
        self.result = result

    def answer(self, method, params):
        return self.result if method == self.method else super().answer(method, params)


SHAPES = [
    ("blockchain.headers.subscribe", {"height": 7}),
    ("blockchain.headers.subscribe", {"height": -7, "hex": "00" * 80}),
    ("blockchain.headers.subscribe", {"height": 7, "hex": "00" * 79}),
    ("blockchain.block.headers", {"hex": "zz" * 80}),
    ("server.features", {"genesis_hash": "00"}),
    ("blockchain.block.headers", {"hex": "00" * 81}),
    ("blockchain.block.headers", {"headers": ["00" * 81]}),
    ("blockchain.block.headers", {"headers": [None]}),
    ("blockchain.block.headers", "00" * 80),
    ("blockchain.scripthash.get_history", {}),
    ("blockchain.scripthash.get_history", [{"height": 1}]),
    ("blockchain.scripthash.get_history", [{"tx_hash": "ab" * 32}]),
    ("blockchain.scripthash.get_history", [{"tx_hash": "ab" * 31, "height": 1}]),
    ("blockchain.scripthash.get_history", [{"tx_hash": "ab" * 32, "height": -2}]),
    ("blockchain.scripthash.get_history", [{"tx_hash": "ab" * 32, "height": 1.5}]),
    ("blockchain.transaction.get", {"hex": "00"}),
    ("blockchain.transaction.get", "xyz"),
    ("blockchain.transaction.get_merkle", {"merkle": [], "pos": 0}),
    ("blockchain.transaction.get_merkle", {"merkle": [], "pos": 1, "block_height": 1}),
    ("blockchain.transaction.get_merkle", {"merkle": [], "pos": -1, "block_height": 1}),
    ("blockchain.transaction.get_merkle", {"merkle": ["00"], "pos": 0, "block_height": 1}),
    ("blockchain.transaction.get_merkle", {"merkle": [7], "pos": 0, "block_height": 1}),
    (
        "blockchain.transaction.get_merkle",
        {"merkle": ["ab" * 32] * 33, "pos": 0, "block_height": 1},
    ),
]


def ask_everything(stand_in):
    with opened(stand_in) as source:
        source.headers([3])
        source.histories([SCRIPT], most=5)
        source.transactions([raw_id(stand_in, 0)])
        source.branches([(raw_id(stand_in, 0), 1)])


@pytest.mark.parametrize(("method", "result"), SHAPES)
def test_source__of_misshapen_answers_is_unusable_and_says_which(method, result):
    with pytest.raises(SourceUnavailableError, match=f"answers {method} with") as caught:
        ask_everything(Misshapen(method, result))
    assert "\n" not in str(caught.value)


def test_branches__for_another_height_fail():
    stand_in = Misshapen(
        "blockchain.transaction.get_merkle", {"merkle": [], "pos": 0, "block_height": 8}
    )
    with opened(stand_in) as source:
        answers = source.branches([(raw_id(stand_in, 0), 8), (raw_id(stand_in, 0), 9)])
    assert failed(answers) == [False, True]
    assert "at 8, not at 9" in str(answers[1])


def test_source__without_a_method_that_it_must_have_is_unusable():
    with (
        opened(StandIn()) as source,
        pytest.raises(
            SourceUnavailableError, match=r"does not know blockchain\.transaction\.get_m"
        ),
    ):
        source.branches([(bytes(32), 1)])


def test_open__of_a_server_that_refuses_its_tip_repeats_its_words():
    class Busy(StandIn):
        def answer(self, method, params):
            if method == "blockchain.headers.subscribe":
                raise RefusedError(1, "still catching up with daemon")
            return super().answer(method, params)

    with pytest.raises(SourceUnavailableError, match="still catching up"), opened(Busy()):
        pass


def test_histories__that_the_server_finds_too_large_fail_beside_others():
    class Limited(StandIn):
        def answer(self, method, params):
            if params == [KEY]:
                raise RefusedError(1, "history too large")
            return super().answer(method, params)

    with opened(Limited()) as source:
        failure, other = source.histories([SCRIPT, b"\x52"], most=5)
        question = OutputQuestion(
            txid=raw_txid(TxIdHex("ab" * 32)), vout=0, script=SCRIPT, height=1
        )
        (failed_too,) = source.candidates([question], most=5)
    assert isinstance(failure, LookupFailedError)
    assert str(failure) == "blockchain.scripthash.get_history was refused: history too large"
    assert str(failed_too) == str(failure)
    assert other == ()


def test_headers__that_the_server_refuses_fail_beside_others():
    class Forgets(StandIn):
        def answer(self, method, params):
            if method == "blockchain.block.headers" and params[0] == 90:
                raise RefusedError(1, "db error")
            return super().answer(method, params)

    with opened(Forgets(blocks=300)) as source:
        assert failed(source.headers([100, 50, 100])) == [True, False, True]
        with pytest.raises(SourceUnavailableError, match=r"no header at height 100: .*db error"):
            source.block_hash(100)


# A real server.


def test_tls__is_spoken_with_a_certificate_that_was_named(electrum_server):
    with open_lookups(electrum_server.tls_uri, "bitcoin-regtest") as source:
        assert source.tip_height() > 0
        assert source.name == electrum_server.tls_uri.partition("?")[0]


def test_tls__with_a_certificate_that_nobody_vouches_for_shows_its_fingerprint(electrum_server):
    bare, _, pin = electrum_server.tls_uri.partition("?")
    with pytest.raises(SourceUnavailableError, match="nobody vouches") as caught:
        open_lookups(bare, "bitcoin-regtest")
    # What the message says to write is what works.
    assert f"{bare}?{pin}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tls__with_another_certificate_than_the_named_one_is_refused(electrum_server):
    bare, _, pin = electrum_server.tls_uri.partition("?")
    with pytest.raises(SourceUnavailableError, match="shows another certificate") as caught:
        open_lookups(f"{bare}?cert_sha256={'0' * 64}", "bitcoin-regtest")
    assert pin.removeprefix("cert_sha256=") in str(caught.value)


def test_tls__at_a_port_without_it_says_so():
    class Greets(StandIn):
        def talk(self, lines):
            lines.send(b"HTTP/1.1 400 Bad Request")

    with serving(Greets()) as uri, pytest.raises(SourceUnavailableError, match=r"electrum\+tcp"):
        open_lookups(uri.replace("+tcp", "+ssl"), "bitcoin-regtest")


def test_tls__with_a_server_that_never_speaks_it_ends():
    class Mute(StandIn):
        def talk(self, lines):
            while lines.read() is not None:
                pass

    hasty = Patience(connect=0.2, answer=0.2, attempts=2)
    with serving(Mute()) as uri:
        address = ElectrumAddress.parse(uri.replace("+tcp", "+ssl"))
        with pytest.raises(SourceUnavailableError, match=r"did not speak TLS within 0\.2 seconds"):
            ElectrumServer(address, REGTEST, DIRECT, NoRecorder(), patience=hasty)


def test_tls__with_a_certificate_of_a_trusted_authority_needs_no_fingerprint(
    electrum_server, monkeypatch
):
    port = ElectrumAddress.parse(electrum_server.tls_uri).port
    trusted = str(electrum_server.folder / "certificate.pem")
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", trusted)
    with socks_proxy({"electrum.test": "127.0.0.1", "other.test": "127.0.0.1"}) as proxy:
        access = Access(proxy=proxy.url)
        uri = f"electrum+ssl://electrum.test:{port}"
        with open_lookups(uri, "bitcoin-regtest", access) as source:
            assert source.tip_height() > 0
        # The same certificate under another name proves nothing.
        with pytest.raises(SourceUnavailableError, match="nobody vouches"):
            open_lookups(f"electrum+ssl://other.test:{port}", "bitcoin-regtest", access)


def test_proxy__looks_the_name_up(electrum_server):
    with (
        socks_proxy({"electrum.test": "127.0.0.1"}) as proxy,
        open_lookups(
            f"electrum+tcp://electrum.test:{electrum_server.port}",
            "bitcoin-regtest",
            Access(proxy=proxy.url),
        ) as source,
    ):
        assert source.tip_height() > 0
        assert proxy.asked == [("electrum.test", electrum_server.port)]


def test_proxy__that_cannot_reach_the_server_is_named_without_its_password():
    with socks_proxy({}) as proxy:
        access = Access(proxy=proxy.url.replace("://", "://user:secret@"))
        with pytest.raises(SourceUnavailableError, match="through the proxy") as caught:
            open_lookups("electrum+tcp://nowhere.test:50001", "bitcoin", access)
        assert proxy.hosts == ["nowhere.test"]
    assert "secret" not in str(caught.value)
    assert "nowhere.test" in str(caught.value)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9050", "http://127.0.0.1:8080", "nonsense"])
def test_proxy__of_another_kind_is_refused(proxy):
    with pytest.raises(SourceUnavailableError, match="socks5h"):
        open_lookups("electrum+tcp://electrum.test:50001", "bitcoin", Access(proxy=proxy))


def test_onion__without_a_proxy_is_never_looked_up():
    with pytest.raises(SourceUnavailableError, match="--proxy socks5h://"):
        open_lookups("electrum+tcp://abc.onion:50001", "bitcoin")


def test_name__that_does_not_exist_is_no_riddle():
    with pytest.raises(SourceUnavailableError, match="can't be looked up"):
        open_lookups("electrum+tcp://no-such-host.invalid:50001", "bitcoin")


def test_real_server__that_went_away_is_asked_on_when_it_is_back(regtest_chain, tmp_path):
    node, port = NodesWord(regtest_chain), free_port()
    txids = list(node.unconfirmed)
    expected = [node.raw(txid) for txid in txids]
    address = ElectrumAddress.parse(f"electrum+tcp://127.0.0.1:{port}")
    with running_server(regtest_chain, tmp_path, port=port):
        source = ElectrumServer(address, REGTEST, DIRECT, NoRecorder(), patience=QUICK)
        assert [answer.raw for answer in source.transactions(txids)] == expected
    with source:
        with pytest.raises(SourceUnavailableError, match="3 times in a row; try again later"):
            source.transactions(txids)
        with running_server(regtest_chain, tmp_path, port=port):
            assert [answer.raw for answer in source.transactions(txids)] == expected


@pytest.mark.slow
def test_real_server__that_throttles_is_asked_to_the_end(regtest_chain, tmp_path_factory):
    """A session may cost 150, a transaction costs 1: then the server answers nothing any more."""
    node = NodesWord(regtest_chain)
    limits = {"COST_SOFT_LIMIT": "50", "COST_HARD_LIMIT": "150", "REQUEST_SLEEP": "20"}
    notebook = Notebook()
    patience = Patience(connect=20, answer=2, attempts=5, first_pause=0.01)
    with running_server(regtest_chain, tmp_path_factory.mktemp("strict"), **limits) as strict:
        address = ElectrumAddress.parse(strict.uri)
        with ElectrumServer(address, REGTEST, DIRECT, notebook, patience=patience) as source:
            answers = source.transactions(list(node.confirmed))
    assert [answer.raw for answer in answers] == [node.raw(txid) for txid in node.confirmed]
    versions = [kept for kept in notebook.kept if kept.request.startswith("server.version")]
    assert len(versions) > 1
