"""The job `batch`: the same run as on the command line, in the job's folder.

The table is kept there as it was understood, so that no private key that somebody pasted into it
is kept anywhere. A worker that takes the job over goes on where the last one was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from arien_flows.batch.manifest import MANIFEST
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.rows import InputTable
from arien_flows.batch.running import BatchOrder, run_batch
from arien_flows.jobs.folder import write_file
from arien_flows.jobs.run import JobRun, MadeFile
from arien_flows.shapes import plain, shaped
from arien_flows.tracing.answer import canonical_json

KIND = "batch"
INPUT = "input.json"
"""The table, as it was understood."""

MEDIA_TYPES: Mapping[str, str] = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Of the files of a run, by the ends of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAsked:
    """What the record of a job says of its batch; the rows stand in `INPUT`."""

    name: str
    """Of the table."""

    sha256: str
    """Of the table's bytes as they came."""

    rows: int
    faults: int
    request: BatchRequest


def asked_of(order: BatchOrder) -> BatchAsked:
    """Return what a job's record says of an order."""
    return BatchAsked(
        name=order.name,
        sha256=order.table.sha256,
        rows=len(order.table.rows),
        faults=len(order.table.faults),
        request=order.request,
    )


def asked_in(request: Mapping[str, object]) -> BatchAsked:
    """Return what a job's record says; `ValueError` for anything else."""
    found: BatchAsked = shaped(BatchAsked, dict(request))
    return found


def lay_out(folder: Path, order: BatchOrder) -> None:
    """Put the table into the folder of a job."""
    write_file(folder, INPUT, MEDIA_TYPES[".json"], canonical_json(plain(order.table)))


def run_batch_job(run: JobRun) -> tuple[MadeFile, ...]:
    """Make the batch that was ordered, or go on with it."""
    asked = asked_in(run.job.request)
    table: InputTable = shaped(InputTable, json.loads((run.folder / INPUT).read_bytes()))

    def report(_step: str, done: int, total: int | None, unit: str) -> None:
        run.progress(done, total, unit)

    order = BatchOrder(table=table, name=asked.name, request=asked.request)
    manifest = run_batch(run.workspace, order, run.folder, report)
    names = [*(file.name for file in manifest.files), MANIFEST]
    return tuple(
        MadeFile(name=name, media_type=MEDIA_TYPES[Path(name).suffix]) for name in sorted(names)
    )
