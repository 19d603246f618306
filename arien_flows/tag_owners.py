"""Which tags bind a clustering: those that are sure enough about who owns an address.

An owner is known by the id of the actor that a tag names, or else by its label, whatever the case
of its letters. Two sources that write one owner in two ways make two owners of it; a conflict then
shows up that a person can settle by mending a tag.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from arien_flows.attribution.snapshot import service_stop
from arien_flows.attribution.tag import NAMES_SOMEBODY, Statement
from arien_flows.casebook.records import TagTable
from arien_flows.entities.constraints import (
    OWNER_CONFIDENCE,
    SERVICE_CONFIDENCE,
    Constraints,
    constraints_of,
)
from chains.types import BoolArray, Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The tags that bind, whatever a ledger holds of them."""

    names: tuple[str, ...]
    """Owners and services, ascending."""

    rows: Int64Array
    """Tags that bind: rows of the table."""

    name: Int64Array
    """Whom each statement of the table names: a place in `names`, or -1."""

    level: Int64Array
    """Confidence of each statement."""

    is_service: BoolArray
    """Whether each statement names a service."""

    revision: str
    """SHA-256 of what these tags say about owners, whatever their order; "" where none binds."""


_BINDINGS: WeakKeyDictionary[TagTable, Binding] = WeakKeyDictionary()
"""Of every table that is in use: a casebook keeps its table until a tag changes."""


def binding_of(table: TagTable) -> Binding:
    """Return which of a network's tags bind; computed once for each table."""
    known = _BINDINGS.get(table)
    if known is None:
        known = _BINDINGS[table] = _binding(table)
    return known


def owners_of(table: TagTable, number: Int64Array, lowest: Int64Array) -> Constraints:
    """Return what a network's tags say about owners.

    Parameters
    ----------
    table
        All tags of the network.
    number, lowest
        For each tag its address, and the lowest address that the same key opens; -1 where the
        ledger holds none. Both are heeded, as one of them may appear later than the other.
    """
    binding = binding_of(table)
    both = np.concatenate([binding.rows, binding.rows])
    address = np.concatenate([number[binding.rows], lowest[binding.rows]])
    held = address >= 0
    statement = table.statement[both][held]
    return constraints_of(
        binding.revision,
        binding.names,
        address[held],
        binding.name[statement],
        binding.level[statement],
        binding.is_service[statement],
        tag_set=table.revision,
    )


def _binding(table: TagTable) -> Binding:
    names = [_owner_name(said) for said in table.statements]
    levels = np.array([said.level for said in table.statements], np.int64)
    services = np.array([service_stop(said) is not None for said in table.statements], np.bool_)
    names_somebody = [said.tag_type in NAMES_SOMEBODY for said in table.statements]
    binds = np.array(names_somebody, np.bool_) & (
        (levels >= OWNER_CONFIDENCE) | (services & (levels >= SERVICE_CONFIDENCE))
    )
    known = sorted({name for name, bind in zip(names, binds, strict=True) if bind})
    place = {name: index for index, name in enumerate(known)}
    rows = np.flatnonzero(binds[table.statement])
    return Binding(
        names=tuple(known),
        rows=rows,
        name=np.array([place.get(name, -1) for name in names], np.int64),
        level=levels,
        is_service=services,
        revision=_revision(table, rows, names, levels, services) if len(rows) else "",
    )


def _owner_name(said: Statement) -> str:
    """Return by what a statement's owner is known: the actor's id, or else the label."""
    return " ".join((said.actor or said.label).casefold().split())


def _revision(
    table: TagTable,
    rows: Int64Array,
    names: Sequence[str],
    levels: Int64Array,
    services: BoolArray,
) -> str:
    """Return a hash of what some tags say about owners, whatever their order."""
    told = set()
    for row in rows.tolist():
        begin, end = table.first_payload_byte[row : row + 2].tolist()
        statement = int(table.statement[row])
        lock = f"{int(table.script_type[row])}:{table.payload[begin:end].tobytes().hex()}"
        sure = f"{int(levels[statement])}:{bool(services[statement])}"
        told.add(f"{lock}:{sure}:{names[statement]}")
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()
