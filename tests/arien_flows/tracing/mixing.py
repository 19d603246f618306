"""Chains with CoinJoins, and their marks, for the tests of what is said behind them."""

from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.ledger.view import View
from chains.types import UInt8Array
from heuristics.coinjoin import mark_coinjoins, stopping
from tests.arien_flows.tracing.chains import COIN
from tests.ledgers import Tx

MILLION = COIN // 100

JOIN = [
    Tx(name="mined-a", outputs=[("thief", 60 * MILLION)]),
    Tx(name="mined-b", outputs=[("bob", 55 * MILLION)]),
    Tx(name="mined-c", outputs=[("carol", 70 * MILLION)]),
    Tx(
        name="join",
        inputs=["mined-a:0", "mined-b:0", "mined-c:0"],
        outputs=[
            ("mixed-1", 50 * MILLION),
            ("mixed-2", 50 * MILLION),
            ("mixed-3", 50 * MILLION),
            ("change-a", 9_990_000),
            ("change-b", 4_990_000),
            ("change-c", 19_980_000),
        ],
    ),
    Tx(name="merge", inputs=["join:0", "join:3"], outputs=[("hoard", 59_980_000)]),
    Tx(name="sell", inputs=["join:1"], outputs=[("exchange", 30 * MILLION), ("left", 19_990_000)]),
]
"""J1 of the algorithm specification, section 2.10; the thief then spends its change with a mixed
output, and another mixed output is sold at an exchange."""

POOL = MILLION


def mix_of_pool(name: str, inputs: list[str], stem: str) -> Tx:
    """Return a mix of five coins of the pool."""
    return Tx(name=name, inputs=inputs, outputs=[(f"{stem}-{i}", POOL) for i in range(5)])


WHIRL = [
    Tx(name="mined", outputs=[("thief", 3 * POOL + 700), ("rest", 50 * COIN)]),
    Tx(name="others", outputs=[(f"other-{i}", POOL + 300 * (i % 2)) for i in range(16)]),
    Tx(
        name="entry",
        inputs=["mined:0"],
        outputs=[("data:x", 0), ("premix-a", POOL + 300), ("premix-b", POOL + 300), ("rest-2", 1)],
    ),
    mix_of_pool("mix-1", ["others:0", "others:2", "others:4", "entry:1", "others:1"], "one"),
    mix_of_pool("mix-2", ["mix-1:0", "mix-1:4", "others:6", "others:3", "others:5"], "two"),
    mix_of_pool("mix-3", ["mix-2:1", "others:8", "others:10", "others:7", "mix-1:2"], "three"),
    Tx(name="pool", inputs=["mix-1:1", "mix-1:3"], outputs=[("exchange", 2 * POOL - 500)]),
]
"""A coin that enters a Whirlpool mix, with candidates that are mixed a second and third time."""


def marks_of(view: View) -> UInt8Array:
    """Return where a trace stops, as the rules say it."""
    marks, *_ = mark_coinjoins(coinjoin_columns(view), 0, view.counts.transactions, eras_of(view))
    return stopping(marks)
