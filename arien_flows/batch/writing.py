"""The files of a run, made from its checkpoint, and the manifest that names them all.

The summaries and exposures of ten thousand rows fit into memory; the movements of their traces need
not, and are gone through with one answer at a time. `rows.jsonl` is for programs: a line of
canonical JSON a row of the input, with all that `summary.csv` says; its hash is the result hash of
the run.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from arien_flows.batch.chart_sums import ChartSums
from arien_flows.batch.checkpoint import Checkpoint, telling_full
from arien_flows.batch.items import Work
from arien_flows.batch.laying_out import RowAnswer, row_answers
from arien_flows.batch.manifest import (
    MANIFEST,
    BatchFile,
    BatchInput,
    BatchManifest,
    batch_rules,
    categories_sha256,
    manifest_bytes,
    program_version,
    run_id,
)
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.results import ExposureRow, RunFacts, SummaryRow, TransferRow
from arien_flows.batch.row_shapes import batch_row
from arien_flows.batch.rows import InputTable, RowFault
from arien_flows.batch.states import ChainState
from arien_flows.batch.tables import (
    write_errors,
    write_exposure,
    write_summary,
    write_transfers,
)
from arien_flows.batch.workbook import write_workbook
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.manifest import PROGRAM

R = TypeVar("R")

Report = Callable[[str, int, int | None, str], None]
"""Takes the name of a step, what is done of it, the whole if that is known, and the unit."""

ROWS = "rows.jsonl"
FILES = "files"
"""Where files are written before they are moved to their places."""

STEP, UNIT = "files", "files"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGround:
    """What the answers of a run stand on, for its files."""

    request: BatchRequest
    name: str
    """Of the table's file."""

    states: tuple[ChainState, ...]
    without_ledger: tuple[str, ...]
    cuts: tuple[str, ...]
    """What every answer leaves out."""


def write_files(
    ground: RunGround,
    table: InputTable,
    work: Work,
    checkpoint: Checkpoint,
    folder: Path,
    report: Report,
) -> BatchManifest:
    """Write all files of a run that has an answer to every item; return the manifest."""
    aside = folder / ".run" / FILES
    shutil.rmtree(aside, ignore_errors=True)
    with telling_full(folder):
        aside.mkdir(mode=0o700)
        written = _Files(ground, table, work, checkpoint, aside)
        for done, write in enumerate(written.steps):
            report(STEP, done, len(written.steps), UNIT)
            write()
        manifest = written.manifest()
        (aside / MANIFEST).write_bytes(manifest_bytes(manifest))
        (folder / MANIFEST).unlink(missing_ok=True)
        for name in (*(file.name for file in manifest.files), MANIFEST):
            _flush(aside / name)
            (aside / name).replace(folder / name)
        _flush(folder)
    shutil.rmtree(aside)
    report(STEP, len(written.steps), len(written.steps), UNIT)
    return manifest


class _Files:
    """Writes one file after the other into a folder."""

    def __init__(
        self,
        ground: RunGround,
        table: InputTable,
        work: Work,
        checkpoint: Checkpoint,
        folder: Path,
    ) -> None:
        self._ground, self._table, self._work = ground, table, work
        self._checkpoint, self._folder = checkpoint, folder
        self._facts = facts_of(ground, table)
        self._counts: Counter[str] = Counter()
        self._sums = ChartSums()
        self._cuts: tuple[str, ...] = ()
        self._summaries: list[SummaryRow] = []
        self._exposures: list[ExposureRow] = []
        self._faults: list[RowFault] = []
        request = ground.request
        self.steps: list[Callable[[], None]] = [self._rows, self._summary, self._errors]
        if request.exposure:
            self.steps.append(self._exposure)
        if request.trace is not None:
            self.steps.append(self._transfers)
        self.steps += [self._workbook, self._charts]

    def manifest(self) -> BatchManifest:
        """Return what names all files that were written."""
        ground, table = self._ground, self._table
        files = tuple(_measured(path) for path in sorted(self._folder.iterdir()))
        return BatchManifest(
            program=PROGRAM,
            version=program_version(),
            run_id=self._facts.run_id,
            request=ground.request,
            input=BatchInput(
                name=ground.name,
                sha256=table.sha256,
                rows=len(table.rows),
                faults=len(table.faults),
                subjects=len(self._work.items),
            ),
            states=ground.states,
            without_ledger=ground.without_ledger,
            rules=batch_rules(),
            categories_sha256=categories_sha256(),
            counts=dict(sorted(self._counts.items())),
            truncations=(*ground.cuts, *self._cuts),
            files=files,
            result_sha256=next(file.sha256 for file in files if file.name == ROWS),
        )

    def _answers(self) -> Iterator[RowAnswer]:
        return row_answers(self._table, self._work, self._checkpoint.read)

    def _rows(self) -> None:
        with (self._folder / ROWS).open("wb") as file:
            for answer in self._answers():
                self._counts[answer.summary.status] += 1
                self._sums.add_row(answer.summary)
                self._summaries.append(answer.summary)
                self._exposures += answer.exposure
                if answer.fault is not None:
                    self._faults.append(answer.fault)
                row = batch_row(self._table.header, answer.summary)
                file.write(canonical_json(row) + b"\n")

    def _summary(self) -> None:
        write_summary(self._folder / "summary.csv", self._table.header, self._summaries)

    def _errors(self) -> None:
        write_errors(self._folder / "errors.csv", self._table.header, self._faults)

    def _exposure(self) -> None:
        for row in self._exposures:
            self._sums.add_exposure(row)
        write_exposure(self._folder / "exposure.csv", self._exposures)

    def _transfers(self) -> None:
        write_transfers(
            self._folder / "transfers.csv",
            self._facts,
            self._counted(self._moved(), self._sums.add_transfer),
        )

    def _moved(self) -> Iterator[TransferRow]:
        if self._ground.request.trace is not None:
            for answer in self._answers():
                yield from answer.transfers

    def _workbook(self) -> None:
        self._cuts = write_workbook(
            self._folder / "report.xlsx",
            self._facts,
            self._table.header,
            summary=self._summaries,
            exposure=self._exposures,
            transfers=self._moved(),
            faults=self._faults,
        )

    def _charts(self) -> None:
        from arien_flows.batch.charts import draw_charts

        draw_charts(self._sums, self._facts, self._folder)

    @staticmethod
    def _counted(rows: Iterator[R], count: Callable[[R], None]) -> Iterator[R]:
        for row in rows:
            count(row)
            yield row


def facts_of(ground: RunGround, table: InputTable) -> RunFacts:
    """Return what the files of a run say about it."""
    request, states = ground.request, ground.states
    about = [
        ("program", f"{PROGRAM} {program_version()}"),
        ("profile of entities", request.profile),
    ]
    if request.exposure or request.risk:
        whose = "the address alone" if request.scope == "address" else "all of its entity"
        about.append(("exposure and risk of", whose))
        about.append(("transactions an exposure may go through", f"{request.budget:,}"))
    if request.risk:
        about.append(("policy of scores, SHA-256", request.policy_sha256))
    for state in states:
        about.append((f"entities of {state.network}", state.clustering))
        about.append((f"tags of {state.network}, SHA-256", state.tags_sha256))
    about += [(f"rule {name}", str(each)) for name, each in sorted(batch_rules().items())]
    about.append(
        ("rows that repeat another one", "their exposure and transfers stand under the first one")
    )
    return RunFacts(
        run_id=run_id(request, table.sha256, states),
        currency=request.currency,
        as_of=tuple(state.text() for state in states),
        made_on=max((state.time for state in states), default=_EPOCH),
        input_name=ground.name,
        input_sha256=table.sha256,
        about=tuple(about),
        truncations=(*table.remarks, *ground.cuts),
    )


def _measured(path: Path) -> BatchFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BatchFile(name=path.name, size=path.stat().st_size, sha256=digest)


def _flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
