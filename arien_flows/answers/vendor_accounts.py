"""Vendors' accounts: what documents say of each, and who has several."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeVar

import networkx as nx

from arien_flows.answers.tag_records import make_cursor, read_cursor
from arien_flows.answers.vendor_account_shapes import (
    AliasAnswer,
    ContactAnswer,
    FieldAnswer,
    KeyAnswer,
    LinkAnswer,
    OfferAnswer,
    PriceVersion,
    QuoteAnswer,
    SaleAnswer,
    SalesMonth,
    ShownAt,
    VendorAnswer,
    VendorDocument,
    VendorPage,
    VendorRecord,
    WalletTag,
)
from arien_flows.answers.vendor_aliases import (
    AliasBook,
    alias_book,
    entity_named,
    shown_by,
    wallet_tags,
)
from arien_flows.attribution.tag import CONFIDENCE
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.vendor_records import (
    AccountName,
    AccountSummary,
    StoredAccount,
    StoredObservation,
)
from arien_flows.errors import NotFoundError
from arien_flows.shapes import Truncation
from arien_flows.vendors.account import Interval, Quote, market_name
from arien_flows.vendors.groups import Refused
from arien_flows.vendors.linking import Link
from arien_flows.vendors.sightings import Shown
from arien_flows.workspace import Reading

MOST_ROWS = 200
"""Documents, offers, sales and wallets of one answer."""

MOST_PLACES = 20
"""Places that show one value."""

Sort = Literal["id", "documents", "sales", "listings", "last_captured"]
SORTS: tuple[Sort, ...] = ("id", "documents", "sales", "listings", "last_captured")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorQuery:
    """Which accounts are wanted, and in what order."""

    market: str | None = None
    sort: Sort = "id"
    """By name, or the largest or latest first."""


def vendors_answer(
    casebook: Casebook, query: VendorQuery, *, limit: int, cursor: str | None = None
) -> VendorPage:
    """Return a page of the accounts of which documents in effect speak."""
    skipped = 0 if cursor is None else read_cursor(cursor)
    market = None if query.market is None else market_name(query.market)
    rows = sorted(casebook.vendors.summaries(market), key=_order(query.sort))
    groups = alias_book(casebook).groups
    shown = rows[skipped : skipped + limit]
    following = skipped + len(shown)
    return VendorPage(
        items=tuple(_record(each, groups.set_of[each.name.id]) for each in shown),
        next_cursor=make_cursor(following) if following < len(rows) else None,
    )


def _order(sort: Sort) -> Callable[[AccountSummary], tuple[object, ...]]:
    def key(row: AccountSummary) -> tuple[object, ...]:
        match sort:
            case "documents":
                return (-row.documents, row.name.id)
            case "sales":
                return (-row.sales, row.name.id)
            case "listings":
                return (-row.listings, row.name.id)
            case "last_captured":
                last = row.last_captured
                return (last is None, -last.timestamp() if last else 0.0, row.name.id)
        return (row.name.id,)

    return key


def _record(row: AccountSummary, owners: frozenset[str]) -> VendorRecord:
    return VendorRecord(
        id=row.name.id,
        market=row.name.market,
        handle=row.name.handle,
        documents=row.documents,
        keys=row.keys,
        contacts=row.contacts,
        listings=row.listings,
        sales=row.sales,
        first_captured=row.first_captured,
        last_captured=row.last_captured,
        owner=min(owners),
        accounts_of_owner=len(owners),
    )


def vendor_answer(
    casebook: Casebook, text: str, ledger: Reading | Truncation | None = None
) -> VendorAnswer:
    """Return all that documents in effect say of an account, and the others of its owner.

    With a reading of the strict clustering, entities of wallets are named, and clusters that were
    paid under two names link them; where there is none, the answer says so. Without either the
    question is about documents alone. What links accounts is worked out at each question, from what
    is in effect then: to state it later, keep the answer.
    """
    reading, cuts = of_ledger(ledger)
    book = alias_book(casebook, reading)
    name = book.find(text)
    stored = stored_account(casebook, name)
    sales = _sales(stored)
    wallets = wallets_named(casebook, book, own_first(book, name), reading)
    offers = _offers(stored.observations)
    return VendorAnswer(
        id=name.id,
        market=name.market,
        handle=name.handle,
        documents=_cut("documents", [_document(e) for e in stored.observations], cuts),
        fields=_fields(stored),
        keys=_keys(stored),
        contacts=_contacts(stored),
        offers=_cut("offers", offers, cuts),
        sales=_cut("sales", sales, cuts),
        sales_by_month=_months(sales),
        aliases=_aliases(book, name.id, cuts),
        wallets=_cut("wallets", wallets, cuts),
        complete=not cuts,
        truncations=tuple(cuts),
    )


def of_ledger(
    ledger: Reading | Truncation | None,
) -> tuple[Reading | None, list[Truncation]]:
    """Return the reading that there is, and what its absence leaves out."""
    if isinstance(ledger, Truncation):
        return None, [ledger]
    return ledger, []


def stored_account(casebook: Casebook, name: AccountName) -> StoredAccount:
    """Return what documents in effect say of an account."""
    stored = casebook.vendors.account(name.number)
    if stored is None:
        raise NotFoundError(f"no document in effect speaks of {name.id} any more")
    return stored


def _cut(where: str, rows: Sequence[T], cuts: list[Truncation]) -> tuple[T, ...]:
    if len(rows) > MOST_ROWS:
        cuts.append(
            Truncation(
                where=where,
                reason="too_many",
                limit=MOST_ROWS,
                detail=f"{len(rows) - MOST_ROWS:,} more are in the casebook.",
            )
        )
    return tuple(rows[:MOST_ROWS])


def shown_at(shown: Shown) -> ShownAt:
    """Return a place as answers show it."""
    return ShownAt(
        document_sha256=shown.document_sha256,
        begin=shown.begin,
        end=shown.end,
        rule=shown.rule,
        captured_at=shown.captured_at,
    )


def _place(seen: StoredObservation, begin: int, end: int, rule: str) -> ShownAt:
    return ShownAt(
        document_sha256=seen.place.document_sha256,
        begin=begin,
        end=end,
        rule=rule,
        captured_at=seen.place.captured_at,
    )


def _document(seen: StoredObservation) -> VendorDocument:
    return VendorDocument(
        document_sha256=seen.place.document_sha256,
        file=seen.place.document_name,
        layout=seen.layout,
        reader=seen.reader,
        begin=seen.begin,
        end=seen.end,
        captured_at=seen.place.captured_at,
        unreadable=tuple(f"{each.what}: {each.reason}" for each in seen.faults),
    )


def _fields(stored: StoredAccount) -> tuple[FieldAnswer, ...]:
    """Return each different statement once, with the places that make it."""
    places: dict[tuple[str, str, Interval | None, str], list[ShownAt]] = defaultdict(list)
    for seen in stored.observations:
        for field in seen.fields:
            # Of a text only the bytes are kept: it is another one in each document.
            where = "" if field.text else seen.place.document_sha256
            key = (str(field.name), field.text, field.interval, where)
            places[key].append(_place(seen, field.begin, field.end, field.rule))
    found = [
        FieldAnswer(
            name=name,
            text=text,
            earliest=interval.earliest if interval else None,
            latest=interval.latest if interval else None,
            shown=tuple(shown[:MOST_PLACES]),
            certainty="attribution",
        )
        for (name, text, interval, _), shown in places.items()
    ]
    # Of one name in the order of the captures, as they stand in `places` already.
    return tuple(sorted(found, key=lambda each: each.name))


def _keys(stored: StoredAccount) -> tuple[KeyAnswer, ...]:
    places: dict[str, list[ShownAt]] = defaultdict(list)
    for seen in stored.observations:
        for key in seen.keys:
            places[key.fingerprint].append(_place(seen, key.begin, key.end, key.rule))
    known = {each.fingerprint: each for each in stored.keys}
    found = []
    for fingerprint in sorted(places):
        held = known.get(fingerprint)
        found.append(
            KeyAnswer(
                fingerprint=fingerprint,
                version=held.version if held else None,
                algorithm=held.algorithm if held else None,
                created_at=held.created_at if held else None,
                expires_at=held.expires_at if held else None,
                user_ids=held.user_ids if held else (),
                revoked=held.is_revoked if held else False,
                note=held.note if held else "only its fingerprint is written",
                shown=tuple(places[fingerprint][:MOST_PLACES]),
                certainty="attribution",
            )
        )
    return tuple(found)


def _contacts(stored: StoredAccount) -> tuple[ContactAnswer, ...]:
    places: dict[tuple[str, str], list[ShownAt]] = defaultdict(list)
    for seen in stored.observations:
        for contact in seen.contacts:
            shown = _place(seen, contact.begin, contact.end, contact.rule)
            places[str(contact.kind), contact.handle].append(shown)
    return tuple(
        ContactAnswer(
            kind=kind,
            handle=handle,
            shown=tuple(places[kind, handle][:MOST_PLACES]),
            certainty="attribution",
        )
        for kind, handle in sorted(places)
    )


def quote_answer(quote: Quote) -> QuoteAnswer:
    """Return a price as answers show it."""
    return QuoteAnswer(amount=f"{quote.amount:f}", currency=quote.currency, unit=quote.unit)


def _offers(observations: Iterable[StoredObservation]) -> list[OfferAnswer]:
    versions: dict[str, list[PriceVersion]] = defaultdict(list)
    category: dict[str, str | None] = {}
    for seen in observations:
        for listing in seen.listings:
            category[listing.title] = listing.category or category.get(listing.title)
            version = PriceVersion(
                quotes=tuple(quote_answer(each) for each in listing.quotes),
                shown=_place(seen, listing.begin, listing.end, listing.rule),
            )
            known = versions[listing.title]
            if not known or known[-1].quotes != version.quotes:
                known.append(version)
    return [
        OfferAnswer(
            title=title,
            category=category[title],
            versions=tuple(versions[title][:MOST_ROWS]),
            certainty="attribution",
        )
        for title in sorted(versions)
    ]


def _sales(stored: StoredAccount) -> list[SaleAnswer]:
    """Return each sale once, however many pages show it, the latest first.

    Rows of one page are different sales even where they say the same.
    """
    best: dict[tuple[object, ...], list[SaleAnswer]] = {}
    for seen in stored.observations:
        here: dict[tuple[object, ...], list[SaleAnswer]] = defaultdict(list)
        for sale in seen.sales:
            # The latest moment depends on when the page was captured; the earliest does not.
            when = sale.when.earliest if sale.when else None
            key = (sale.title, sale.buyer, sale.quote, when)
            here[key].append(
                SaleAnswer(
                    title=sale.title,
                    earliest=sale.when.earliest if sale.when else None,
                    latest=sale.when.latest if sale.when else None,
                    quote=None if sale.quote is None else quote_answer(sale.quote),
                    buyer=sale.buyer,
                    rating=sale.rating,
                    shown=_place(seen, sale.begin, sale.end, sale.rule),
                )
            )
        for same, rows in here.items():
            if len(rows) > len(best.get(same, ())):
                best[same] = rows
    found = [each for rows in best.values() for each in rows]
    return sorted(
        found,
        key=lambda each: (
            each.latest is None,
            -each.latest.timestamp() if each.latest else 0.0,
            each.shown.begin,
        ),
    )


def _months(sales: Sequence[SaleAnswer]) -> tuple[SalesMonth, ...]:
    counted: Counter[str] = Counter()
    for sale in sales:
        if sale.earliest is not None and sale.latest is not None:
            middle = sale.earliest + (sale.latest - sale.earliest) / 2
            counted[f"{middle:%Y-%m}"] += 1
    return tuple(SalesMonth(month=month, sales=counted[month]) for month in sorted(counted))


def link_answer(link: Link, refused: Refused | None = None) -> LinkAnswer:
    """Return a link as answers show it."""
    effect: Literal["joins", "refused", "lead"] = "joins" if link.joins else "lead"
    return LinkAnswer(
        first=link.first,
        second=link.second,
        rule=str(link.rule),
        value=link.value,
        confidence=link.confidence,
        effect=effect if refused is None else "refused",
        against=()
        if refused is None
        else tuple(f"{one} and {other}" for one, other in refused.enemies),
        shown=tuple(shown_at(each) for each in link.shown[:MOST_PLACES]),
        certainty="inference",
    )


def _aliases(book: AliasBook, account: str, cuts: list[Truncation]) -> AliasAnswer:
    groups = book.groups
    together = groups.set_of[account]
    joined = [link_answer(each) for each in groups.joined if each.first in together]
    refused = [
        link_answer(each.link, each) for each in groups.refused if set(each.link.pair) & together
    ]
    leads = [link_answer(each) for each in groups.leads if set(each.pair) & together]
    return AliasAnswer(
        accounts=tuple(sorted(together)),
        links=_cut("aliases.links", joined, cuts),
        refused=_cut("aliases.refused", refused, cuts),
        leads=_cut("aliases.leads", leads, cuts),
        certainty="inference",
    )


def own_first(book: AliasBook, name: AccountName) -> tuple[str, ...]:
    """Return an account, and after it the others of its owner."""
    return name.id, *sorted(book.groups.set_of[name.id] - {name.id})


def wallets_named(
    casebook: Casebook, book: AliasBook, accounts: Iterable[str], reading: Reading | None
) -> list[WalletTag]:
    """Return addresses that documents name as those of accounts, in the order of these."""
    found = []
    clustering = None if reading is None else reading.clustering
    for account in accounts:
        network = None if reading is None else reading.view.network.name
        for stored in wallet_tags(casebook, book.names[account], network):
            tag = stored.tag
            if tag.address is None:
                continue
            entity = None
            if reading is not None and clustering is not None:
                entity = entity_named(reading, clustering, tag.address)
            found.append(
                WalletTag(
                    network=tag.network,
                    address=tag.address,
                    entity=entity,
                    account=account,
                    confidence=tag.confidence,
                    confidence_level=CONFIDENCE[tag.confidence],
                    shown=shown_at(shown_by(stored)),
                    certainty="attribution",
                )
            )
    return found


def path_between(book: AliasBook, first: str, second: str) -> list[Link]:
    """Return the links that join two accounts: the fewest, the surest of each pair."""
    graph: nx.Graph[str] = nx.Graph()
    best: dict[tuple[str, str], Link] = {}
    for link in book.groups.joined:
        known = best.get(link.pair)
        if known is None or link.confidence > known.confidence:
            best[link.pair] = link
    # Fewest first; among ways of one length, those whose links are surer.
    for pair, link in sorted(best.items()):
        graph.add_edge(*pair, weight=1_000_000 + (100 - link.confidence))
    if first not in graph or second not in graph:
        return []
    try:
        way = nx.shortest_path(graph, first, second, weight="weight")
    except nx.NetworkXNoPath:
        return []
    return [best[min(a, b), max(a, b)] for a, b in pairwise(way)]
