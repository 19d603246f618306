"""Ledgers of accounts from the command line: filling, checking and moving them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import click

from arien_flows.account_ledger.ingest import catch_up_accounts, ingest_accounts
from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.parquet_export import AccountExport, export_accounts
from arien_flows.account_ledger.parquet_import import exported_network, import_accounts
from arien_flows.account_ledger.verify import verify_accounts
from arien_flows.account_ledger.verify_source import compare_balances
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.cli.filling import Teller, removed, show_step, signals_set, told
from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError
from arien_flows.ledger.following import keep_up
from arien_flows.ledger.verify_result import Verification
from arien_flows.workspace import Workspace
from chains.account_source import AccountBlockSource
from chains.ethereum.networks import EthereumNetwork
from chains.networks import any_network
from chains.registry import open_account_blocks


def fill_accounts(
    session: Session, name: str, uri: str, *, until: int | None, start: int | None
) -> None:
    """Bring a ledger to the tip of a source; say what of the source is not used, and why."""
    progress = progress_in(session.progress)
    with _opened(session, name, uri, progress) as (writer, source):
        summary = ingest_accounts(
            writer,
            source,
            start=start,
            until=until,
            report=lambda step: show_step(progress, step),
        )
        height = _last_height(writer)
    progress.end()
    click.echo(told(name, height, summary), err=True)


def keep_filling_accounts(
    session: Session, name: str, uri: str, *, start: int | None, every_seconds: int
) -> None:
    """Stay at the tip of a source until SIGTERM or Ctrl-C."""
    progress = progress_in(session.progress)
    stop = Event()
    try:
        with signals_set(stop), _opened(session, name, uri, progress) as (writer, source):
            watcher = Teller(name, lambda: _last_height(writer), progress)
            keep_up(
                lambda: catch_up_accounts(
                    writer, source, start=start, stop=stop, report=watcher.step
                ),
                source,
                watcher,
                last_height=lambda: _last_height(writer),
                stop=stop,
                every_seconds=every_seconds,
            )
    except KeyboardInterrupt:
        # Too long after the signal; what was staged is written over by the next writer.
        if not stop.is_set():
            raise
    progress.end()
    click.echo("Stopped. What was committed is kept.", err=True)


def roll_back_accounts(session: Session, height: int) -> None:
    """Remove the blocks of a ledger above a height."""
    name = _chosen(session)
    folder = _folder(session, name)
    AccountLedger(folder)  # a writer would begin one where there is none
    with AccountLedgerWriter(folder, _network(name)) as writer:
        before = _last_height(writer)
        first = before - writer.rows.blocks + 1
        writer.roll_back(height)
        after = max(_last_height(writer), first - 1)
    click.echo(f"{name}: {removed(before, after)}", err=True)


def verified_accounts(session: Session, uri: str | None, accounts: int) -> Verification:
    """Check everything that a ledger says; with a source also what so many accounts hold."""
    progress = progress_in(session.progress)
    name = _chosen(session)
    ledger = AccountLedger(_folder(session, name))
    found = verify_accounts(
        ledger, report=lambda done, total: progress.step("verify", done, total, "checks")
    )
    if uri is not None:
        with open_account_blocks(uri, name, session.settings.access()) as source:
            found = compare_balances(found, ledger.view(), source, accounts)
    progress.end()
    return found


def export_accounts_to(session: Session, folder: Path) -> None:
    """Write a ledger to a folder."""
    ledger = AccountLedger(_folder(session, _chosen(session)))
    progress = progress_in(session.progress)
    done = export_accounts(
        ledger.view(),
        folder,
        is_current=ledger.is_current,
        report=lambda blocks, total: progress.step("export", blocks, total, "blocks"),
    )
    progress.end()
    click.echo(f"Exported to {folder}: {_moved(done)}", err=True)


def is_account_export(folder: Path) -> bool:
    """Tell whether a folder holds the export of a ledger of accounts."""
    return exported_network(folder) is not None


def import_accounts_from(session: Session, folder: Path) -> None:
    """Make a ledger of an export; the export itself says of which network."""
    name = session.settings.network or exported_network(folder) or ""
    progress = progress_in(session.progress)
    done = import_accounts(
        folder,
        _folder(session, name),
        _network(name),
        report=lambda blocks, total: progress.step("import", blocks, total, "blocks"),
    )
    progress.end()
    click.echo(f"Imported from {folder}: {_moved(done)}", err=True)


def _moved(done: AccountExport) -> str:
    return (
        f"{done.network} up to block {done.tip_height:,} ({done.tip_hash}), "
        f"{done.movements:,} movements, {done.bytes:,} bytes of Parquet"
    )


def _last_height(writer: AccountLedgerWriter) -> int:
    following = writer.next_height
    return -1 if following is None else following - 1


def _chosen(session: Session) -> str:
    return Workspace(session.settings).choose()


def _folder(session: Session, name: str) -> Path:
    return Workspace(session.settings).folder(name)


def _network(name: str) -> EthereumNetwork:
    known = any_network(name)
    if not isinstance(known, EthereumNetwork):
        # The commands ask which it is; an export says so itself, and of what it likes.
        raise InputError(f"{name} is no network of accounts")
    return known


@contextmanager
def _opened(
    session: Session, name: str, uri: str, progress: Progress
) -> Iterator[tuple[AccountLedgerWriter, AccountBlockSource]]:
    """Open source and ledger; what is wrong with either is told at once."""
    with open_account_blocks(uri, name, session.settings.access()) as source:
        for note in source.notes():
            progress.note(f"Note: {note}")
        with AccountLedgerWriter(_folder(session, name), _network(name)) as writer:
            yield writer, source
