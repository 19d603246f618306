"""From what a person names to the money that is asked about, transaction by transaction.

An address means itself: what it received in transactions that spend nothing of it, and of others
the part that is not its own. `entity:A` means all addresses of A's entity. Several subjects are
one: what they pay to each other stays inside. Money that an address has from its own entity is
followed through it, at no distance, to where the entity has it from.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import EntityMap
from arien_flows.errors import InputError
from arien_flows.exposure.request import ExposureRequest
from arien_flows.ledger.view import View
from arien_flows.tracing.sources import refuse_transaction
from arien_flows.tracing.window import Window
from chains.types import Int64Array
from heuristics.exposure_moved import moved_by_entity
from heuristics.exposure_terms import Moved

ASKED_ONE_BY_ONE = 2_000
"""Entities of more addresses are looked for in all rows of the ledger, which is sooner done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose exposure it is, as arrays that ascend."""

    addresses: Int64Array
    """Addresses that are asked about by themselves."""

    roots: Int64Array
    """Entities that are asked about with all their addresses."""

    own_roots: Int64Array
    """Entities that any of these belongs to."""


def subject_named(view: View, entities: EntityMap, texts: Iterable[str]) -> Subject:
    """Return whom texts name; `InputError` or `NotFoundError` where one names nobody."""
    addresses: set[int] = set()
    roots: set[int] = set()
    for text in texts:
        kind, colon, rest = text.strip().partition(":")
        if kind == "entity" and colon:
            roots.add(entities.root_of(view.find_address(rest)))
        elif colon:
            raise InputError(
                f"{text} is no owner: name an ADDRESS or entity:ADDRESS; where one coin went or "
                "came from is a question for `arien-flows trace`"
            )
        else:
            refuse_transaction(text)
            addresses.add(view.find_address(text))
    return subject_of(entities, addresses, roots)


def subject_of(entities: EntityMap, addresses: Iterable[int], roots: Iterable[int]) -> Subject:
    """Return the subject that numbers make: addresses by themselves, and whole entities."""
    whole = set(roots)
    single = {each for each in addresses if entities.root_of(each) not in whole}
    return Subject(
        addresses=_ascending(single),
        roots=_ascending(whole),
        own_roots=_ascending(whole | {entities.root_of(each) for each in single}),
    )


def moved_by(
    view: View,
    entities: EntityMap,
    subject: Subject,
    request: ExposureRequest,
    window: Window,
) -> Moved:
    """Return what each transaction in the window pays to the subject, or spends of it."""
    parts: list[tuple[Int64Array, Int64Array, int]] = [
        (*_of_addresses(view, request, subject.addresses[place : place + 1], window), root)
        for place, root in enumerate(entities.root_of(each) for each in subject.addresses.tolist())
    ]
    for root in subject.roots.tolist():
        members = entities.members(root)
        if len(members) > ASKED_ONE_BY_ONE:
            parts.append((*_of_large_entity(view, request, entities, root, window), root))
        else:
            parts.append((*_of_addresses(view, request, members.astype(np.int64), window), root))
    transaction = np.concatenate([part[0] for part in parts])
    root = np.concatenate([np.full(len(part[0]), part[2], np.int64) for part in parts])
    amount = np.concatenate([part[1] for part in parts])
    order = np.lexsort((root, transaction))
    return Moved(transaction[order], root[order], amount[order])


def _of_addresses(
    view: View, request: ExposureRequest, addresses: Int64Array, window: Window
) -> tuple[Int64Array, Int64Array]:
    histories = []
    for address in addresses.tolist():
        stretch = view.stretch_of_history(
            address, window.first_transaction, window.last_transaction
        )
        histories.append(view.history(address, *stretch))
    transactions = np.concatenate([each.transaction for each in histories]).astype(np.int64)
    amounts = np.concatenate(
        [each.received_sat if request.is_in else each.sent_sat for each in histories]
    )
    moving = amounts > 0
    distinct, place = np.unique(transactions[moving], return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, place, amounts[moving])
    return distinct, sums


def _of_large_entity(
    view: View, request: ExposureRequest, entities: EntityMap, root: int, window: Window
) -> tuple[Int64Array, Int64Array]:
    # Nothing of an entity is older than the address that names it.
    first = max(window.first_transaction, view.totals(root).first_transaction)
    past = min(window.last_transaction + 1, view.counts.transactions)
    return moved_by_entity(
        view.first_output if request.is_in else view.first_input,
        view.output_address if request.is_in else view.input_address,
        view.output_value if request.is_in else view.input_value,
        entities.labels,
        root,
        min(first, past),
        past,
    )


def _ascending(numbers: Iterable[int]) -> Int64Array:
    return np.array(sorted(numbers), np.int64)
