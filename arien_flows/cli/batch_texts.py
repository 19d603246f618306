"""What is told of a batch on a terminal."""

from pathlib import Path

from arien_flows.batch.manifest import MANIFEST, BatchManifest
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.rows import InputTable
from arien_flows.cli.output import pairs

MEANINGS = {
    "ok": "answered",
    "truncated": "answered, with something left out that the row names",
    "not_found": "not in the ledger",
    "invalid": "not usable as they stand",
    "error": "not answered",
}
"""What each status of a row means."""


def batch_lines(manifest: BatchManifest, folder: Path) -> list[str]:
    """Return how many rows came to what, and where the files are."""
    counts = manifest.counts
    rows = [
        (f"{counts[status]:,} {status}", meaning)
        for status, meaning in MEANINGS.items()
        if status in counts
    ]
    lines = [f"{sum(counts.values()):,} rows, {manifest.input.subjects:,} different subjects"]
    lines += pairs(rows)
    lines += ["", f"Files in {folder}:"]
    lines += [f"  {file.name}" for file in manifest.files]
    lines += [f"  {MANIFEST}", "", f"Result {manifest.result_sha256}"]
    lines += [f"Left out: {cut}" for cut in manifest.truncations]
    if set(counts) - {"ok", "truncated"}:
        lines.append("errors.csv names the rows without an answer: correct and send them again.")
    lines += [f"True as of {state.text()}." for state in manifest.states]
    return lines


def unused_columns(table: InputTable, request: BatchRequest) -> list[str]:
    """Say so where rows ask for traces of a kind and the batch makes none."""
    if request.trace is not None:
        return []
    asks = any(
        value is not None
        for row in table.rows
        for value in (
            row.direction, row.since, row.until, row.min_value, row.max_hops, row.method
        )
    )  # fmt: skip
    if not asks:
        return []
    return [
        "columns direction, from, to, min_value, max_hops and method are about traces, and none is "
        "made: add --trace forward"
    ]
