"""The files of an answer about connections: the answer, and its coins as a graph.

The graph is for Gephi, yEd, Cytoscape and networkx: the listed coins are nodes, and an edge says
that the transaction that spends one makes the next. Amounts are whole satoshi.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import networkx as nx

from arien_flows.errors import InputError
from arien_flows.shapes import shown_time
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.paths_answer import PathAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFiles:
    """Where the files are."""

    answer: Path
    """The whole answer as canonical JSON."""

    graph: Path
    """The listed coins as GraphML."""

    def all(self) -> tuple[Path, ...]:
        """Return every file."""
        return self.answer, self.graph


def write_path_files(answer: PathAnswer, folder: Path) -> PathFiles:
    """Write the files into a folder, which is made if need be."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the results")
    folder.mkdir(parents=True, exist_ok=True)
    files = PathFiles(answer=folder / "paths.json", graph=folder / "paths.graphml")
    files.answer.write_bytes(canonical_json(answer) + b"\n")
    nx.write_graphml_xml(path_graph(answer), files.graph, infer_numeric_types=False)
    return files


def path_graph(answer: PathAnswer) -> "nx.DiGraph[str]":
    """Return the listed coins, each joined to those that come next."""
    graph: nx.DiGraph[str] = nx.DiGraph(
        origin=answer.request.origin,
        destination=answer.request.destination,
        network=answer.as_of.network,
        tip_height=answer.as_of.height,
        tip_hash=answer.as_of.block_hash,
        result_sha256=answer.manifest.result_sha256,
    )
    for each in answer.connections:
        for coin in each.coins:
            attributes = {
                "value_sat": int(coin.value),
                "height": coin.height,
                "time": shown_time(coin.time),
                "address": coin.address,
                "entity": coin.entity,
                "tag": coin.tag,
            }
            told = {name: value for name, value in attributes.items() if value is not None}
            graph.add_node(coin.outpoint, **told)
        graph.add_edges_from(
            (earlier.outpoint, later.outpoint, {"txid": later.txid})
            for earlier, later in pairwise(each.coins)
        )
    return graph
