"""Every recorded answer to a question of the account module can be read, and says what it says."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.explorer.answers import Row, read_number, read_rows
from chains.ethereum.explorer.building import AccountRows, history_of
from chains.ethereum.explorer.errors import ChainNotServedError
from chains.ethereum.explorer.rows import (
    Allocation,
    Call,
    ListedTransaction,
    read_call,
    read_mined,
    read_token,
    read_transaction,
    read_withdrawal,
)
from chains.ethereum.parts import parts_of
from chains.ethereum.tables import CallCoverage, MovementKind, TransactionKind

FILES = ("etherscan_account_endpoints", "api.blockscout.com", "api.routescan.io")
READERS: dict[str, Callable[[Row], object]] = {
    "txlist": read_transaction,
    "txlistinternal": read_call,
    "tokentx": read_token,
    "getminedblocks": read_mined,
    "txsBeaconWithdrawal": read_withdrawal,
}


class Recorded(NamedTuple):
    file: str
    action: str
    query: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> list[Recorded]:
    return list(_recorded(shared_data / "api_cassettes"))


def _recorded(folder: Path) -> Iterator[Recorded]:
    for name in FILES:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                exchange: dict[str, Any] = json.loads(line)
                query = dict(parse_qsl(urlsplit(exchange["uri"]).query))
                if query.get("module") == "account" and exchange["status"] == 200:
                    found = exchange["response"]
                    body = (found if isinstance(found, str) else json.dumps(found)).encode()
                    query = {key.lower(): value for key, value in query.items()}
                    yield Recorded(name, query["action"], query, body)


def test_read_rows__reads_every_recorded_list(recorded: list[Recorded]) -> None:
    rows: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    empty = unfinished = 0
    for each in recorded:
        if each.action not in READERS:
            assert read_number(each.body) >= 0
            continue
        try:
            found = read_rows(each.body)
        except (LookupFailedError, SourceUnavailableError) as error:
            refused[type(error).__name__] += 1
            continue
        empty += not found.rows
        unfinished += bool(found.gap)
        for row in found.rows:
            if each.action == "txlistinternal" and "txhash" in each.query:
                # Asked for by transaction, rows do not repeat its id.
                row.texts.setdefault("hash", each.query["txhash"])
            READERS[each.action](row)
            rows[each.action] += 1
    assert refused == {ChainNotServedError.__name__: 7}
    assert (len(recorded), empty, unfinished) == (1187, 789, 9)
    assert rows == {
        "txlist": 1365,
        "txlistinternal": 992,
        "tokentx": 42,
        "getminedblocks": 1574,
        "txsBeaconWithdrawal": 271,
    }


def test_history_of__makes_tables_of_every_recorded_list(recorded: list[Recorded]) -> None:
    kinds: Counter[str] = Counter()
    failed = made = 0
    for each in recorded:
        rows = AccountRows()
        if each.action not in READERS or "address" not in each.query:
            continue
        try:
            read = [READERS[each.action](row) for row in read_rows(each.body).rows]
        except (LookupFailedError, SourceUnavailableError):
            continue
        slot = {"txlist": "transactions", "txlistinternal": "calls", "tokentx": "tokens",
                "getminedblocks": "mined", "txsBeaconWithdrawal": "withdrawals"}  # fmt: skip
        setattr(rows, slot[each.action], read)
        history = history_of(
            bytes.fromhex(each.query["address"][2:]), rows, calls=CallCoverage.TRACED, missing=()
        )
        for block in parts_of(history.batch):
            for part in block.transactions:
                kinds.update(move.kind.name for move in part.moves)
                if part.kind != TransactionKind.SYSTEM:
                    failed += not part.succeeded
                    made += len(part.codes)
    assert kinds["GENESIS"] == 5
    assert kinds["WITHDRAWAL"] == 271
    assert kinds["REWARD"] == 906  # of 910 blocks, 4 without a reward
    assert kinds["TOKEN"] == 42
    # 14 and 6 by transactions of Etherscan's and Blockscout's lists, 3 by other contracts.
    assert (failed, made) == (9, 23)


def test_rows__keep_amounts_and_failures_as_recorded(recorded: list[Recorded]) -> None:
    transactions: list[ListedTransaction] = []
    allocations: list[Allocation] = []
    calls: list[Call] = []
    for each in recorded:
        if each.file != FILES[0] or "address" not in each.query:
            continue
        if each.action == "txlist" and b'"NOTOK"' not in each.body:
            for row in read_rows(each.body).rows:
                found = read_transaction(row)
                (transactions if isinstance(found, ListedTransaction) else allocations).append(
                    found  # type: ignore[arg-type]
                )
        if each.action == "txlistinternal" and b'"NOTOK"' not in each.body:
            calls += [read_call(row) for row in read_rows(each.body).rows]
    assert {each.wei for each in allocations} >= {200 * 10**18, 4_000 * 10**18}
    (lost,) = [each for each in transactions if not each.succeeded]
    assert lost.tx_hash.hex().startswith("6c929e1c")
    assert lost.created is not None
    assert lost.gas_used * lost.gas_price == 24_000 * 10**13
    assert all(call.place for call in calls if call.kind == MovementKind.CALL)
    assert calls[0].place == (0, 1)
    assert calls[0].wei == 12_753_569_295_737_516
