"""Account ledgers on disk: small chains to fill them with, and comparing them with memory."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np

from arien_flows.account_ledger.manifest import AccountManifest, read_account_manifest
from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, FAMILIES
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import run_path
from chains.ethereum.tables import CodeKind, EventKind, MovementKind
from heuristics.wide import to_ints
from tests.account_chains import AccountChain
from tests.arien_flows.ledger.stores import QuickDisk

PEOPLE = ("alice", "bob", "carol", "dave", "null")
TOKENS = ("usd", "weth", "ape", "loot")
LARGE = 2**200 + 12345


def random_chain(random: Random, blocks: int, *, salt: str = "", first_height: int = 0):
    """Return a chain in which everything that a ledger keeps occurs."""
    chain = AccountChain(salt=salt, first_height=first_height)
    if first_height == 0:
        chain.genesis(alice=10**24, bob=LARGE, carol=10**24, dave=10**24)
    held: Counter[tuple[str, str]] = Counter()
    for _ in range(blocks - 1):
        chain.block()
        for _ in range(random.randint(0, 3)):
            random_transaction(chain, random, held)
        if random.random() < 0.3:
            chain.system(
                MovementKind.WITHDRAWAL, **{random.choice(PEOPLE[:3]): random.randint(1, 9)}
            )
    return chain


def random_transaction(chain: AccountChain, random: Random, held: Counter[tuple[str, str]]) -> None:
    """Write down a transaction in which this and that happens; nobody gives what he has not."""
    one, other, third = random.choices(PEOPLE[:4], k=3)
    made = f"made{random.randint(0, 40)}"
    with chain.transaction(one, random.choice([other, "router", made]), burnt=21, tip=2) as tx:
        tx.nonce = random.randint(0, 2**40)
        tx.succeeded = random.random() < 0.9
        if random.random() < 0.5:
            tx.move(one, random.choice([other, "null", made]), random.randint(0, 10**18))
        for _ in range(random.randint(0, 3)):
            amount = random.choice([0, 5, 10**20, LARGE])
            token = random.choice(TOKENS[:2])
            giver = one if held[one, token] >= amount else "null"
            receiver = random.choice([third, made])
            held[giver, token] -= amount
            held[receiver, token] += amount
            tx.token(token, giver, receiver, amount)
        if random.random() < 0.3:
            tx.token("ape", "null", other, 1, MovementKind.NFT, token_id=random.choice([7, LARGE]))
        if random.random() < 0.2:
            tx.token("loot", "null", third, 3, MovementKind.MULTI_TOKEN, token_id=1)
        if random.random() < 0.3:
            tx.event(EventKind.APPROVAL, "usd", one, "router", amount=2**256 - 1)
        if random.random() < 0.2:
            tx.code(made, creator=one, kind=CodeKind.MINIMAL_PROXY, target="router")


def fill(
    root: Path, chain: AccountChain, cuts: Iterable[int] = (), disk: Disk | None = None
) -> None:
    """Take a chain in, in batches that begin at these blocks."""
    with AccountLedgerWriter(root, chain.network, disk or QuickDisk(root)) as writer:
        for batch in batches(chain, cuts):
            writer.append(batch)
        writer.finish_merges()


def batches(chain: AccountChain, cuts: Iterable[int] = (), start: int = 0):
    """Yield the blocks of a chain from `start`, cut at these blocks."""
    edges = sorted({start, len(chain.blocks), *(cut for cut in cuts if start < cut)})
    edges = [edge for edge in edges if edge <= len(chain.blocks)]
    for first, stop in pairwise(edges):
        yield chain.batch(first, stop)


def manifest_of(root: Path) -> AccountManifest:
    """Return the manifest of a ledger."""
    manifest = read_account_manifest(root)
    assert manifest is not None
    return manifest


def columns_of(root: Path) -> dict[str, bytes]:
    """Return every column up to the counts; what no view can see does not count."""
    rows = manifest_of(root).rows
    columns = {}
    for column in ACCOUNT_SCHEMA:
        size = column.elements(rows) * np.dtype(column.dtype).itemsize
        columns[column.path] = (root / column.path).read_bytes()[:size]
        assert len(columns[column.path]) == size
    return columns


def everything_of(root: Path) -> dict[str, bytes]:
    """Return columns and the runs that count."""
    manifest = manifest_of(root)
    runs = {
        path: (root / path).read_bytes()
        for family in FAMILIES
        for run in getattr(manifest.runs, family)
        for path in [run_path(family, run)]
    }
    return columns_of(root) | runs


def assert_alike(found: AccountView, expected: AccountView) -> None:
    """Assert that two views say the same of everything that can be asked."""
    assert found.counts == expected.counts
    for name in ("blocks", "transactions", "movements", "events", "codes", "assets"):
        for field, left, right in zip(
            getattr(found, name)._fields, getattr(found, name), getattr(expected, name), strict=True
        ):
            assert left.dtype == right.dtype, (name, field)
            assert left.tolist() == right.tolist(), (name, field)
    assert found.addresses.tolist() == expected.addresses.tolist()
    every = np.arange(found.counts.movements)
    for rows in (every, slice(None), slice(3, 9), every[::-2]):
        assert to_ints(found.amounts.of(rows)) == to_ints(expected.amounts.of(rows))
    for row in every.tolist():
        assert found.token_ids.of(row) == expected.token_ids.of(row)
    for account in range(found.counts.accounts):
        assert_account_alike(found, expected, account)
    for row in range(found.counts.transactions):
        raw = found.transactions.tx_hash[row].tobytes()
        assert found.index.find_transaction(raw) == expected.index.find_transaction(raw)
    assert found.index.find_account(b"\1" * 20) is None
    assert found.index.find_transaction(b"\1" * 32) is None
    for number in range(found.counts.assets):
        left, right = found.asset_facts[number], expected.asset_facts[number]
        assert (left.number, left.contract, left.standard) == (
            right.number, right.contract, right.standard,
        )  # fmt: skip


def assert_account_alike(found: AccountView, expected: AccountView, account: int) -> None:
    """Assert that the indexes of two views say the same of an account."""
    left, right = found.index, expected.index
    raw = found.addresses[account].tobytes()
    assert left.find_account(raw) == right.find_account(raw) == account
    assert left.find_asset(account) == right.find_asset(account)
    assert left.movements_of(account, None).tolist() == right.movements_of(account, None).tolist()
    assert left.assets_of(account).tolist() == right.assets_of(account).tolist()
    assert left.transactions_of(account).tolist() == right.transactions_of(account).tolist()
    assert left.events_of(account).tolist() == right.events_of(account).tolist()
    assert left.codes_of(account).tolist() == right.codes_of(account).tolist()
    for asset in range(found.counts.assets):
        rows = left.movements_of(account, asset).tolist()
        assert rows == right.movements_of(account, asset).tolist()
        assert left.totals(account, asset) == right.totals(account, asset)
        assert left.has_moved(account, asset) == right.has_moved(account, asset) == bool(rows)
