"""Which tags bind a clustering: those that are sure enough about who owns an address.

An owner is known by the id of the actor that a tag names, or else by its label, whatever the case
of its letters. Two sources that write one owner in two ways make two owners of it; a conflict then
shows up that a person can settle by mending a tag.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from arien_flows.attribution.snapshot import service_stop
from arien_flows.attribution.tag import NAMES_SOMEBODY, Statement
from arien_flows.casebook.records import TagTable
from arien_flows.entities.constraints import (
    OWNER_CONFIDENCE,
    SERVICE_CONFIDENCE,
    Constraints,
    constraints_of,
    no_constraints,
)
from chains.types import BoolArray, Int64Array


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
    names = [_owner_name(said) for said in table.statements]
    levels = np.array([said.level for said in table.statements], np.int64)
    services = np.array([service_stop(said) is not None for said in table.statements], np.bool_)
    names_somebody = [said.tag_type in NAMES_SOMEBODY for said in table.statements]
    binds = np.array(names_somebody, np.bool_) & (
        (levels >= OWNER_CONFIDENCE) | (services & (levels >= SERVICE_CONFIDENCE))
    )
    known = sorted({name for name, bind in zip(names, binds, strict=True) if bind})
    if not known:
        return no_constraints()
    place = {name: index for index, name in enumerate(known)}
    code = np.array([place.get(name, -1) for name in names], np.int64)
    rows = np.flatnonzero(binds[table.statement])
    both = np.concatenate([rows, rows])
    address = np.concatenate([number[rows], lowest[rows]])
    held = address >= 0
    statement = table.statement[both][held]
    return constraints_of(
        _revision(table, rows, names, levels, services),
        tuple(known),
        address[held],
        code[statement],
        levels[statement],
        services[statement],
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
