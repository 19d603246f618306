"""Random chains with few addresses, so that histories meet, fork and meet again."""

from random import Random

import numpy as np

from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.networks import REGTEST
from tests.ledgers import Chain, Tx, batch_of

FORMS = ("p2pk:", "p2pkh:", "p2sh:", "p2wpkh:", "p2tr:")
SIGHASHES = (1, 1, 1, 1, 3, 0x81)


def address(random: Random) -> str:
    """Return one of forty addresses, of eight keys in five forms."""
    return f"{random.choice(FORMS)}k{random.randrange(8)}"


def grow(chain: Chain, random: Random, blocks: int, salt: int) -> Chain:
    """Append blocks of random transactions, some of the shape of a CoinJoin."""
    spendable = {
        f"{name}:{position}": output.nValue
        for name, built in chain.transactions.items()
        for position, output in enumerate(built.vout)
        if not chain.names[name][position].startswith("data:")
    }
    for built in chain.transactions.values():
        for spent in built.vin:
            for name, other in chain.transactions.items():
                if other.GetTxid() == spent.prevout.hash:
                    spendable.pop(f"{name}:{spent.prevout.n}", None)
    for _ in range(blocks):
        prefix = f"{salt}-{chain.height}"
        block = [Tx(name=f"{prefix}-c", outputs=[(address(random), 90_000) for _ in range(3)])]
        for number in range(random.randrange(4)):
            taken = random.sample(sorted(spendable), min(len(spendable), random.randrange(1, 5)))
            amount = sum(spendable.pop(outpoint) for outpoint in taken)
            if amount < 10_000:
                continue
            block.append(
                Tx(
                    name=f"{prefix}-{number}",
                    inputs=taken,
                    outputs=_outputs(random, amount, len(taken)),
                    sighash=random.choice(SIGHASHES),
                )
            )
        chain.add(block, salt=salt)
        for tx in block:
            for position, (name, value) in enumerate(tx.outputs):
                if name.startswith("data:"):
                    continue
                spendable[f"{tx.name}:{position}"] = value
    return chain


def _outputs(random: Random, amount: int, inputs: int) -> list[tuple[str, int]]:
    if inputs >= 2 and random.random() < 0.4:
        share = amount // (inputs + 1)
        mixed = [(address(random), share) for _ in range(inputs)]
        return [*mixed, (address(random), amount - inputs * share - 7)]
    if random.random() < 0.1:
        return [(address(random), amount), ("data:note", 0)]
    part = random.randrange(amount)
    return [(address(random), part), (address(random), amount - part)]


def random_chain(seed: int, blocks: int) -> Chain:
    return grow(Chain(), Random(seed), blocks, salt=0)


def view_at(chain: Chain, blocks: int | None = None) -> View:
    """Return the ledger in memory of the first blocks."""
    kept = chain.blocks[:blocks]
    return view_of(batch_of(kept), REGTEST, heights=np.arange(len(kept), dtype=np.uint32))
