"""Whole-ledger taint as `bench_tracing.py` measures it, with two plain implementations beside it.

Source sets are outputs drawn evenly from the whole ledger, and the receipts of a simulated market
where the truth about the chain is at hand. Each is followed to the tip under every policy. A rate
counts the inputs of all transactions that taint passed through. First-in-first-out is done again
with Python's dictionaries alone and on a networkx graph; both have to come to the same coins.
"""

import heapq
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.view import View
from arien_flows.simulation.roles import Role
from arien_flows.tracing.engine import spend_columns
from arien_flows.workspace import Reading
from chains.types import Int64Array
from heuristics.stops import SpendColumns, no_rules
from heuristics.sweep import Sweep, sweep
from heuristics.sweep_terms import SweepColumns, SweepTerms
from heuristics.taint import Policy, Stop

PLAIN_INPUTS = 3_000_000
"""Plain Python is left out where more inputs are touched: it takes microseconds for each."""

MOST_ADDRESSES = 17_000
"""Of the market that are looked up, the oldest."""

OUTPUTS_AT_ONCE = 1 << 22

Pieces = list[tuple[int, bool]]
"""Lengths of a coin, tainted or clean, in order."""


def measure_bulk(
    reading: Reading, sizes: Sequence[int], truth: Path | None = None
) -> list[dict[str, Any]]:
    """Return a row for each source set and policy; `truth` is the folder of a simulated chain."""
    view = reading.view
    columns = bulk_columns(view)
    first = np.flatnonzero(view.output_value[:1_000] > 0)[-3:]
    for policy in Policy:
        run(columns, first, policy)  # compiles
    return [
        row
        for name, outputs in _source_sets(view, sizes, truth)
        for row in _rows(name, view, columns, outputs)
    ]


def bulk_columns(view: View) -> SweepColumns:
    """Return a view's columns; fees are not followed."""
    return SweepColumns(
        ledger=spend_columns(view),
        fee=view.fee,
        first_transaction=view.first_transaction,
        subsidy=np.empty(0, np.int64),
        voided=np.sort(view.overwrite_output).astype(np.int64),
    )


def run(columns: SweepColumns, outputs: Int64Array, policy: Policy) -> Sweep:
    """Follow some outputs to the tip."""
    terms = SweepTerms(
        policy=int(policy),
        follows_fees=False,
        subsidy_last=False,
        has_colours=False,
        stops_at_services=False,
        stop_transaction=len(columns.fee),
    )
    rules = no_rules()._replace(sources=outputs)
    return sweep(terms, columns, outputs, np.ones(len(outputs), np.int64), rules)


def _source_sets(
    view: View, sizes: Sequence[int], truth: Path | None
) -> Iterator[tuple[str, Int64Array]]:
    for size in sizes:
        random = np.random.default_rng(size)
        outputs = np.unique(random.integers(0, view.counts.outputs, size))
        yield f"{size} random outputs", outputs[view.output_value[outputs] > 0]
    if truth is not None:
        yield "a market's receipts", market_receipts(view, truth)


def market_receipts(view: View, truth: Path) -> Int64Array:
    """Return the outputs that pay the addresses of the first market of a simulated chain."""
    owners = pq.read_table(truth / "truth/owners.parquet").to_pandas()
    market = int(owners.index[owners["role"] == Role.MARKET][0])
    columns = ["owner", "script_type", "payload", "first_transaction"]
    table = pq.read_table(truth / "truth/addresses.parquet", columns=columns)
    theirs = pc.and_(pc.equal(table["owner"], market), pc.greater(table["first_transaction"], 0))
    used = table.filter(theirs).slice(0, MOST_ADDRESSES)
    payloads = used["payload"].to_pylist()
    lengths = np.array([len(payload) for payload in payloads], np.int64)
    locks = Locks(
        source=np.frombuffer(b"".join(payloads), np.uint8),
        script_type=used["script_type"].to_numpy().astype(np.uint8),
        start=np.cumsum(lengths) - lengths,
        length=lengths,
    )
    numbers, _ = view.find_locks(locks)
    return _paid_to(view, numbers[numbers >= 0])


def _paid_to(view: View, addresses: Int64Array) -> Int64Array:
    """Return the outputs worth something that pay any of the addresses, in one pass over all."""
    receives = np.zeros(view.counts.addresses + 1, np.bool_)
    receives[addresses] = True
    found = []
    for start in range(0, view.counts.outputs, OUTPUTS_AT_ONCE):
        part = view.output_address[start : start + OUTPUTS_AT_ONCE]
        # What has no address has the largest number, and the last place is nobody's.
        rows = np.flatnonzero(receives[np.minimum(part, view.counts.addresses)])
        found.append(rows.astype(np.int64) + start)
    outputs = np.concatenate(found)
    return outputs[view.output_value[outputs] > 0]


def _rows(
    name: str, view: View, columns: SweepColumns, outputs: Int64Array
) -> Iterator[dict[str, Any]]:
    for policy in Policy:
        wall, cpu = time.perf_counter(), time.thread_time()
        found = run(columns, outputs, policy)
        seconds, cpu_seconds = time.perf_counter() - wall, time.thread_time() - cpu
        unspent = found.reason == Stop.UNSPENT
        row: dict[str, Any] = {
            "sources": name,
            "source_outputs": len(outputs),
            "source_sat": int(view.output_value[outputs].sum()),
            "policy": policy.name.lower(),
            "seconds": round(seconds, 3),
            "processor_seconds": round(cpu_seconds, 3),
            "touched_transactions": found.transactions,
            "touched_inputs": found.inputs,
            "million_inputs_a_second": round(found.inputs / max(seconds, 1e-9) / 1e6, 2),
            "tainted_outputs": int(np.count_nonzero(unspent)),
            "segments": int(found.segments[unspent].sum()),
            "fees_sat": found.fees,
            "most_waiting_megabytes": round(found.most_waiting_bytes / 1e6, 2),
            "most_state_megabytes": round(found.most_state_bytes / 1e6, 2),
        }
        if policy == Policy.FIFO and found.inputs <= PLAIN_INPUTS:
            row |= _yardsticks(columns.ledger, outputs, found)
        yield row


def _yardsticks(ledger: SpendColumns, outputs: Int64Array, found: Sweep) -> dict[str, Any]:
    expected = dict(zip(found.output.tolist(), found.amount.tolist(), strict=True))
    sources = set(outputs.tolist())
    start = time.perf_counter()
    plain, touched = plain_fifo(ledger, sources)
    plain_seconds = time.perf_counter() - start
    start = time.perf_counter()
    walked = graph_fifo(ledger, sources, touched)
    graph_seconds = time.perf_counter() - start
    # What returned to a source stands in the sweep beside what rests there; compare what rests.
    rests = {output: amount for output, amount in expected.items() if output not in sources}
    for name, ends in (("dictionaries", plain), ("networkx", walked)):
        others = {output: amount for output, amount in ends.items() if output not in sources}
        if others != rests:
            raise AssertionError(f"{name} and the sweep disagree")
    return {
        "dictionaries_seconds": round(plain_seconds, 3),
        "networkx_seconds": round(graph_seconds, 3),
    }


# --- plain implementations of first-in-first-out


def plain_fifo(ledger: SpendColumns, sources: set[int]) -> tuple[dict[int, int], list[int]]:
    """Return the taint of the coins where it rests, and the transactions that it passed through."""
    transactions = len(ledger.first_input) - 1
    ends: dict[int, int] = {}
    live: dict[int, Pieces] = {}
    waiting: list[int] = []

    def put(output: int, pieces: Pieces) -> None:
        spender = int(ledger.spender[output])
        if spender < transactions:
            live[output] = pieces
            heapq.heappush(waiting, spender)
        else:
            ends[output] = sum(length for length, tainted in pieces if tainted)

    for source in sorted(sources):
        put(source, [(int(ledger.output_value[source]), True)])
    touched: list[int] = []
    while waiting:
        number = heapq.heappop(waiting)
        if touched and touched[-1] == number:
            continue
        touched.append(number)
        stream: Pieces = []
        for row in range(int(ledger.first_input[number]), int(ledger.first_input[number + 1])):
            clean = [(int(ledger.input_value[row]), False)]
            stream += live.pop(int(ledger.spent_output[row]), clean)
        for output, pieces in cut_stream(ledger, number, stream):
            if output not in sources and any(tainted for _, tainted in pieces):
                put(output, pieces)
    return ends, touched


def cut_stream(ledger: SpendColumns, number: int, stream: Pieces) -> Iterator[tuple[int, Pieces]]:
    """Deal a transaction's stream out to its outputs, in order; what is left is the fee."""
    rest = list(reversed(stream))
    for output in range(int(ledger.first_output[number]), int(ledger.first_output[number + 1])):
        need = int(ledger.output_value[output])
        pieces: Pieces = []
        while need > 0:
            length, tainted = rest.pop()
            part = min(length, need)
            if part < length:
                rest.append((length - part, tainted))
            need -= part
            if pieces and pieces[-1][1] == tainted:
                pieces[-1] = (pieces[-1][0] + part, tainted)
            elif part:
                pieces.append((part, tainted))
        yield output, pieces


def graph_fifo(ledger: SpendColumns, sources: set[int], touched: list[int]) -> dict[int, int]:
    """Return the same from a networkx graph of the transactions that taint passes through."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(touched)
    for number in touched:
        for row in range(int(ledger.first_input[number]), int(ledger.first_input[number + 1])):
            output = int(ledger.spent_output[row])
            payer = int(np.searchsorted(ledger.first_output, output, side="right")) - 1
            value = int(ledger.input_value[row])
            pieces = [(value, output in sources)] if output in sources or payer not in graph else []
            graph.add_edge(payer, number, key=row, output=output, pieces=pieces, value=value)
    ends: dict[int, int] = {}
    for source in sources:
        if int(ledger.spender[source]) not in graph:
            ends[source] = int(ledger.output_value[source])
    known = set(touched)
    for number in nx.topological_sort(graph):
        if number not in known:
            continue
        edges = sorted(graph.in_edges(number, keys=True, data=True), key=lambda edge: edge[2])
        stream = [
            piece for *_, edge in edges for piece in edge["pieces"] or [(edge["value"], False)]
        ]
        paid = dict(cut_stream(ledger, number, stream))
        spent = set()
        for _, _, edge in graph.out_edges(number, data=True):
            spent.add(edge["output"])
            if edge["output"] not in sources:
                edge["pieces"] = paid[edge["output"]]
        for output, pieces in paid.items():
            amount = sum(length for length, tainted in pieces if tainted)
            if amount and output not in spent and output not in sources:
                ends[output] = amount
    return ends
