"""Secrets that we hand out: keys and tokens of 256 random bits, of which only digests are kept.

Nobody can guess 256 bits, so that a plain SHA-256 protects them as well as a slow hash protects a
password, and costs a microsecond a request.

A key reads `af_<public>_<secret>`. The public part finds the row and may be shown; `af_` lets
programs that search texts for leaked secrets find it.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from arien_flows.access.ids import new_id

_KEY = re.compile(r"af_([0-9a-hjkmnp-tv-z]{26})_([a-z2-7]{52})")
_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyText:
    """A key, taken apart."""

    id: str
    """`key_…`, as lists name it."""

    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """Return the key as its user sends it."""
        return f"af_{self.id.removeprefix('key_')}_{self.secret}"

    @property
    def digest(self) -> str:
        """Return what is kept of the secret."""
        return digest(self.secret)


def new_key(now: datetime) -> KeyText:
    """Return a key that nobody has had."""
    secret = base64.b32encode(secrets.token_bytes(_BYTES)).decode().rstrip("=").lower()
    return KeyText(id=new_id("key", now), secret=secret)


def read_key(text: str) -> KeyText | None:
    """Return the parts of a key; nothing for what is none."""
    found = _KEY.fullmatch(text)
    return None if found is None else KeyText(id=f"key_{found[1]}", secret=found[2])


def new_token() -> str:
    """Return a secret of its own, fit for URLs and cookies."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same(left: str, right: str) -> bool:
    """Tell whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())
