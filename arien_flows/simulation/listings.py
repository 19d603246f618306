"""Documents such as an investigator collects: listings of markets, forum posts.

Most listings name no address at all; where a vendor publishes one for direct deals it stands in
his terms. Decoys that no rule may take for the vendor's: a donation address in the footer, a
buyer's address in his feedback, an exchange's deposit address as an example, a warning that
quotes a thief.
"""

import html
from dataclasses import dataclass
from pathlib import Path

from arien_flows.simulation.address_book import AddressBook
from arien_flows.simulation.roles import ACTOR_NAMES, Actor, first_user
from arien_flows.simulation.vendors import Alias, Vendor

MOST_VENDORS = 24

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{vendor} - {market}</title></head>
<body>
<header><h1>{market}</h1><nav>Home | Listings | Orders | Wallet | Support</nav></header>
<section class="vendor"><h2>Vendor: {vendor}</h2>
<p class="key">PGP fingerprint: {fingerprint}</p></section>
<table class="listings"><tr><th>Product</th><th>Price (BTC)</th></tr>
{products}
</table>
<section class="terms"><h3>Terms</h3><p>{terms}</p></section>
<section class="feedback"><h3>Feedback</h3>
{feedback}
</section>
<footer>Support harm reduction: donate BTC to {donation}</footer>
</body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An address in a document."""

    address: str
    owner: int

    role: str
    """`pay_to` where the vendor asks to be paid; else what it really is: `donation`, `feedback`,
    `example`, `warning`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document and what is true about it."""

    file: str
    text: str

    market: str | None
    vendor: str | None
    """The name that the document gives the vendor; None for posts."""

    owner: int | None
    mentions: tuple[Mention, ...]


def btc(value_sat: int) -> str:
    """Return an amount in BTC, without trailing zeros."""
    whole, rest = divmod(value_sat, 100_000_000)
    return f"{whole}.{rest:08d}".rstrip("0").rstrip(".")


def documents(book: AddressBook, vendors: list[Vendor]) -> list[Document]:
    """Return a page for each name of the busiest vendors, then the posts."""
    pages = [
        _page(book, vendor, alias, number)
        for number, vendor in enumerate(vendors[:MOST_VENDORS])
        for alias in vendor.aliases
    ]
    return [*pages, *_posts(book, vendors)]


def _mention(book: AddressBook, address: int, role: str) -> Mention:
    owner = int(book.plan.addresses[address]["owner"])
    return Mention(address=book.text(address), owner=owner, role=role)


def _used_address(book: AddressBook, owner: int) -> int | None:
    """Return the address at which an owner last asked to be paid, if he ever did."""
    address = int(book.plan.owners[owner]["last_address"])
    return address if address >= 0 else None


def _page(book: AddressBook, vendor: Vendor, alias: Alias, number: int) -> Document:
    donation_address = _used_address(book, Actor.DONATION)
    mentions = [] if donation_address is None else [_mention(book, donation_address, "donation")]
    donation = mentions[0].address if mentions else "(see our forum)"
    terms = "Orders are shipped within 48 hours. Escrow only."
    if vendor.direct_address >= 0:
        mention = _mention(book, vendor.direct_address, "pay_to")
        mentions.append(mention)
        terms = (
            "Regular customers may deal directly and save the commission: encrypt your order to "
            f"my key and send payment to my address {mention.address}. No refunds outside escrow."
        )
    feedback = ["<blockquote>Fast and discreet, will order again.</blockquote>"]
    buyer = _used_address(book, first_user(book.plan.parameters) + number)
    if number % 3 == 1 and buyer is not None:
        mention = _mention(book, buyer, "feedback")
        mentions.append(mention)
        feedback.append(
            "<blockquote>Package never came, please refund to my wallet "
            f"{mention.address} as promised.</blockquote>"
        )
    rows = [
        f"<tr><td>{html.escape(product.name)}</td><td>{btc(product.price_sat)}</td></tr>"
        for product in vendor.products
    ]
    market = ACTOR_NAMES[alias.market]
    text = PAGE.format(
        vendor=html.escape(alias.name),
        market=html.escape(market),
        fingerprint=vendor.fingerprint,
        products="\n".join(rows),
        terms=terms,
        feedback="\n".join(feedback),
        donation=donation,
    )
    return Document(
        file=f"{market.lower().replace(' ', '-')}-{alias.name.lower()}.html",
        text=text,
        market=market,
        vendor=alias.name,
        owner=vendor.owner,
        mentions=tuple(mentions),
    )


def _posts(book: AddressBook, vendors: list[Vendor]) -> list[Document]:
    """Return forum posts: an example, a warning, a vendor's announcement of a direct address."""
    posts: list[Document] = []
    for address in book.deposit_addresses(Actor.EXCHANGE_B, 1):
        mention = _mention(book, address, "example")
        text = (
            "How to read a block explorer: take any deposit address of an exchange, for example\n"
            f"{mention.address}, and look where its coins go next.\n"
        )
        posts.append(_post("forum-explorer-guide.txt", text, mention))
    stolen = int(book.plan.coins[book.plan.theft.stolen]["address"])
    mention = _mention(book, stolen, "warning")
    text = (
        "WARNING. My wallet was emptied last night, all of it went to\n"
        f"{mention.address}\nDo not send anything to this address. If you see it, tell me.\n"
    )
    posts.append(_post("forum-theft-warning.txt", text, mention))
    for vendor in vendors:
        if vendor.direct_address >= 0:
            mention = _mention(book, vendor.direct_address, "pay_to")
            text = (
                f"{vendor.aliases[0].name} here. {ACTOR_NAMES[vendor.aliases[0].market]} is down "
                "again. Until it is back\norder by mail and pay to my address\n"
                f"{mention.address}\nMy key: {vendor.fingerprint}\n"
            )
            post = _post("forum-vendor-announcement.txt", text, mention)
            posts.append(
                Document(
                    file=post.file,
                    text=post.text,
                    market=None,
                    vendor=vendor.aliases[0].name,
                    owner=vendor.owner,
                    mentions=post.mentions,
                )
            )
            break
    return posts


def _post(file: str, text: str, mention: Mention) -> Document:
    return Document(file=file, text=text, market=None, vendor=None, owner=None, mentions=(mention,))


def write_documents(found: list[Document], directory: Path) -> None:
    """Write each document to its file."""
    directory.mkdir(parents=True, exist_ok=True)
    for document in found:
        (directory / document.file).write_text(document.text, encoding="utf-8")
