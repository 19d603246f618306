"""Pages with addresses in every role, whose truth is known: what roles are measured on.

Three manners of page that markets and forums have (a profile with tabs, a listing in a grid, a
thread of posts) and plain posts, each written here; none is copied. Every page is made of pieces
around one address each: words that a vendor, a buyer, a forum or a market would write, in several
languages. Addresses are random and valid, so that nobody holds their keys.
"""

import html
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from arien_flows.extraction.context import Context, PageOwner
from arien_flows.extraction.decision import Decision
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.roles import judge
from arien_flows.extraction.scan import scan
from chains.bitcoin import bech32
from chains.detect.base58 import encode_checked
from chains.ethereum.address import checksummed

ROLES = (
    "pay_to", "own_address", "announcement", "warning", "retired", "example", "donation", "quoted",
    "feedback", "refund", "past_payment", "someone_elses", "market_payment", "hidden", "footer",
    "unclear",
)  # fmt: skip
"""What an address is in truth."""

ATTRIBUTED = ("pay_to", "own_address", "announcement")
"""Whose addresses are the vendor's, and must be found to be."""

DECIDED: Mapping[str, tuple[str, ...]] = {
    "pay_to": ("pay_to",),
    "own_address": ("pay_to",),
    "announcement": ("pay_to",),
    "warning": ("quoted",),
    "retired": ("quoted",),
    "example": ("quoted",),
    "donation": ("boilerplate",),
    "quoted": ("quoted",),
    "feedback": ("feedback",),
    "refund": ("other", "quoted"),
    "past_payment": ("other", "quoted"),
    "someone_elses": ("other", "quoted"),
    "market_payment": ("other", "quoted"),
    "hidden": ("boilerplate",),
    "footer": ("boilerplate",),
    "unclear": ("other", "pay_to"),
}
"""The roles that may be told for each truth; one that attributes nobody is never worse."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "pay_to": (
        "For direct orders send payment to {}.",
        "Please pay exactly 0.0152 BTC to this address: {} and write me a message.",
        "Returning customers: transfer the coins to\n{}\nand encrypt your delivery details.",
        "Payments go to {} only. Never send to any other address!",
        "Deposit to {} before Friday, parcels leave on Monday.",
        "Zahlung bitte an {} schicken, bezahlen Sie nur an diese Adresse: {}.",
        "Bitte überweisen Sie den Betrag an {} und schreiben Sie mir.",
        "Envoyez le paiement à {} puis écrivez-moi.",
        "Stuur je betaling naar {} en stuur me een bericht.",
        "Оплата на адрес {} и напишите мне.",
    ),
    "own_address": (
        "My BTC address is {}",
        "our wallet for regulars: {}",
        "{} is my address, save it.",
        "Meine Bitcoin-Adresse: {}",
        "Mon adresse bitcoin : {}",
        "Mijn bitcoin adres: {}",
        "Мой адрес: {}",
    ),
    "warning": (
        "Somebody copies my shop. Do NOT send anything to {}, he is a scammer.",
        "WARNING: {} belongs to thieves.",
        "I was robbed, everything was stolen by {}",
        "Never pay to {}! It is not my address.",
        "Vorsicht Betrüger: {} gehört nicht mir.",
        "Attention arnaque : {} n'est pas à moi.",
        "Pas op, {} is van een oplichter.",
        "Осторожно, мошенники: {}",
    ),
    "retired": (
        "My old address {} is closed.",
        "I no longer use {}",
        "My wallet {} was compromised.",
        "Meine alte Adresse {} gilt nicht mehr.",
    ),
    "example": (
        "An address looks like this, for example {}",
        "Take any of them, e.g. {}, and look it up.",
        "Zum Beispiel {}",
        "Par exemple {}",
        "Например {}",
    ),
    "donation": (
        "Donate to keep this list alive: {}",
        "Donations welcome at {}",
        "Spenden an {}",
        "Пожертвования: {}",
    ),
    "refund": (
        "Please refund to {}",
        "He should refund me, my wallet is {}",
        "Bitte um Rückerstattung auf {}",
    ),
    "past_payment": (
        "I sent 0.05 BTC to {} on Monday and heard nothing.",
        "We have paid 300 USD to {} for the batch.",
        "The coins went to {}",
        "Ich habe 0,1 BTC an {} geschickt.",
    ),
    "someone_elses": (
        "That is the exchange's deposit wallet {}",
        "His address is {}",
        "look at their hot wallet {}",
    ),
    "market_payment": (
        "To fund the escrow use {}",
        "Multisig address {} of this order number 1881",
        "Your personal deposit address: {}",
    ),
    "unclear": ("{}", "Regarding {} we talked before.", "Balance 0.2 BTC {}"),
}
"""What is written around an address, by what it is in truth."""

ANNOUNCEMENTS = (
    "{name} here. The market is down again.\nUntil it is back pay to my address\n{address}\n",
    "Hi all.\nThis is {name}, order by mail and send payment to {address}\n",
    "My name is {name}. Direct deals: transfer to {address} and write me.\n",
)
NOBODY = (
    "Vendor here. Send payment to my address {address}\n",
    "Hi. Send payment to my address {address}\n",
)
"""Words of somebody who does not say who he is: a request that attributes nobody."""

NAMES = ("NorthernPost", "greenhouse77", "Kaspar_Lab", "MintFox", "old.harbour", "Zwei-Tauben")

PROFILE_PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>{name} | profile</title>
<style>.x{{color:red}}</style></head><body>
<div class="navbar"><a href="/">Home</a><a href="/wallet">Wallet</a></div>
<div class="user"><h2>Vendor: {name}</h2><span>Level 4 (96.1 %)</span></div>
<div class="tabs"><div class="profile">{profile}</div><div class="terms"><h3>Terms</h3>{terms}</div>
<h3>Feedback</h3><table><tr><th>Rating</th><th>Comment</th><th>Buyer</th><th>Date</th></tr>
{feedback}</table></div>
{hidden}
<footer>{footer}</footer></body></html>"""

LISTING_PAGE = """<html><head><title>Listing</title></head><body>
<nav id="top">Listings | Orders | Support</nav>
<div id="page"><div class="row"><div class="listing"><h1>10 grams of tea</h1>
<p>Sold by <a href="/u/{name}">{name}</a> Price: 0.0152 BTC</p><div class="description">{profile}
</div><div class="terms">{terms}</div></div>
<ul class="reviews">{feedback}</ul></div></div>{hidden}
<div class="footer">{footer}</div></body></html>"""

POST_PAGE = """<html><body><div class="topbar">Board index</div>
<div class="post"><div class="author">{name}</div><div class="content">{profile}</div></div>
<div class="post"><div class="content"><blockquote>{quoted}</blockquote>{terms}</div></div>
{hidden}<div id="footer">{footer}</div></body></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An address in a page."""

    address: str
    """In canonical text."""

    truth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedPage:
    """A page and what is true about it."""

    raw: bytes
    media_type: str
    owner: str | None
    """Whom the page is about, as a layout would read it; None for posts."""

    owner_begin: int
    owner_end: int
    author: str | None
    """Who must be named as the owner of what attributes."""

    mentions: tuple[Mention, ...]


def _address(dice: random.Random) -> str:
    kind = dice.randrange(5)
    if kind == 0:
        return encode_checked(bytes([0]) + dice.randbytes(20))
    if kind == 1:
        return encode_checked(bytes([5]) + dice.randbytes(20))
    if kind == 2:
        return bech32.encode_witness("bc", 0, dice.randbytes(20))
    if kind == 3:
        return bech32.encode_witness("bc", 1, dice.randbytes(32))
    return checksummed("0x" + dice.randbytes(20).hex())


class _Page:
    """Collects the pieces of one page."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.mentions: list[Mention] = []

    def address(self, truth: str) -> str:
        """Return a new address that is this in truth."""
        written = _address(self.dice)
        canonical = written.lower() if written.startswith(("bc1", "0x")) else written
        self.mentions.append(Mention(address=canonical, truth=truth))
        return written

    def words(self, truth: str, words_of: str | None = None) -> str:
        """Return words around a new address."""
        words = self.dice.choice(WORDS[words_of or truth])
        address = self.address(truth)
        return words.replace("{}", address)

    def markup(self, text: str) -> str:
        """Return a text as a page writes it: paragraphs, line breaks, tags inside."""
        safe = html.escape(text, quote=False)
        address = self.mentions[-1].address if self.mentions else ""
        if address and address in safe and self.dice.random() < 0.3:
            middle = len(address) // 2
            cut = f"<span>{address[:middle]}</span><wbr><b>{address[middle:]}</b>"
            safe = safe.replace(address, cut)
        return f"<p>{safe}</p>".replace("\n", self.dice.choice(["\n", "<br>\n", " "]))


def _filler(dice: random.Random) -> str:
    return dice.choice(
        (
            "I ship within two days, vacuum sealed and with tracking on request. Stealth is what "
            "customers praise most; write me with my key before you order more than ten grams.",
            "We have been around since 2014 on several markets and keep the same key. Bulk prices "
            "on request, resends only for regulars, reagent tests are welcome at any time.",
            "All prices include shipping within the country. Parcels leave on weekdays before noon "
            "and arrive after three to five days, longer around the holidays and to islands.",
        )
    )


def _own_piece(page: _Page, truths: tuple[str, ...]) -> str:
    """Return one piece of what a vendor wrote, between fillers so that pieces do not touch."""
    truth = page.dice.choice(truths)
    filler = _filler(page.dice)
    piece = page.markup(page.words(truth))
    return f"<p>{filler}</p>{piece}<p>{_filler(page.dice)}</p>"


def _feedback(page: _Page) -> str:
    words = page.dice.choice(("pay_to", "refund", "past_payment", "own_address", "warning"))
    return html.escape(page.words("feedback", words), quote=False)


def _hidden(page: _Page) -> str:
    text = html.escape(page.words("hidden", "pay_to"), quote=False)
    return page.dice.choice(
        (
            f"<div style='display:none'>{text}</div>",
            f"<!-- {text} -->",
            f"<p hidden>{text}</p>",
            f"<noscript>{text}</noscript>",
            f'<img src="x.png" alt="{text}">',
            f"<script>var shown = '{text}';</script>".replace("\n", " "),
            f"<span style='font-size: 0px'>{text}</span>",
        )
    )


_OWN = ("pay_to", "own_address", "warning", "retired", "example", "market_payment", "unclear")


def _account_page(dice: random.Random, template: str, row: str) -> PlantedPage:
    page = _Page(dice)
    name = dice.choice(NAMES)
    raw = template.format(
        name=name,
        profile=_own_piece(page, _OWN),
        terms=_own_piece(page, _OWN),
        feedback=row.format(_feedback(page)),
        hidden=_hidden(page),
        footer=html.escape(page.words("footer", "donation"), quote=False),
        quoted="",
    ).encode()
    begin = raw.index(name.encode())
    return PlantedPage(
        raw=raw,
        media_type="text/html",
        owner=name,
        owner_begin=begin,
        owner_end=begin + len(name),
        author=name,
        mentions=tuple(page.mentions),
    )


def _thread(dice: random.Random) -> PlantedPage:
    page = _Page(dice)
    told = ("warning", "example", "donation", "refund", "past_payment", "someone_elses", "unclear")
    raw = POST_PAGE.format(
        name=dice.choice(NAMES),
        profile=_own_piece(page, told),
        quoted=html.escape(page.words("quoted", "pay_to"), quote=False),
        terms=_own_piece(page, told),
        hidden=_hidden(page),
        footer=html.escape(page.words("footer", "donation"), quote=False),
    ).encode()
    return _without_owner(page, raw, "text/html", None)


def _post(dice: random.Random) -> PlantedPage:
    page = _Page(dice)
    name = dice.choice(NAMES)
    kind = dice.randrange(4)
    if kind == 0:
        words = dice.choice(ANNOUNCEMENTS)
        text = words.format(name=name, address=page.address("announcement"))
        return _without_owner(page, text.encode(), "text/plain", name)
    if kind == 1:
        text = dice.choice(NOBODY).format(address=page.address("unclear"))
        return _without_owner(page, text.encode(), "text/plain", None)
    if kind == 2:
        quoted = page.words("quoted", "pay_to").replace("\n", "\n> ")
        text = f"Somebody wrote:\n> {quoted}\n\nIs that you?\n"
        return _without_owner(page, text.encode(), "text/plain", None)
    told = dice.choice(("warning", "example", "donation", "refund", "past_payment"))
    return _without_owner(page, (page.words(told) + "\n").encode(), "text/plain", None)


def _without_owner(page: _Page, raw: bytes, media_type: str, author: str | None) -> PlantedPage:
    return PlantedPage(
        raw=raw,
        media_type=media_type,
        owner=None,
        owner_begin=0,
        owner_end=0,
        author=author,
        mentions=tuple(page.mentions),
    )


MANNERS: Mapping[str, Callable[[random.Random], PlantedPage]] = {
    "profile": lambda dice: _account_page(
        dice, PROFILE_PAGE, "<tr><td>5</td><td>{}</td><td>b***r</td><td>2019-10-02</td></tr>"
    ),
    "listing": lambda dice: _account_page(dice, LISTING_PAGE, "<li>{}</li>"),
    "thread": _thread,
    "post": _post,
}


def planted_pages(seed: int, count: int) -> Iterator[PlantedPage]:
    """Yield pages of all manners in turn."""
    dice = random.Random(seed)  # noqa: S311  # repeatable on purpose
    makers = list(MANNERS.values())
    for number in range(count):
        yield makers[number % len(makers)](dice)


def decided(page: PlantedPage) -> Iterator[tuple[str, list[Decision]]]:
    """Yield for each address of a page what it is in truth, and what was decided about it."""
    document = read_text(page.raw, page.media_type)
    owner = None
    if page.owner:
        owner = PageOwner(
            name=page.owner, market="Market", begin=page.owner_begin, end=page.owner_end
        )
    decisions = judge(document, scan(document, raw=page.raw), Context(owner=owner))
    for mention in page.mentions:
        yield mention.truth, [each for each in decisions if each.found.address == mention.address]


def measure_roles(count: int) -> list[dict[str, object]]:
    """Return for each truth how many addresses were planted, found, and rightly decided about.

    The words of the pages were written by those who wrote the rules: this measures whether rules
    and places work together, not how people write.
    """
    planted, found, right, attributed, wrongly = (Counter[str]() for _ in range(5))
    for page in planted_pages(seed=17, count=count):
        for truth, decisions in decided(page):
            owners = {each.owner for each in decisions if each.attributes}
            wanted = {page.author} if truth in ATTRIBUTED else set()
            planted[truth] += 1
            found[truth] += bool(decisions)
            right[truth] += {each.role.value for each in decisions} <= set(DECIDED[truth])
            attributed[truth] += owners == wanted != set()
            wrongly[truth] += not owners <= wanted
    return [
        {
            "truth": truth,
            "planted": planted[truth],
            "found": found[truth],
            "right_role": right[truth],
            "attributed": attributed[truth],
            "wrongly_attributed": wrongly[truth],
        }
        for truth in ROLES
    ]
