"""Bringing lists of tags into the casebook from the command line, and writing them out again."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from arien_flows.answers.tag_imports import (
    ImportReport,
    actors_report,
    import_report,
    refused,
)
from arien_flows.attribution.actorpack import actorpack_text
from arien_flows.attribution.export import tagpack_text
from arien_flows.attribution.formats import ACTORPACK, TAGPACK, detect
from arien_flows.attribution.pack import TagPack
from arien_flows.attribution.tag import Tag
from arien_flows.attribution.tag_csv import csv_text
from arien_flows.attribution.tagpack import read_pack_bytes
from arien_flows.attribution.terms import NO_TERMS, Terms
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.tag_lists import BYTES_TOGETHER, ListOffer
from arien_flows.cli.importing import user_name
from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError, NotFoundError
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import BITCOIN
from chains.networks import any_network

AUTO = "auto"
CSV = "csv"


def import_files(
    session: Session, files: Sequence[Path], form: str = AUTO, terms: Terms = NO_TERMS
) -> list[ImportReport]:
    """Import files in their order; one that cannot be read does not keep the others out."""
    assumed = BITCOIN.name
    if session.settings.network is not None:
        assumed = any_network(session.settings.network).name
    casebook = Workspace(session.settings).casebook
    progress = progress_in(session.progress)
    reports: dict[int, ImportReport] = {}
    waiting: list[tuple[int, ListOffer]] = []
    for place, file in enumerate(files):
        try:
            raw = read_pack_bytes(file)
            chosen = detect(raw, file.name) if form == AUTO else form
            if chosen == ACTORPACK:
                reports[place] = _import_actors(casebook, raw, file.name)
                continue
            offer = ListOffer(raw=raw, name=file.name, form=chosen, terms=terms)
        except InputError as error:
            reports[place] = refused(file.name, str(error))
            continue
        if waiting and sum(len(it.raw) for _, it in waiting) + len(raw) > BYTES_TOGETHER:
            reports |= _import_group(casebook, waiting, assumed, progress)
            waiting = []
        waiting.append((place, offer))
    reports |= _import_group(casebook, waiting, assumed, progress)
    progress.end()
    return [reports[place] for place in sorted(reports)]


def export_to(
    session: Session,
    creator: str | None,
    output: Path | None,
    *,
    form: str = TAGPACK,
    overwrite: bool = False,
) -> None:
    """Write the tags in effect to a file, to a folder (one file a creator), or to the output."""
    casebook = Workspace(session.settings).casebook
    if form == ACTORPACK:
        _export_actors(casebook, output, overwrite)
        return
    found = casebook.export(session.settings.network)
    tags = [tag for tag in found if creator is None or tag.creator == creator]
    if not tags:
        raise NotFoundError("no tags to export: `arien-flows tags list` shows what was imported")
    if form == CSV:
        _write(_into(output, "tags.csv"), csv_text(tags), f"{len(tags):,} tags", overwrite)
        return
    by_creator: dict[str, list[Tag]] = {}
    for tag in tags:
        by_creator.setdefault(tag.creator, []).append(tag)
    if output is not None and output.is_dir():
        files = {name: output / file for name, file in _file_names(by_creator).items()}
        for file in files.values():
            _check_free(file, overwrite)
        for name, file in files.items():
            _write_pack(file, name, by_creator[name], overwrite)
        return
    if len(by_creator) > 1:
        raise InputError(
            f"the tags have {len(by_creator)} creators, and a TagPack has one: choose with "
            "--creator NAME, or write one file a creator with -o and an existing folder"
        )
    ((name, its),) = by_creator.items()
    _write_pack(output, name, its, overwrite)


def _export_actors(casebook: Casebook, output: Path | None, overwrite: bool) -> None:
    actors = casebook.lists.all_actors()
    if not actors:
        raise NotFoundError("no actors to export: `arien-flows tags import` takes ActorPacks, too")
    lists = casebook.lists.actor_lists()
    creator = lists[0].creator if len({it.creator for it in lists}) == 1 else "several"
    title = lists[0].title if len(lists) == 1 else "Actors"
    text = actorpack_text(actors, title=title, creator=creator)
    _write(_into(output, "actorpack.yaml"), text, f"{len(actors):,} actors", overwrite)


def _into(output: Path | None, name: str) -> Path | None:
    return output / name if output is not None and output.is_dir() else output


def _import_group(
    casebook: Casebook, waiting: Sequence[tuple[int, ListOffer]], assumed: str, progress: Progress
) -> dict[int, ImportReport]:
    """Import lists together, but for those that are none of their format."""
    reports: dict[int, ImportReport] = {}
    good: list[tuple[int, ListOffer]] = []
    packs: list[TagPack] = []
    for place, offer in waiting:
        try:
            packs.append(casebook.lists.read(offer))
            good.append((place, offer))
        except InputError as error:
            reports[place] = refused(offer.name, str(error))
    if good:
        outcomes = casebook.lists.import_read(
            [offer for _, offer in good],
            packs,
            network=assumed,
            now=datetime.now(UTC),
            by=user_name(),
            report=partial(_show, progress),
        )
        for (place, offer), outcome in zip(good, outcomes, strict=True):
            reports[place] = import_report(outcome, offer.form)
    return reports


def _import_actors(casebook: Casebook, raw: bytes, name: str) -> ImportReport:
    made = casebook.lists.import_actors(raw, name=name, now=datetime.now(UTC), by=user_name())
    return actors_report(made)


def _show(progress: Progress, name: str, done: int, total: int) -> None:
    progress.step(f"import {name}", done, total, "tags")


def _write_pack(file: Path | None, creator: str, tags: Sequence[Tag], overwrite: bool) -> None:
    _write(file, _pack(creator, tags), f"{len(tags):,} tags", overwrite)


def _write(file: Path | None, text: Iterable[str], what: str, overwrite: bool) -> None:
    """Write a file whole or not at all; the standard output where none is named."""
    if file is None:
        sys.stdout.writelines(text)
        return
    _check_free(file, overwrite)
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as target:
            target.writelines(text)
        part.replace(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"Written: {file} ({what})", err=True)


def _check_free(file: Path, overwrite: bool) -> None:
    if file.exists() and not overwrite:
        raise InputError(f"{file} exists: name another file, or replace it with --overwrite")


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
