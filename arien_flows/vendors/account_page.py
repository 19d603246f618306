"""Reading an account from one document: by the layout of its market, or generically.

What is asked of a page is in the layout (`arien_flows.vendors.account_layout`). A field that is
there and cannot be read is a fault; one that is not there is nothing. Dates that count from when
the page was captured need that moment: it comes with the document, or from the clock that the
page itself shows.

The generic reader, for pages of no known layout, wants to be told the market, and believes only a
line that says who the vendor is (`Vendor: NAME`), outside of what others wrote and of what belongs
to the site. A page that names two vendors, or one on one of several listings, is nobody's. It reads
keys and contacts, and no prices: which of the numbers on an unknown page are prices nobody can say.
"""

import base64
import binascii
import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from arien_flows.extraction.html_text import tree_text
from arien_flows.extraction.html_tree import Element
from arien_flows.extraction.secrets import without_secrets
from arien_flows.extraction.text import RegionKind
from arien_flows.vendors.account import (
    LONGEST_HANDLE,
    LONGEST_VALUE,
    TEXTS,
    AccountField,
    AccountPage,
    ContactKind,
    ContactSeen,
    Fault,
    FieldName,
    Interval,
    KeySeen,
    ListingSeen,
    SaleSeen,
    market_name,
)
from arien_flows.vendors.account_layout import LONGEST_TEXT, AccountLayout, RowsRule, ValueRule
from arien_flows.vendors.contacts import canonical, find_contacts
from arien_flows.vendors.keys import key_blocks, written_fingerprints
from arien_flows.vendors.moments import needs_capture_time, read_moment
from arien_flows.vendors.photos import (
    LARGEST_PICTURE,
    MOST_PICTURES,
    difference_hash,
    photo_value,
)
from arien_flows.vendors.quotes import read_quote, read_quotes

MOST_ROWS = 2_000
"""Rows of a table of sales or listings that are read of one page."""

MOST_VALUES = 200
"""Values of one field."""

DATES = frozenset({FieldName.REGISTERED, FieldName.LAST_SEEN})
_GENERIC = re.compile(
    r"^[ \t]*(?:vendor|seller|sold by|shop)(?:[ \t]name)?[ \t]*:[ \t]*"
    r"(?P<value>[^\s:][^\n]{0,99})$",
    re.IGNORECASE | re.MULTILINE,
)
NOT_HIS = frozenset({RegionKind.FEEDBACK, RegionKind.QUOTE, RegionKind.FURNITURE})
"""Parts of a page that are not written by whom it is about."""

_KEY_RULES = ("key-block", "fingerprint-field", "fingerprint-text")
_HANDLE = re.compile(r"[^\s/](?:[^/\n]{0,98}[^\s/])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """A text that an element shows, and the element's bytes."""

    text: str
    begin: int
    end: int


def read_page(
    tree: Element,
    layout: AccountLayout,
    *,
    market: str | None = None,
    captured_at: datetime | None = None,
) -> AccountPage | None:
    """Return what a page says of an account; nothing where it is of none.

    `market` is what whoever brings the page says that it is of; the page's own word goes first.
    """
    handle = next((each for each in _all(tree, layout.handle) if is_handle(each.text)), None)
    named = next(_all(tree, layout.market_rules), None)
    place = layout.market or (market_name(named.text) if named else "") or market_name(market or "")
    if handle is None or not place:
        return None
    if any(next(_values(tree, rule), None) is None for rule in layout.require):
        return None
    clock = _clock(tree, layout)
    if captured_at is None and clock is not None:
        # The latest moment that it can have been: nothing on the page happened later.
        captured_at = clock.latest
    return replace(_Page(tree, layout, captured_at).read(place, handle), clock=clock)


def read_generic(tree: Element, *, market: str | None) -> AccountPage | None:
    """Return what a page of no known layout says of the vendor that it names.

    No dates: which of an unknown page's dates mean what nobody can say.
    """
    if not market:
        return None
    if not _GENERIC.search(tree.text):
        return None
    text, lines, is_one_of_many = _own_text(tree)
    if len({each.text.casefold() for each in lines}) != 1 or is_one_of_many:
        return None
    handle = lines[0]
    if not is_handle(handle.text):
        return None
    whole = (tree.begin, tree.end)
    return AccountPage(
        market=market_name(market),
        handle=handle.text,
        layout="generic",
        begin=whole[0],
        end=whole[1],
        handle_begin=handle.begin,
        handle_end=handle.end,
        keys=tuple(keys_in(text, *whole, "generic")),
        contacts=tuple(contacts_in(text, *whole, "generic")),
    )


def _own_text(page: Element) -> tuple[str, list[_Value], bool]:
    """Return a page's text without what others wrote, and the lines of it that name a vendor.

    Also whether they name one for some of several listings only: then the others are not his.
    """
    markup, source = page.tree.markup, page.tree.source
    begins = [source.original(int(place)) for place in markup.shown_at]
    shown = bytearray(markup.shown.tobytes())
    document = tree_text(page.tree)
    listings: dict[str, list[tuple[int, int]]] = {}
    for region in document.regions:
        if region.start < region.stop:
            start, stop = (
                bisect_left(begins, place) for place in document.bytes_of(region.start, region.stop)
            )
            if region.kind in NOT_HIS:
                shown[start:stop] = b"\n" * (stop - start)
            elif region.kind is RegionKind.LISTING:
                listings.setdefault(region.rule, []).append((start, stop))
    text = shown.decode()
    lines, places = [], []
    read = place = 0
    for match in _GENERIC.finditer(text):
        place += len(text[read : match.start()].encode())
        read = match.start()
        last = place + len(match.group().encode()) - 1
        end = source.original(int(markup.shown_until[last]))
        lines.append(_Value(text=match["value"].strip(), begin=begins[place], end=end))
        places.append(place)
    is_one_of_many = any(_names_some(each, places) for each in listings.values())
    return text, lines, is_one_of_many


def _names_some(listings: Iterable[tuple[int, int]], places: Sequence[int]) -> bool:
    """Tell whether some of the places stand in listings, and others of the listings have none."""
    reached = 0
    named = set()
    for start, stop in sorted(listings, key=lambda each: (each[0], -each[1])):
        # What lies in another listing is a part of it.
        if start >= reached:
            reached = stop
            named.add(bisect_left(places, start) < bisect_left(places, stop))
    return len(named) == 2


def _clock(tree: Element, layout: AccountLayout) -> Interval | None:
    shown = next(_all(tree, layout.clock), None)
    return None if shown is None else read_moment(shown.text, None)


def is_handle(text: str) -> bool:
    """Tell whether a text can be the name of an account: one line, no slash."""
    return len(text) <= LONGEST_HANDLE and bool(_HANDLE.fullmatch(text))


def _all(within: Element, rules: Iterable[ValueRule]) -> Iterator[_Value]:
    for rule in rules:
        yield from _values(within, rule)


def _values(within: Element, rule: ValueRule) -> Iterator[_Value]:
    """Yield what a rule finds in an element, each text once parted."""
    if rule.only_with is not None and within.first(rule.only_with) is None:
        return
    elements = within.select(rule.select)[:MOST_VALUES] if rule.select else [within]
    for element in elements:
        if rule.attribute is None:
            text = element.text[:LONGEST_TEXT]
        else:
            text = element.attributes.get(rule.attribute, "")[:LONGEST_TEXT]
        if rule.pattern is not None:
            match = rule.pattern.search(text)
            if match is None:
                continue
            text = match["value"]
        for part in text.split(rule.split) if rule.split else (text,):
            plain = part.replace("\u00a0", " ").strip()
            if plain:
                yield _Value(text=plain, begin=element.begin, end=element.end)


@dataclass(slots=True)
class _Page:
    """One page while it is read."""

    tree: Element
    layout: AccountLayout
    captured_at: datetime | None

    def read(self, market: str, handle: _Value) -> AccountPage:
        faults: list[Fault] = []
        return AccountPage(
            market=market,
            handle=handle.text,
            layout=self.layout.name,
            begin=self.tree.begin,
            end=self.tree.end,
            handle_begin=handle.begin,
            handle_end=handle.end,
            fields=(*self._fields(faults), *self._photos(faults)),
            keys=keys_once(self._keys(faults)),
            contacts=once(self._contacts()),
            listings=tuple(self._listings(faults)),
            sales=tuple(self._sales(faults)),
            faults=tuple(faults),
        )

    def _rule(self, name: str) -> str:
        return f"layout:{self.layout.name}/{name}"

    def _fields(self, faults: list[Fault]) -> Iterator[AccountField]:
        seen = set()
        for rule in self.layout.fields:
            for value in _values(self.tree, rule.value):
                # Some pages were saved twice into one file.
                if (rule.name, value.text) in seen:
                    continue
                seen.add((rule.name, value.text))
                interval = None
                if rule.name in DATES:
                    interval = self._moment(value)
                    if interval is None:
                        faults.append(self._no_date(str(rule.name), value))
                is_text = rule.name in TEXTS
                if not is_text and len(value.text) > LONGEST_VALUE:
                    faults.append(_fault(str(rule.name), value, "the value is too long"))
                    continue
                yield AccountField(
                    name=rule.name,
                    text="" if is_text else value.text,
                    interval=interval,
                    begin=value.begin,
                    end=value.end,
                    rule=self._rule(str(rule.name)),
                )

    def _photos(self, faults: list[Fault]) -> Iterator[AccountField]:
        """Read pictures that the page holds; those elsewhere are not looked up."""
        seen = set()
        for rule in self.layout.photos:
            for element in self.tree.select(rule.select)[:MOST_PICTURES]:
                source = element.attributes.get(rule.attribute or "src", "")
                if not source.startswith("data:image/"):
                    continue
                place = _Value(text=source[:30], begin=element.begin, end=element.end)
                raw = _inline(source)
                if raw is None:
                    faults.append(_fault("photo", place, "the picture is not written in base64"))
                    continue
                value = photo_value(hashlib.sha256(raw).hexdigest(), difference_hash(raw))
                if value not in seen:
                    seen.add(value)
                    yield AccountField(
                        name=FieldName.PHOTO,
                        text=value,
                        begin=place.begin,
                        end=place.end,
                        rule=self._rule("photo"),
                    )

    def _moment(self, value: _Value) -> Interval | None:
        """Read a date, which cannot be later than the page that shows it."""
        found = read_moment(value.text, self.captured_at)
        if found is None or self.captured_at is None or found.latest <= self.captured_at:
            return found
        latest = max(found.earliest, self.captured_at)
        return Interval(earliest=found.earliest, latest=latest)

    def _no_date(self, what: str, value: _Value) -> Fault:
        reason = f"no date: {without_secrets(value.text)[:60]!r}"
        if self.captured_at is None and needs_capture_time(value.text):
            reason = (
                f"{without_secrets(value.text)[:60]!r} needs to know when the page was captured"
            )
        return _fault(what, value, reason)

    def _keys(self, faults: list[Fault]) -> Iterator[KeySeen]:
        for value in _all(self.tree, self.layout.keys):
            for block in key_blocks(value.text):
                if block.fault is not None:
                    faults.append(_fault("key", value, block.fault))
            yield from keys_in(value.text, value.begin, value.end, "field")
        for rule in self.layout.fields:
            if rule.name in TEXTS:
                for value in _values(self.tree, rule.value):
                    yield from keys_in(value.text, value.begin, value.end, "text")

    def _contacts(self) -> Iterator[ContactSeen]:
        for rule in self.layout.contacts:
            for value in _values(self.tree, rule.value):
                if rule.kind is None:
                    yield from contacts_in(value.text, value.begin, value.end, "text")
                elif _is_contact(rule.kind, value.text):
                    yield ContactSeen(
                        kind=rule.kind,
                        handle=canonical(rule.kind, value.text),
                        begin=value.begin,
                        end=value.end,
                        rule=self._rule(f"contact-{rule.kind}"),
                    )
        for field in self.layout.fields:
            if field.name in TEXTS:
                for value in _values(self.tree, field.value):
                    yield from contacts_in(value.text, value.begin, value.end, "text")

    def _sales(self, faults: list[Fault]) -> Iterator[SaleSeen]:
        rule = self.layout.sales
        for row in _rows(self.tree, rule):
            title, when, amount, buyer, rating = _columns(
                row, rule, "title", "when", "amount", "buyer", "rating"
            )
            if when is None:
                # Every sale has a date; a row without one is a heading, or a line of another kind.
                continue
            interval = self._moment(when)
            if interval is None:
                faults.append(self._no_date("sale", when))
                continue
            quote = None
            if amount is not None:
                quote = read_quote(amount.text, rule.currency if rule else None)
                if quote is None:
                    faults.append(
                        _fault("sale", amount, f"no amount: {without_secrets(amount.text)[:60]!r}")
                    )
            yield SaleSeen(
                title=_short(title),
                when=interval,
                quote=quote,
                buyer=_short(buyer),
                rating=_short(rating),
                begin=row.begin,
                end=row.end,
                rule=self._rule("sales"),
            )

    def _listings(self, faults: list[Fault]) -> Iterator[ListingSeen]:
        rule = self.layout.listings
        for row in _rows(self.tree, rule):
            title, price, category = _columns(row, rule, "title", "price", "category")
            if title is None or price is None:
                continue
            quotes = read_quotes(price.text)
            if not quotes and rule is not None:
                bare = read_quote(price.text, rule.currency)
                quotes = [] if bare is None else [bare]
            if not quotes:
                faults.append(
                    _fault("listing", price, f"no price: {without_secrets(price.text)[:60]!r}")
                )
            yield ListingSeen(
                title=title.text[:LONGEST_VALUE],
                category=_short(category),
                quotes=tuple(quotes),
                begin=title.begin,
                end=max(title.end, price.end),
                rule=self._rule("listings"),
            )


def _rows(tree: Element, rule: RowsRule | None) -> list[Element]:
    if rule is None:
        return []
    return tree.select(rule.rows)[:MOST_ROWS] if rule.rows else [tree]


def _columns(row: Element, rule: RowsRule | None, *names: str) -> list[_Value | None]:
    columns = {} if rule is None else rule.columns
    return [next(_values(row, columns[name]), None) if name in columns else None for name in names]


def _short(value: _Value | None) -> str | None:
    return None if value is None else value.text[:LONGEST_VALUE]


def _inline(source: str) -> bytes | None:
    """Return the bytes of a `data:` address."""
    head, _, letters = source.partition(",")
    if not head.endswith(";base64") or len(letters) > 2 * LARGEST_PICTURE:
        return None
    try:
        return base64.b64decode("".join(letters.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _fault(what: str, value: _Value, reason: str) -> Fault:
    return Fault(what=what, begin=value.begin, end=value.end, reason=reason)


def _is_contact(kind: ContactKind, text: str) -> bool:
    """Tell whether a field for a contact holds one, not a word like "none"."""
    if kind in (ContactKind.JABBER, ContactKind.EMAIL):
        return any(
            found.kind in (ContactKind.JABBER, ContactKind.EMAIL) for found in find_contacts(text)
        )
    return bool(find_contacts(f"{kind}: {text}"))


def once(found: Iterable[ContactSeen]) -> tuple[ContactSeen, ...]:
    """Return each contact once: a field for it goes before a text that holds it, too."""
    first: dict[tuple[ContactKind, str], ContactSeen] = {}
    for each in found:
        first.setdefault((each.kind, each.handle), each)
    return tuple(first.values())


def keys_once(found: Iterable[KeySeen]) -> tuple[KeySeen, ...]:
    """Return each key once: shown itself before written, in a field before in a text."""
    first: dict[str, KeySeen] = {}
    for each in sorted(found, key=lambda each: _KEY_RULES.index(each.rule)):
        first.setdefault(each.fingerprint, each)
    return tuple(first.values())


def keys_in(text: str, begin: int, end: int, where: str) -> Iterator[KeySeen]:
    """Yield the keys that a text shows, each once; `where` is `field`, `text` or `generic`."""
    shown: set[str] = set()
    for block in key_blocks(text):
        if block.key is not None and block.key.fingerprint not in shown:
            shown.add(block.key.fingerprint)
            yield KeySeen(
                key=block.key,
                fingerprint=block.key.fingerprint,
                begin=begin,
                end=end,
                rule="key-block",
            )
    for written in written_fingerprints(text):
        if written.fingerprint not in shown:
            shown.add(written.fingerprint)
            yield KeySeen(
                key=None,
                fingerprint=written.fingerprint,
                begin=begin,
                end=end,
                rule="fingerprint-field" if where == "field" else "fingerprint-text",
            )


def contacts_in(text: str, begin: int, end: int, where: str) -> Iterator[ContactSeen]:
    """Yield the contacts that a text holds."""
    for found in find_contacts(text):
        yield ContactSeen(
            kind=found.kind,
            handle=found.handle,
            begin=begin,
            end=end,
            rule=f"{found.rule}/{where}",
        )
