"""What a scan of a document finds: addresses, and secrets that nobody may see."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An address in a document, whose checksum holds."""

    networks: tuple[str, ...]
    """Networks on which it is an address (`bitcoin`, `ethereum`, `monero`, …). Test networks
    share prefixes, so there may be several."""

    address: str
    """In canonical text."""

    form: str
    """What kind of address: `p2pkh`, `p2wpkh`, `taproot`, `eip55`, `unchecked`, `subaddress`, …"""

    start: int
    """First character of the copy."""

    stop: int
    begin: int
    """First byte of the original."""

    end: int
    rules: tuple[str, ...]
    """The rules by which obfuscated writing was read, in order; none where it stood plainly."""

    factor: Fraction
    """By what confidence is multiplied for that: 1 where it stood plainly and checked."""


class SecretKind(Enum):
    """A secret that stands in a document."""

    EXTENDED_PUBLIC_KEY = "extended_public_key"
    """Shows a whole wallet."""

    PRIVATE_KEY = "private_key"
    """In wallet import format, or extended: gives away coins."""

    SEED_PHRASE = "seed_phrase"
    """Words of BIP-39 whose checksum holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where a secret stands. What it says is kept nowhere but in the document itself."""

    kind: SecretKind
    start: int
    stop: int
    begin: int
    end: int
    is_checked: bool = True
    """Its checksum holds. What only looks like a secret may be one with a slip of the pen: it is
    hidden as well, and nobody is alarmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Beginning and end of an address that is not written out. It attributes nothing, ever."""

    prefix: str
    """Its first characters as written; empty where they are not said."""

    suffix: str
    start: int
    stop: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash:
    """Sixty-four hexadecimal digits: the id of a transaction or a block, or something else."""

    text: str
    """In small letters, with `0x` where it was written so."""

    start: int
    stop: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """All that was found in one document."""

    found: tuple[Found, ...]
    """In the order in which they stand."""

    secrets: tuple[Secret, ...]
    cut: tuple[str, ...]
    """Why the scan is not complete: limits that were reached. None where it is."""

    partials: tuple[Partial, ...] = ()
    hashes: tuple[Hash, ...] = ()
