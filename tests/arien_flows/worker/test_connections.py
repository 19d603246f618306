"""Slow, endless and broken requests over a real socket, before any application sees them."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from arien_flows.worker import connections
from arien_flows.worker.connections import HEAD_BYTES, BoundedConnection


async def application(scope, receive, send):
    """Read the whole body, then say how long it was."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Impatient(BoundedConnection):
    body_seconds = 0.1


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "SLACK_SECONDS", 0.2)
    monkeypatch.setattr(connections, "MOST", 3)
    config = uvicorn.Config(application, http=Impatient, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def read(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Return status and problem of an answer after which the connection ends."""
    connection.settimeout(10)
    received = b""
    while part := connection.recv(4096):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def test_connection__is_ended_where_the_head_does_not_arrive(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /secret HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        status, problem = read(connection)
    assert (status, problem["code"], problem["status"]) == (408, "too_slow", 408)


def test_connection__that_says_nothing_is_ended(port: int) -> None:
    with connect(port) as connection:
        connection.settimeout(10)
        assert connection.recv(1) == b""


def test_connection__is_ended_where_the_body_does_not_arrive(port: int) -> None:
    with connect(port) as connection:
        connection.settimeout(10)
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
        assert connection.recv(1) == b""


def test_connection__bounds_the_head_of_a_later_request_too(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert read(connection)[0] == 408


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (HEAD_BYTES // 6 + 10), 431, "headers_too_large"),
        (b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\n\r\n", 431, "headers_too_large"),
        (b"this is no request\r\n\r\n", 400, "bad_request"),
    ],
)
def test_connection__refuses_in_a_problem_document(
    port: int, sent: bytes, status: int, code: str
) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        found, problem = read(connection)
    assert (found, problem["code"]) == (status, code)


def test_connections__beyond_what_a_process_holds_are_refused(port: int) -> None:
    held = [connect(port) for _ in range(3)]
    with connect(port) as one_more:
        assert read(one_more)[0] == 503
    for connection in held:
        connection.close()
