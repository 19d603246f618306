"""Making a backup while the service runs, and restoring one into an empty place.

The casebook and the audit log are each read in one transaction. Files are copied after that: they
never change once a database names them, so those that are named are all there. What came later is
copied, too, and named by nothing.

A backup is restored files first: a restoring that was cut off can be run again, and finds the files
that it made before.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from arien_flows.backup.archive import FORMAT, BackupManifest, Reader, Writer
from arien_flows.casebook.evidence import NO_ROWS, Head
from arien_flows.errors import InputError, NotFoundError
from arien_flows.shapes import shown_time
from arien_flows.workspace import Workspace

FOLDERS = ("files", "jobs")
"""Folders of the data folder that hold files of databases."""

CASEBOOK = "casebook"
AUDIT = "audit"


def back_up(workspace: Workspace, target: Path, now: datetime) -> BackupManifest:
    """Write a backup; `NotFoundError` where there is nothing to keep."""
    with Writer(target) as archive:
        databases = {CASEBOOK: workspace.casebook.keep(CASEBOOK, archive.open)}
        log = workspace.audit.keep(AUDIT, archive.open)
        if log is not None:
            databases[AUDIT] = log
        files = tuple(
            archive.add_file(path.relative_to(workspace.settings.data).as_posix(), path)
            for path in _files(workspace.settings.data)
        )
        manifest = BackupManifest(
            format=FORMAT,
            program=version("arien-flows"),
            made_at=shown_time(now),
            databases=databases,
            evidence_head=_head(workspace.casebook.evidence.head),
            audit_head=_head(workspace.audit.head),
            files=files,
        )
        archive.finish(manifest)
    return manifest


def restore(workspace: Workspace, source: Path) -> BackupManifest:
    """Make everything again; `InputError` where something is there already, or was changed."""
    with Reader(source) as archive:
        manifest = archive.manifest
        kept = manifest.databases.get(CASEBOOK)
        if kept is None:
            raise InputError(f"{source} holds no casebook")
        if workspace.casebook.version() is not None:
            raise InputError(
                f"there is a casebook in {workspace.casebook.name} already: restore into an empty "
                "place"
            )
        for each in manifest.files:
            archive.extract(each, workspace.settings.data)
        # The casebook last: as long as it is not there, all this can be done again.
        log = manifest.databases.get(AUDIT)
        if log is not None and workspace.audit.head() == NO_ROWS:
            workspace.audit.restore(log, AUDIT, archive.open)
        if _head(workspace.audit.head) != manifest.audit_head:
            raise InputError(
                f"there is another audit log in {workspace.audit.name}: restore into an empty place"
            )
        workspace.casebook.restore(kept, CASEBOOK, archive.open)
    return manifest


def _files(data: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and path.suffix != ".part":
                yield path


def _head(of: Callable[[], Head]) -> str:
    try:
        head = of()
    except NotFoundError:
        return ""
    return "" if head == NO_ROWS else f"{head.seq}:{head.row_hash}"
