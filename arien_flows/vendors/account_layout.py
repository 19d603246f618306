r"""Where on a market's pages an account's facts stand: the section `[account]` of a layout.

A layout is data (`arien_flows/extraction/layouts/*.toml`). Its section `[account]` says for each
fact which elements show it, by a selector, and, where they show more than the fact, by a pattern
whose group `value` is the fact:

```toml
[[account.handle]]
select = "div.mainarea_inner > h2"
pattern = '^(?P<value>.{1,100}?)\s*\('

[[account.fields]]
name = "origin"
select = "div.inline_div > div"
pattern = '^Ships From:(?P<value>.*)$'

[account.sales]
rows = "#feedback_div tr"
title = { select = ".rating_product" }
when = { select = ".rating_date:first-child" }
```

A page on which no rule for the handle finds one is of no account. Mistakes in a layout are errors
when it is read, all of them ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arien_flows.extraction.selectors import selector
from arien_flows.vendors.account import ContactKind, FieldName, market_name

LONGEST_TEXT = 20_000
"""Characters of an element's text to which a pattern is put."""

ANY_CONTACT = "any"
"""In place of a kind of contact: whatever `arien_flows.vendors.contacts` finds."""

_VALUE_KEYS = frozenset({"select", "pattern", "attribute", "split", "only_with"})


class AccountLayoutError(Exception):
    """A layout's section `[account]` is not what this program understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """How one fact is read."""

    select: str
    """Which elements; empty for the element in which it is looked for."""

    pattern: re.Pattern[str] | None
    attribute: str | None
    """The attribute that says it; None for the text."""

    split: str | None
    """What parts several values in one text."""

    only_with: str | None
    """An element that the page must have: pages of several kinds may use one element for different
    things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """How a field of the account is read."""

    name: FieldName
    value: ValueRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRule:
    """How contacts are read."""

    kind: ContactKind | None
    """None where the text is searched for contacts of any kind."""

    value: ValueRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsRule:
    """How rows of a table of sales or of listings are read."""

    rows: str
    """Which elements are rows; empty where the page is one row."""

    columns: Mapping[str, ValueRule]
    currency: str | None
    """What bare numbers of its prices are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLayout:
    """All rules of one layout."""

    name: str
    market: str
    """Short name; empty where the page says it, or whoever imports it."""

    market_rules: tuple[ValueRule, ...]
    handle: tuple[ValueRule, ...]
    require: tuple[ValueRule, ...]
    """What the page must show, each of them, to be of a vendor."""

    clock: tuple[ValueRule, ...]
    """Where the page says what time it is on the market."""

    fields: tuple[FieldRule, ...]
    photos: tuple[ValueRule, ...]
    """Pictures of his own; only such as the page holds itself (`data:` addresses) are read."""

    keys: tuple[ValueRule, ...]
    contacts: tuple[ContactRule, ...]
    sales: RowsRule | None
    listings: RowsRule | None


SALE_COLUMNS = frozenset({"title", "when", "amount", "buyer", "rating"})
LISTING_COLUMNS = frozenset({"title", "price", "category"})
_KEYS = frozenset(
    {
        "market_name",
        "handle",
        "require",
        "clock",
        "fields",
        "photos",
        "keys",
        "contacts",
        "sales",
        "listings",
    }
)


def account_layout(
    name: str, section: Mapping[str, object], market: str | None = None
) -> AccountLayout:
    """Return the rules of a layout's section; `AccountLayoutError` says what is wrong with it.

    `market` is the market whose pages these are, where the layout is of one only.
    """
    _only(section, _KEYS, name)
    return AccountLayout(
        name=name,
        market=market_name(market or ""),
        market_rules=_values(section, "market_name", name),
        handle=_values(section, "handle", name),
        require=_values(section, "require", name),
        clock=_values(section, "clock", name),
        fields=tuple(_field(each, name) for each in _tables(section, "fields", name)),
        photos=_values(section, "photos", name),
        keys=_values(section, "keys", name),
        contacts=tuple(_contact(each, name) for each in _tables(section, "contacts", name)),
        sales=_rows(section, "sales", SALE_COLUMNS, name),
        listings=_rows(section, "listings", LISTING_COLUMNS, name),
    )


def _values(section: Mapping[str, object], key: str, name: str) -> tuple[ValueRule, ...]:
    return tuple(_value(each, f"{name}, {key}") for each in _tables(section, key, name))


def _value(table: Mapping[str, object], where: str) -> ValueRule:
    _only(table, _VALUE_KEYS, where)
    select = _text(table, "select", where, "")
    if select:
        selector(select)
    only_with = _text(table, "only_with", where, "")
    if only_with:
        selector(only_with)
    written = _text(table, "pattern", where, "")
    try:
        pattern = re.compile(written, re.DOTALL) if written else None
    except re.error as error:
        raise AccountLayoutError(f"{where}: {written!r} is no pattern: {error}") from error
    if pattern is not None and "value" not in pattern.groupindex:
        raise AccountLayoutError(f"{where}: the pattern {written!r} has no group `value`")
    return ValueRule(
        select=select,
        pattern=pattern,
        attribute=_text(table, "attribute", where, "") or None,
        split=_text(table, "split", where, "") or None,
        only_with=only_with or None,
    )


def _field(table: Mapping[str, object], name: str) -> FieldRule:
    try:
        field = FieldName(_text(table, "name", name, ""))
    except ValueError as error:
        raise AccountLayoutError(f"{name}: {error}") from error
    return FieldRule(name=field, value=_value(_without(table, "name"), f"{name}, {field}"))


def _contact(table: Mapping[str, object], name: str) -> ContactRule:
    written = _text(table, "kind", name, ANY_CONTACT)
    try:
        kind = None if written == ANY_CONTACT else ContactKind(written)
    except ValueError as error:
        raise AccountLayoutError(f"{name}: {error}") from error
    return ContactRule(kind=kind, value=_value(_without(table, "kind"), f"{name}, contacts"))


def _rows(
    section: Mapping[str, object], key: str, known: frozenset[str], name: str
) -> RowsRule | None:
    table = section.get(key)
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise AccountLayoutError(f"{name}: {key} is no table")
    _only(table, known | {"rows", "currency"}, f"{name}, {key}")
    columns = {}
    for column in sorted(known & table.keys()):
        content = table[column]
        if not isinstance(content, Mapping):
            raise AccountLayoutError(f"{name}, {key}: {column} is no table")
        columns[column] = _value(content, f"{name}, {key}.{column}")
    rows = _text(table, "rows", name, "")
    if rows:
        selector(rows)
    return RowsRule(rows=rows, columns=columns, currency=_text(table, "currency", name, "") or None)


def _tables(section: Mapping[str, object], key: str, name: str) -> Sequence[Mapping[str, object]]:
    found = section.get(key, ())
    if not isinstance(found, list | tuple) or not all(isinstance(e, Mapping) for e in found):
        raise AccountLayoutError(f"{name}: {key} is no list of tables")
    return found


def _text(table: Mapping[str, object], key: str, where: str, otherwise: str) -> str:
    found = table.get(key, otherwise)
    if not isinstance(found, str):
        raise AccountLayoutError(f"{where}: {key} is no text")
    return found


def _without(table: Mapping[str, object], key: str) -> Mapping[str, object]:
    return {name: value for name, value in table.items() if name != key}


def _only(table: Mapping[str, object], known: frozenset[str], where: str) -> None:
    strange = sorted(set(table) - known)
    if strange:
        raise AccountLayoutError(f"{where}: nobody knows {', '.join(strange)}")
