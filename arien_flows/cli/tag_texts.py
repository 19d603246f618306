"""Answers about tags and the casebook as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import counted
from arien_flows.answers.address_tags import AddressTagsAnswer
from arien_flows.answers.tag_imports import (
    FaultyTagAnswer,
    ImportReport,
    PoliciesAnswer,
    TagImportAnswer,
    TagImportDetail,
)
from arien_flows.answers.tags import Document, Naming, TagAnswer
from arien_flows.cli.output import NOTHING, pairs, state, table
from arien_flows.shapes import shown_time

FAULTS_SHOWN = 20
"""Faulty rows of one file; `--json` lists them all."""


def report_lines(reports: Sequence[ImportReport]) -> Iterable[str]:
    """Return what became of documents that were offered."""
    for report in reports:
        record = report.record
        if report.actors is not None:
            known = "already imported, " if report.result == "already_imported" else ""
            yield f"{report.file}: {known}{counted(report.actors, 'actor')}"
            yield from _fault_lines(report.faults, "actor")
            continue
        if record is None:
            yield f"{report.file}: refused. {report.error}"
            continue
        if report.result == "already_imported":
            yield (
                f"{report.file}: already imported at {shown_time(record.imported_at)} as import "
                f"{record.id}; nothing was changed"
            )
        else:
            yield f"{report.file}: import {record.id}, {_taken(record, report.rejected_before)}"
        yield from _fault_lines(report.faults, "tag")


def detail_lines(detail: TagImportDetail) -> Iterable[str]:
    """Return an import with its reviews and the rows that could not be used."""
    record = detail.record
    yield from pairs(
        (
            ("Import", str(record.id)),
            ("File", record.file),
            ("SHA-256", record.sha256),
            ("Title", record.title),
            ("Creator", record.creator),
            ("Format", record.format),
            ("Source", record.source or NOTHING),
            ("Licence", record.licence or NOTHING),
            ("As of", record.as_of.isoformat() if record.as_of else NOTHING),
            ("Imported", f"{shown_time(record.imported_at)} by {record.imported_by}"),
            ("Tags", f"{record.tags:,}, {record.current:,} of them in effect"),
            ("State", f"{record.state}; {_state(record)}"),
        )
    )
    if detail.rejected_before:
        yield (
            f"{counted(detail.rejected_before, 'tag')} of it cannot speak: rejected before in "
            "another import, and not approved here."
        )
    for review in detail.reviews:
        what = "the import" if review.row is None else f"tag {review.row}"
        yield (
            f"{shown_time(review.reviewed_at)}  {review.reviewed_by} {review.verdict} {what}: "
            f"{review.reason}"
        )
    yield from _fault_lines(detail.faults, "tag")


def policy_lines(answer: PoliciesAnswer) -> Iterable[str]:
    """Return whether proposed tags count, and who decided so."""
    does = "count" if answer.counts_proposed else "do not count"
    yield f"Tags that nobody has approved {does}."
    for each in answer.decisions:
        decided = "count" if each.counts_proposed else "do not count"
        yield f"{shown_time(each.set_at)}  {each.set_by}: they {decided}. {each.reason}"


def _fault_lines(faults: Sequence[FaultyTagAnswer], what: str) -> Iterable[str]:
    for fault in faults[:FAULTS_SHOWN]:
        yield f"   {what} {fault.row} is not usable ({fault.subject or NOTHING}): {fault.fault}"
    if len(faults) > FAULTS_SHOWN:
        left = len(faults) - FAULTS_SHOWN
        yield f"   {left:,} more are not usable: add --json to see them all"


def address_tags_lines(answer: AddressTagsAnswer) -> Iterable[str]:
    """Return what sources say of an address."""
    yield from pairs((("Address", answer.address), ("Network", answer.network)))
    yield from naming_lines(answer.naming)
    for tag in answer.tags:
        yield from ("", *_tag(tag))
    if not answer.tags:
        yield from ("", "No source in the casebook names it. That does not mean that it is clean.")
    yield ""
    for cut in answer.truncations:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}".rstrip()
    if answer.as_of is not None:
        yield state(answer.as_of)


def naming_lines(naming: Naming | None) -> Iterable[str]:
    """Return what the sources of an address come to."""
    if naming is None:
        return
    whose = "another address of the entity" if naming.inherited else "the address itself"
    yield ""
    if naming.disputed:
        yield f"Disputed (attribution of {whose}): sources contradict each other."
    for claim in naming.claims:
        actor = "" if claim.actor is None else f" (actor {claim.actor})"
        yield (
            f"Said of {whose}: {claim.label}{actor}, {claim.confidence} of 100 by "
            f"{counted(claim.sources, 'source')}"
        )


def import_lines(imports: Sequence[TagImportAnswer]) -> Iterable[str]:
    """Return a table of imports."""
    if not imports:
        yield "Nothing was imported yet: `arien-flows tags import FILE` does it."
        return
    yield from table(
        (
            "Import",
            "Imported",
            "By",
            "Tags",
            "In effect",
            "Faulty",
            "BTC is",
            "File",
            "Review",
            "State",
        ),
        (
            (
                str(record.id),
                shown_time(record.imported_at),
                record.imported_by,
                f"{record.tags:,}",
                f"{record.current:,}",
                f"{record.faulty:,}",
                record.network,
                record.file,
                record.state,
                _state(record),
            )
            for record in imports
        ),
    )


def withdrawal_lines(record: TagImportAnswer) -> Iterable[str]:
    """Return what became of an import that was withdrawn."""
    yield (
        f"Import {record.id} ({record.file}) is withdrawn; its {counted(record.tags, 'tag')} "
        "and the document are kept, and no longer count."
    )


def _tag(tag: TagAnswer) -> Iterable[str]:
    whose = f"inherited from {tag.address}" if tag.inherited else "of the address itself"
    yield f"{tag.label} (attribution {whose})"
    yield from pairs(
        (
            ("   Concepts", ", ".join(tag.concepts) or NOTHING),
            ("   Actor", tag.actor or NOTHING),
            ("   Confidence", f"{tag.confidence}, {tag.confidence_level} of 100"),
            ("   Source", tag.source),
            ("   Creator", tag.creator),
            ("   Confirmed", tag.last_modified.isoformat() if tag.last_modified else NOTHING),
            *_document(tag.document),
            ("   Licence", tag.licence or NOTHING),
            ("   Review", tag.state),
        )
    )


def _document(document: Document) -> Iterable[tuple[str, str]]:
    listed = f"{document.name}, tag {document.row}"
    if document.read_from == document.sha256:
        return (("   Document", listed), ("   SHA-256", document.sha256))
    return (
        ("   Document", f"{document.read_from} (`listings show` shows the bytes)"),
        ("   Listed in", f"{listed}, which this program made of it"),
        ("   SHA-256", f"{document.sha256} (of the list)"),
    )


def _taken(record: TagImportAnswer, rejected: int) -> str:
    parts = [f"{counted(record.tags, 'tag')} taken over"]
    if rejected:
        parts.append(f"{rejected:,} of them rejected before: they do not speak until approved here")
    if record.current + rejected != record.tags:
        silent = record.tags - record.current - rejected
        parts.append(f"{silent:,} of them older than what is known")
    if record.repeated:
        parts.append(f"{counted(record.repeated, 'repeated row')} left out")
    if record.faulty:
        parts.append(f"{record.faulty:,} not usable")
    return "; ".join(parts)


def _state(record: TagImportAnswer) -> str:
    if record.withdrawal is None:
        return "in effect"
    moment = shown_time(record.withdrawal.withdrawn_at)
    return f"withdrawn {moment} by {record.withdrawal.withdrawn_by}: {record.withdrawal.reason}"
