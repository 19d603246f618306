"""What the columns of tables of listings mean.

Lists of listings that circulate (Agora's, those on Kaggle) name the same things differently. The
names that are known stand here; any other table needs a mapping file that says which column is
what:

```toml
[columns]
vendor = "Seller name"
description = "Text"
```
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arien_flows.documents.limits import LARGEST_JSON
from arien_flows.errors import InputError

FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "listingid", "itemid", "productid", "adid", "hash"),
    "vendor": ("vendor", "vendorname", "seller", "sellername", "username", "shop", "sellerid"),
    "title": ("item", "title", "name", "product", "listingtitle", "productname", "itemname",
              "producttitle", "listing", "adname"),
    "description": ("itemdescription", "description", "desc", "listingdescription", "body",
                    "content", "text", "message", "productdescription", "details", "post"),
    "category": ("category", "categories", "maincategory", "producttype", "class"),
    "price": ("price", "pricebtc", "btcprice", "priceusd", "cost", "amount", "productprice"),
    "origin": ("origin", "shipsfrom", "shippedfrom", "shipfrom", "from", "countryfrom"),
    "destination": ("destination", "shipsto", "shippedto", "shipto", "to", "countryto"),
    "rating": ("rating", "vendorrating", "score", "stars", "sellerrating"),
    "remarks": ("remarks", "remark", "note", "notes"),
    "profile": ("profile", "vendorprofile", "about", "bio", "sellerinfo"),
    "terms": ("terms", "termsandconditions", "refundpolicy", "policy"),
    "feedback": ("feedback", "feedbacks", "review", "reviews", "comments"),
    "pgp": ("pgp", "pgpkey", "publickey"),
    "url": ("url", "link", "href", "onion", "uri", "producturl"),
    "captured_at": ("capturedat", "scrapedate", "scrapedat", "crawldate", "crawledat",
                    "scrapetime", "crawltime"),
    "market": ("market", "marketplace", "marketname", "site"),
}  # fmt: skip
"""What is known of a listing, and how columns are called that say it: in small letters, without
blanks and signs."""

SAYS_SOMETHING = ("vendor", "title", "description", "profile", "terms", "feedback")
"""A table of listings has at least two of these."""

LEAST_KNOWN = 2
LONG_TEXTS = frozenset({"title", "description", "remarks", "profile", "terms", "feedback"})
"""Fields in which people write sentences, with commas in them."""

_MEANING = {name: field for field, names in FIELDS.items() for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """What a mapping file says."""

    columns: Mapping[str, str]
    """Our field -> the document's column."""

    delimiter: str | None
    """What parts the columns; nothing to find out."""


def read_mapping(raw: bytes, name: str) -> ColumnMapping:
    """Read a mapping file; `InputError` says what to write."""
    example = '[columns]\nvendor = "Seller name"'
    try:
        content = tomllib.loads(raw[:LARGEST_JSON].decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{name}: not valid TOML ({error}): write, for example, {example!r}"
        ) from (error)
    columns = content.get("columns")
    strange = sorted(set(content) - {"columns", "delimiter"})
    if strange or not isinstance(columns, dict) or not columns:
        raise InputError(
            f"{name}: a mapping has a table [columns] and, if need be, a delimiter, and nothing "
            f"else: write, for example, {example!r}"
        )
    for field, column in columns.items():
        if field not in FIELDS:
            raise InputError(
                f"{name}: the field {field!r} is unknown; the fields are {', '.join(FIELDS)}"
            )
        if not isinstance(column, str) or not column.strip():
            raise InputError(f"{name}: the column of {field!r} must be its name as text")
    delimiter = content.get("delimiter")
    if delimiter is not None and delimiter not in (",", ";", "\t", "|"):
        raise InputError(f"{name}: the delimiter is one of , ; | and a tab")
    return ColumnMapping(columns={k: v.strip() for k, v in columns.items()}, delimiter=delimiter)


class UnknownColumnsError(Exception):
    """Nobody knows what the columns of a table mean; says what to write."""


def meanings(columns: Sequence[str], mapping: ColumnMapping | None) -> list[str]:
    """Return the name of each column's field: ours where it is known, else its own."""
    if mapping is not None:
        return _mapped(columns, mapping)
    found: list[str] = []
    for column in columns:
        plain = "".join(letter for letter in column.lower() if letter.isalnum())
        field = _MEANING.get(plain, "")
        found.append(field if field and field not in found else _own(column, found))
    return found


def check_known(fields: Sequence[str], columns: Sequence[str]) -> None:
    """Raise `UnknownColumnsError` where too little of a table is known."""
    if len(set(fields) & set(SAYS_SOMETHING)) >= LEAST_KNOWN:
        return
    listed = ", ".join(repr(each.strip()[:60]) for each in columns[:12])
    first = next((each.strip()[:60] for each in columns if each.strip()), "NAME")
    raise UnknownColumnsError(
        f"nobody knows what its columns mean ({listed}): write a file MAPPING.toml with "
        f"[columns] and lines such as vendor = {first!r} (fields: {', '.join(FIELDS)}), and add "
        "--mapping MAPPING.toml"
    )


def _mapped(columns: Sequence[str], mapping: ColumnMapping) -> list[str]:
    plain = [column.strip() for column in columns]
    for field, column in mapping.columns.items():
        if column not in plain:
            raise UnknownColumnsError(
                f"the mapping says that {field!r} stands in the column {column!r}, and the table "
                f"has none of that name; it has {', '.join(map(repr, plain[:12]))}"
            )
    known = {column: field for field, column in mapping.columns.items()}
    found: list[str] = []
    for column in plain:
        field = known.get(column, "")
        found.append(field if field and field not in found else _own(column, found))
    return found


def _own(column: str, taken: Sequence[str]) -> str:
    """Return a name for a column that is none of ours, and no other column's."""
    plain = name = f"column:{column.strip()[:60]}"
    number = 1
    while name in taken:
        number += 1
        name = f"{plain}:{number}"
    return name
