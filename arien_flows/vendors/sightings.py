"""Values that may tell who is behind an account, and where each was seen.

The rules that link accounts (`arien_flows.vendors.linking`) know accounts only by these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

FINGERPRINT = "fingerprint"
PHOTO = "photo"
"""Kinds of values; the others are the kinds of contacts."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shown:
    """The bytes of a document that show something, and the rule that read them."""

    document_sha256: str
    begin: int
    end: int
    rule: str
    captured_at: datetime | None = None
    """When the document was captured; None where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A value that a document shows as an account's."""

    account: str
    """Public name of the account: `market/handle`."""

    kind: str
    value: str
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A message whose signature verified, and whom it names."""

    fingerprint: str
    """Of the key that signed, in full."""

    signed_at: datetime | None
    shown: Shown
    accounts: frozenset[str]
    """Accounts that it names by market and handle."""

    fingerprints: frozenset[str]
    """Other keys that it names by their full fingerprints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What is known of a key apart from who shows it."""

    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that links are made of. Order and repetition mean nothing."""

    accounts: frozenset[str]
    sightings: Sequence[Sighting]
    statements: Sequence[SignedStatement]
    keys: Mapping[str, KeyFacts]
    """By fingerprint."""

    activity: Mapping[str, Sequence[datetime]]
    """Moments at which an account was seen to be in use: captures, and sales that are dated to
    the day."""
