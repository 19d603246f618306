"""The files of a trace: the answer, the graph, and pictures of it and of its time."""

from dataclasses import dataclass
from pathlib import Path

from arien_flows.errors import InputError
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.manifest import run_manifest
from arien_flows.tracing.trace import TraceResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFiles:
    """Where the files of a trace are."""

    answer: Path
    """The whole answer as canonical JSON."""

    manifest: Path
    """What the answer stands on, and its hash: `arien-flows replay` makes the answer again."""

    graph: Path
    """The graph with nothing left out, as GraphML."""

    picture: Path
    """The flow, simplified to what a page can show, as PNG."""

    drawing: Path
    """The same as SVG."""

    service_points: Path
    """The coins at services to ask about, as CSV."""

    timeline: Path
    """When money came to where its paths ended, as PNG."""

    timeline_drawing: Path
    """The same as SVG."""

    def all(self) -> tuple[Path, ...]:
        """Return every file."""
        return (
            self.answer,
            self.manifest,
            self.graph,
            self.picture,
            self.drawing,
            self.service_points,
            self.timeline,
            self.timeline_drawing,
        )


def write_trace_files(result: TraceResult, folder: Path) -> TraceFiles:
    """Write the files of a trace into a folder, which is made if need be."""
    from arien_flows.reports.service_points_table import write_service_points
    from arien_flows.tracing.graphml import write_graphml
    from arien_flows.tracing.picture import PICTURE_NODES, draw
    from arien_flows.tracing.timeline_chart import draw_timeline

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the results")
    folder.mkdir(parents=True, exist_ok=True)
    files = TraceFiles(
        answer=folder / "trace.json",
        manifest=folder / "manifest.json",
        graph=folder / "graph.graphml",
        picture=folder / "flow.png",
        drawing=folder / "flow.svg",
        service_points=folder / "service_points.csv",
        timeline=folder / "timeline.png",
        timeline_drawing=folder / "timeline.svg",
    )
    files.answer.write_bytes(result.json_bytes() + b"\n")
    repeated_by = run_manifest(result.answer.request, result.answer.manifest)
    files.manifest.write_bytes(canonical_json(repeated_by) + b"\n")
    write_graphml(result.graph(), result.answer, files.graph)
    write_service_points(result.answer, files.service_points)
    simplified = result.graph(PICTURE_NODES)
    draw(simplified, result.answer, files.picture)
    draw(simplified, result.answer, files.drawing)
    draw_timeline(result.answer, files.timeline)
    draw_timeline(result.answer, files.timeline_drawing)
    return files
