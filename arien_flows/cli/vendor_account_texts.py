"""What documents say of vendors' accounts, as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.answers.vendor_account_shapes import (
    LinkAnswer,
    SaleAnswer,
    ShownAt,
    VendorAnswer,
    VendorLinkAnswer,
    VendorPage,
)
from arien_flows.cli.output import NOTHING, pairs, table
from arien_flows.shapes import Truncation, shown_time

SALES_SHOWN = 10
"""Sales in the text; `--json` lists more."""

PLACES_SHOWN = 3
EFFECTS = {
    "joins": "joins them",
    "refused": "refused",
    "lead": "a lead only",
}


def vendor_list_lines(page: VendorPage) -> Iterable[str]:
    """Return the accounts, one a line."""
    if not page.items:
        yield "No document in effect speaks of a vendor: bring some in with `listings import`."
        return
    yield from table(
        ("Account", "Documents", "Keys", "Contacts", "Offers", "Sales", "Last capture", "Owner"),
        [
            (
                each.id,
                f"{each.documents:,}",
                f"{each.keys:,}",
                f"{each.contacts:,}",
                f"{each.listings:,}",
                f"{each.sales:,}",
                f"{each.last_captured:%Y-%m-%d}" if each.last_captured else NOTHING,
                f"{each.owner} ({each.accounts_of_owner})"
                if each.accounts_of_owner > 1
                else NOTHING,
            )
            for each in page.items
        ],
    )
    if page.next_cursor is not None:
        yield ""
        yield f"More follow: add --cursor {page.next_cursor}"


def vendor_lines(answer: VendorAnswer) -> Iterable[str]:
    """Return what documents say of an account, and who else its owner is said to be."""
    yield from pairs((("Account", answer.id), ("Documents", f"{len(answer.documents):,}")))
    yield ""
    yield "What documents say (attribution):"
    for field in answer.fields:
        said = field.text or "a text; its bytes are named"
        yield f"   {field.name}: {said}{_dated(field.earliest, field.latest)}  {_at(field.shown)}"
    for key in answer.keys:
        named = f" {', '.join(key.user_ids)}" if key.user_ids else ""
        yield f"   PGP key {key.fingerprint}{named}  {_at(key.shown)}"
        if key.note:
            yield f"      {key.note}"
    for contact in answer.contacts:
        yield f"   {contact.kind}: {contact.handle}  {_at(contact.shown)}"
    yield from _offers(answer)
    yield from _sales(answer)
    yield from _wallets(answer)
    yield from _aliases(answer)
    for document in answer.documents:
        for fault in document.unreadable[:PLACES_SHOWN]:
            yield f"Not read in {document.document_sha256[:12]}: {fault}"
    yield from _cuts(answer.truncations)
    if answer.wallets:
        yield ""
        yield (
            "What the chain shows of these wallets together: `arien-flows vendors profile "
            f"{answer.id}`"
        )


def _cuts(truncations: Sequence[Truncation]) -> Iterable[str]:
    for cut in truncations:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}".rstrip()


def _offers(answer: VendorAnswer) -> Iterable[str]:
    if not answer.offers:
        return
    yield ""
    yield f"Offers ({len(answer.offers):,}):"
    for offer in answer.offers[:SALES_SHOWN]:
        last = offer.versions[-1]
        price = ", ".join(f"{each.amount} {each.currency}" for each in last.quotes) or NOTHING
        changes = f", {len(offer.versions)} prices over time" if len(offer.versions) > 1 else ""
        yield f"   {offer.title[:70]}: {price}{changes}  {_at((last.shown,))}"
    if len(answer.offers) > SALES_SHOWN:
        yield f"   and {len(answer.offers) - SALES_SHOWN:,} more: add --json"


def _sales(answer: VendorAnswer) -> Iterable[str]:
    if not answer.sales:
        return
    yield ""
    months = ", ".join(f"{each.month}: {each.sales:,}" for each in answer.sales_by_month)
    yield f"Sales that feedback shows, by month: {months or 'none is dated'}"
    for sale in answer.sales[:SALES_SHOWN]:
        yield f"   {_sale(sale)}"
    if len(answer.sales) > SALES_SHOWN:
        yield f"   and {len(answer.sales) - SALES_SHOWN:,} more: add --json"


def _sale(sale: SaleAnswer) -> str:
    paid = "" if sale.quote is None else f" {sale.quote.amount} {sale.quote.currency}"
    title = (sale.title or NOTHING)[:60]
    return f"{title}{paid}{_dated(sale.earliest, sale.latest)}  {_at((sale.shown,))}"


def _wallets(answer: VendorAnswer) -> Iterable[str]:
    yield ""
    if not answer.wallets:
        yield "Wallets: no document in effect names one."
        return
    yield "Wallets that documents name (attribution):"
    for wallet in answer.wallets:
        entity = "" if wallet.entity is None else f", entity {wallet.entity}"
        whose = "" if wallet.account == answer.id else f" as that of {wallet.account}"
        yield (
            f"   {wallet.address} on {wallet.network}{whose}: {wallet.confidence} "
            f"({wallet.confidence_level}){entity}  {_at((wallet.shown,))}"
        )


def _aliases(answer: VendorAnswer) -> Iterable[str]:
    aliases = answer.aliases
    others = [each for each in aliases.accounts if each != answer.id]
    yield ""
    if others:
        yield f"Accounts of one owner (inference): {', '.join(aliases.accounts)}"
    else:
        yield "Accounts of one owner (inference): no hard link joins it to another."
    for title, links in (
        ("What joins them:", aliases.links),
        (
            "Refused, because accounts would come together that cannot have one owner:",
            aliases.refused,
        ),
        ("Leads, which join nobody:", aliases.leads),
    ):
        if links:
            yield title
            yield from (f"   {line}" for link in links for line in _link(link))


def _link(link: LinkAnswer) -> Iterable[str]:
    yield (
        f"{link.first} and {link.second}: {link.rule} {link.value} ({link.confidence}), "
        f"{EFFECTS[link.effect]}  {_at(link.shown)}"
    )
    for pair in link.against:
        yield f"   against it: {pair} have different long-lived keys, in use in the same week"


def vendor_link_lines(answer: VendorLinkAnswer) -> Iterable[str]:
    """Return what links two accounts."""
    verdict = (
        "one owner, by hard links (inference)" if answer.same_owner else "not joined by hard links"
    )
    yield f"{answer.first} and {answer.second}: {verdict}."
    if answer.enemies:
        yield "They cannot have one owner: different long-lived keys, in use in the same week."
    for title, links in (
        ("How they are joined:", answer.path),
        ("Links between the two:", answer.direct),
    ):
        if links:
            yield title
            yield from (f"   {line}" for link in links for line in _link(link))
    if answer.likenesses:
        yield f"Likenesses, which prove nothing ({answer.likeness} of at most 50 together):"
        for each in answer.likenesses:
            yield f"   {each.rule} ({each.confidence}): {each.note}"
    if answer.style is None:
        yield "Writing: not compared, since one of them has fewer than 25 texts."
    else:
        style = answer.style
        yield (
            f"Writing: rank {style.rank} of {style.of}, cosine {style.cosine} "
            f"({style.confidence} of at most 50)"
            + ("" if style.finds_itself else "; halved: it does not even find the account itself")
        )
    yield from _cuts(answer.truncations)


def _dated(earliest: object, latest: object) -> str:
    from datetime import datetime

    if not isinstance(earliest, datetime) or not isinstance(latest, datetime):
        return ""
    return f" [{shown_time(earliest)} to {shown_time(latest)}]"


def _at(shown: Sequence[ShownAt]) -> str:
    places = [f"{each.document_sha256[:12]}:{each.begin}-{each.end}" for each in shown]
    more = f" and {len(places) - PLACES_SHOWN} more" if len(places) > PLACES_SHOWN else ""
    return f"({', '.join(places[:PLACES_SHOWN])}{more})" if places else ""
