import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests
from urllib3.exceptions import ReadTimeoutError

from chains.deadlines import DeadlineAdapter
from tests.http_server import Reply, serving


@pytest.fixture
def adapter():
    made = DeadlineAdapter()
    yield made
    made.close()


def request(url):
    return requests.Request("GET", f"{url}/").prepare()


def test_open__bounds_the_whole_answer_and_not_each_silence(adapter):
    with serving(Reply(body=bytes(60), pause=0.02)) as server:
        started = time.monotonic()
        response = adapter.open(request(server.url), connect=5, silence=5, answer=0.3, proxies={})
        assert response.status_code == 200
        with pytest.raises(ReadTimeoutError):
            list(iter(partial(response.raw.read1, 1), b""))
        assert 0.2 < time.monotonic() - started < 1.15


def test_open__bounds_each_silence(adapter):
    with serving(Reply(body=b"x", pause=5)) as server:
        started = time.monotonic()
        response = adapter.open(request(server.url), connect=5, silence=0.2, answer=60, proxies={})
        with pytest.raises(ReadTimeoutError):
            response.raw.read1(1 << 16)
        assert time.monotonic() - started < 4


def test_open__gives_each_request_its_own_time(adapter):
    with serving(Reply(body=bytes(20), pause=0.02)) as server:
        for _ in range(6):
            response = adapter.open(request(server.url), connect=5, silence=5, answer=2, proxies={})
            assert response.content == bytes(20)
    assert len({asked.client_port for asked in server.asked}) == 1


def test_open__answers_of_connections_that_the_server_closes_are_whole(adapter):
    closing = Reply(body=bytes(100_000), headers={"Connection": "close"})
    with serving(closing) as server:
        for _ in range(2):
            response = adapter.open(request(server.url), connect=5, silence=5, answer=5, proxies={})
            assert response.content == bytes(100_000)


def test_connections__are_made_ready_once(adapter):
    """Each request that wrapped the class once more would be slower than the one before."""
    kinds = {
        adapter.get_connection_with_tls_context(request("http://127.0.0.1:1"), True).ConnectionCls
        for _ in range(5)
    }
    assert len(kinds) == 1


def test_close__ends_what_another_thread_reads(adapter):
    with serving(Reply(body=bytes(60), pause=0.1)) as server, ThreadPoolExecutor(1) as pool:

        def read():
            response = adapter.open(
                request(server.url), connect=5, silence=60, answer=60, proxies={}
            )
            return response.content

        reading = pool.submit(read)
        while not server.asked:
            time.sleep(0.01)
        time.sleep(0.1)
        started = time.monotonic()
        adapter.close()
        with pytest.raises(requests.RequestException):
            reading.result()
        assert time.monotonic() - started < 3
