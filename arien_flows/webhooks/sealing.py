"""Keeping the secrets of receivers: usable for signing, and useless in a copy of the casebook.

A message is signed with the secret itself, so it cannot be kept as a hash. It is sealed with a key
that lies outside the casebook: derived from the file that `ARIEN_SECRET_FILE` names, or else from
`secret.key` in the data folder, which is made for its owner alone when it is first needed. So a
copy or a backup of the database gives no secret away. It does not help against somebody who can
read both, or who is this service: nothing can. A receiver whose secrets cannot be opened any more
(the key was lost) is told nothing until its secret is rotated.

Sealed with AES-256-GCM (NIST SP 800-38D) under a random nonce of 96 bits; the receiver's id is
bound to it, so that one's secret cannot be put in another's place.
"""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

from arien_flows.errors import InputError
from arien_flows.settings import Settings

SECRET_BYTES = 32
KEY_FILE = "secret.key"
"""In the data folder, where no other file is named."""

_LEAST_BYTES = 32
_MOST_BYTES = 65_536
_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_PURPOSE = b"arien-flows webhook secrets"


class SealError(Exception):
    """A sealed secret cannot be opened with this key."""


class Seal:
    """Seals and opens the secrets of receivers."""

    def __init__(self, material: bytes) -> None:
        """Derive the key from a file's bytes."""
        derived = HKDF(material, 32, b"", SHA256, context=_PURPOSE)
        assert isinstance(derived, bytes)  # noqa: S101 one key was asked for
        self._key = derived

    def close(self, secret: bytes, webhook_id: str) -> bytes:
        """Return a secret as it is stored."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AES.new(self._key, AES.MODE_GCM, nonce=nonce, mac_len=_TAG_BYTES)
        cipher.update(webhook_id.encode())
        sealed, tag = cipher.encrypt_and_digest(secret)
        return _VERSION + nonce + tag + sealed

    def open(self, stored: bytes, webhook_id: str) -> bytes:
        """Return the secret of what is stored; `SealError` where this key did not seal it."""
        nonce, rest = stored[1 : 1 + _NONCE_BYTES], stored[1 + _NONCE_BYTES :]
        if stored[:1] != _VERSION or len(rest) < _TAG_BYTES:
            raise SealError("this is no sealed secret")
        cipher = AES.new(self._key, AES.MODE_GCM, nonce=nonce, mac_len=_TAG_BYTES)
        cipher.update(webhook_id.encode())
        try:
            return cipher.decrypt_and_verify(rest[_TAG_BYTES:], rest[:_TAG_BYTES])
        except ValueError as error:
            raise SealError("another key sealed this secret") from error


def new_secret() -> bytes:
    """Return a fresh secret of 256 bits."""
    return secrets.token_bytes(SECRET_BYTES)


def shown_secret(secret: bytes) -> str:
    """Return a secret as the Standard Webhooks write it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secret).decode()


def seal_of(settings: Settings) -> Seal:
    """Return the seal of a service; makes the key file in the data folder where none is named."""
    if settings.secret_file is not None:
        return Seal(_read(settings.secret_file))
    file = settings.data / KEY_FILE
    if not file.exists():
        _make(file)
    return Seal(_read(file))


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        material = opened.read(_MOST_BYTES).strip()
    if len(material) < _LEAST_BYTES:
        raise InputError(
            f"{file} holds {len(material)} bytes, and a key needs {_LEAST_BYTES}: "
            "write random ones, as `openssl rand -hex 32` prints"
        )
    return material


def _make(file: Path) -> None:
    """Make a key file that only its owner may read; of two processes one makes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(secrets.token_hex(SECRET_BYTES).encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
