import sys
from pathlib import Path

import pytest

from chains.access import DIRECT, Access, Secret
from chains.bitcoin.core.place import RPC_PORTS, Credentials, NodePlace, Transport
from chains.bitcoin.networks import BITCOIN, NETWORKS, REGTEST, TESTNET3
from chains.endpoint import Endpoint
from chains.errors import SourceUnavailableError

SECRET = "hunter2"  # noqa: S105
ACCESS = Access(rpc_user="alice", rpc_password=Secret("wonder"))


def place(uri, network=BITCOIN, access=DIRECT):
    return NodePlace.of(Endpoint.parse(uri), network, access)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_of__fills_in_the_usual_port_of_the_network(network):
    endpoint = place("core+http://localhost", network).endpoint
    assert endpoint.port == RPC_PORTS[network.name]
    assert endpoint.name == f"core+http://localhost:{RPC_PORTS[network.name]}"
    assert place("core+http://localhost:99", network).endpoint.port == 99


def test_of__keeps_secrets_out_of_the_endpoint():
    found = place(f"core+http://me:{SECRET}@localhost/path")
    assert found.endpoint.user is None
    assert found.endpoint.password is None
    assert found.endpoint.name == "core+http://localhost:8332/path"
    assert SECRET not in repr(found)


def test_credentials__of_the_uri_come_first(tmp_path):
    cookie = tmp_path / "cookie"
    found = place(f"core+http://me:{SECRET}@localhost?cookie={cookie}", access=ACCESS)
    assert found.credentials.read() == ("me", Secret(SECRET))


def test_credentials__of_a_uri_without_password_are_completed():
    found = place("core+http://me@localhost", access=ACCESS)
    assert found.credentials.read() == ("me", Secret("wonder"))


def test_credentials__of_a_named_cookie_come_before_those_of_the_access(tmp_path):
    (tmp_path / "a cookie").write_text("__cookie__:abc:def\n")
    found = place(f"core+http://far.example?cookie={tmp_path}/a%20cookie", access=ACCESS)
    assert found.credentials.read() == ("__cookie__", Secret("abc:def"))


def test_credentials__of_the_access_come_before_the_usual_cookie():
    assert place("core+http://localhost", access=ACCESS).credentials.read() == (
        "alice",
        Secret("wonder"),
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="the usual folder is another one there")
@pytest.mark.parametrize(
    ("network", "folder"),
    [(BITCOIN, ""), (TESTNET3, "testnet3"), (REGTEST, "regtest")],
    ids=["main", "test", "regtest"],
)
def test_credentials__are_looked_for_in_the_nodes_usual_folder(
    network, folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    credentials = place("core+http://127.0.0.1", network).credentials
    with pytest.raises(SourceUnavailableError, match="is the node running") as caught:
        credentials.read()
    cookie = tmp_path / ".bitcoin" / folder / ".cookie"
    assert str(cookie) in str(caught.value)
    cookie.parent.mkdir(parents=True)
    cookie.write_text("__cookie__:abc")
    assert credentials.read() == ("__cookie__", Secret("abc"))
    # A node writes another one when it starts.
    cookie.write_text("__cookie__:def")
    assert credentials.read() == ("__cookie__", Secret("def"))


def test_credentials__of_this_machines_node_are_not_sent_to_another_host():
    with pytest.raises(SourceUnavailableError, match="not on this machine: name its RPC user"):
        place("core+http://node.example")


@pytest.mark.parametrize("content", [b"", b"nothing", b"\xff\xfe\xfd"])
def test_credentials__of_a_file_that_is_no_cookie_are_refused(tmp_path, content):
    cookie = tmp_path / "cookie"
    cookie.write_bytes(content)
    with pytest.raises(SourceUnavailableError, match="is not the cookie file of a node"):
        Credentials(cookie=cookie).read()


def test_credentials__print_no_password():
    assert SECRET not in repr(Credentials(user="me", password=Secret(SECRET)))


@pytest.mark.parametrize("named", [None, *Transport])
def test_transport__may_be_named(named):
    query = "" if named is None else f"?transport={named}"
    assert place(f"core+http://localhost{query}").transport is named


def test_transport__must_be_known():
    with pytest.raises(SourceUnavailableError, match="one of rest, rpc, rpc3") as caught:
        place(f"core+http://localhost?transport={SECRET}")
    assert SECRET not in str(caught.value)


def test_of__refuses_other_options_without_repeating_them():
    with pytest.raises(SourceUnavailableError, match="options cookie and transport") as caught:
        place(f"core+http://localhost?{SECRET}={SECRET}")
    assert SECRET not in str(caught.value)


def test_of__expands_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place("core+http://x?cookie=~/c").credentials.cookie == Path(tmp_path / "c")
