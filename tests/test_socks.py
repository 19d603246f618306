import socket
import threading

import pytest
import socks

from tests.nodes import free_port
from tests.socks import socks_proxy


@pytest.fixture
def echo():
    """Return the port of a server that sends back the first thing it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connected, _ = listening.accept()
            with connected:
                connected.sendall(connected.recv(100))

        thread = threading.Thread(target=answer)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def through(proxy, host, port, *, names_by_proxy=True):
    return socks.create_connection(
        (host, port), 5, None, socks.SOCKS5, "127.0.0.1", proxy.port, names_by_proxy
    )


def test_proxy__passes_bytes_on_and_notes_the_name(echo):
    with socks_proxy({"somewhere.test": "127.0.0.1"}) as proxy:
        with through(proxy, "somewhere.test", echo) as connected:
            connected.sendall(b"hello")
            assert connected.recv(100) == b"hello"
        assert proxy.asked == [("somewhere.test", echo)]
        assert proxy.hosts == ["somewhere.test"]


def test_proxy__shows_a_client_that_looks_names_up_itself(echo):
    with socks_proxy({}) as proxy:
        with through(proxy, "localhost", echo, names_by_proxy=False) as connected:
            connected.sendall(b"hello")
            assert connected.recv(100) == b"hello"
        assert proxy.hosts == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["elsewhere.test", "192.0.2.1"])
def test_proxy__goes_nowhere_but_to_this_machine(host):
    with socks_proxy({}) as proxy:
        with pytest.raises(socks.ProxyError, match="unreachable"):
            through(proxy, host, 80)
        assert proxy.hosts == [host]


def test_proxy__says_that_nobody_listens():
    with socks_proxy({}) as proxy, pytest.raises(socks.ProxyError, match="refused"):
        through(proxy, "127.0.0.1", free_port())
