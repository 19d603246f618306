"""What one document says of one account of a vendor.

An account is a name on a market; who is behind it, and whether two accounts have one owner, is
for `arien_flows.vendors.linking`. Everything here is a statement of the document: each carries
the bytes that show it and the rule that read it, so that anybody can look. What could not be read
is listed in `faults`, never guessed.

Long texts (profile, terms, feedback) are not repeated: their bytes are named, and whoever shows
them takes them from the document, where secrets are made unreadable first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from arien_flows.extraction.finding import Secret
from arien_flows.extraction.secrets import hidden, without_secrets
from arien_flows.vendors.keys import PgpKey

READER = "accounts/1"
"""Name and version of what reads accounts; raised whenever the same document can give others."""

REDACTED = "[secret]"
"""Stands where a secret stood."""

HEXADECIMAL_KEY = 64
"""Hexadecimal digits of a private key, and of the fingerprint of a PGP key of version 5 or 6."""

LONGEST_HANDLE = 100
LONGEST_VALUE = 2_000
"""Characters of a value that is kept; a longer one is a text, and only its bytes are named."""


class FieldName(StrEnum):
    """What is said of an account."""

    PROFILE = "profile"
    """What he says of himself. A text: only its bytes are kept."""

    TERMS = "terms"
    """His terms of trade. A text."""

    DESCRIPTION = "description"
    """What he says of something offered. A text."""

    ORIGIN = "origin"
    """From where he sends."""

    DESTINATION = "destination"
    """To where; one field for each place that is named."""

    REGISTERED = "registered"
    LAST_SEEN = "last_seen"
    SALES_COUNT = "sales_count"
    RATING = "rating"
    OTHER_MARKET = "other_market"
    """What the market says of an account of his elsewhere: a market and figures."""

    PHOTO = "photo"
    """SHA-256 of a picture that the page holds."""

    STATE = "state"
    """`banned`, `on vacation`, as the market writes it."""


TEXTS = frozenset({FieldName.PROFILE, FieldName.TERMS, FieldName.DESCRIPTION})
"""Fields that are texts."""


class ContactKind(StrEnum):
    """Where somebody can be reached."""

    SESSION = "session"
    JABBER = "jabber"
    WICKR = "wickr"
    TELEGRAM = "telegram"
    TOX = "tox"
    EMAIL = "email"
    ONION = "onion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """When something happened, as exactly as it is known. Both moments are possible."""

    earliest: datetime
    latest: datetime

    def __post_init__(self) -> None:
        if self.earliest > self.latest:
            raise ValueError("an interval must not end before it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price, or an amount that was paid."""

    amount: Decimal
    currency: str
    """`USD`, `BTC`, …, in capitals."""

    unit: str | None = None
    """For what: `ORDER`, `g`, `pill`; None where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountField:
    """One value."""

    name: FieldName
    text: str
    """As the document writes it; empty for a text, of which only the bytes are named."""

    interval: Interval | None = None
    """Of a date: when it was."""

    begin: int
    """First byte that shows it."""

    end: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySeen:
    """A PGP key that the document shows as the account's."""

    key: PgpKey | None
    """The key; None where only the fingerprint is written."""

    fingerprint: str
    begin: int
    end: int
    rule: str
    """`key-block` where the key itself stands there; `fingerprint-field` in a field for it;
    `fingerprint-text` in a text, where anybody may write any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSeen:
    """Where the account can be reached, as the document says."""

    kind: ContactKind
    handle: str
    """In the form in which two are the same exactly if they are equal."""

    begin: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingSeen:
    """Something offered."""

    title: str
    category: str | None
    quotes: tuple[Quote, ...]
    """Its price, in each currency that is shown."""

    begin: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleSeen:
    """A sale, as feedback about it shows."""

    title: str | None
    when: Interval | None
    """None where no date can be read."""

    quote: Quote | None
    """What was paid, where the market shows it."""

    buyer: str | None
    """As the market shows him, mostly `a***z`."""

    rating: str | None
    begin: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something in the document that should say something, and could not be read."""

    what: str
    begin: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """All that one document, or one row of it, says of one account."""

    market: str
    """Short name of the market: small letters, digits and hyphens."""

    handle: str
    layout: str
    """Which layout read it: its name, `fields` for a row of a table, `generic`."""

    begin: int
    """The bytes of the document that it was read from: all, or a row's."""

    end: int
    handle_begin: int
    """The bytes that name the account."""

    handle_end: int
    clock: Interval | None = None
    """What time it was on the market, where the page itself shows it."""

    fields: tuple[AccountField, ...] = field(default=(), repr=False)
    keys: tuple[KeySeen, ...] = field(default=(), repr=False)
    contacts: tuple[ContactSeen, ...] = field(default=(), repr=False)
    listings: tuple[ListingSeen, ...] = field(default=(), repr=False)
    sales: tuple[SaleSeen, ...] = field(default=(), repr=False)
    faults: tuple[Fault, ...] = field(default=(), repr=False)

    @property
    def id(self) -> str:
        """Return the public name of the account: market and handle."""
        return account_id(self.market, self.handle)

    def without(self, secrets: Sequence[Secret]) -> "AccountPage | None":
        """Return the page without what is secret: values give way, their bytes stay.

        What overlaps a secret that a scan found is left out, and every text is looked at by
        itself: a table's cell may be written in signs that a scan of the bytes reads otherwise.
        None where the account's own name is one: whoever it is, he cannot be named.
        """
        if any(without_secrets(each) != each for each in (self.handle, self.market)):
            return None
        return self._without_spans(secrets)._without_words()

    def _without_words(self) -> "AccountPage":
        """Return the page with the secrets that its texts hold hidden."""
        return replace(
            self,
            fields=tuple(replace(each, text=without_secrets(each.text)) for each in self.fields),
            keys=tuple(
                each
                if each.key is None
                else replace(
                    each,
                    key=replace(
                        each.key,
                        user_ids=tuple(without_secrets(name) for name in each.key.user_ids),
                    ),
                )
                for each in self.keys
            ),
            contacts=tuple(
                each for each in self.contacts if without_secrets(each.handle) == each.handle
            ),
            listings=tuple(
                replace(
                    each,
                    title=without_secrets(each.title),
                    category=hidden(each.category),
                    quotes=tuple(replace(quote, unit=hidden(quote.unit)) for quote in each.quotes),
                )
                for each in self.listings
            ),
            sales=tuple(
                replace(
                    each,
                    title=hidden(each.title),
                    buyer=hidden(each.buyer),
                    rating=hidden(each.rating),
                )
                for each in self.sales
            ),
            faults=tuple(
                replace(each, reason=without_secrets(each.reason)) for each in self.faults
            ),
        )

    def _without_spans(self, secrets: Sequence[Secret]) -> "AccountPage":
        """Return the page without what overlaps a secret of the document."""
        spans = [(each.begin, each.end) for each in secrets]

        def holds_secret(begin: int, end: int) -> bool:
            return any(begin < stop and start < end for start, stop in spans)

        if not holds_secret(self.begin, self.end):
            return self
        return replace(
            self,
            fields=tuple(
                replace(each, text=REDACTED) if holds_secret(each.begin, each.end) else each
                for each in self.fields
                if each.name not in TEXTS
            )
            + tuple(each for each in self.fields if each.name in TEXTS),
            # What is written like the fingerprint of a new key may be a private one.
            keys=tuple(
                each
                for each in self.keys
                if each.key is not None
                or len(each.fingerprint) < HEXADECIMAL_KEY
                or not holds_secret(each.begin, each.end)
            ),
            contacts=tuple(
                each for each in self.contacts if not holds_secret(each.begin, each.end)
            ),
            listings=tuple(
                replace(each, title=REDACTED) if holds_secret(each.begin, each.end) else each
                for each in self.listings
            ),
            faults=tuple(
                replace(each, reason=f"holds a {REDACTED}")
                if holds_secret(each.begin, each.end) and each.begin > self.begin
                else each
                for each in self.faults
            ),
            sales=tuple(
                replace(each, title=REDACTED, buyer=None, rating=None)
                if holds_secret(each.begin, each.end)
                else each
                for each in self.sales
            ),
        )


def market_name(text: str) -> str:
    """Return the short name of a market: small letters, digits and hyphens."""
    text = without_secrets(text)  # Before letters become small: then nobody can tell.
    plain = "".join(each if each.isalnum() else " " for each in text.casefold())
    words = [word for word in plain.split() if word not in ("market", "the")] or plain.split()
    return "-".join(words)[:60]


def account_id(market: str, handle: str) -> str:
    """Return the public name of an account."""
    return f"{market}/{handle}"
