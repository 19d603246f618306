"""The many ways in which an explorer says no with status 200."""

import json

import pytest

from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.explorer.answers import read_node_answer, read_number, read_rows
from chains.ethereum.explorer.errors import (
    ChainNotServedError,
    ExplorerBusyError,
    KeyRefusedError,
    NotOfferedError,
    QueryTooLargeError,
    QuotaError,
    UnexpectedAnswerError,
)


def answered(status: object, message: object, result: object) -> bytes:
    return json.dumps({"status": status, "message": message, "result": result}).encode()


NOTHING = [
    answered("0", "No transactions found", []),
    answered("0", "No internal transactions found", []),
    answered("0", "No token transfers found", []),
    answered("0", "No records found", []),
    answered("0", "No transactions found", None),
    answered("1", "OK", []),
]
"""The first three and the last are recorded answers."""

FACES: list[tuple[bytes, type[Exception], str]] = [
    (
        answered("0", "NOTOK", "Max rate limit reached, please use API Key for higher rate limit"),
        ExplorerBusyError,
        "too often",
    ),
    (
        answered("0", "NOTOK", "Max calls per sec rate limit reached (5/sec)"),
        ExplorerBusyError,
        "too often",
    ),
    (answered("0", "NOTOK", "Max daily rate limit reached"), QuotaError, "tomorrow"),
    (answered("0", "NOTOK", "Invalid API Key"), KeyRefusedError, "ARIEN_EXPLORER_KEY"),
    (answered("0", "NOTOK", "Missing/Invalid API Key"), KeyRefusedError, "ARIEN_EXPLORER_KEY"),
    (
        answered("0", "NOTOK", "Too many invalid api key attempts, please try again later"),
        ExplorerBusyError,
        "later",
    ),
    (
        answered(
            "0",
            "NOTOK",
            "Free API access is not supported for this chain. Please upgrade your api plan for "
            "full chain coverage. https://etherscan.io/apis",
        ),
        ChainNotServedError,
        "has this chain",
    ),
    (answered("0", "chain not supported", None), ChainNotServedError, "has this chain"),
    (
        answered("0", "NOTOK", "Missing or unsupported chainid parameter (required for v2 api)"),
        ChainNotServedError,
        "has this chain",
    ),
    (
        answered("0", "NOTOK", "You are using a deprecated V1 endpoint, switch to V2"),
        ChainNotServedError,
        "v2/api",
    ),
    (
        answered("0", "NOTOK", "Query Timeout occured. Please select a smaller result dataset"),
        QueryTooLargeError,
        "a node or a ledger",
    ),
    (
        answered("0", "Result window is too large, PageNo x Offset size must be less", None),
        QueryTooLargeError,
        "a node or a ledger",
    ),
    (
        answered("0", "NOTOK", "Unexpected error, timeout or server too busy. Please try again"),
        ExplorerBusyError,
        "later",
    ),
    (
        answered("0", "NOTOK", "Error! Missing Or invalid Action name"),
        NotOfferedError,
        "does not offer",
    ),
    (answered("0", "Unknown action", None), NotOfferedError, "does not offer"),
    (
        answered("0", "NOTOK", "Sorry, it looks like you are trying to access an API Pro endpoint"),
        NotOfferedError,
        "does not offer",
    ),
    (answered("0", "NOTOK", "Error! Invalid address format"), LookupFailedError, "Invalid address"),
    (answered("0", "NOTOK", []), LookupFailedError, "NOTOK"),
    (answered("1", "OK", None), LookupFailedError, "OK"),
    (answered("1", "OK", {"rows": []}), LookupFailedError, "OK"),
    (answered("1", "OK", ["a row"]), UnexpectedAnswerError, "not a row"),
    (b"", ExplorerBusyError, "nothing at all"),
    (b" \n", ExplorerBusyError, "nothing at all"),
    (b"<!DOCTYPE html><html>Just a moment...</html>", UnexpectedAnswerError, "web page"),
    (b"[]", UnexpectedAnswerError, "not an object"),
    (b'{"status":', UnexpectedAnswerError, "not JSON"),
    (b"[" * 100_000, UnexpectedAnswerError, "not JSON"),
]


@pytest.mark.parametrize("body", NOTHING)
def test_read_rows__takes_every_way_of_saying_nothing_for_an_empty_list(body: bytes) -> None:
    assert read_rows(body) == ([], "")


@pytest.mark.parametrize(("body", "kind", "words"), FACES)
def test_read_rows__tells_refusals_apart_and_says_what_to_do(
    body: bytes, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        read_rows(body)
    assert type(caught.value) is kind


def test_read_rows__passes_on_that_rows_are_not_there_yet() -> None:
    words = "Some internal transactions within this block range have not yet been processed"
    found = read_rows(answered("2", words, [{"value": "1"}]))
    assert len(found.rows) == 1
    assert found.gap == words[:120]


def test_read_number__reads_digits_and_nothing_else() -> None:
    assert read_number(answered("1", "OK", str(10**30))) == 10**30
    for wrong in ("0x1", "-1", "1.0", "", "1e3", str(2**256)):
        with pytest.raises(LookupFailedError):
            read_number(answered("1", "OK", wrong))


def test_read_node_answer__reads_what_is_passed_on_and_both_forms_of_refusal() -> None:
    assert read_node_answer(b'{"jsonrpc":"2.0","id":1,"result":null}') is None
    assert read_node_answer(b'{"jsonrpc":"2.0","id":1,"result":"0x1"}') == "0x1"
    with pytest.raises(KeyRefusedError):
        read_node_answer(answered("0", "NOTOK", "Invalid API Key"))
    with pytest.raises(LookupFailedError, match="no such method"):
        read_node_answer(b'{"jsonrpc":"2.0","error":{"code":-32601,"message":"no such method"}}')


def test_row__reads_strictly_and_names_the_place() -> None:
    row = read_rows(
        answered("1", "OK", [{"value": "1x", "to": "", "from": "0x12", "n": 7, "timeStamp": "now"}])
    ).rows[0]
    assert row.number("n") == 7
    assert row.optional_address("to") is None
    for read in (
        lambda: row.number("value"),
        lambda: row.number("absent"),
        lambda: row.address("from"),
        row.time,
    ):
        with pytest.raises(UnexpectedAnswerError, match=r"result\[0\]\."):
            read()


def test_row__reads_both_forms_of_a_time() -> None:
    rows = read_rows(
        answered(
            "1", "OK", [{"timeStamp": "2026-02-04 05:43:23.000000Z"}, {"timestamp": "1770183803"}]
        )
    ).rows
    assert rows[0].time() == rows[1].time() == 1_770_183_803


def test_refusals__are_all_expected_errors() -> None:
    assert all(issubclass(kind, LookupFailedError | SourceUnavailableError) for _, kind, _ in FACES)
