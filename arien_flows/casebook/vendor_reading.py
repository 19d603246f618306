"""Reading what documents in effect say of accounts.

In effect is an observation whose document was not withdrawn, and which no later one of the same
bytes and the same capture replaced.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, and_, cast, func, select
from sqlalchemy import exists as exists_in

from arien_flows.casebook.capture_tables import document_withdrawals
from arien_flows.casebook.models import documents
from arien_flows.casebook.rows import parts
from arien_flows.casebook.vendor_records import (
    AccountName,
    AccountSummary,
    Place,
    StoredAccount,
    StoredObservation,
    StoredStatement,
)
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
    vendor_sales,
    vendor_statements,
)
from arien_flows.vendors.account import (
    AccountField,
    ContactKind,
    ContactSeen,
    Fault,
    FieldName,
    Interval,
    KeySeen,
    ListingSeen,
    Quote,
    SaleSeen,
    account_id,
)
from arien_flows.vendors.keys import PgpKey
from arien_flows.vendors.sightings import FINGERPRINT, PHOTO, KeyFacts, Shown, Sighting

DATED = timedelta(days=3)
"""A sale whose date is known to be within so much tells when the account was in use."""


def _in_effect() -> ColumnElement[bool]:
    """Return the condition under which an observation speaks."""
    later = vendor_observations.alias("later")
    same = and_(
        later.c.document_id == vendor_observations.c.document_id,
        later.c.first_byte == vendor_observations.c.first_byte,
        later.c.captured_at.is_not_distinct_from(vendor_observations.c.captured_at),
        later.c.id > vendor_observations.c.id,
    )
    withdrawn = document_withdrawals.c.document_id == vendor_observations.c.document_id
    return and_(~exists_in().where(same), ~exists_in().where(withdrawn))


def _observed(*columns: ColumnElement[Any]) -> Select[Any]:
    """Return a query over observations in effect, their accounts and documents."""
    return (
        select(*columns)
        .select_from(vendor_observations)
        .join(vendor_accounts, vendor_accounts.c.id == vendor_observations.c.account_id)
        .join(documents, documents.c.id == vendor_observations.c.document_id)
        .where(_in_effect())
    )


def names(connection: Connection) -> list[AccountName]:
    """Return all accounts of which documents in effect speak."""
    columns = vendor_accounts.c
    query = _observed(columns.id, columns.market, columns.handle).distinct()
    found = [
        AccountName(number=row.id, market=row.market, handle=row.handle)
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (each.market, each.handle))


def summaries(connection: Connection, market: str | None) -> list[AccountSummary]:
    """Return a line for each account."""
    query = _observed(
        vendor_accounts.c.id,
        vendor_accounts.c.market,
        vendor_accounts.c.handle,
        func.count(vendor_observations.c.document_id.distinct()).label("documents"),
        func.min(vendor_observations.c.captured_at).label("first"),
        func.max(vendor_observations.c.captured_at).label("last"),
    ).group_by(vendor_accounts.c.id, vendor_accounts.c.market, vendor_accounts.c.handle)
    if market is not None:
        query = query.where(vendor_accounts.c.market == market)
    distinct = {
        "keys": _distinct(connection, vendor_key_sightings, vendor_key_sightings.c.fingerprint),
        "contacts": _distinct(
            connection, vendor_contacts, vendor_contacts.c.kind, vendor_contacts.c.handle
        ),
        "listings": _distinct(connection, vendor_listings, vendor_listings.c.title),
        "sales": _distinct(connection, vendor_sales, *_sale_identity()),
    }
    found = [
        AccountSummary(
            name=AccountName(number=row.id, market=row.market, handle=row.handle),
            documents=row.documents,
            keys=distinct["keys"].get(row.id, 0),
            contacts=distinct["contacts"].get(row.id, 0),
            listings=distinct["listings"].get(row.id, 0),
            sales=distinct["sales"].get(row.id, 0),
            first_captured=row.first,
            last_captured=row.last,
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (each.name.market, each.name.handle))


def _sale_identity() -> tuple[ColumnElement[Any], ...]:
    """Return what tells two rows of feedback apart, wherever they are shown again."""
    columns = vendor_sales.c
    # The latest moment depends on when the page was captured; the earliest does not.
    return columns.title, columns.buyer, columns.amount, columns.currency, columns.earliest


def _distinct(connection: Connection, table: Any, *columns: ColumnElement[Any]) -> dict[int, int]:
    """Return how many different values each account has in a table."""
    account = vendor_observations.c.account_id
    rows = _observed(account, *columns).join(
        table, table.c.observation_id == vendor_observations.c.id
    )
    inner = rows.distinct().subquery()
    query = select(inner.c.account_id, func.count()).group_by(inner.c.account_id)
    return {int(number): int(count) for number, count in connection.execute(query)}


def account(connection: Connection, number: int) -> StoredAccount | None:
    """Return all that documents in effect say of an account."""
    columns = vendor_observations.c
    query = _observed(
        *vendor_observations.columns,
        vendor_accounts.c.market,
        vendor_accounts.c.handle,
        documents.c.sha256,
        documents.c.name,
    ).where(columns.account_id == number)
    rows = connection.execute(query).all()
    if not rows:
        return None
    numbers = [int(row.id) for row in rows]
    parts = _Parts(connection, numbers)
    found = [parts.observation(row) for row in rows]
    found.sort(
        key=lambda each: (
            each.place.captured_at is None,
            each.place.captured_at and each.place.captured_at.timestamp(),
            each.place.observation,
        )
    )
    shown = {key.fingerprint for each in found for key in each.keys}
    return StoredAccount(
        name=AccountName(number=number, market=rows[0].market, handle=rows[0].handle),
        observations=found,
        keys=_keys_named(connection, sorted(shown)),
    )


class _Parts:
    """The values of some observations."""

    def __init__(self, connection: Connection, numbers: Sequence[int]) -> None:
        self._connection = connection
        self._numbers = numbers
        self._fields = self._of(vendor_fields)
        self._keys = self._of(vendor_key_sightings)
        self._contacts = self._of(vendor_contacts)
        self._listings = self._of(vendor_listings)
        self._sales = self._of(vendor_sales)
        self._faults = self._of(vendor_faults)
        self._quotes: dict[int, list[Quote]] = defaultdict(list)
        listed = [int(row.id) for rows in self._listings.values() for row in rows]
        for part in parts(listed):
            query = select(vendor_quotes).where(vendor_quotes.c.listing_id.in_(part))
            for row in connection.execute(query.order_by(vendor_quotes.c.id)):
                self._quotes[row.listing_id].append(_quote(row))

    def _of(self, table: Any) -> dict[int, list[Row[Any]]]:
        found: dict[int, list[Row[Any]]] = defaultdict(list)
        for part in parts(self._numbers):
            query = select(table).where(table.c.observation_id.in_(part)).order_by(table.c.id)
            for row in self._connection.execute(query):
                found[row.observation_id].append(row)
        return found

    def observation(self, row: Row[Any]) -> StoredObservation:
        number = int(row.id)
        return StoredObservation(
            place=Place(
                observation=number,
                document_sha256=row.sha256,
                document_name=row.name,
                captured_at=row.captured_at,
            ),
            layout=row.layout,
            reader=row.reader,
            begin=row.first_byte,
            end=row.end_byte,
            handle_begin=row.handle_first_byte,
            handle_end=row.handle_end_byte,
            fields=[_field(each) for each in self._fields[number]],
            keys=[
                KeySeen(key=None, fingerprint=each.fingerprint, **_bytes(each))
                for each in self._keys[number]
            ],
            contacts=[
                ContactSeen(kind=ContactKind(each.kind), handle=each.handle, **_bytes(each))
                for each in self._contacts[number]
            ],
            listings=[
                ListingSeen(
                    title=each.title,
                    category=each.category,
                    quotes=tuple(self._quotes[int(each.id)]),
                    **_bytes(each),
                )
                for each in self._listings[number]
            ],
            sales=[_sale(each) for each in self._sales[number]],
            faults=[
                Fault(what=e.what, begin=e.first_byte, end=e.end_byte, reason=e.reason)
                for e in self._faults[number]
            ],
        )


def _bytes(row: Row[Any]) -> dict[str, Any]:
    return {"begin": row.first_byte, "end": row.end_byte, "rule": row.rule}


def _interval(row: Row[Any]) -> Interval | None:
    if row.earliest is None or row.latest is None:
        return None
    return Interval(earliest=row.earliest, latest=row.latest)


def _field(row: Row[Any]) -> AccountField:
    return AccountField(
        name=FieldName(row.name), text=row.text, interval=_interval(row), **_bytes(row)
    )


def _quote(row: Row[Any]) -> Quote:
    return Quote(amount=Decimal(row.amount), currency=row.currency, unit=row.unit)


def _sale(row: Row[Any]) -> SaleSeen:
    return SaleSeen(
        title=row.title,
        when=_interval(row),
        quote=None if row.amount is None else _quote(row),
        buyer=row.buyer,
        rating=row.rating,
        **_bytes(row),
    )


def sightings(connection: Connection) -> list[Sighting]:
    """Return the keys, contacts and pictures of all accounts."""
    found: list[Sighting] = []
    for table, kind, value, condition in (
        (vendor_key_sightings, None, vendor_key_sightings.c.fingerprint, None),
        (vendor_contacts, vendor_contacts.c.kind, vendor_contacts.c.handle, None),
        (vendor_fields, None, vendor_fields.c.text, vendor_fields.c.name == str(FieldName.PHOTO)),
    ):
        otherwise = FINGERPRINT if table is vendor_key_sightings else PHOTO
        columns: list[ColumnElement[Any]] = [
            vendor_accounts.c.market,
            vendor_accounts.c.handle.label("account_handle"),
            value.label("value"),
            documents.c.sha256,
            vendor_observations.c.captured_at,
            table.c.first_byte,
            table.c.end_byte,
            table.c.rule,
        ]
        if kind is not None:
            columns.append(kind.label("kind"))
        query = _observed(*columns).join(table, table.c.observation_id == vendor_observations.c.id)
        if condition is not None:
            query = query.where(condition)
        for row in connection.execute(query):
            found.append(
                Sighting(
                    account=account_id(row.market, row.account_handle),
                    kind=row.kind if kind is not None else otherwise,
                    value=row.value,
                    shown=Shown(
                        document_sha256=row.sha256,
                        begin=row.first_byte,
                        end=row.end_byte,
                        rule=row.rule,
                        captured_at=row.captured_at,
                    ),
                )
            )
    return found


def keys(connection: Connection, sha256s: Iterable[str] | None = None) -> list[PgpKey]:
    """Return the keys that documents in effect show: those documents, or all."""
    query = (
        _observed(vendor_key_sightings.c.fingerprint)
        .join(
            vendor_key_sightings,
            vendor_key_sightings.c.observation_id == vendor_observations.c.id,
        )
        .distinct()
    )
    if sha256s is None:
        return _keys_named(connection, sorted(connection.execute(query).scalars()))
    found: set[str] = set()
    for part in parts(sorted(set(sha256s))):
        found |= set(connection.execute(query.where(documents.c.sha256.in_(part))).scalars())
    return _keys_named(connection, sorted(found))


def key_facts(connection: Connection) -> dict[str, KeyFacts]:
    """Return what is known of each key."""
    query = select(vendor_keys.c.fingerprint, vendor_keys.c.created_at)
    return {
        row.fingerprint: KeyFacts(created_at=row.created_at) for row in connection.execute(query)
    }


def _keys_named(connection: Connection, fingerprints: Sequence[str]) -> list[PgpKey]:
    found: list[PgpKey] = []
    for part in parts(fingerprints):
        query = select(vendor_keys).where(vendor_keys.c.fingerprint.in_(part))
        for row in connection.execute(query.order_by(vendor_keys.c.fingerprint)):
            found.append(
                PgpKey(
                    fingerprint=row.fingerprint,
                    version=row.version,
                    algorithm=row.algorithm,
                    created_at=row.created_at,
                    expires_at=row.expires_at,
                    is_revoked=row.is_revoked,
                    user_ids=tuple(row.user_ids.split("\n")) if row.user_ids else (),
                    subkeys=tuple(row.subkeys.split()),
                    note=row.note,
                    raw=row.raw,
                )
            )
    return found


def activity(connection: Connection) -> dict[str, list[datetime]]:
    """Return when each account was seen to be in use: captures, and sales dated closely."""
    found: dict[str, set[datetime]] = defaultdict(set)
    columns = (vendor_accounts.c.market, vendor_accounts.c.handle)
    captured = _observed(*columns, vendor_observations.c.captured_at).distinct()
    for row in connection.execute(captured):
        if row.captured_at is not None:
            found[account_id(row.market, row.handle)].add(row.captured_at)
    sold = (
        _observed(*columns, vendor_sales.c.earliest, vendor_sales.c.latest)
        .join(vendor_sales, vendor_sales.c.observation_id == vendor_observations.c.id)
        .where(vendor_sales.c.earliest.is_not(None))
        .distinct()
    )
    for row in connection.execute(sold):
        if row.latest - row.earliest <= DATED:
            middle = row.earliest + (row.latest - row.earliest) / 2
            found[account_id(row.market, row.handle)].add(middle)
    return {name: sorted(moments) for name, moments in found.items()}


def statements(connection: Connection) -> list[StoredStatement]:
    """Return the clear-signed messages of documents in effect."""
    columns = vendor_statements.c
    withdrawn = document_withdrawals.c.document_id == columns.document_id
    captured = (
        select(func.min(vendor_observations.c.captured_at))
        .where(vendor_observations.c.document_id == columns.document_id)
        .scalar_subquery()
    )
    query = (
        select(
            columns.first_byte,
            columns.end_byte,
            columns.encoding,
            documents.c.sha256,
            # PostgreSQL cuts bytes by numbers of 32 bits only; no document is longer.
            func.substr(
                documents.c.content,
                cast(columns.first_byte + 1, Integer),
                cast(columns.end_byte - columns.first_byte, Integer),
            ).label("raw"),
            captured.label("captured_at"),
        )
        .join(documents, documents.c.id == columns.document_id)
        .where(~exists_in().where(withdrawn))
        .order_by(columns.id)
    )
    return [
        StoredStatement(
            document_sha256=row.sha256,
            begin=row.first_byte,
            end=row.end_byte,
            raw=bytes(row.raw),
            encoding=row.encoding,
            captured_at=row.captured_at,
        )
        for row in connection.execute(query)
    ]
