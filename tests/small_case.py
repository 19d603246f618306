"""A data folder for tests of the outside: a dozen transactions that show what answers can say.

Alice spends together with two more of her addresses and pays an exchange that a TagPack names;
Bob, Carol and Dave make a CoinJoin; somebody signs so that others may add inputs.
"""

from dataclasses import dataclass
from pathlib import Path

from arien_flows.cli.main import run
from tests.ledgers import Chain, Tx, text_of_name, write_block_file

COIN = 100_000_000
FEE = 10_000
NETWORK = "bitcoin-regtest"
SUBSIDY = 50 * COIN

TRANSACTIONS = (
    Tx(name="mined-1", outputs=[("alice", 50 * COIN)]),
    Tx(name="mined-2", outputs=[("p2pkh:alice-2", 50 * COIN)]),
    Tx(name="mined-3", outputs=[("bob", 50 * COIN)]),
    Tx(name="mined-4", outputs=[("p2pkh:alice-2", 20 * COIN), ("carol", 30 * COIN)]),
    Tx(
        name="pay",
        inputs=["mined-1:0", "mined-2:0"],
        outputs=[("exchange", 60 * COIN), ("alice-3", 40 * COIN - FEE), ("data:case 7", 0)],
        sequence=0xFFFFFFFD,
    ),
    Tx(name="mined-5", outputs=[("dave", 50 * COIN)]),
    Tx(
        name="merge",
        inputs=["pay:1", "mined-4:0"],
        outputs=[("p2sh:alice-4", 60 * COIN - 2 * FEE)],
    ),
    Tx(name="mined-6", outputs=[("erin", 50 * COIN)]),
    Tx(
        name="join",
        inputs=["mined-3:0", "mined-4:1", "mined-5:0"],
        outputs=[
            ("mix-1", 10 * COIN),
            ("mix-2", 10 * COIN),
            ("mix-3", 10 * COIN),
            ("bob-change", 40 * COIN),
            ("carol-change", 20 * COIN),
            ("dave-change", 40 * COIN - 3 * FEE),
        ],
    ),
    Tx(
        name="crowd",
        inputs=["join:3", "join:4"],
        outputs=[("p2tr:fund", 60 * COIN - FEE)],
        sighash=0x81,
    ),
    Tx(name="mined-7", outputs=[("erin", 50 * COIN)]),
)


@dataclass(frozen=True, kw_only=True)
class SmallCase:
    """The data folder, and where everything came from."""

    data: Path
    block_file: Path
    pack: Path
    """The TagPack, whether or not it was imported."""

    chain: Chain

    def txid(self, name: str) -> str:
        return self.chain.txid(name)

    def address(self, name: str) -> str:
        return text_of_name(name)


def make_small_case(folder: Path, *, cluster: bool = True, tags: bool = True) -> SmallCase:
    """Fill a data folder through the command line, as a user would."""
    chain = Chain.from_genesis().add(TRANSACTIONS)
    block_file = folder / "blocks" / "blk00000.dat"
    write_block_file(block_file, chain.blocks)
    data = folder / "data"
    common = ["--data", str(data), "--network", NETWORK, "--progress", "none"]
    assert run([*common, "ledger", "ingest", "--source", f"blockfiles:{block_file}"]) == 0
    pack = folder / "services.yaml"
    pack.write_text(TAGPACK.format(text_of_name("exchange")))
    if tags:
        assert run([*common, "tags", "import", str(pack)]) == 0
    if cluster:
        assert run([*common, "cluster", "run"]) == 0
    return SmallCase(data=data, block_file=block_file, pack=pack, chain=chain)


TAGPACK = """\
title: Services
creator: the tests
source: https://exchange.example/reserves
currency: BTC
confidence: service_data
lastmod: 2026-01-31
tags:
  - address: {}
    label: Exchange One
    category: exchange
"""
