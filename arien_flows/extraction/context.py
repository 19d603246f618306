"""What is known about a document and its addresses from elsewhere, when roles are decided."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from arien_flows.extraction.deny import DenyList, deny_list

MOST_SITES = 10
"""An address that stands on so many unrelated sites belongs to none of them, until it is reviewed
(§7.3 of the algorithms: k = 10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOwner:
    """Whom a page is about: the account whose profile, terms or listing it shows."""

    name: str
    market: str | None
    begin: int
    """The bytes of the document that name him."""

    end: int
    key: str | None = None
    """Full fingerprint of the PGP key that the page shows as his; None where it shows none, or
    several, of which others may be somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressProof:
    """A signature by the key of an address that was verified in this document."""

    address: str
    """In canonical text."""

    begin: int
    """The bytes of message and signature."""

    end: int
    start: int
    """The same in characters of the copy."""

    stop: int
    message: str
    """What was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStretch:
    """A PGP-signed text in this document whose signature was verified."""

    begin: int
    end: int
    signer: str
    """Full fingerprint of the key."""

    asked: frozenset[str]
    """Addresses at which the words that were verified ask to be paid, in canonical text. What
    else stands between the marks (a heading, a tag, the link under a word) nobody signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known besides the document."""

    owner: PageOwner | None = None
    """Whom the page is about, where its layout says so."""

    sites: Mapping[str, int] = field(default_factory=dict)
    """On how many unrelated sites each address stands, this one included; pages of one market are
    one site. An address that is missing stands on this one alone."""

    contradicted: frozenset[str] = frozenset()
    """Addresses in whose place another capture of the same listing shows another one: a mirror
    that replaces addresses, or a thief's program on somebody's computer."""

    proofs: tuple[AddressProof, ...] = ()
    signed: tuple[SignedStretch, ...] = ()
    doubt: Callable[[str, str], str | None] | None = None
    """Says of a network and an address why they cannot have been what the document says (first
    used on the chain long after the capture), or None. Asked only about addresses that would
    otherwise be attributed."""

    denied: DenyList = field(default_factory=deny_list)
