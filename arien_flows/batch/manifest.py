"""`manifest.json` of a batch: what was asked, what the answers stand on, and hashes of the files.

The hashed part holds nothing that differs from one run to the next of the same table on the same
ledger: no times of the run, no people, no folders. What the program ran on stands beside it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from arien_flows.answers.exposure import ANSWER_VERSION as EXPOSURE_ANSWER
from arien_flows.answers.risk import ANSWER_VERSION as RISK_ANSWER
from arien_flows.attribution.categories import standard_categories
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.states import ChainState
from arien_flows.risk import flags
from arien_flows.shapes import Shape, plain
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.manifest import PROGRAM, environment, rule_versions
from heuristics import exposure

FORMAT = 1
"""Of the file; raised whenever an earlier program would misread it."""

VERSION = 1
"""Raised whenever the same answers are laid out in another way."""

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInput(Shape):
    """The table that was asked about."""

    name: str
    """Its file's name, without the folder."""

    sha256: str
    """Of its bytes, as they came."""

    rows: int
    """Rows that could be asked about."""

    faults: int
    """Rows that could not."""

    subjects: int
    """Different addresses, transactions and outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile(Shape):
    """One file of the run."""

    name: str
    """In the folder of the run."""

    size: int
    """In bytes."""

    sha256: str
    """Of its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchManifest(Shape):
    """What a batch stands on. The same table, question and state give the same manifest."""

    kind: str = "batch"
    """What was run."""

    program: str
    """Name of the program."""

    version: str
    """Its version."""

    run_id: str
    """Names the run by what it was asked and what it stands on."""

    request: BatchRequest
    """The question."""

    input: BatchInput
    """The table."""

    states: tuple[ChainState, ...]
    """What the answers are true for, by network."""

    without_ledger: tuple[str, ...]
    """Networks of rows that no ledger is there for; these rows say so."""

    rules: dict[str, int]
    """Versions of the rules that the answers rest on."""

    categories_sha256: str
    """The table of risk categories."""

    counts: dict[str, int]
    """Rows by status."""

    truncations: tuple[str, ...]
    """What is left out of the run as a whole, one sentence each; of a row, the row says it."""

    files: tuple[BatchFile, ...]
    """Every other file of the run, by name."""

    result_sha256: str
    """Of `rows.jsonl`: equal hashes, equal answers."""


def batch_rules() -> dict[str, int]:
    """Return the versions of all rules that answers of a batch rest on."""
    return {
        **rule_versions(),
        "batch": VERSION,
        "exposure": exposure.VERSION,
        "exposure_answer": EXPOSURE_ANSWER,
        "flags": flags.VERSION,
        "risk_answer": RISK_ANSWER,
    }


def run_id(request: BatchRequest, input_sha256: str, states: tuple[ChainState, ...]) -> str:
    """Return the name of a run: the same for the same table, question and state."""
    said = {"input": input_sha256, "request": plain(request), "states": plain(states)}
    return f"batch-{hashlib.sha256(canonical_json(said)).hexdigest()[:16]}"


def program_version() -> str:
    """Return the version that stands in manifests."""
    return version(PROGRAM)


def categories_sha256() -> str:
    """Return the hash of the table of risk categories."""
    return standard_categories().sha256


def manifest_bytes(manifest: BatchManifest) -> bytes:
    """Return the file: the manifest, its hash, and what the program ran on."""
    hashed = {"format": FORMAT, "manifest": plain(manifest)}
    document: Mapping[str, object] = {
        **hashed,
        "made_by": environment(),
        "manifest_sha256": hashlib.sha256(canonical_json(hashed)).hexdigest(),
    }
    return canonical_json(document) + b"\n"
