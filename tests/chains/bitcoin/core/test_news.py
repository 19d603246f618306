import time

import pytest
import zmq

from chains.bitcoin.core.news import Announcements, announcing_port


@pytest.fixture
def publisher():
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        yield socket, socket.bind_to_random_port("tcp://127.0.0.1")


def test_announcements__wake_up(publisher):
    socket, port = publisher
    announcements = Announcements("127.0.0.1", port)
    try:
        deadline = time.monotonic() + 10
        heard = False
        while not heard and time.monotonic() < deadline:
            # Until the subscription has arrived, nothing is sent to it.
            socket.send_multipart([b"hashblock", bytes(32), bytes(4)])
            heard = announcements.wait(0.05)
        assert heard
        while announcements.wait(0.05):
            pass
        socket.send_multipart([b"rawtx", bytes(32)])
        assert not announcements.wait(0.1)
        for _ in range(3):
            socket.send_multipart([b"hashblock", bytes(32), bytes(4)])
        assert announcements.wait(5)
    finally:
        announcements.close()


def test_announcements__of_nobody_are_silence():
    announcements = Announcements("127.0.0.1", 9)
    try:
        started = time.monotonic()
        assert not announcements.wait(0.2)
        assert time.monotonic() - started >= 0.15
    finally:
        announcements.close()


def row(address, kind="pubhashblock"):
    return {"type": kind, "address": address, "hwm": 1000}


@pytest.mark.parametrize(
    ("answer", "port"),
    [
        ([row("tcp://127.0.0.1:28332")], 28332),
        ([row("tcp://0.0.0.0:1"), row("tcp://0.0.0.0:2")], 1),
        ([row("tcp://[::]:28332")], 28332),
        ([row("tcp://x:1", "pubrawtx"), row("tcp://x:2")], 2),
        ([row("ipc:///tmp/x"), row("tcp://x:2")], 2),
        ([row("tcp://x:0")], None),
        ([row("tcp://x:65536")], None),
        ([row("tcp://x")], None),
        ([{}, None, 5, row(None)], None),
        ([], None),
        ({}, None),
        (None, None),
    ],
)
def test_announcing_port__is_found(answer, port):
    assert announcing_port(answer) == port
