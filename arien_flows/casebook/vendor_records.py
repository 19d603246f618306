"""What the casebook says of vendors' accounts, as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from arien_flows.vendors.account import (
    AccountField,
    AccountPage,
    ContactSeen,
    Fault,
    KeySeen,
    ListingSeen,
    SaleSeen,
    account_id,
)
from arien_flows.vendors.keys import PgpKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObservation:
    """What a document that the casebook keeps says of an account."""

    document_sha256: str
    page: AccountPage
    captured_at: datetime | None
    """By a clock that somebody vouches for; None where there is none. The time of a file or of an
    import is no such clock: whole collections would seem to be of one day."""

    @property
    def moment(self) -> datetime | None:
        """Return when it was captured, by the page's own clock where nobody vouches for another."""
        if self.captured_at is not None or self.page.clock is None:
            return self.captured_at
        return self.page.clock.latest


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStatement:
    """A clear-signed message in a document that the casebook keeps."""

    document_sha256: str
    begin: int
    end: int
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountName:
    """An account, by its number and its public name."""

    number: int
    market: str
    handle: str

    @property
    def id(self) -> str:
        """Return `market/handle`."""
        return account_id(self.market, self.handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value stands: a document in effect, and when it was captured."""

    observation: int
    document_sha256: str
    document_name: str
    captured_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObservation:
    """One document's word about an account."""

    place: Place
    layout: str
    reader: str
    begin: int
    end: int
    handle_begin: int
    handle_end: int
    fields: Sequence[AccountField]
    keys: Sequence[KeySeen]
    """Keys are not repeated here; `StoredAccount.keys` holds them."""

    contacts: Sequence[ContactSeen]
    listings: Sequence[ListingSeen]
    sales: Sequence[SaleSeen]
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account and all that documents in effect say of it, the oldest capture first."""

    name: AccountName
    observations: Sequence[StoredObservation]
    keys: Sequence[PgpKey]
    """The keys that its observations show, as far as the key itself is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """A line of the list of accounts."""

    name: AccountName
    documents: int
    keys: int
    """Distinct fingerprints."""

    contacts: int
    listings: int
    """Distinct titles."""

    sales: int
    """Rows of feedback, each distinct one counted once."""

    first_captured: datetime | None
    last_captured: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatement:
    """A clear-signed message, with its bytes."""

    document_sha256: str
    begin: int
    end: int
    raw: bytes = field(repr=False)
    encoding: str
    captured_at: datetime | None
