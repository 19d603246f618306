"""The files of an answer about connections between accounts: the answer, and its legs as a graph.

The graph is for Gephi, yEd, Cytoscape and networkx: accounts are nodes, and an edge stands for all
movements of one asset from one to the other. Amounts are decimal strings of base units, because
they do not fit the numbers of such programs.
"""

from pathlib import Path

import networkx as nx

from arien_flows.account_tracing.paths_answer import AccountPathAnswer
from arien_flows.errors import InputError
from arien_flows.shapes import shown_time
from arien_flows.tracing.answer import canonical_json


def write_account_paths(answer: AccountPathAnswer, folder: Path) -> tuple[Path, Path]:
    """Write `paths.json` and `paths.graphml` into a folder, which is made if need be."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the results")
    folder.mkdir(parents=True, exist_ok=True)
    told, graph = folder / "paths.json", folder / "paths.graphml"
    told.write_bytes(canonical_json(answer) + b"\n")
    nx.write_graphml_xml(account_path_graph(answer), graph, infer_numeric_types=False)
    return told, graph


def account_path_graph(answer: AccountPathAnswer) -> "nx.MultiDiGraph[str]":
    """Return the accounts of the listed connections, with an edge for each leg."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        origin=answer.request.origin,
        destination=answer.request.destination,
        network=answer.as_of.network,
        tip_height=answer.as_of.height,
        tip_hash=answer.as_of.block_hash,
    )
    for each in answer.connections:
        for leg in each.legs:
            graph.add_node(leg.giver)
            graph.add_node(leg.receiver, label=leg.receiver_label or "")
            key = f"{leg.kind}:{leg.gave.contract}:{leg.got.contract}"
            graph.add_edge(
                leg.giver,
                leg.receiver,
                key=key,
                kind=leg.kind,
                gave=leg.gave_amount,
                gave_asset=leg.gave.contract or leg.gave.asset,
                got=leg.got_amount,
                got_asset=leg.got.contract or leg.got.asset,
                count=leg.count,
                first=leg.first,
                first_time=shown_time(leg.first_time),
                certainty=leg.certainty,
            )
    return graph
