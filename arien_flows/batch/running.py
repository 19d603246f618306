"""A whole batch: from a table that was read to the files of the run, through any interruption.

What a run works out goes to a checkpoint in a hidden folder beside its files, part by part. The
same call in the same folder after a kill goes on with the subjects that have no answer yet, as of
the block that the run was begun at, and leaves the same bytes as if nothing had happened: files
are always made from the checkpoint, never from memory. They are written aside and moved to their
places when all of them are whole, the manifest last, so a manifest stands for a finished run.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from arien_flows.batch.answered import Answered, no_ledger
from arien_flows.batch.checkpoint import Checkpoint, held, read_state, write_state
from arien_flows.batch.engines import NoLedgerError, Pinned
from arien_flows.batch.items import Item, Work, work_of
from arien_flows.batch.manifest import BatchManifest, batch_rules, program_version
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.rows import InputTable
from arien_flows.batch.states import ChainState
from arien_flows.batch.writing import Report, RunGround, write_files
from arien_flows.errors import ConflictError, InputError, NotFoundError
from arien_flows.shapes import plain, shaped
from arien_flows.tracing.answer import canonical_json
from arien_flows.workspace import Workspace

RUN = ".run"
"""Folder of what a run needs to go on, beside its files."""

FORMAT = 1
"""Of the state; raised whenever an earlier program would misread it."""

PART_ITEMS = 128
"""Subjects that are worked out between two looks at the disk."""

STEP, UNIT = "answers", "subjects"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """What is to be done."""

    table: InputTable
    name: str
    """Of the table's file, without a folder."""

    request: BatchRequest


def refuse_other_files(folder: Path) -> None:
    """Raise `InputError` for a folder that holds anything but a batch: it might be overwritten."""
    if folder.is_dir() and not (folder / RUN).is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds other files: name an empty folder for the results")


def run_batch(
    workspace: Workspace, order: BatchOrder, folder: Path, report: Report
) -> BatchManifest:
    """Work out all rows of a table and write the files into a folder, or go on with that.

    Raises
    ------
    ConflictError
        If the folder holds another batch, or one that another process is at, or one whose state of
        the chain is gone.
    NotFoundError
        If there is no ledger for any of the rows, or no entities where risk is asked for.
    StorageFullError
        If the disk is full; the same call goes on once there is room.
    """
    work = work_of(order.table.rows, order.request)
    with held(folder / RUN):
        begun = begin(workspace, order, work, folder / RUN)
        with closing(Checkpoint(folder / RUN)) as checkpoint:
            _compute(begun, work, checkpoint, report)
            return write_files(begun.ground, order.table, work, checkpoint, folder, report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run with everything that it stands on."""

    networks: dict[str, Pinned]
    without_ledger: dict[str, str]
    """Networks of rows that cannot be asked, and why."""

    sequence: tuple[int, ...]
    """Items in the order in which they are worked out."""

    ground: RunGround


def begin(workspace: Workspace, order: BatchOrder, work: Work, folder: Path) -> Begun:
    """Pin the state of each network, or take up the one that a run was begun on."""
    question = _question(order)
    known = read_state(folder)
    if known is not None and known.get("question") != question:
        raise ConflictError(
            f"{folder.parent} holds a batch with another table, question or version of the program:"
            " name an empty folder"
        )
    pinned: dict[str, ChainState] = {}
    for each in [] if known is None else _listed(known["states"]):
        state: ChainState = shaped(ChainState, each)
        pinned[state.network] = state
    networks: dict[str, Pinned] = {}
    without: dict[str, str] = {}
    for name in sorted({item.network for item in work.items}):
        try:
            networks[name] = Pinned(workspace, name, order.request, pinned.get(name))
        except NoLedgerError as error:
            without[name] = str(error)
    if without and not networks:
        raise NotFoundError(next(iter(without.values())))
    if known is None:
        sequence = _sequence(networks, work)
        states = [plain(network.state) for network in networks.values()]
        write_state(folder, {"question": question, "states": states, "sequence": sequence})
    else:
        sequence = [int(str(each)) for each in _listed(known["sequence"])]
    return Begun(
        networks=networks,
        without_ledger=without,
        sequence=tuple(sequence),
        ground=RunGround(
            request=order.request,
            name=order.name,
            states=tuple(network.state for network in networks.values()),
            without_ledger=tuple(without),
            cuts=tuple(
                f"{name}: {cut}" for name, network in networks.items() for cut in network.cuts
            ),
        ),
    )


def _compute(begun: Begun, work: Work, checkpoint: Checkpoint, report: Report) -> None:
    """Work out what has no answer yet, part by part."""
    done = checkpoint.done
    waiting = [place for place in begun.sequence if place not in done]
    finished, total = len(begun.sequence) - len(waiting), len(begun.sequence)
    report(STEP, finished, total, UNIT)
    with ExitStack() as stack:
        for name, network in begun.networks.items():
            own = sum(work.items[place].network == name for place in waiting)
            stack.enter_context(network.ready_for(own))
        for part in _parts(waiting, work.items):
            items = [work.items[place] for place in part]
            checkpoint.add(zip(part, _answers(begun, items), strict=True))
            finished += len(part)
            report(STEP, finished, total, UNIT)


def _answers(begun: Begun, items: Sequence[Item]) -> list[Answered]:
    """Return the answers to items of one network."""
    name = items[0].network
    if name in begun.without_ledger:
        return [no_ledger(item, begun.without_ledger[name]) for item in items]
    return begun.networks[name].ask(lambda engine: list(engine.answers(items)))


def _parts(places: Sequence[int], items: Sequence[Item]) -> Iterator[list[int]]:
    """Yield places of items, a bounded number of one network at a time."""
    for _, group in groupby(places, key=lambda place: items[place].network):
        same = list(group)
        for start in range(0, len(same), PART_ITEMS):
            yield same[start : start + PART_ITEMS]


def _sequence(networks: dict[str, Pinned], work: Work) -> list[int]:
    """Return the order in which items are worked out: network by network, neighbours together."""
    found: list[int] = []
    for name in sorted({item.network for item in work.items}):
        places = [place for place, item in enumerate(work.items) if item.network == name]
        items = [work.items[place] for place in places]
        order = networks[name].order(items) if name in networks else range(len(items))
        found += [places[each] for each in order]
    return found


def _question(order: BatchOrder) -> dict[str, object]:
    """Return what a run has to have in common with the one that it goes on with."""
    table = hashlib.sha256(canonical_json(plain(order.table))).hexdigest()
    return {
        "format": FORMAT,
        "version": program_version(),
        "rules": batch_rules(),
        "name": order.name,
        "request": plain(order.request),
        "table_sha256": table,
    }


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
