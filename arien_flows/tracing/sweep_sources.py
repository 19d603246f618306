"""From what a list names to the outputs that a whole-ledger taint starts at.

Each line means what it means to a trace (`arien_flows.tracing.sources`). Beside that
`category:CONCEPT` means the entity of every address whose best tag has the concept with a
confidence of 50 and more, each for itself: what it received from outside, as if it stood in the
list as `entity:ADDRESS`. So money that one of them pays to another counts as a source once, and
what returns to a source is counted as returned.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.entities.constraints import SERVICE_CONFIDENCE
from arien_flows.errors import InputError, NotFoundError, NothingReceivedError
from arien_flows.tracing.engine import Ground
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.sources import resolve_sources
from arien_flows.tracing.sweep_request import SweepRequest
from arien_flows.tracing.window import Window
from chains.types import Int64Array
from heuristics.segments import MOST_TOLD_APART

EVERYTHING = Window(first_transaction=0, last_transaction=2**62, dormant_before=0)
CATEGORY = "category:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSources:
    """Where a whole-ledger taint starts."""

    outputs: Int64Array
    """Output numbers, ascending, each once and worth something."""

    colours: Int64Array
    """The set of named sources that each belongs to; 1 where they are not told apart."""

    roots: Int64Array
    """Entities that the sources belong to, ascending."""

    are_told_apart: bool
    absent: tuple[str, ...]
    """Sources of the list that the ledger does not hold, or that received nothing."""


def resolve_all(ground: Ground, request: SweepRequest, stop_transaction: int) -> SweepSources:
    """Return the outputs that all sources mean, up to a transaction.

    Raises
    ------
    InputError
        If a source cannot be understood, or all of them together mean no money.
    NotFoundError
        If the ledger does not hold a source that is not from the list.
    """
    named = (*request.sources, *request.listed)
    past = int(ground.view.first_output[stop_transaction])
    absent: list[str] = []
    outputs: list[Int64Array] = []
    owner: list[int] = []
    roots: list[Int64Array] = []
    for place, text in enumerate(named):
        try:
            found = _outputs_of(ground, text)
        except (NotFoundError, NothingReceivedError):
            if place < len(request.sources):
                raise
            absent.append(text)
            continue
        # What was first paid later is not there as of the last block that is looked at.
        if not any(np.any(each < past) for each, _ in found):
            absent.append(text)
            continue
        outputs += [each for each, _ in found]
        roots += [each for _, each in found]
        owner += [place] * len(found)
    told = 1 < len(named) <= MOST_TOLD_APART
    numbers, colours = _merged(outputs, owner, told=told)
    wanted = (numbers < past) & (ground.view.output_value[numbers] > 0)
    if not np.any(wanted):
        raise InputError("the sources received no money up to the last block that is looked at")
    return SweepSources(
        outputs=numbers[wanted],
        colours=colours[wanted],
        roots=np.unique(np.concatenate(roots)),
        are_told_apart=told,
        absent=tuple(absent),
    )


def _outputs_of(ground: Ground, text: str) -> list[tuple[Int64Array, Int64Array]]:
    """Return the outputs and the entities of each thing that a line names."""
    lines = [text]
    if text.startswith(CATEGORY):
        lines = _tagged(ground, text.removeprefix(CATEGORY).strip())
    found = []
    for line in lines:
        request = TraceRequest(sources=(line,))
        try:
            sources = resolve_sources(ground.view, request, ground.entities, EVERYTHING)
        except NothingReceivedError:
            if len(lines) == 1:
                raise
            continue
        found.append((sources.outputs, sources.roots))
    if not found:
        raise NothingReceivedError(f"no address of {text} received anything from outside")
    return found


def _tagged(ground: Ground, concept: str) -> list[str]:
    """Return the entities of addresses whose best tag has a concept, and is sure enough."""
    tags = ground.attribution
    bearing = [
        concept in said.concepts and said.level >= SERVICE_CONFIDENCE for said in tags.statements
    ]
    chosen = [
        int(address)
        for address, place in zip(tags.address.tolist(), tags.address_tag.tolist(), strict=True)
        if bearing[int(tags.statement[place])]
    ]
    if not chosen:
        known = sorted({concept for said in tags.statements for concept in said.concepts})
        raise NotFoundError(
            f"no address of this ledger is tagged {concept!r} with a confidence of "
            f"{SERVICE_CONFIDENCE} and more; the tags here say: "
            f"{', '.join(known) or 'nothing'}"
        )
    roots = np.unique(roots_of(ground.entities, np.array(chosen, np.int64)))
    texts = ground.view.address_texts(roots)
    return [f"entity:{text}" for text in texts if text is not None]


def _merged(
    outputs: list[Int64Array], owner: list[int], *, told: bool
) -> tuple[Int64Array, Int64Array]:
    """Return all outputs, ascending, and the set of those that named each."""
    if not outputs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    numbers, place = np.unique(np.concatenate(outputs), return_inverse=True)
    colours = np.zeros(len(numbers), np.int64)
    bits = [1 << number if told else 1 for number in owner]
    lengths = [len(each) for each in outputs]
    np.bitwise_or.at(colours, place, np.repeat(np.array(bits, np.int64), lengths))
    return numbers, colours
