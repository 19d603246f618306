"""Taking a Parquet export in as a ledger.

What can be derived is derived anew and not taken: offsets, spenders, indexes, histories, totals.
What is taken is checked three times: every file against the checksum in the export's manifest,
every part for rows that fit together (or it could not be stored at all), and at the end the whole
ledger by `verify`, block hashes and merkle roots included. It appears under its name only then.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arien_flows.errors import InputError, SourceError
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.parquet_export import ExportedFile, ExportStep, Summary
from arien_flows.ledger.parquet_rows import PartReader
from arien_flows.ledger.parquet_schema import (
    EXPORT_FORMAT,
    MANIFEST_FILE,
    SCHEMA_FILE,
    part_path,
)
from arien_flows.ledger.schema import TABLES
from arien_flows.ledger.verify import verify
from arien_flows.ledger.view import Counts
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportManifest:
    """What an export says it is."""

    network: str
    tip_height: int
    tip_hash: str
    counts: Counts
    parts: tuple[Counts, ...]
    """Rows of each table up to the end of each part."""

    files: tuple[ExportedFile, ...]


def read_export(directory: Path) -> ExportManifest:
    """Return what the export in a folder says it is; its files are not looked at.

    Raises `SourceError` where the folder holds no export, or one of a newer version.
    """
    path = directory / MANIFEST_FILE
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        if document["format"] > EXPORT_FORMAT:
            raise SourceError(
                f"{directory} has export format {document['format']}, and this program knows "
                f"formats up to {EXPORT_FORMAT}: use the version of arien-flows that wrote it"
            )
        return ExportManifest(
            network=str(document["network"]),
            tip_height=int(document["tip"]["height"]),
            tip_hash=str(document["tip"]["block_hash"]),
            counts=Counts(**document["counts"]),
            parts=tuple(Counts(**counts) for counts in document["parts"]),
            files=tuple(ExportedFile(**file) for file in document["files"]),
        )
    except FileNotFoundError as error:
        raise SourceError(
            f"{directory} holds no export: {MANIFEST_FILE} is missing; name a folder that "
            "`ledger export` wrote"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} is damaged: copy or export the ledger again") from error


def import_ledger(
    directory: Path,
    root: Path,
    network: Network,
    *,
    report: Callable[[ExportStep], None] = lambda _step: None,
) -> Summary:
    """Make a ledger in `root` of the export in `directory`.

    Its columns are byte for byte those of the ledger that was exported.

    Raises
    ------
    InputError
        `root` holds something already, or the export is of another network.
    SourceError
        The export is damaged, incomplete, or not what a valid chain looks like.
    """
    export = read_export(directory)
    if export.network != network.name:
        raise InputError(
            f"{directory} is an export of {export.network}, not of {network.name}: choose another"
        )
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root} is there already and not empty: import into a new place")
    check_files(directory, export)
    partial = root.with_name(f".{root.name}.{os.getpid()}.partial")
    try:
        _fill(directory, export, partial, network, report)
        _check(directory, export, partial)
        partial.rename(root)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Summary(
        network=export.network,
        tip_height=export.tip_height,
        tip_hash=export.tip_hash,
        counts=export.counts,
        parts=len(export.parts),
        bytes=sum(file.bytes for file in export.files if file.path != SCHEMA_FILE),
    )


def check_files(directory: Path, export: ExportManifest) -> None:
    """Refuse an export that lacks a file, has one too many, or one that was changed."""
    named = {file.path for file in export.files}
    expected = {part_path(table, i) for table in TABLES for i in range(len(export.parts))}
    present = {str(file.relative_to(directory)) for file in directory.rglob("*.parquet")}
    wrong = sorted((named ^ (expected | {SCHEMA_FILE})) | (expected ^ present))
    if wrong:
        raise SourceError(
            f"{directory / wrong[0]} is missing or does not belong to the export"
            f"{f' (and {len(wrong) - 1} more)' if len(wrong) > 1 else ''}: copy the export again"
        )
    for file in export.files:
        try:
            with (directory / file.path).open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise SourceError(f"cannot read {directory / file.path}: {error}") from error
        if digest != file.sha256:
            raise SourceError(
                f"{directory / file.path} is not the file that was exported: copy it again"
            )


def _fill(
    directory: Path,
    export: ExportManifest,
    partial: Path,
    network: Network,
    report: Callable[[ExportStep], None],
) -> None:
    reader = PartReader(directory)
    with LedgerWriter(partial, network) as writer:
        for part, counts in enumerate(export.parts):
            writer.append_rows(reader.rows(part, writer.view, counts))
            report(ExportStep(blocks=counts.blocks, total_blocks=export.counts.blocks))
        writer.finish_merges()


def _check(directory: Path, export: ExportManifest, partial: Path) -> None:
    ledger = Ledger(partial)
    tip = ledger.view().tip
    if ledger.view().counts != export.counts or tip.block_hash != export.tip_hash:
        raise SourceError(f"the parts of {directory} do not add up to what its manifest says")
    for check in verify(ledger).checks:
        if not check.ok:
            what = "; ".join(f"{found.place}: {found.message}" for found in check.findings[:1])
            raise SourceError(
                f"{directory} contradicts itself ({check.name}: {what or check.skipped}): it is "
                "not an export of a sound ledger"
            )
