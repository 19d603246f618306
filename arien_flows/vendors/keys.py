"""PGP public keys, named by their full fingerprints.

A fingerprint is a hash of the key: 40 hexadecimal digits for version 4 (SHA-1 of 0x99, the
length and the key packet), 64 for version 6 (SHA-256). The short ids that people also print are
their last 8 or 16 digits; anybody can make a key with the short id of another, so that no rule
here looks at one.

What a key says of itself (its user ids, when it was made, until when it is valid) is its
holder's word. Keys of old vendors are often bound by signatures that nobody trusts any more
(SHA-1); their fingerprints are as good as ever, so they are read all the same, and marked.

Markets show keys as they were pasted: without the empty line, with headings in the middle, on
one line. So the armour is taken apart here, and only what is inside goes to the library. Blocks
of private keys are never read.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

LONGEST_BLOCK = 262_144
"""Characters of one armoured block: a key with a portrait has some 50,000."""

MOST_BLOCKS = 64
"""Blocks that are read of one document."""

MOST_USER_IDS = 64

_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END = "-----END PGP PUBLIC KEY BLOCK-----"
_HEADING = re.compile(
    r"^[ \t]*(?:Version|Comment|MessageID|Hash|Charset):[^\n]{0,120}$", re.MULTILINE
)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_LONG = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_CHECKSUM = re.compile(r"=[A-Za-z0-9+/]{4}")
_JOINED_CHECKSUM = re.compile(r"(?<!=)=+[A-Za-z0-9+/]{4}$")
_FINGERPRINT = re.compile(
    r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}"
    r"|(?:[0-9A-Fa-f]{4}[ \u00a0]{1,2}){9}[0-9A-Fa-f]{4})(?![0-9A-Fa-f])"
)
_NEAR_FINGERPRINT = re.compile(r"finger\s?print|pgp|gpg|\bkey\b|schl(?:ü|ue)ssel", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PgpKey:
    """A public key and what it says of itself."""

    fingerprint: str
    """All of it, in lower-case hexadecimal: 40 digits (version 4) or 64 (version 6)."""

    version: int
    algorithm: str
    created_at: datetime | None
    """As the key says; anybody may set his clock."""

    expires_at: datetime | None
    is_revoked: bool
    user_ids: tuple[str, ...]
    """Written into the key by its holder; anybody may write any name."""

    subkeys: tuple[str, ...]
    """Full fingerprints of the keys that sign and decrypt for it."""

    note: str | None
    """Why its own signatures do not vouch for it, where they do not."""

    raw: bytes
    """The key itself, to check signatures with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBlock:
    """An armoured block in a text."""

    start: int
    stop: int
    key: PgpKey | None
    fault: str | None
    """Why it could not be read; None where it could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFingerprint:
    """A fingerprint that somebody wrote down, without the key."""

    start: int
    stop: int
    fingerprint: str


def key_blocks(text: str) -> list[KeyBlock]:
    """Return the armoured public keys in a text, readable or not, in its order."""
    return list(_key_blocks(text))


def _key_blocks(text: str) -> Iterator[KeyBlock]:
    at = 0
    for _ in range(MOST_BLOCKS):
        start = text.find(_BEGIN, at)
        if start < 0:
            return
        stop = text.find(_END, start)
        following = text.find(_BEGIN, start + 1)
        if stop < 0 or 0 <= following < stop:
            yield _faulty(start, start + len(_BEGIN), "the block has no end")
            at = start + len(_BEGIN)
            continue
        stop += len(_END)
        yield _block(text, start, stop)
        at = stop


def _block(text: str, start: int, stop: int) -> KeyBlock:
    if stop - start > LONGEST_BLOCK:
        return _faulty(start, stop, f"the block is longer than {LONGEST_BLOCK} characters")
    raw = unarmoured(text[start + len(_BEGIN) : stop - len(_END)])
    if raw is None:
        return _faulty(start, stop, "the block is not written in base64")
    key = read_key(raw)
    if key is None:
        return _faulty(start, stop, "the block holds no public key that can be read")
    return KeyBlock(start=start, stop=stop, key=key, fault=None)


def _faulty(start: int, stop: int, fault: str) -> KeyBlock:
    return KeyBlock(start=start, stop=stop, key=None, fault=fault)


def unarmoured(body: str) -> bytes | None:
    """Return what stands in an armour, whatever became of its lines; nothing for no base64."""
    letters = _HEADING.sub("", body)
    tokens = letters.split()
    if any(_NOT_BASE64.search(each.strip("=")) for each in tokens):
        # A heading that shares its line with the key: the key begins with the first long token.
        first = next((n for n, each in enumerate(tokens) if _LONG.fullmatch(each)), len(tokens))
        tokens = tokens[first:]
    if tokens and _CHECKSUM.fullmatch(tokens[-1]):
        # Optional since RFC 9580, and keys carry signatures of their own.
        del tokens[-1]
    letters = _JOINED_CHECKSUM.sub("", "".join(tokens)).rstrip("=")
    if not letters or _NOT_BASE64.search(letters):
        return None
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def read_key(raw: bytes) -> PgpKey | None:
    """Return the first public key in OpenPGP bytes; nothing where there is none."""
    from pysequoia import Cert
    from pysequoia.packet import PacketPile, Tag

    try:
        cert = Cert.from_bytes(raw)
        packets = list(PacketPile.from_bytes(raw))
    except Exception:  # noqa: BLE001 the library raises bare ones for what it cannot parse
        return None
    primary = next((each for each in packets if each.tag == Tag.PublicKey), None)
    if primary is None or cert.fingerprint != primary.fingerprint:
        return None
    note: str | None = None
    expires_at: datetime | None = None
    is_revoked = False
    try:
        expires_at = cert.expiration
        is_revoked = cert.is_revoked
        if not cert.user_ids:
            note = "no user id is vouched for by a signature that is still trusted"
    except Exception:  # noqa: BLE001 bare ones again, from its policy
        # What the library says names the moment at which it was asked.
        note = "its own signatures are of a kind that is not trusted any more, or not known"
    named = [each.user_id for each in packets if each.tag == Tag.UserID and each.user_id]
    return PgpKey(
        fingerprint=cert.fingerprint.lower(),
        version=6 if len(cert.fingerprint) == 64 else 4,
        algorithm=str(primary.key_algorithm).rpartition(".")[2],
        created_at=primary.key_created,
        expires_at=expires_at,
        is_revoked=is_revoked,
        user_ids=tuple(dict.fromkeys(named[:MOST_USER_IDS])),
        subkeys=tuple(
            each.fingerprint.lower()
            for each in packets
            if each.tag == Tag.PublicSubkey and each.fingerprint
        ),
        note=note,
        raw=bytes(cert),
    )


def written_fingerprints(text: str) -> list[WrittenFingerprint]:
    """Return full fingerprints that are written in a text beside a word for a key.

    Forty hexadecimal digits alone may be any hash; ids of 8 or 16 digits are never returned.
    """
    found = []
    for each in _FINGERPRINT.finditer(text):
        before = text[max(0, each.start() - 60) : each.start()]
        if _NEAR_FINGERPRINT.search(before):
            fingerprint = "".join(each.group().split()).lower()
            found.append(
                WrittenFingerprint(start=each.start(), stop=each.end(), fingerprint=fingerprint)
            )
    return found
