"""The files of a trace of balances: the same as those of a trace of coins.

Amounts in the graph are texts of whole base units with their asset beside, because numbers of 256
bits fit no type of GraphML.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from arien_flows.account_tracing.answer import (
    AccountGraphEdge,
    AccountGraphNode,
    AccountServicePoint,
    AccountTraceAnswer,
    Unit,
)
from arien_flows.account_tracing.trace import AccountTraceResult
from arien_flows.amounts import Asset
from arien_flows.errors import InputError
from arien_flows.shapes import plain, shown_time
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.manifest import run_manifest

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTraceFiles:
    """Where the files of a trace are."""

    folder: Path
    names: tuple[str, ...]

    def all(self) -> tuple[Path, ...]:
        """Return every file."""
        return tuple(self.folder / name for name in self.names)


def write_account_trace_files(result: AccountTraceResult, folder: Path) -> AccountTraceFiles:
    """Write the files of a trace into a folder, which is made if need be."""
    import networkx as nx

    from arien_flows.reports.service_points_table import write_service_points
    from arien_flows.tracing.picture import PICTURE_NODES, Measures, draw
    from arien_flows.tracing.timeline_chart import draw_timeline

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the results")
    folder.mkdir(parents=True, exist_ok=True)
    answer = result.answer
    (folder / "trace.json").write_bytes(result.json_bytes() + b"\n")
    repeated_by = run_manifest(answer.request, answer.manifest)
    (folder / "manifest.json").write_bytes(canonical_json(repeated_by) + b"\n")
    nx.write_graphml_xml(
        as_networkx(result.graph(), answer), folder / "graph.graphml", infer_numeric_types=False
    )
    write_service_points(answer, folder / "service_points.csv", _asset_of_point)
    measures = Measures(
        asset_of=_asset_of_part,
        weight_of=result.weight_of,
        terms=_terms(answer),
        looked_at="movements",
    )
    names = ["trace.json", "manifest.json", "graph.graphml", "service_points.csv"]
    simplified = result.graph(PICTURE_NODES)
    for suffix in (".png", ".svg"):
        draw(simplified, answer, folder / f"flow{suffix}", measures)
        names.append(f"flow{suffix}")
        for number, each in enumerate(answer.assets, 1):
            # The first asset is that of the source; each other has a chart of its own.
            name = f"timeline{'' if number == 1 else f'-{number}'}{suffix}"
            told = replace(
                answer, asset=each.unit.asset, decimals=each.unit.decimals, timeline=each.timeline
            )
            draw_timeline(told, folder / name)
            names.append(name)
    return AccountTraceFiles(folder=folder, names=tuple(names))


def as_networkx(graph: Graph, answer: AccountTraceAnswer) -> "nx.MultiDiGraph[str]":
    """Return the graph with what is needed to cite it as its own attributes."""
    import networkx as nx

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
        if not isinstance(node, AccountGraphNode):
            raise TypeError("a trace of balances has nodes of one asset each")
        network.add_node(node.id, **_attributes(node))
    for edge in graph.edges:
        if not isinstance(edge, AccountGraphEdge):
            raise TypeError("a trace of balances has edges of one asset each")
        told = _unit(edge.unit) | {"rule": edge.rule or "transfer"}
        network.add_edge(
            edge.source,
            edge.target,
            amount=edge.amount,
            gave=edge.gave,
            movements=edge.coins,
            transactions=edge.transactions,
            txids=" ".join(edge.txids),
            depends_on_policy=edge.depends_on_policy,
            certainty=edge.certainty,
            first_time="" if edge.first_time is None else shown_time(edge.first_time),
            last_time="" if edge.last_time is None else shown_time(edge.last_time),
            **told,
        )
    return network


def _attributes(node: AccountGraphNode) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "kind": node.kind,
        "label": node.label,
        "amount": node.amount,
        "entry": node.entry,
        "gas": node.fees,
        "returned": node.returned,
        "members": node.members,
        "x": node.x,
        "y": node.y,
        "certainty": node.certainty,
    }
    told |= _unit(node.unit) | {f"ended_{reason}": n for reason, n in node.ends.items()}
    for name in ("address", "tag"):
        value = plain(getattr(node, name))
        if value is not None:
            told[name] = str(value)
    return told


def _unit(unit: Unit) -> dict[str, str | int]:
    return {"asset": unit.asset, "decimals": unit.decimals, "contract": unit.contract or ""}


def _asset(unit: Unit) -> Asset:
    return Asset(name=unit.asset, decimals=unit.decimals)


def _asset_of_part(part: object) -> Asset:
    if not isinstance(part, AccountGraphNode | AccountGraphEdge):
        raise TypeError("a trace of balances has parts of one asset each")
    return _asset(part.unit)


def _asset_of_point(point: object) -> Asset:
    if not isinstance(point, AccountServicePoint):
        raise TypeError("a trace of balances has points of one asset each")
    return _asset(point.unit)


def _terms(answer: AccountTraceAnswer) -> tuple[str, ...]:
    """Return what stands beside the sums of the source's asset: conversions, and other assets."""
    from arien_flows.tracing.picture import amount_text

    terms = []
    for number, each in enumerate(answer.assets):
        asset, totals = _asset(each.unit), each.totals
        sign = "+" if number == 0 else "·"
        if number and totals.came_by_conversion != "0":
            terms.append(f"· {amount_text(totals.came_by_conversion, asset)} came of it")
        if totals.converted_away != "0":
            terms.append(f"{sign} converted {amount_text(totals.converted_away, asset)}")
        if number == 0 and totals.came_by_conversion != "0":
            terms.append(f"· came back {amount_text(totals.came_by_conversion, asset)}")
    return tuple(terms)
