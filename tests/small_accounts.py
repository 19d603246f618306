"""A data folder with a small ledger of accounts, for tests of the outside.

The ledger of `ethereum` begins late, as most do, with opening balances. Alice swaps ether for
dollars and pays a tagged exchange; a poisoner copies the look of Bob's address into her history;
strangers send her tokens that pose as others; one transaction fails, another makes a contract.
"""

from dataclasses import dataclass
from pathlib import Path

from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.cli.main import run
from chains.account_source import AssetClaim
from chains.ethereum.networks import ETHEREUM
from chains.ethereum.tables import CodeKind, EventKind, MovementKind, OpeningCoverage
from tests.account_chains import ETHER, AccountChain, text_of

NETWORK = ETHEREUM.name
FIRST_HEIGHT = 20_000_000
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
ALIKE = "0x" + text_of("bob")[2:6] + "00" * 16 + text_of("bob")[-4:]
"""An address with the first and last four digits of Bob's."""

FAKE_SYMBOL = "USD\u0422"
"""It ends with a Cyrillic letter."""

HOSTILE_SYMBOL = "<b>\u202eevil\x1b[2J\n" + "x" * 10_000
DOLLAR = 10**6


def small_account_chain() -> AccountChain:
    """Write the story down."""
    chain = AccountChain(ETHEREUM, first_height=FIRST_HEIGHT)
    chain.system(MovementKind.OPENING, alice=10 * ETHER, bob=ETHER, pool=100 * ETHER)
    opening = chain.blocks[0][0]
    opening.token(USDT, None, "pool", 500_000 * DOLLAR, MovementKind.OPENING)
    chain.block()
    chain.pay("alice", "bob", 2 * ETHER, burnt=10**15, tip=10**14)
    with chain.transaction("alice", "router", burnt=10**15, tip=5) as tx:
        tx.move("alice", "router", ETHER)
        tx.move("router", "pool", ETHER)
        tx.token(USDT, "pool", "alice", 2_000 * DOLLAR)
        tx.event(EventKind.SWAP, "pool", "router", "alice")
    chain.block()
    with chain.transaction("alice", USDT, burnt=3) as tx:
        tx.event(EventKind.APPROVAL, USDT, "alice", "router", amount=2**256 - 1)
    chain.send(USDT, "alice", "exchange", 1_500 * DOLLAR)
    with chain.transaction("mallory", USDT) as tx:
        tx.token(USDT, "alice", ALIKE, 0)
    chain.pay(ALIKE, "alice", 10**10)
    chain.send("fake", "mallory", "alice", 2_000 * DOLLAR)
    chain.send("hostile", "mallory", "alice", 7)
    with chain.transaction("alice", "router", burnt=77, succeeded=False, value=ETHER):
        pass
    with chain.transaction("bob", burnt=9) as tx:
        tx.code("made", "bob", CodeKind.PLAIN, b"\x01" * 32)
        tx.move("bob", "made", 5, MovementKind.CREATE)
    chain.block()
    chain.system(MovementKind.WITHDRAWAL, bob=32 * ETHER)
    return chain


@dataclass(frozen=True, kw_only=True)
class SmallAccounts:
    """The data folder, and where everything came from."""

    data: Path
    pack: Path
    chain: AccountChain

    def address(self, name: str) -> str:
        return text_of(name)

    def txid(self, block: int, position: int) -> str:
        return self.chain.tx_hash(block, position)


def write_account_ledger(data: Path, chain: AccountChain) -> None:
    """Write a chain as the ledger of its network; contracts claim what the chain knows of them."""
    told = {facts.contract: facts for facts in chain.known}

    def claims(contracts: list[bytes]) -> list[AssetClaim]:
        return [
            AssetClaim(it, told[it].symbol, told[it].name, told[it].decimals)
            if it in told
            else AssetClaim(it, "", "", None)
            for it in contracts
        ]

    with AccountLedgerWriter(data / chain.network.name, chain.network) as writer:
        writer.append(chain.batch(), claims, openings=OpeningCoverage.KNOWN)


def make_small_accounts(folder: Path, *, tags: bool = True) -> SmallAccounts:
    """Fill a data folder with the story."""
    chain = small_account_chain()
    chain.knows("fake", FAKE_SYMBOL, 6, is_listed=False)
    chain.knows("hostile", HOSTILE_SYMBOL, 255, is_listed=False)
    data, pack = folder / "data", folder / "exchanges.yaml"
    write_account_ledger(data, chain)
    pack.write_text(TAGPACK.format(text_of("exchange")))
    common = ["--data", str(data), "--progress", "none"]
    if tags:
        assert run([*common, "tags", "import", str(pack)]) == 0
    assert run([*common, "cluster", "run"]) == 0
    return SmallAccounts(data=data, pack=pack, chain=chain)


TAGPACK = """\
title: Exchanges
creator: the tests
source: https://exchange.example/reserves
currency: ETH
confidence: service_data
lastmod: 2026-01-31
tags:
  - address: "{}"
    label: Exchange One
    category: exchange
"""
