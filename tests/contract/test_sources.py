"""The contract of `chains.source.Source`, kept by every source over one chain of a real node."""

from collections.abc import Iterator

import pytest

from chains.access import Access
from chains.bitcoin.core.place import Transport
from chains.errors import SourceUnavailableError
from chains.registry import BLOCK_SCHEMES, LOOKUP_SCHEMES, open_blocks, open_lookups
from chains.source import Source
from chains.types import raw_txid
from tests.contract.lookups import LOOKUP_SERVERS
from tests.nodes import free_port

NETWORK = "bitcoin-regtest"
SOURCES = ["blockfiles", *(f"core-{form}" for form in Transport), *LOOKUP_SERVERS]


def opened(uri: str, network: str = NETWORK, access: Access | None = None) -> Source:
    is_lookup = uri.partition(":")[0] in LOOKUP_SCHEMES
    return (open_lookups if is_lookup else open_blocks)(uri, network, access or Access())


@pytest.fixture(scope="module", params=SOURCES)
def uri(request: pytest.FixtureRequest, regtest_chain) -> str:
    kind = request.param
    if kind == "blockfiles":
        return f"blockfiles:{regtest_chain.datadir}"
    if kind.startswith("core-"):
        return f"{regtest_chain.node.source}?transport={kind.removeprefix('core-')}"
    return str(request.getfixturevalue(kind).uri)


@pytest.fixture(scope="module")
def source(uri: str) -> Iterator[Source]:
    with opened(uri) as it:
        yield it


def test_sources__are_all_that_can_be_opened(regtest_chain, electrum_server, esplora_server):
    """A scheme that is added to the registry joins this suite, or this fails."""
    uris = (regtest_chain.node.source, electrum_server.uri, esplora_server.uri, "blockfiles:x")
    tested = {uri.partition(":")[0] for uri in uris}
    secure = {"core+https", "esplora+https", "electrum+ssl"}
    assert tested | secure == {*BLOCK_SCHEMES, *LOOKUP_SCHEMES}


def test_source__sees_the_node_s_chain(source, regtest_chain):
    hashes = [raw_txid(block["hash"]) for block in regtest_chain.blocks]
    assert source.network.name == NETWORK
    assert source.tip_height() == len(hashes) - 1
    for height in (0, 1, 9, 10, 11, len(hashes) - 102, len(hashes) - 2, len(hashes) - 1):
        assert source.block_hash(height) == hashes[height]
    source.refresh()
    assert source.block_hash(source.tip_height()) == hashes[-1]


def test_source__refuses_heights_that_it_does_not_hold(source):
    for height in (-1, source.tip_height() + 1, source.tip_height() + 1000):
        with pytest.raises(ValueError, match=str(height)):
            source.block_hash(height)


def test_source__is_named_by_its_uri_without_secrets_and_options(source, uri):
    assert source.name == uri.replace("tests:tests@", "").partition("?")[0]
    assert "tests:tests" not in repr(source)


def test_source__has_nothing_to_remark_on_a_sound_chain(source):
    assert [str(note) for note in source.notes()] == []


def test_source__may_be_closed_twice(uri):
    with opened(uri) as it:
        it.close()


@pytest.mark.parametrize("network", ["bitcoin", "bitcoin-testnet4"])
def test_source__of_another_network_is_refused_by_name(uri, network):
    with pytest.raises(SourceUnavailableError, match=rf"{network}\b") as caught:
        opened(uri, network)
    assert "\n" not in str(caught.value)
    assert "tests:tests" not in str(caught.value)


def test_source__that_is_not_there_is_named(uri, tmp_path):
    scheme, _, rest = uri.partition("://")
    port = free_port()
    if not rest:
        nowhere = wanted = f"{scheme.partition(':')[0]}:{tmp_path / 'absent'}"
        wanted = str(tmp_path / "absent")
    else:
        user = "tests:tests@" if "@" in rest else ""
        options = rest.partition("/")[2].partition("?")[0]
        nowhere = f"{scheme}://{user}127.0.0.1:{port}/{options}".rstrip("/")
        wanted = f"127.0.0.1:{port}"
    with pytest.raises(SourceUnavailableError) as caught:
        opened(nowhere)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "tests:tests" not in str(caught.value)


def test_source__refuses_a_proxy_that_would_look_names_up_here(uri):
    if uri.startswith("blockfiles:"):
        return  # connects to nothing
    with pytest.raises(SourceUnavailableError, match="socks5h://") as caught:
        opened(uri, access=Access(proxy="socks5://user:secret@127.0.0.1:9"))
    assert "secret" not in str(caught.value)
