"""Which captures are of one listing, and which pages of one site.

Mirrors of a market show the same listing under other host names, so of a market's page the host is
left out; that is what lets two mirrors be compared. Without a market the host is a part of the
name. What has no address of its own is named by its path in what was offered, or, as a row of a
table, by the vendor and the title. Where somebody says where a file was captured, that goes before
its path: other folders hold files of the same name.
"""

import hashlib
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from arien_flows.documents.item import Item
from arien_flows.extraction.secrets import without_secrets

LONGEST = 400
"""Characters of a name; of a longer one the rest becomes a hash."""

MOST_PARAMETERS = 100

BY_PATH = "file/"
"""Begins the name of a listing of which only the path of a file is known."""

UNKNOWN_SITE = ""
"""Stands for all documents of which nobody knows where they were: they may be of one site."""


def listing_name(
    item: Item, *, market: str | None, url: str | None, origin: str | None = None
) -> str:
    """Return the name that all captures of one listing share.

    `url` is the item's own; `origin` is where all that was offered is said to come from.

    Secrets are hidden in it: in what it is made of, since small letters cannot be told for a key.
    """
    place = None if url is None else _split(without_secrets(url))
    if place is not None:
        host = "" if market else _host(place)
        name = f"{host}{_path(place)}"
    elif "id" in item.fields:
        name = f"id/{_plain(item.fields['id'])}"
    elif item.is_row and "vendor" in item.fields:
        title = item.fields.get("title", item.path.rpartition("#")[2])
        name = f"vendor/{_plain(item.fields['vendor'])}/{_plain(title)}"
    else:
        name = _file_name(item, market, origin)
    whole = f"{_plain(market)}:{name}" if market else name
    if len(whole) <= LONGEST:
        return whole
    return f"{whole[:LONGEST]}~{hashlib.sha256(whole.encode(errors='replace')).hexdigest()[:32]}"


def is_named_by_path(listing: str, market: str | None) -> bool:
    """Tell whether a listing has its name of nothing but the path of a file."""
    plain = listing.removeprefix(f"{_plain(market)}:") if market else listing
    return plain.startswith(BY_PATH)


def site_name(*, market: str | None, url: str | None) -> str:
    """Return the name of the site that a page is of."""
    if market:
        return _plain(market)
    place = None if url is None else _split(url)
    return UNKNOWN_SITE if place is None else _host(place)


def host_of(url: str | None) -> str | None:
    """Return the host of an address; nothing where it has none."""
    place = None if url is None else _split(url)
    return None if place is None else _host(place)


def _split(url: str) -> SplitResult | None:
    try:
        place = urlsplit(url.strip())
        return place if place.hostname else None
    except ValueError:
        return None


def _host(place: SplitResult) -> str:
    return (place.hostname or "").removeprefix("www.")


def _path(place: SplitResult) -> str:
    parts = [part for part in place.path.split("/") if part]
    pairs = [] if place.query.count("&") > MOST_PARAMETERS else parse_qsl(place.query, True)
    query = urlencode(sorted(pairs)) if pairs else place.query
    return "/" + "/".join(parts) + (f"?{query}" if query else "")


def _plain(text: str | None) -> str:
    return " ".join(without_secrets(text or "").casefold().split())


def _file_name(item: Item, market: str | None, origin: str | None) -> str:
    inner = f"{BY_PATH}{_inner_path(item.path)}"
    place = None if origin is None else _split(without_secrets(origin))
    if place is None:
        return inner
    where = f"{'' if market else _host(place)}{_path(place)}"
    is_alone = "/" not in item.path and "!" not in item.path
    return where if is_alone else f"{where.rstrip('/')}/{inner}"


def _inner_path(path: str) -> str:
    """Return a path without the name of the folder or archive that was offered."""
    inner = path.partition("!/")[2] or path.partition("/")[2]
    return without_secrets(inner or path)
