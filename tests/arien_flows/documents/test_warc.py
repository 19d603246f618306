"""Answers of servers that a crawler stored, as crawlers write them."""

import gzip
from datetime import UTC, datetime

import pytest

from tests.arien_flows.documents.archives import PAGE, split

URL = "http://marketexample.onion/listing/7"


def record(kind: str, block: bytes, **more: str) -> bytes:
    head = {"WARC-Type": kind, "WARC-Record-ID": "<urn:uuid:1>", **more}
    lines = [f"{name}: {value}" for name, value in head.items()]
    told = "\r\n".join(["WARC/1.0", *lines, f"Content-Length: {len(block)}", "", ""])
    return told.encode() + block + b"\r\n\r\n"


def crawled(
    *,
    is_packed: bool = False,
    status: str = "200 OK",
    body: bytes = PAGE,
    url: str = URL,
    **headers: str,
) -> bytes:
    """Return a file such as crawlers write; packed ones pack each record by itself."""
    told = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    sent = "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/html", *told, "", ""])
    records = (
        record("warcinfo", b"software: a test\r\n", **{"WARC-Date": "2021-04-05T06:07:08Z"}),
        record("request", b"GET /listing/7 HTTP/1.1\r\n\r\n", **{"WARC-Target-URI": URL}),
        record(
            "response",
            sent.encode() + body,
            **{
                "WARC-Target-URI": url,
                "WARC-Date": "2021-04-05T06:07:08Z",
                "Content-Type": "application/http; msgtype=response",
            },
        ),
    )
    return b"".join(gzip.compress(each) if is_packed else each for each in records)


@pytest.mark.parametrize("is_packed", [True, False])
def test_warc__an_answer_is_a_document_with_its_time_and_address(is_packed: bool):
    (item,), refused = split(crawled(is_packed=is_packed), "crawl.warc.gz")
    assert refused == []
    assert item.raw == PAGE
    assert item.url == URL
    assert item.captured_at == datetime(2021, 4, 5, 6, 7, 8, tzinfo=UTC)
    assert item.clock == "warc"
    assert item.media_type == "text/html"


def test_warc__an_answer_packed_by_the_server_is_unpacked():
    raw = crawled(is_packed=True, body=gzip.compress(PAGE), Content_Encoding="gzip")
    assert split(raw, "c")[0][0].raw == PAGE


def test_warc__an_answer_in_pieces_is_put_together():
    pieces = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)
    raw = crawled(body=pieces, Transfer_Encoding="chunked")
    assert split(raw, "c")[0][0].raw == PAGE


def test_warc__a_bomb_that_a_server_sent_is_refused():
    bomb = gzip.compress(bytes(70 * 2**20))
    raw = crawled(body=bomb, Content_Encoding="gzip")
    found, (refused,) = split(raw, "c")
    assert not found
    assert "unpacked it has more than" in refused.reason


def test_warc__an_answer_that_is_no_page_is_refused():
    found, (refused,) = split(crawled(status="404 Not Found"), "c")
    assert not found
    assert "404" in refused.reason


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_warc__that_is_cut_ends_with_a_refusal(at: float):
    whole = crawled()
    found, refused = split(whole[: int(len(whole) * at)], "c.warc")
    assert not found
    assert "cut" in refused[-1].reason or "length" in refused[-1].reason


def test_warc__a_header_without_end_is_refused():
    _, (refused,) = split(b"WARC/1.0\r\nX: " + b"a" * 300_000, "c.warc")
    assert "header" in refused.reason


def test_warc__a_length_that_lies_is_refused():
    raw = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 999999999999\r\n\r\nabc"
    found, refused = split(raw, "c.warc")
    assert not found
    assert refused
