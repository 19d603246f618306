"""Writing what documents say of accounts, in the transaction of whoever imports them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Table, insert, select, tuple_

from arien_flows.casebook.evidence import EvidenceKind, record
from arien_flows.casebook.evidence_rows import rows_of
from arien_flows.casebook.models import documents
from arien_flows.casebook.rows import next_number, parts, write_rows
from arien_flows.casebook.vendor_records import NewObservation, NewStatement
from arien_flows.casebook.vendor_tables import (
    vendor_accounts,
    vendor_contacts,
    vendor_faults,
    vendor_fields,
    vendor_key_sightings,
    vendor_keys,
    vendor_listings,
    vendor_observations,
    vendor_quotes,
    vendor_readings,
    vendor_sales,
    vendor_statements,
)
from arien_flows.errors import CasebookError
from arien_flows.vendors.account import READER, AccountPage, Quote
from arien_flows.vendors.keys import PgpKey

Rows = dict[Table, list[dict[str, object]]]


def observe(
    connection: Connection,
    observations: Sequence[NewObservation],
    statements: Sequence[NewStatement] = (),
    *,
    now: datetime,
    by: str,
) -> int:
    """Write what documents say; return how many observations are new.

    The documents must be kept already. What the same rules wrote before of the same bytes,
    captured at the same time, is recognised.
    """
    wanted = {each.document_sha256 for each in observations}
    wanted |= {each.document_sha256 for each in statements}
    kept = _documents(connection, wanted)
    known = _known(connection, set(kept.values()))
    fresh, seen = [], set()
    for each in observations:
        key = (kept[each.document_sha256], *_key(each))
        if key not in known and key not in seen:
            seen.add(key)
            fresh.append(each)
    noted = _fresh_statements(connection, statements, kept)
    if fresh or noted:
        _Writer(connection, kept, now, by).write(fresh, noted)
    return len(fresh)


def _key(each: NewObservation) -> tuple[int, datetime | None, str, str, str]:
    page = each.page
    return page.begin, each.moment, READER, page.market, page.handle


def _documents(connection: Connection, sha256s: Iterable[str]) -> dict[str, int]:
    """Return the numbers of documents; all of them must be kept."""
    wanted = sorted(set(sha256s))
    found: dict[str, int] = {}
    for part in parts(wanted):
        query = select(documents.c.sha256, documents.c.id).where(documents.c.sha256.in_(part))
        found.update((row.sha256, row.id) for row in connection.execute(query))
    missing = [each for each in wanted if each not in found]
    if missing:
        raise CasebookError(
            f"the casebook does not keep the document {missing[0]}, which an account rests on: "
            "import the document again"
        )
    return found


def _known(connection: Connection, numbers: set[int]) -> set[tuple[object, ...]]:
    """Return what was observed of documents before."""
    found: set[tuple[object, ...]] = set()
    columns = vendor_observations.c
    for part in parts(sorted(numbers)):
        query = (
            select(
                columns.document_id,
                columns.first_byte,
                columns.captured_at,
                columns.reader,
                vendor_accounts.c.market,
                vendor_accounts.c.handle,
            )
            .join(vendor_accounts, vendor_accounts.c.id == columns.account_id)
            .where(columns.document_id.in_(part))
        )
        found.update(tuple(row) for row in connection.execute(query))
    return found


def _fresh_statements(
    connection: Connection, statements: Sequence[NewStatement], kept: Mapping[str, int]
) -> list[NewStatement]:
    known: set[tuple[int, int]] = set()
    columns = vendor_statements.c
    for part in parts(sorted({kept[each.document_sha256] for each in statements})):
        query = select(columns.document_id, columns.first_byte).where(columns.document_id.in_(part))
        known.update((row.document_id, row.first_byte) for row in connection.execute(query))
    fresh = []
    for each in statements:
        place = (kept[each.document_sha256], each.begin)
        if place not in known:
            known.add(place)
            fresh.append(each)
    return fresh


class _Writer:
    """Rows of one reading, written together."""

    def __init__(
        self, connection: Connection, kept: Mapping[str, int], now: datetime, by: str
    ) -> None:
        self._connection = connection
        self._kept = kept
        self._now, self._by = now, by
        self._reading = next_number(connection, vendor_readings)
        self._rows: Rows = {}
        self._next: dict[Table, int] = {}
        self._accounts: dict[tuple[str, str], int] = {}

    def write(
        self, observations: Sequence[NewObservation], statements: Sequence[NewStatement]
    ) -> None:
        self._connection.execute(
            insert(vendor_readings).values(
                id=self._reading, reader=READER, written_at=self._now, written_by=self._by
            )
        )
        self._find_accounts(observations)
        for each in observations:
            self._observation(each)
        for statement in statements:
            self._add(
                vendor_statements,
                document_id=self._kept[statement.document_sha256],
                first_byte=statement.begin,
                end_byte=statement.end,
                encoding=statement.encoding,
            )
        self._keys(observations)
        for table in sorted(self._rows, key=_ORDER.index):
            write_rows(self._connection, table, self._rows[table])
        record(
            self._connection,
            EvidenceKind.ACCOUNT,
            {
                "reading": self._reading,
                "reader": READER,
                "accounts": len(self._accounts),
                "observations": len(observations),
                "signed_messages": len(statements),
            },
            at=self._now,
            by=self._by,
            rows=[
                rows_of(vendor_readings, id=self._reading),
                *(rows_of(each, reading_id=self._reading) for each in (*_ORDER, vendor_keys)),
            ],
        )

    def _number(self, table: Table) -> int:
        if table not in self._next:
            self._next[table] = next_number(self._connection, table)
        number = self._next[table]
        self._next[table] = number + 1
        return number

    def _add(self, table: Table, **values: object) -> int:
        number = self._number(table)
        row = {"id": number, "reading_id": self._reading, **values}
        self._rows.setdefault(table, []).append(row)
        return number

    def _find_accounts(self, observations: Sequence[NewObservation]) -> None:
        wanted = sorted({(each.page.market, each.page.handle) for each in observations})
        columns = vendor_accounts.c
        for part in parts(wanted):
            query = select(columns.id, columns.market, columns.handle).where(
                tuple_(columns.market, columns.handle).in_(part)
            )
            for row in self._connection.execute(query):
                self._accounts[row.market, row.handle] = row.id
        for market, handle in wanted:
            if (market, handle) not in self._accounts:
                self._accounts[market, handle] = self._add(
                    vendor_accounts, market=market, handle=handle, folded=handle.casefold()
                )

    def _observation(self, each: NewObservation) -> None:
        page = each.page
        number = self._add(
            vendor_observations,
            account_id=self._accounts[page.market, page.handle],
            document_id=self._kept[each.document_sha256],
            captured_at=each.moment,
            layout=page.layout,
            reader=READER,
            first_byte=page.begin,
            end_byte=page.end,
            handle_first_byte=page.handle_begin,
            handle_end_byte=page.handle_end,
        )
        for table, values in _values(page):
            self._add(table, observation_id=number, **values)
        for listing in page.listings:
            place = self._add(
                vendor_listings,
                observation_id=number,
                title=listing.title,
                category=listing.category,
                first_byte=listing.begin,
                end_byte=listing.end,
                rule=listing.rule,
            )
            for quote in listing.quotes:
                self._add(vendor_quotes, listing_id=place, **_quote(quote))

    def _keys(self, observations: Sequence[NewObservation]) -> None:
        """Write each key that is not known, once."""
        shown = {
            seen.fingerprint: seen.key
            for each in observations
            for seen in each.page.keys
            if seen.key is not None
        }
        column = vendor_keys.c.fingerprint
        for part in parts(sorted(shown)):
            for known in self._connection.execute(select(column).where(column.in_(part))):
                del shown[known.fingerprint]
        rows = [self._key(shown[fingerprint]) for fingerprint in sorted(shown)]
        write_rows(self._connection, vendor_keys, rows)

    def _key(self, key: PgpKey) -> dict[str, object]:
        return {
            "fingerprint": key.fingerprint,
            "reading_id": self._reading,
            "version": key.version,
            "algorithm": key.algorithm,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "is_revoked": key.is_revoked,
            "user_ids": "\n".join(_one_line(each) for each in key.user_ids),
            "subkeys": " ".join(key.subkeys),
            "note": key.note,
            "raw": key.raw,
        }


_ORDER = (
    vendor_accounts,
    vendor_observations,
    vendor_fields,
    vendor_key_sightings,
    vendor_contacts,
    vendor_listings,
    vendor_quotes,
    vendor_sales,
    vendor_faults,
    vendor_statements,
)
"""Tables in the order in which rows may name one another."""


def _values(page: AccountPage) -> Iterator[tuple[Table, dict[str, object]]]:
    for field in page.fields:
        interval = field.interval
        yield (
            vendor_fields,
            {
                "name": str(field.name),
                "text": field.text,
                "earliest": interval.earliest if interval else None,
                "latest": interval.latest if interval else None,
                "first_byte": field.begin,
                "end_byte": field.end,
                "rule": field.rule,
            },
        )
    for key in page.keys:
        yield (
            vendor_key_sightings,
            {
                "fingerprint": key.fingerprint,
                "first_byte": key.begin,
                "end_byte": key.end,
                "rule": key.rule,
            },
        )
    for contact in page.contacts:
        yield (
            vendor_contacts,
            {
                "kind": str(contact.kind),
                "handle": contact.handle,
                "first_byte": contact.begin,
                "end_byte": contact.end,
                "rule": contact.rule,
            },
        )
    for sale in page.sales:
        yield (
            vendor_sales,
            {
                "title": sale.title,
                "earliest": sale.when.earliest if sale.when else None,
                "latest": sale.when.latest if sale.when else None,
                **(_quote(sale.quote) if sale.quote else {"amount": None, "currency": None}),
                "unit": sale.quote.unit if sale.quote else None,
                "buyer": sale.buyer,
                "rating": sale.rating,
                "first_byte": sale.begin,
                "end_byte": sale.end,
                "rule": sale.rule,
            },
        )
    for fault in page.faults:
        yield (
            vendor_faults,
            {
                "what": fault.what,
                "first_byte": fault.begin,
                "end_byte": fault.end,
                "reason": fault.reason,
            },
        )


def _quote(quote: Quote) -> dict[str, object]:
    return {"amount": f"{quote.amount:f}", "currency": quote.currency, "unit": quote.unit}


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
