"""Answers keep coming, each of one state, while blocks are added and removed by somebody else."""

import threading
from pathlib import Path

from fastapi.testclient import TestClient

from api.main import service
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from chains.bitcoin.networks import REGTEST
from tests.api.conftest import BASE
from tests.ledgers import Chain, Tx, batch_of, text_of_name

BLOCKS = 6
ROUNDS = 3
READERS = 2
COIN = 100_000_000


def chain() -> list[bytes]:
    """Return blocks of which each pays a coin to alice."""
    paid = [Tx(name=f"mined-{number}", outputs=[("alice", COIN)]) for number in range(BLOCKS)]
    return Chain.from_genesis().add(paid).blocks


def grow_and_shrink(folder: Path, blocks: list[bytes]) -> None:
    for _ in range(ROUNDS):
        for height in range(2, len(blocks)):
            with LedgerWriter(folder, REGTEST) as writer:
                writer.append(batch_of([blocks[height]]))
        with LedgerWriter(folder, REGTEST) as writer:
            writer.roll_back(1)


def test_answers__keep_coming_while_the_ledger_grows_and_shrinks(tmp_path: Path):
    blocks, folder = chain(), tmp_path / REGTEST.name
    with LedgerWriter(folder, REGTEST) as writer:
        writer.append(batch_of(blocks[:2]))
    path = f"/v1/{REGTEST.name}/addresses/{text_of_name('alice')}"
    # Two services on one folder, as two processes would be.
    clients = [TestClient(service(Settings(data=tmp_path)), base_url=BASE) for _ in range(READERS)]
    # Routers are shared inside a process and are made ready by the first request: one at a time.
    for client in clients:
        assert client.get(path).status_code == 200
    seen: list[tuple[int, int, str]] = []
    is_over = threading.Event()

    def read(client: TestClient) -> None:
        while not is_over.is_set():
            answer = client.get(path)
            told = answer.json()
            height = told["as_of"]["height"] if answer.status_code == 200 else -1
            seen.append((answer.status_code, height, told.get("received", told.get("code"))))

    readers = [threading.Thread(target=read, args=(client,)) for client in clients]
    for reader in readers:
        reader.start()
    try:
        grow_and_shrink(folder, blocks)
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    answered = [(height, received) for status, height, received in seen if status == 200]
    assert all(received == str(height * COIN) for height, received in answered)
    assert len({height for height, _ in answered}) > 1
    # Where block after block was removed under a question, it says so.
    others = {(status, code) for status, _, code in seen if status != 200}
    assert others <= {(503, "stale_snapshot")}
