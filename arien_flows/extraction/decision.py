"""What an address in a document is to whoever wrote it, and by which rule."""

from dataclasses import dataclass
from enum import Enum

from arien_flows.extraction.finding import Found


class Role(Enum):
    """What an address is in a document."""

    PAY_TO = "pay_to"
    """Somebody asks to be paid there."""

    PROOF = "proof"
    """Somebody proves that it is his."""

    QUOTED = "quoted"
    """It is quoted, warned of, or an example."""

    BOILERPLATE = "boilerplate"
    """It belongs to the site, or to many sites, or nobody sees it."""

    FEEDBACK = "feedback"
    """Somebody else than whom the page is about names it."""

    DENIED = "denied"
    """It is known to name nobody whom a page could mean."""

    OTHER = "other"
    """None of these can be told."""


ATTRIBUTING = (Role.PAY_TO, Role.PROOF)
"""Only these may say whose an address is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is decided about one address that stands in a document."""

    found: Found
    role: Role
    rule: str
    """Name of the rule that decided: a key of `role_rules.RULES`."""

    begin: int
    """First byte of the original that shows it: the words "send to", the opening tag of what is
    hidden, the quoted line's mark; the address itself where nothing else does."""

    end: int
    attributes: bool
    """Whether it says whose address it is. Only where it is clear who is paid, on networks that
    are followed."""

    owner: str | None
    """Who is paid or proves, as the document names him; None where nobody is attributed."""

    owner_begin: int
    """The bytes that name him; 0 and 0 where nobody is attributed."""

    owner_end: int

    market: str | None
    """The market on which that name is an account; None for a name that somebody gives himself."""

    confidence: str
    """How it is known, in GraphSense's words (`web_crawl`, `forensic`, `manual_transaction`);
    empty where nobody is attributed."""

    note: str
    """Why nobody is attributed although the role might, or what else a reader must know."""
