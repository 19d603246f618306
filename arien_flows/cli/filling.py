"""Writing to a ledger from the command line: ingest, following a chain, and roll-back."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

import click

from arien_flows.amounts import counted
from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError
from arien_flows.ledger.following import SourceChange, follow, kept_words
from arien_flows.ledger.ingest import IngestStep, IngestSummary, ingest
from arien_flows.ledger.merging import MergeStep
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import network
from chains.networks import ALL_NETWORKS, any_network
from chains.registry import open_blocks
from chains.source import BlockSource

GRACE_SECONDS = 10
"""How long a batch or an answer may take to be finished once the program is told to stop."""


def target_network(settings: Settings) -> str:
    """Return the network to write to: the one that is named, or the only one there is."""
    if settings.network is not None:
        return any_network(settings.network).name
    names = Workspace(settings).networks()
    if len(names) == 1:
        return names[0]
    known = names or [each.name for each in ALL_NETWORKS]
    raise InputError(f"which network? add --network with one of: {', '.join(known)}")


def fill(
    session: Session, name: str, uri: str, *, until: int | None, start: int | None = None
) -> None:
    """Bring a ledger to the tip of a source; say what of the source is not used, and why.

    `start` is where a new ledger begins, if not at the genesis block.
    """
    progress = progress_in(session.progress)
    with _opened(session, name, uri, start, progress) as (writer, source):
        summary = ingest(
            writer,
            source,
            until=until,
            report=lambda step: show_step(progress, step),
            report_merges=lambda step: _show_merges(progress, step),
        )
        height = writer.next_height - 1
    progress.end()
    click.echo(told(name, height, summary), err=True)
    if summary.blocks_kept:
        click.echo(f"{name}: {kept_words(summary, height)}", err=True)


def keep_filling(
    session: Session, name: str, uri: str, *, start: int | None, every_seconds: int
) -> None:
    """Stay at the tip of a source until SIGTERM or Ctrl-C."""
    progress = progress_in(session.progress)
    stop = Event()
    try:
        with signals_set(stop), _opened(session, name, uri, start, progress) as (writer, source):
            watcher = Teller(name, lambda: writer.next_height - 1, progress)
            follow(writer, source, watcher, stop=stop, every_seconds=every_seconds)
    except KeyboardInterrupt:
        # Too long after the signal; the ledger's next writer takes back what was not finished.
        if not stop.is_set():
            raise
    progress.end()
    click.echo("Stopped. What was committed is kept.", err=True)


def roll_back(session: Session, height: int) -> None:
    """Remove the blocks of a ledger above a height."""
    name = Workspace(session.settings).choose()
    with LedgerWriter(Workspace(session.settings).folder(name), network(name)) as writer:
        before = writer.next_height - 1
        writer.roll_back(height)
        after = writer.next_height
    click.echo(f"{name}: {removed(before, after - 1)}", err=True)


def removed(before: int, after: int) -> str:
    """Return which blocks a roll-back removed, by the last heights before and after it."""
    return (
        f"blocks {after + 1} to {before} removed" if after < before else "there was none to remove"
    )


@contextmanager
def _opened(
    session: Session, name: str, uri: str, start: int | None, progress: Progress
) -> Iterator[tuple[LedgerWriter, BlockSource]]:
    """Open source and ledger; what is wrong with either is told at once."""
    folder = Workspace(session.settings).folder(name)
    with open_blocks(uri, name, session.settings.access()) as source:
        for note in source.notes():
            progress.note(f"Note: {note}")
        with LedgerWriter(folder, network(name)) as writer:
            if start is not None:
                writer.begin_at(start)
            yield writer, source


@contextmanager
def signals_set(stop: Event) -> Iterator[None]:
    """Let the first SIGTERM or Ctrl-C set `stop`; a second one, or the end of grace, interrupts."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGALRM, interrupt)
        signal.alarm(GRACE_SECONDS)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kept = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)} | {
        signal.SIGALRM: signal.getsignal(signal.SIGALRM)
    }
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in kept.items():
            signal.signal(number, handler)


class Teller:
    """Shows a person or a program what happens while a chain is followed."""

    def __init__(self, name: str, last_height: Callable[[], int], progress: Progress) -> None:
        self._name = name
        self._last_height = last_height
        self._progress = progress

    def step(self, step: IngestStep) -> None:
        """Show how far a round has come."""
        show_step(self._progress, step)

    def took_in(self, summary: IngestSummary) -> None:
        """Say what a round has done."""
        self._progress.note(told(self._name, self._last_height(), summary))

    def changed(self, change: SourceChange) -> None:
        """Say how it stands with the source."""
        self._progress.note(f"{self._name}: {change}")


def show_step(progress: Progress, step: IngestStep) -> None:
    """Show how far an ingest has come."""
    before = step.first_height - 1
    progress.step("ingest", step.height - before, step.target_height - before, "blocks")


def _show_merges(progress: Progress, step: MergeStep) -> None:
    progress.step("merge", step.ended, step.begun, "merges of the index")


def told(name: str, height: int, summary: IngestSummary) -> str:
    """Return what an ingest has done."""
    gone = f"{counted(summary.blocks_removed, 'block')} removed, "
    ends = f"the ledger ends at block {height:,}" if height >= 0 else "the ledger is empty"
    return (
        f"{name}: {gone if summary.blocks_removed else ''}"
        f"{counted(summary.blocks_added, 'block')} with "
        f"{counted(summary.transactions_added, 'transaction')} added in {summary.seconds:.1f} s; "
        f"{ends}"
    )
