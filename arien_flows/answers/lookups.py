"""Many addresses and transactions at once: each as if it were asked about alone.

Rows are answered in their order, each with its own status, so that one wrong text spoils nothing.
What sources say is read for many rows together; all rows are of one state of the chain.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_address import AccountAnswer, account_answer
from arien_flows.answers.account_facts import account_sighting
from arien_flows.answers.address import AddressAnswer, address_answer
from arien_flows.answers.entity import EntityName
from arien_flows.answers.facts import Sighting, sighting
from arien_flows.answers.tags import Naming, TagAnswer
from arien_flows.errors import ArienError, NotFoundError
from arien_flows.failures import failure_of
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import ChainAnswer, Shape
from arien_flows.workspace import Reading
from chains.errors import ChainError

MOST_ROWS = 10_000
"""Rows of one request."""

TOGETHER = 500
"""Rows that are answered together."""

Part = Literal["summary", "entity", "tags"]
Status = Literal["ok", "invalid", "not_found"]

_TXID = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRow(Shape):
    """What is known of one row of the request."""

    row: int
    """Place in the request, from 1."""

    status: Status
    """`ok`; `invalid`: no address or id of the network; `not_found`: never used, or not in the
    ledger."""

    code: str | None
    """Stable name of what is wrong, as in problem documents; nothing where nothing is."""

    detail: str | None
    """What is wrong, in words."""

    address: str | None
    """Canonical text of the address; nothing where the row is none."""

    transaction: Sighting | None
    """The transaction that the row names; nothing where it names none."""

    summary: AddressAnswer | AccountAnswer | None
    """What `GET` of the address answers, where `summary` was asked for."""

    entity: EntityName | None
    """The entity of the address, where `entity` was asked for and a clustering was made."""

    naming: Naming | None
    """What the tags come to, where `tags` were asked for and there are any."""

    tags: tuple[TagAnswer, ...] | None
    """What sources say of the address, where `tags` were asked for. An empty list is not clean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupAnswer(ChainAnswer):
    """Many addresses and transactions, in the order of the request."""

    network: str
    """Name of the network."""

    counts: dict[str, int]
    """How many rows have each status."""

    items: tuple[LookupRow, ...]
    """One for each row of the request."""


def lookup_rows(
    reading: Reading | AccountReading, texts: Sequence[str], parts: frozenset[Part]
) -> Iterator[LookupRow]:
    """Yield the answer to each row."""
    for start in range(0, len(texts), TOGETHER):
        several = texts[start : start + TOGETHER]
        prepared = _prepared(reading, several)
        for place, text in enumerate(several):
            yield _row(prepared, start + place + 1, text, parts)


def lookup_answer(
    reading: Reading | AccountReading, texts: Sequence[str], parts: frozenset[Part]
) -> LookupAnswer:
    """Return the answers to all rows."""
    return answer_of_rows(reading, tuple(lookup_rows(reading, texts, parts)))


def answer_of_rows(reading: Reading | AccountReading, rows: Sequence[LookupRow]) -> LookupAnswer:
    """Return rows with what holds for all of them."""
    view = reading.view
    state = as_of(view) if isinstance(view, View) else view.as_of()
    statuses: tuple[Status, ...] = ("ok", "invalid", "not_found")
    return LookupAnswer(
        as_of=state,
        complete=not reading.limits,
        truncations=reading.limits,
        network=state.network,
        counts={status: sum(row.status == status for row in rows) for status in statuses},
        items=tuple(rows),
    )


def _prepared(reading: Reading | AccountReading, texts: Sequence[str]) -> Reading | AccountReading:
    """Return a reading that has read what sources say of some addresses."""
    if isinstance(reading, AccountReading):
        return reading
    known = []
    for text in texts:
        if not _TXID.fullmatch(text.strip()):
            try:
                known.append(reading.view.find_address(text))
            except (ArienError, ChainError):
                continue
    return replace(reading, tags=reading.tags.foreseeing(known))


def _row(
    reading: Reading | AccountReading, number: int, text: str, parts: frozenset[Part]
) -> LookupRow:
    blank = LookupRow(
        row=number,
        status="ok",
        code=None,
        detail=None,
        address=None,
        transaction=None,
        summary=None,
        entity=None,
        naming=None,
        tags=None,
    )
    try:
        if _TXID.fullmatch(text.strip()):
            return replace(blank, transaction=_transaction(reading, text))
        return _address_row(blank, _summary(reading, text), parts)
    except (ArienError, ChainError) as error:
        failure = failure_of(error)
        if failure is None or failure.status not in (404, 422):
            raise
        status: Status = "not_found" if isinstance(error, NotFoundError) else "invalid"
        return replace(blank, status=status, code=failure.code, detail=failure.detail)


def _address_row(
    blank: LookupRow, found: AddressAnswer | AccountAnswer, parts: frozenset[Part]
) -> LookupRow:
    return replace(
        blank,
        address=found.address,
        summary=found if "summary" in parts else None,
        entity=found.entity if "entity" in parts else None,
        naming=found.naming if "tags" in parts else None,
        tags=found.tags if "tags" in parts else None,
    )


def _summary(reading: Reading | AccountReading, text: str) -> AddressAnswer | AccountAnswer:
    if isinstance(reading, AccountReading):
        return account_answer(reading, text)
    return address_answer(reading, text)


def _transaction(reading: Reading | AccountReading, text: str) -> Sighting:
    if isinstance(reading, AccountReading):
        return account_sighting(reading.view, reading.view.find_transaction(text))
    return sighting(reading.view, reading.view.find_transaction(text))
