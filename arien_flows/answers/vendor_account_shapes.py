"""What documents say of vendors' accounts, as answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.shapes import Certainty, Shape, Truncation


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAt(Shape):
    """The bytes of a document that show something."""

    document_sha256: str
    """Hash of the document's bytes, which the casebook keeps."""

    begin: int
    """First byte."""

    end: int
    """After the last."""

    rule: str
    """What read it."""

    captured_at: datetime | None
    """When it was captured; nothing where no clock is vouched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRecord(Shape):
    """An account in the list."""

    id: str
    """Its public name: market and handle, parted by a slash."""

    market: str
    """Short name of the market."""

    handle: str
    """As the market writes it."""

    documents: int
    """Documents in effect that speak of it."""

    keys: int
    """PGP keys that it shows."""

    contacts: int
    """Ways to reach it that it shows."""

    listings: int
    """Different titles that it offers."""

    sales: int
    """Different rows of feedback; rows that say the same count once."""

    first_captured: datetime | None
    """The earliest capture whose time is known."""

    last_captured: datetime | None
    """The latest one."""

    owner: str
    """The first account of the set that hard links join it to; itself where there is none."""

    accounts_of_owner: int
    """Accounts in that set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPage(Shape):
    """A page of accounts."""

    items: tuple[VendorRecord, ...]
    """In the order that was asked for."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorDocument(Shape):
    """A document that speaks of the account."""

    document_sha256: str
    """Hash of its bytes."""

    file: str
    """Name under which it is kept."""

    layout: str
    """What read it: a market's layout, `fields` for a row of a table, `generic`."""

    reader: str
    """Version of the rules that read it."""

    begin: int
    """The bytes that were read: all, or a row's."""

    end: int
    """After the last."""

    captured_at: datetime | None
    """When it was captured; nothing where no clock is vouched for."""

    unreadable: tuple[str, ...]
    """What stands in it and could not be read, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswer(Shape):
    """A PGP key that the account shows."""

    fingerprint: str
    """In full. Short ids are never used: anybody can make a key with a given one."""

    version: int | None
    """4 or 6; nothing where only the fingerprint is written."""

    algorithm: str | None
    """Of the primary key."""

    created_at: datetime | None
    """As the key says of itself."""

    expires_at: datetime | None
    """As the key says of itself."""

    user_ids: tuple[str, ...]
    """Names that its holder wrote into it."""

    revoked: bool
    """Whether its holder revoked it."""

    note: str | None
    """Why its own signatures do not vouch for it, where they do not."""

    shown: tuple[ShownAt, ...]
    """Where documents show it; at most 20 places."""

    certainty: Certainty
    """Always `attribution`: a document says whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAnswer(Shape):
    """Where the account can be reached."""

    kind: str
    """`session`, `jabber`, `wickr`, `telegram`, `tox`, `email`, `onion`."""

    handle: str
    """In the form in which equal ones are equal."""

    shown: tuple[ShownAt, ...]
    """Where documents show it; at most 20 places."""

    certainty: Certainty
    """Always `attribution`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAnswer(Shape):
    """Something that documents say of the account."""

    name: str
    """What it is about."""

    text: str
    """In the document's words; empty for long texts, of which only the bytes are named."""

    earliest: datetime | None
    """Of a date: the earliest moment that it can mean."""

    latest: datetime | None
    """Of a date: the latest one."""

    shown: tuple[ShownAt, ...]
    """Where documents say so; at most 20 places."""

    certainty: Certainty
    """Always `attribution`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAnswer(Shape):
    """A price."""

    amount: str
    """A plain decimal number, of whole units of the currency."""

    currency: str
    """Three letters."""

    unit: str | None
    """For what; nothing where the document does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceVersion(Shape):
    """What something cost at one time of capture."""

    quotes: tuple[QuoteAnswer, ...]
    """The price in each currency that is shown."""

    shown: ShownAt
    """Where and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAnswer(Shape):
    """Something that the account offers, with its prices over time."""

    title: str
    """As the market shows it."""

    category: str | None
    """The market's, where it shows one."""

    versions: tuple[PriceVersion, ...]
    """The earliest capture first; a price that did not change is not repeated."""

    certainty: Certainty
    """Always `attribution`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleAnswer(Shape):
    """A sale, as feedback about it shows."""

    title: str | None
    """What was sold."""

    earliest: datetime | None
    """The earliest moment that the date can mean."""

    latest: datetime | None
    """The latest one."""

    quote: QuoteAnswer | None
    """What was paid, where the market shows it with a currency."""

    buyer: str | None
    """As the market shows him."""

    rating: str | None
    """As the market writes it."""

    shown: ShownAt
    """Where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesMonth(Shape):
    """Sales that are dated within a month."""

    month: str
    """Year and month of the middle of each sale's interval, in UTC."""

    sales: int
    """How many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAnswer(Shape):
    """Why two accounts may have one owner."""

    first: str
    """Public name of one account."""

    second: str
    """Of the other."""

    rule: str
    """Which rule says so."""

    value: str
    """What both show."""

    confidence: int
    """Of the rule, 0 to 100."""

    effect: Literal["joins", "refused", "lead"]
    """Whether it joins the two, was refused because accounts would come together that cannot have
    one owner, or is a lead only."""

    against: tuple[str, ...]
    """The pairs of accounts that speak against it, where it was refused."""

    shown: tuple[ShownAt, ...]
    """Every place that shows it; at most 20."""

    certainty: Certainty
    """Always `inference`: a named rule says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasAnswer(Shape):
    """The accounts that have one owner, as far as hard links say so."""

    accounts: tuple[str, ...]
    """All of the set, the one asked for included."""

    links: tuple[LinkAnswer, ...]
    """What joins them."""

    refused: tuple[LinkAnswer, ...]
    """Links of these accounts that something speaks against."""

    leads: tuple[LinkAnswer, ...]
    """Links that are not sure enough to join anybody."""

    certainty: Certainty
    """Always `inference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTag(Shape):
    """An address that a document names as the account's."""

    network: str
    """Name of the network."""

    address: str
    """In canonical text."""

    entity: str | None
    """First address of its entity; nothing without a ledger, for an address that was never used,
    and for one at a service."""

    account: str
    """Which account of the set."""

    confidence: str
    """How it is known, in GraphSense's vocabulary."""

    confidence_level: int
    """The same as a number from 0 to 100."""

    shown: ShownAt
    """Where."""

    certainty: Certainty
    """Always `attribution`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorAnswer(Shape):
    """An account, and the others of its owner."""

    id: str
    """Its public name: market and handle, parted by a slash."""

    market: str
    """Short name of the market."""

    handle: str
    """As the market writes it."""

    documents: tuple[VendorDocument, ...]
    """Documents in effect that speak of it, the earliest capture first; at most 200."""

    fields: tuple[FieldAnswer, ...]
    """What they say of it."""

    keys: tuple[KeyAnswer, ...]
    """PGP keys that it shows."""

    contacts: tuple[ContactAnswer, ...]
    """Ways to reach it."""

    offers: tuple[OfferAnswer, ...]
    """What it offers, by title; at most 200."""

    sales: tuple[SaleAnswer, ...]
    """Sales, the latest first; at most 200."""

    sales_by_month: tuple[SalesMonth, ...]
    """All dated sales, by month."""

    aliases: AliasAnswer
    """Accounts of the same owner, and what links them."""

    wallets: tuple[WalletTag, ...]
    """Addresses that documents name as this account's, or another's of the set; at most 200."""

    complete: bool
    """Whether nothing is left out."""

    truncations: tuple[Truncation, ...]
    """What is left out, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LikenessAnswer(Shape):
    """A likeness of two accounts, which proves nothing."""

    rule: str
    """What was compared."""

    confidence: int
    """0 to 20."""

    note: str
    """What was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleAnswer(Shape):
    """How alike two accounts write."""

    rank: int
    """1: of all others that were compared, this one writes most like it."""

    of: int
    """Accounts that were compared."""

    cosine: str
    """Of the two profiles, to four digits."""

    confidence: int
    """0 to 50."""

    finds_itself: bool
    """Whether the method finds the account by half of its own texts; otherwise it is worth half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorLinkAnswer(Shape):
    """What links two accounts, and what speaks against it."""

    first: str
    """Public name of one account."""

    second: str
    """Of the other."""

    same_owner: bool
    """Whether hard links join them, directly or over others."""

    path: tuple[LinkAnswer, ...]
    """The links that join them, the fewest, the surest among equals; empty where none do."""

    direct: tuple[LinkAnswer, ...]
    """All links between the two themselves."""

    enemies: bool
    """Whether they cannot have one owner: different long-lived keys, in use in the same week."""

    likenesses: tuple[LikenessAnswer, ...]
    """What is alike and proves nothing."""

    likeness: int
    """What the likenesses come to together, at most 50."""

    style: StyleAnswer | None
    """How alike they write; nothing where either has fewer than 25 texts."""

    complete: bool
    """Whether nothing is left out."""

    truncations: tuple[Truncation, ...]
    """What is left out, and why."""

    certainty: Certainty
    """Always `inference`."""
