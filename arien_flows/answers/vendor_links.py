"""What links two accounts, what speaks against it, and what is merely alike."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from arien_flows.answers.vendor_account_shapes import (
    LikenessAnswer,
    StyleAnswer,
    VendorLinkAnswer,
)
from arien_flows.answers.vendor_accounts import (
    link_answer,
    of_ledger,
    path_between,
    stored_account,
)
from arien_flows.answers.vendor_aliases import alias_book
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.vendor_records import AccountName, StoredAccount
from arien_flows.errors import InputError
from arien_flows.shapes import Truncation
from arien_flows.vendors.account import TEXTS, FieldName
from arien_flows.vendors.soft import Habits, hour_times, likenesses, together
from arien_flows.vendors.style import LEAST_TEXTS, MOST_ACCOUNTS, ranks
from arien_flows.workspace import Reading

MOST_COMPARED = 60
"""Other accounts whose writing is read for a comparison: each costs reading its documents."""


def vendor_link_answer(
    casebook: Casebook, first: str, second: str, ledger: Reading | Truncation | None = None
) -> VendorLinkAnswer:
    """Return all that speaks for and against two accounts' having one owner."""
    reading, cuts = of_ledger(ledger)
    book = alias_book(casebook, reading)
    one, other = sorted((book.find(first), book.find(second)), key=lambda each: each.id)
    if one == other:
        raise InputError(f"{one.id} is one account: name two")
    groups = book.groups
    refused = {id(each.link): each for each in groups.refused}
    direct = [each for each in book.links if each.pair == (one.id, other.id)]
    alike = likenesses(*(habits_of(stored_account(casebook, each)) for each in (one, other)))
    return VendorLinkAnswer(
        first=one.id,
        second=other.id,
        same_owner=other.id in groups.set_of[one.id],
        path=tuple(link_answer(each) for each in path_between(book, one.id, other.id)),
        direct=tuple(link_answer(each, refused.get(id(each))) for each in direct),
        enemies=(one.id, other.id) in book.enemies,
        likenesses=tuple(
            LikenessAnswer(rule=each.rule, confidence=each.confidence, note=each.note)
            for each in alike
        ),
        likeness=together(each.confidence for each in alike),
        style=_style(casebook, one, other),
        complete=not cuts,
        truncations=tuple(cuts),
        certainty="inference",
    )


def habits_of(stored: StoredAccount) -> Habits:
    """Return what is compared of an account's habits."""
    origins, titles = set(), set()
    prices: dict[str, dict[str, Decimal]] = defaultdict(dict)
    sales: set[tuple[object, ...]] = set()
    dated = []
    for seen in stored.observations:
        origins |= {each.text for each in seen.fields if each.name is FieldName.ORIGIN}
        for listing in seen.listings:
            titles.add(listing.title)
            for quote in listing.quotes:
                prices[listing.title][quote.currency] = quote.amount
        for sale in seen.sales:
            if sale.when is None:
                continue
            key = (sale.title, sale.buyer, sale.quote, sale.when.earliest)
            if key not in sales:
                sales.add(key)
                dated.append((sale.when.earliest, sale.when.latest))
    days = sorted(earliest + (latest - earliest) / 2 for earliest, latest in dated)
    return Habits(
        market=stored.name.market,
        origins=frozenset(origins),
        titles=tuple(sorted(titles)),
        prices={title: dict(each) for title, each in prices.items()},
        sales=tuple(sorted(hour_times(dated))),
        days=tuple(days),
    )


def _style(casebook: Casebook, one: AccountName, other: AccountName) -> StyleAnswer | None:
    """Rank the second account's writing among others', as seen from the first."""
    texts = {each.id: texts_of(casebook, each) for each in (one, other)}
    if min(len(each) for each in texts.values()) < LEAST_TEXTS:
        return None
    able = [
        row.name
        for row in casebook.vendors.summaries()
        if row.name.id not in texts and row.listings + row.documents >= LEAST_TEXTS
    ]
    for name in able[: min(MOST_COMPARED, MOST_ACCOUNTS)]:
        texts[name.id] = texts_of(casebook, name)
    for found in ranks(one.id, texts):
        if found.other == other.id:
            return StyleAnswer(
                rank=found.rank,
                of=found.of,
                cosine=f"{found.cosine:.4f}",
                confidence=found.confidence,
                finds_itself=found.finds_itself,
            )
    return None


def texts_of(casebook: Casebook, name: AccountName) -> list[str]:
    """Return the texts that an account wrote, each different one once, by its documents' bytes."""
    from arien_flows.extraction.html_tree import parse

    stored = stored_account(casebook, name)
    found: dict[str, None] = {}
    raw: Mapping[str, bytes] = {
        sha256: casebook.document(sha256)
        for sha256 in sorted({each.place.document_sha256 for each in stored.observations})
    }
    for seen in stored.observations:
        content = raw[seen.place.document_sha256]
        for field in seen.fields:
            if field.name in TEXTS:
                # Markup, if any, is read as markup; a row's text passes through.
                found.setdefault(parse(content[field.begin : field.end]).text)
    return [each for each in found if each.strip()]
