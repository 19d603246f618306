"""What is needed to make an answer again and to see that it is the same."""

import hashlib
from dataclasses import fields
from importlib.metadata import version

import numpy as np

from arien_flows.tracing.answer import Manifest, TraceAnswer, canonical_json
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.paths_answer import PathAnswer
from heuristics import follow

PROGRAM = "arien-flows"


def manifest_of(ground: Ground, traced: Traced) -> Manifest:
    """Return the manifest of a trace, its result hash still empty."""
    return Manifest(
        program=PROGRAM,
        version=version(PROGRAM),
        network=ground.view.network.name,
        tip_height=ground.view.tip.height,
        tip_hash=ground.view.tip.block_hash,
        rules={"follow": follow.VERSION},
        tags_sha256=ground.attribution.revision,
        clustering=ground.entities.identity,
        coinjoin_marks="absent" if ground.coinjoin_marks is None else "present",
        transactions_explored=len(traced.trail.transactions),
        transactions_followed=int(np.count_nonzero(traced.trail.flow.entered)),
        fetched=None if ground.fetched is None else ground.fetched.origin,
        result_sha256="",
    )


def result_sha256(answer: TraceAnswer | PathAnswer) -> str:
    """Return the hash of an answer; the manifest, program version included, is not part of it."""
    names = [field.name for field in fields(answer)]
    parts = {name: getattr(answer, name) for name in names if name != "manifest"}
    return hashlib.sha256(canonical_json(parts)).hexdigest()
