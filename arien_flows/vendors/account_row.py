"""Reading an account from a row of a table: a listing of Agora, of Kaggle, or an own export.

A row is one listing of one vendor. Its fields are named as in `arien_flows.documents.columns`. A
price without currency is no price; the tables that circulate write it beside the number.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from arien_flows.documents.item import Item
from arien_flows.extraction.secrets import without_secrets
from arien_flows.vendors.account import (
    LONGEST_HANDLE,
    LONGEST_VALUE,
    AccountField,
    AccountPage,
    ContactSeen,
    Fault,
    FieldName,
    KeySeen,
    ListingSeen,
    market_name,
)
from arien_flows.vendors.account_page import contacts_in, is_handle, keys_in, keys_once, once
from arien_flows.vendors.quotes import read_quotes

_PLAIN: Mapping[str, FieldName] = {"origin": FieldName.ORIGIN, "rating": FieldName.RATING}
_TEXT_FIELDS: Mapping[str, FieldName] = {
    "description": FieldName.DESCRIPTION,
    "profile": FieldName.PROFILE,
    "terms": FieldName.TERMS,
}
_SEARCHED = ("description", "profile", "terms")
_UNKNOWN = frozenset({"", "-", "n/a", "na", "none", "null", "unknown", "undeclared"})


def read_row(item: Item, *, market: str | None, captured_at: datetime | None) -> AccountPage | None:
    """Return what a row says of a vendor's account; nothing where it names none, or no market."""
    del captured_at  # No column of these tables counts from it.
    handle = _said(item, "vendor")
    place = market_name(_said(item, "market") or market or "")
    if not place or not is_handle(handle) or len(handle) > LONGEST_HANDLE:
        return None
    faults: list[Fault] = []
    begin, end = _place(item, "vendor")
    return AccountPage(
        market=place,
        handle=handle,
        layout="fields",
        begin=item.begin,
        end=item.end,
        handle_begin=begin,
        handle_end=end,
        fields=tuple(_fields(item)),
        keys=keys_once(_keys(item)),
        contacts=once(_contacts(item)),
        listings=tuple(_listings(item, faults)),
        faults=tuple(faults),
    )


def _said(item: Item, name: str) -> str:
    text = " ".join(item.fields.get(name, "").split())
    return "" if text.casefold() in _UNKNOWN else text


def _place(item: Item, name: str) -> tuple[int, int]:
    return item.places.get(name, (item.begin, item.end))


def _fields(item: Item) -> Iterator[AccountField]:
    for column, name in _PLAIN.items():
        text = _said(item, column)
        if text and len(text) <= LONGEST_VALUE:
            yield _field(item, column, name, text)
    for part in _said(item, "destination").split(","):
        if part.strip() and len(part) <= LONGEST_VALUE:
            yield _field(item, "destination", FieldName.DESTINATION, part.strip())
    for column, name in _TEXT_FIELDS.items():
        if _said(item, column):
            yield _field(item, column, name, "")


def _field(item: Item, column: str, name: FieldName, text: str) -> AccountField:
    begin, end = _place(item, column)
    return AccountField(name=name, text=text, begin=begin, end=end, rule=f"column:{column}")


def _keys(item: Item) -> Iterator[KeySeen]:
    yield from keys_in(item.fields.get("pgp", ""), *_place(item, "pgp"), "field")
    for column in _SEARCHED:
        yield from keys_in(item.fields.get(column, ""), *_place(item, column), "text")


def _contacts(item: Item) -> Iterator[ContactSeen]:
    for column in _SEARCHED:
        yield from contacts_in(item.fields.get(column, ""), *_place(item, column), "text")


def _listings(item: Item, faults: list[Fault]) -> Iterator[ListingSeen]:
    title, price = _said(item, "title"), _said(item, "price")
    if not title:
        return
    begin, end = _place(item, "title")
    quotes = read_quotes(price)
    if price and not quotes:
        where = _place(item, "price")
        faults.append(
            Fault(
                what="listing",
                begin=where[0],
                end=where[1],
                reason=f"no price: {without_secrets(price)[:60]!r}",
            )
        )
    yield ListingSeen(
        title=title[:LONGEST_VALUE],
        category=_said(item, "category")[:LONGEST_VALUE] or None,
        quotes=tuple(quotes),
        begin=begin,
        end=end,
        rule="column:title",
    )
