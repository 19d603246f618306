"""The rules on real transactions: what they find, and what they must not find."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from arien_flows.entities.clustering import run_clustering
from arien_flows.entities.verify import replay_faults
from arien_flows.entities.why import Explanation, why
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.networks import BITCOIN
from heuristics.coinjoin import DETECTIONS, CoinJoinMark, mark_coinjoins
from heuristics.columns import LinkColumns
from heuristics.cospend import LogField, SpendColumns, join_cospends
from heuristics.union_find import finalise, new_forest
from tests.heuristics.transaction_cases import Coins, coinjoin_columns_of, columns_of

pytestmark = pytest.mark.slow


class Numbering(dict[str, int]):
    """Numbers texts in order of first appearance."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def year_2009(folder: Path) -> list[tuple[Coins, Coins]]:
    """Return all transactions of 2009 in chain order."""
    count = sum(1 for _ in rows(folder / "tx_height.csv.gz"))
    chain: list[tuple[Coins, Coins]] = [([], []) for _ in range(count)]
    numbers = Numbering()
    for row in rows(folder / "tx_output.csv.gz"):
        coin = numbers[row["adr_index"]], int(row["output_value"])
        chain[int(row["tx_index"])][1].append(coin)
    for row in rows(folder / "tx_input.csv.gz"):
        coin = numbers[row["adr_index"]], int(row["input_value"])
        chain[int(row["tx_index"])][0].append(coin)
    return chain


def blocks_100000(folder: Path) -> list[tuple[Coins, Coins]]:
    """Return the transactions of blocks 100,000 to 102,000, coinbases included."""
    places = {
        row["id"]: int(row["temporal_index"])
        for row in rows(folder / "vertices.csv.gz")
        if row["note"] == "tx"
    }
    order = {name: place for place, name in enumerate(sorted(places, key=places.__getitem__))}
    taken: list[list[tuple[int, str, int]]] = [[] for _ in order]
    given: list[list[tuple[int, str, int]]] = [[] for _ in order]
    for row in rows(folder / "edges.csv.gz"):
        source, target = row["src_id"], row["dst_id"]
        coin = row["address"], int(row["value"])
        if source in order:
            given[order[source]].append((int(row["src_position"]), *coin))
        if target in order:
            taken[order[target]].append((int(row["dst_position"]), *coin))
    numbers = Numbering()
    return [
        tuple([(numbers[address], value) for _, address, value in sorted(side)] for side in sides)
        for sides in zip(taken, given, strict=True)
    ]


def marks_of(chain: list[tuple[Coins, Coins]]) -> np.ndarray:
    return mark_coinjoins(coinjoin_columns_of(chain), 0, len(chain))[0]


@pytest.mark.parametrize(
    ("folder", "read", "least"),
    [
        ("btc_2009_full", year_2009, 32_709),
        ("btc_graph_100000_102000", blocks_100000, 11_000),
    ],
)
def test_mark_coinjoins__finds_none_before_anybody_made_one(
    shared_data, folder, read, least
) -> None:
    chain = read(shared_data / folder)
    assert len(chain) >= least
    assert not (marks_of(chain) & np.uint16(DETECTIONS | CoinJoinMark.WHIRLPOOL_TX0)).any()


@pytest.mark.parametrize(
    ("folder", "read"),
    [("btc_2009_full", year_2009), ("btc_graph_100000_102000", blocks_100000)],
)
def test_join_cospends__gives_the_connected_components(shared_data, folder, read) -> None:
    chain = read(shared_data / folder)
    columns = columns_of(chain)
    count = 1 + int(max(columns.input_address.max(), columns.output_address.max()))
    parent = new_forest(count)
    none = np.empty(0, dtype=np.uint32)
    log = join_cospends(
        parent,
        SpendColumns(
            first_input=columns.first_input,
            input_address=columns.input_address,
            input_sighash=np.ones(len(columns.input_address), dtype=np.uint8),
            script_type=np.zeros(count, dtype=np.uint8),
            sighash_effect=np.zeros(256, dtype=np.uint8),
            needs_signature=np.ones(256, dtype=np.uint8),
        ),
        LinkColumns(none, none, none, np.empty(0, dtype=np.uint8)),
        np.zeros(len(chain), dtype=np.uint8),
        0,
    )
    finalise(parent)
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    for inputs, _ in chain:
        nx.add_path(graph, [address for address, _ in inputs])
    components = list(nx.connected_components(graph))
    assert len(log) == count - len(components)
    for component in components:
        assert {int(parent[address]) for address in component} == {min(component)}


def first_blocks(path: Path) -> View:
    """Return the ledger of a block file whose blocks stand in chain order."""
    raw = path.read_bytes()
    starts, lengths, position = [], [], 0
    while position + 8 <= len(raw):
        length = int.from_bytes(raw[position + 4 : position + 8], "little")
        if position + 8 + length > len(raw):
            break
        starts.append(position + 8)
        lengths.append(length)
        position += 8 + length
    batch = decode_blocks(
        np.frombuffer(raw, dtype=np.uint8),
        np.array(starts, dtype=np.int64),
        np.array(lengths, dtype=np.int64),
    )
    return view_of(batch, BITCOIN, heights=np.arange(len(starts), dtype=np.uint32))


def test_run_clustering__of_the_first_blocks_of_bitcoin(shared_data) -> None:
    view = first_blocks(shared_data / "btc_blocks/chain_mainnet_0_4312.dat")
    clustering = run_clustering(view, None)
    inputs = np.diff(view.first_input)
    assert view.counts.blocks == 4_313
    assert np.count_nonzero(inputs > 1) == 29
    assert len(clustering.log) > 0
    assert replay_faults(clustering) == []
    for row in clustering.log.whole():
        transaction = int(row[LogField.TRANSACTION])
        a, b = (
            view.address_text(int(row[field])) for field in (LogField.ADDRESS_A, LogField.ADDRESS_B)
        )
        answer = why(view, clustering, a, b)
        assert isinstance(answer, Explanation)
        # The merge log's own reason is a chain of one step, so a shortest one has one step, too.
        assert len(answer.steps) == 1
        assert view.find_transaction(answer.steps[0].transaction) <= transaction
    biggest = max(clustering.derived.whole("entity_root").tolist(), key=clustering.size)
    totals = clustering.totals(view, biggest)
    assert totals.balance_sat == totals.received_net_sat - totals.sent_net_sat
    assert totals.balance_sat == sum(
        view.totals(address).received_sat - view.totals(address).sent_sat
        for address in clustering.members(biggest).tolist()
    )
