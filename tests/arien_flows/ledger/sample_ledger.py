"""A small ledger on disk in which every table has rows and every index has several runs."""

from pathlib import Path

from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from tests.ledgers import Chain, Tx, batch_of

COIN = 100_000_000

COMMITS = 11
"""Enough that runs are merged, and some are left that are not."""


def sample_chain() -> Chain:
    """Return a chain with every address form, data outputs, links and a repeated coinbase."""
    chain = Chain.from_genesis()
    chain.add([Tx(name="repeated", outputs=[("p2pk:miner", 50 * COIN)])])
    chain.height -= 1  # the script of the next coinbase is the same, and so is its id
    chain.add([Tx(name="repetition", outputs=[("p2pk:miner", 50 * COIN)])])
    forms = ["p2pk:", "p2pkh:", "p2sh:", "p2wpkh:", "p2tr:"]
    for turn in range(8):
        coinbase, pay, spend = f"coinbase {turn}", f"pay {turn}", f"spend {turn}"
        chain.add(
            [
                Tx(name=coinbase, outputs=[("p2pkh:miner", 50 * COIN), ("data:coinbase", 0)]),
                Tx(
                    name=pay,
                    inputs=[f"{coinbase}:0"],
                    outputs=[(form + f"alice{turn}", 2 * COIN) for form in forms]
                    + [("p2pkh:bob", 39 * COIN), ("data:note", 0)],
                ),
                Tx(
                    name=spend,
                    inputs=[f"{pay}:{i}" for i in range(5)],
                    outputs=[(f"p2sh:carol{turn}", 4 * COIN), ("p2wpkh:bob", 5 * COIN)],
                ),
                Tx(
                    name=f"again {turn}",
                    inputs=[f"{spend}:0"],
                    outputs=[(f"p2sh:carol{turn}", 3 * COIN), (f"carol{turn}", COIN)],
                ),
            ]
        )
    return chain


def write_ledger(root: Path, chain: Chain) -> None:
    """Write the chain's blocks, one block a commit."""
    with LedgerWriter(root, REGTEST) as writer:
        for block in chain.blocks:
            writer.append(batch_of([block]))
