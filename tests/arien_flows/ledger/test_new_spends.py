"""Inputs are settled alike whether their outputs stand in the same batch or in the ledger."""

from pathlib import Path

import numpy as np
import pytest

from arien_flows.errors import SourceError
from arien_flows.ledger.schema import UNSPENT
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.ledger.stores import QuickDisk, cut, fill
from tests.ledgers import Chain, Tx, batch_of

FUNDS = [
    Tx(name="a", outputs=[("alice", 50), ("data:x", 0)]),
    Tx(name="b", outputs=[("bob", 60)]),
]


def spending(*transactions: Tx) -> Chain:
    return Chain.from_genesis().add([*FUNDS, Tx(name="c"), *transactions])


def spending_ahead() -> Chain:
    """Return a chain whose last block spends an output before it is made."""
    first, second = (
        Tx(name="d", inputs=["e:0"], outputs=[("dave", 40)]),
        Tx(name="e", inputs=["a:0"], outputs=[("erin", 45)]),
    )
    known = spending(second)
    chain = Chain.from_genesis().add([*FUNDS])
    chain.transactions["e"], chain.names["e"] = known.transactions["e"], known.names["e"]
    return chain.add([Tx(name="c"), first, second])


def once_more(spent: str, name: str) -> Tx:
    return Tx(name=name, inputs=[spent], outputs=[(name, 1)])


def with_a_position_that_is_missing() -> Chain:
    chain = Chain.from_genesis().add(FUNDS)
    chain.names["a"] = [*chain.names["a"], "alice"]
    return chain.add([Tx(name="c"), once_more("a:2", "d")])


INVALID = {
    "twice in a block": spending(once_more("a:0", "d"), once_more("a:0", "e")),
    "twice in a transaction": spending(Tx(name="d", inputs=["a:0", "a:0"], outputs=[("dave", 1)])),
    "once more in a later block": spending(
        once_more("a:0", "d"), Tx(name="f"), once_more("a:0", "e")
    ),
    "an output of its own block twice": spending(
        once_more("a:0", "d"), once_more("d:0", "e"), once_more("d:0", "g")
    ),
    "what nobody can spend": spending(once_more("a:1", "d")),
    "ahead": spending_ahead(),
    "a position that is missing": with_a_position_that_is_missing(),
}


@pytest.mark.parametrize("size", [1, 2, 3, 9])
@pytest.mark.parametrize("case", INVALID)
def test_resolve__refuses_what_is_not_there(tmp_path: Path, case: str, size: int) -> None:
    blocks = INVALID[case].blocks
    batches = cut(blocks, [size] * len(blocks))
    with pytest.raises(SourceError, match="which no earlier transaction makes or which is spent"):
        fill(tmp_path, batches)


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_resolve__names_the_spender_whatever_the_cut(tmp_path: Path, size: int) -> None:
    chain = spending(
        Tx(name="d", inputs=["a:0", "b:0"], outputs=[("dave", 30), ("data:y", 0), ("erin", 70)]),
        Tx(name="e", inputs=["d:2"], outputs=[("bob", 70)]),
        Tx(name="f"),
        Tx(name="g", inputs=["d:0", "e:0"], outputs=[("alice", 99)]),
    )
    with LedgerWriter(tmp_path, REGTEST, QuickDisk(tmp_path)) as writer:
        for batch in cut(chain.blocks, [size] * len(chain.blocks)):
            writer.append(batch_of(batch))
        view = writer.view
    number = {view.txid_text(n): n for n in range(view.counts.transactions)}
    spender = {
        view.outpoint_text(output): int(view.spender[output])
        for output in np.flatnonzero(view.spender != UNSPENT).tolist()
    }
    expected = {"a:0": "d", "b:0": "d", "d:2": "e", "d:0": "g", "e:0": "g"}
    assert spender == {
        f"{chain.txid(spent[0])}{spent[1:]}": number[chain.txid(by)]
        for spent, by in expected.items()
    }
