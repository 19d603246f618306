"""The flow graph as GraphML, for Gephi, yEd, Cytoscape and networkx.

Amounts are whole satoshi (`long`), so they survive the format exactly. Every attribute that the
JSON graph has is written.
"""

from pathlib import Path

import networkx as nx

from arien_flows.shapes import plain, shown_time
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.graph_answer import Graph


def as_networkx(graph: Graph, answer: TraceAnswer) -> "nx.MultiDiGraph[str]":
    """Return the graph with what is needed to cite it as its own attributes."""
    network: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        policy=answer.request.policy,
        direction=answer.request.direction,
        network=answer.as_of.network,
        tip_height=answer.as_of.height,
        tip_hash=answer.as_of.block_hash,
        result_sha256=answer.manifest.result_sha256,
        full_nodes=graph.full_nodes,
        folded_nodes=graph.folded_nodes,
        level=graph.level,
    )
    for node in graph.nodes:
        attributes = {
            "kind": node.kind,
            "label": node.label,
            "amount_sat": int(node.amount),
            "entry_sat": int(node.entry),
            "fees_sat": int(node.fees),
            "returned_sat": int(node.returned),
            "transactions": node.transactions,
            "members": node.members,
            "x": node.x,
            "y": node.y,
            "certainty": node.certainty,
        }
        attributes |= {f"ended_{reason}_sat": int(sat) for reason, sat in node.ends.items()}
        for name in ("address", "txid", "tag", "time"):
            value = plain(getattr(node, name))
            if value is not None:
                attributes[name] = str(value)
        if node.path:
            attributes["path"] = " ".join(step.txid for step in node.path)
        network.add_node(node.id, **attributes)
    for edge in graph.edges:
        times = {
            name: shown_time(value)
            for name, value in (("first_time", edge.first_time), ("last_time", edge.last_time))
            if value is not None
        }
        network.add_edge(
            edge.source,
            edge.target,
            amount_sat=int(edge.amount),
            fees_sat=int(edge.fees),
            coins=edge.coins,
            transactions=edge.transactions,
            txids=" ".join(edge.txids),
            depends_on_policy=edge.depends_on_policy,
            certainty=edge.certainty,
            **times,
        )
    return network


def write_graphml(graph: Graph, answer: TraceAnswer, path: Path) -> None:
    """Write the graph to a file; the same graph gives the same bytes."""
    nx.write_graphml_xml(as_networkx(graph, answer), path, infer_numeric_types=False)
