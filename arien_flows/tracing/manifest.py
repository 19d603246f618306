"""What is needed to make an answer again and to see that it is the same.

A manifest names everything that an answer depends on: the chain up to a block, the question with
every limit in force, the rules, the clustering, what sources say. Facts of one run that cannot
change the answer (the versions of Python and its libraries, when, by whom) are not part of it; the
file that is written beside an answer lists the former, outside of what its own hash covers.

Two hashes stand in an answer. The result hash covers everything that was found, and nothing that
tells how: two runs that find the same have the same. The manifest's hash covers the question and
the manifest; it is the same in the answer and in the manifest's file, and shows that neither was
changed afterwards. Neither is a signature: whoever changes a file can make its hashes anew.
"""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from arien_flows.entities.clustering import Clustering
from arien_flows.ledger.beginning import first_height
from arien_flows.ledger.view import View
from arien_flows.prices import table
from arien_flows.shapes import Shape, plain
from arien_flows.tracing import answer as answers
from arien_flows.tracing import layout
from arien_flows.tracing.answer import RequestShape, TraceAnswer, canonical_json
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.manifest_answer import BlockSeen, ClusteringMade, Manifest
from arien_flows.tracing.paths_answer import PathAnswer, PathRequestShape
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.sweep_answer import TaintAnswer, TaintRequestShape
from heuristics import coinjoin, demix, follow

PROGRAM = "arien-flows"

FORMAT = 1
"""Of the file; raised whenever an earlier program would misread it."""

NEAR_BLOCKS = 10
"""Blocks right below the last one that are named one by one: most reorganisations end there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest(Shape):
    """The file beside an answer: what was asked, what the answer stands on, and its hash."""

    format: int
    """Of this file."""

    request: RequestShape | TaintRequestShape
    """The question, with every limit in force."""

    manifest: Manifest
    """What the answer stands on, and its hash."""

    made_by: dict[str, str]
    """Versions of what the program ran on; no part of the hash, as they cannot change an answer."""

    manifest_sha256: str
    """Over format, request and manifest, as canonical JSON."""


def rule_versions() -> dict[str, int]:
    """Return the versions of the rules that answers of this program rest on."""
    return {
        "answer": answers.VERSION,
        "coinjoin": coinjoin.VERSION,
        "demix": demix.VERSION,
        "follow": follow.VERSION,
        "layout": layout.VERSION,
        "prices": table.VERSION,
    }


def manifest_of(ground: Ground, traced: Traced) -> Manifest:
    """Return the manifest of a trace, its result hash still empty."""
    return manifest_on(
        ground,
        kind="trace",
        rules=rule_versions(),
        explored=len(traced.trail.transactions),
        followed=int(np.count_nonzero(traced.trail.flow.entered)),
        timed_out=traced.trail.timed_out,
    )


def manifest_on(
    ground: Ground,
    *,
    kind: str,
    rules: dict[str, int],
    explored: int,
    followed: int,
    timed_out: bool = False,
) -> Manifest:
    """Return the manifest of any run that stands on the same things as a trace."""
    view = ground.view
    return Manifest(
        kind=kind,
        program=PROGRAM,
        version=version(PROGRAM),
        network=view.network.name,
        tip_height=view.tip.height,
        tip_hash=view.tip.block_hash,
        first_height=first_height(view),
        blocks=blocks_seen(view),
        rules=rules,
        tags_sha256=ground.attribution.revision,
        clustering=ground.entities.identity,
        tags_are_later=ground.tags_are_later,
        clustering_made=clustering_made(ground),
        coinjoin_marks="absent" if ground.coinjoin_marks is None else "present",
        transactions_explored=explored,
        transactions_followed=followed,
        timed_out=timed_out,
        fetched=None if ground.fetched is None else ground.fetched.origin,
        result_sha256="",
    )


def clustering_made(ground: Ground) -> ClusteringMade | None:
    """Return how the entities were made; nothing where each address stands for itself."""
    if not isinstance(ground.entities, Clustering):
        return None
    made = ground.entities.manifest
    return ClusteringMade(
        profile=ground.entities.profile,
        height=made.height,
        block_hash=made.block_hash,
        rules=dict(sorted(made.rules.items())),
        parameters=dict(sorted(made.parameters.items())),
    )


def blocks_seen(view: View) -> tuple[BlockSeen, ...]:
    """Return blocks below the last one, the highest first, at distances that double.

    Another ledger that holds one of them agrees with this one up to there, so they tell where the
    two part, to the block where that is near the tip.
    """
    if view.gaps is not None:
        return ()
    rows, step, row = [], 1, view.counts.blocks - 2
    while row > 0:
        rows.append(row)
        step *= 2 if len(rows) >= NEAR_BLOCKS else 1
        row -= step
    if view.counts.blocks > 1:
        rows.append(0)
    return tuple(
        BlockSeen(height=int(view.block_height[row]), block_hash=view.block_hash(row))
        for row in rows
    )


def result_sha256(answer: TraceAnswer | PathAnswer | TaintAnswer) -> str:
    """Return the hash of an answer; the manifest, program version included, is not part of it."""
    names = [field.name for field in fields(answer)]
    return hash_of_result({name: getattr(answer, name) for name in names})


NOT_HASHED = ("manifest", "manifest_sha256", "fetched")
"""Parts of an answer that tell how it was made: they differ from run to run."""


def hashed_parts(parts: Mapping[str, object]) -> dict[str, object]:
    """Return the parts of an answer that its hash covers."""
    return {name: part for name, part in parts.items() if name not in NOT_HASHED}


def hash_of_result(parts: Mapping[str, object]) -> str:
    """Return the hash of an answer by its parts, whether they are shapes or read from JSON."""
    return hash_of_spelled(spelled_parts(hashed_parts(parts)))


def spelled_parts(parts: Mapping[str, object]) -> dict[str, bytes]:
    """Return the canonical JSON of each part of an answer, by name."""
    return {name: canonical_json(part) for name, part in parts.items()}


def hash_of_spelled(parts: Mapping[str, bytes]) -> str:
    """Return the hash of an answer by its spelled parts."""
    kept = {name: part for name, part in parts.items() if name not in NOT_HASHED}
    return hashlib.sha256(joined(kept)).hexdigest()


def joined(parts: Mapping[str, bytes]) -> bytes:
    """Return spelled parts as one canonical object."""
    return (
        b"{" + b",".join(b'"%s":%s' % (name.encode(), parts[name]) for name in sorted(parts)) + b"}"
    )


def request_of(shape: RequestShape) -> TraceRequest:
    """Return the question that an answer was made for, with every limit as it was in force."""
    names = {field.name for field in fields(TraceRequest)}
    told: dict[str, Any] = {
        field.name: getattr(shape, field.name)
        for field in fields(shape)
        # What has no bearing on a question is told as nothing; then the default will do.
        if field.name in names and getattr(shape, field.name) is not None
    }
    told["pins"] = tuple((name, x, y) for name, (x, y) in shape.pins.items())
    return TraceRequest(**told, min_value_sat=int(shape.min_value))


def run_manifest(request: RequestShape | TaintRequestShape, manifest: Manifest) -> RunManifest:
    """Return the content of the file that is written beside an answer."""
    draft = RunManifest(
        format=FORMAT,
        request=request,
        manifest=manifest,
        made_by=environment(),
        manifest_sha256="",
    )
    return replace(draft, manifest_sha256=hash_of_manifest(draft))


def manifest_sha256(
    request: RequestShape | PathRequestShape | TaintRequestShape, manifest: Manifest
) -> str:
    """Return the hash that stands in an answer beside its manifest, and in the manifest's file."""
    return hash_of_manifest({"format": FORMAT, "request": request, "manifest": manifest})


def hash_of_manifest(document: RunManifest | dict[str, object]) -> str:
    """Return the hash over what a manifest's file says, as a shape or as it was read."""
    said = plain(document)
    if not isinstance(said, dict):
        raise TypeError("a manifest is an object")
    kept = {name: said.get(name) for name in ("format", "request", "manifest")}
    return hashlib.sha256(canonical_json(kept)).hexdigest()


def environment() -> dict[str, str]:
    """Return the versions of what the program runs on."""
    libraries = {name: version(name) for name in ("numba", "numpy")}
    return {"python": platform.python_version(), **libraries, PROGRAM: version(PROGRAM)}
