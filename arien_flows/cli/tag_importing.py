"""Bringing TagPacks into the casebook from the command line, and writing them out again."""

import getpass
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from arien_flows.answers.tag_imports import ImportReport, import_report, refused
from arien_flows.attribution.export import tagpack_text
from arien_flows.attribution.tag import Tag
from arien_flows.attribution.tagpack import read_pack_bytes
from arien_flows.casebook.book import Casebook
from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError, NotFoundError
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import BITCOIN, network

SOME_FAILED = 3
NOTHING_USABLE = 2


def import_files(session: Session, files: Sequence[Path]) -> list[ImportReport]:
    """Import files one after the other; one that is no TagPack does not keep the others out."""
    assumed = BITCOIN.name
    if session.settings.network is not None:
        assumed = network(session.settings.network).name
    casebook = Workspace(session.settings).casebook
    progress = progress_in(session.progress)
    reports = [_imported(casebook, file, assumed, progress) for file in files]
    progress.end()
    return reports


def exit_code(reports: Sequence[ImportReport]) -> int:
    """Return what an import means to a script: 3 where something could not be used."""
    if all(report.result == "refused" for report in reports):
        return NOTHING_USABLE
    if any(report.result == "refused" or report.faults for report in reports):
        return SOME_FAILED
    return 0


def meant_network(workspace: Workspace) -> str:
    """Return the network that is named, the only one with a ledger, or else the main one."""
    if workspace.settings.network is not None:
        return workspace.settings.network
    try:
        return workspace.choose()
    except NotFoundError:
        return BITCOIN.name


def export_to(session: Session, creator: str | None, output: Path | None) -> None:
    """Write the tags in effect to a file, to a folder (one file a creator), or to the output."""
    found = Workspace(session.settings).casebook.export(session.settings.network)
    by_creator: dict[str, list[Tag]] = {}
    for tag in found:
        if creator is None or tag.creator == creator:
            by_creator.setdefault(tag.creator, []).append(tag)
    if not by_creator:
        raise NotFoundError("no tags to export: `arien-flows tags list` shows what was imported")
    if output is not None and output.is_dir():
        for name, file in _file_names(by_creator).items():
            _write(output / file, name, by_creator[name])
        return
    if len(by_creator) > 1:
        raise InputError(
            f"the tags have {len(by_creator)} creators, and a TagPack has one: choose with "
            "--creator NAME, or write one file a creator with -o and an existing folder"
        )
    ((name, tags),) = by_creator.items()
    if output is None:
        sys.stdout.writelines(_pack(name, tags))
        return
    _write(output, name, tags)


def user_name() -> str:
    """Return the name of the user who runs the program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _imported(casebook: Casebook, file: Path, assumed: str, progress: Progress) -> ImportReport:
    try:
        outcome = casebook.import_tagpack(
            read_pack_bytes(file),
            name=file.name,
            network=assumed,
            now=datetime.now(UTC),
            by=user_name(),
            report=partial(_show, progress, file.name),
        )
    except InputError as error:
        return refused(file.name, str(error))
    return import_report(outcome)


def _show(progress: Progress, name: str, done: int, total: int) -> None:
    progress.step(f"import {name}", done, total, "tags")


def _write(file: Path, creator: str, tags: Sequence[Tag]) -> None:
    with file.open("w", encoding="utf-8") as target:
        target.writelines(_pack(creator, tags))
    click.echo(f"Written: {file} ({len(tags):,} tags)", err=True)


def _pack(creator: str, tags: Sequence[Tag]) -> Iterable[str]:
    return tagpack_text(tags, title=f"Tags of {creator}", creator=creator)


def _file_names(creators: Iterable[str]) -> dict[str, str]:
    """Return a name for each creator's file, which no other creator's has."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for creator in sorted(creators):
        plain = name = re.sub(r"[^a-z0-9]+", "-", creator.lower()).strip("-")[:80] or "tags"
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        names[creator] = f"{name}.yaml"
    return names
