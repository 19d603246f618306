"""Secrets at rest."""

import base64
import stat
import threading
from pathlib import Path

import pytest

from arien_flows.errors import InputError
from arien_flows.settings import Settings
from arien_flows.webhooks.sealing import Seal, SealError, new_secret, seal_of, shown_secret


def test_seal__opens_what_it_closed_for_the_same_receiver_only():
    seal, secret = Seal(b"k" * 32), new_secret()
    stored = seal.close(secret, "hook_1")
    assert seal.open(stored, "hook_1") == secret
    assert secret not in stored
    assert seal.close(secret, "hook_1") != stored
    for other, name in ((seal, "hook_2"), (Seal(b"l" * 32), "hook_1")):
        with pytest.raises(SealError):
            other.open(stored, name)


@pytest.mark.parametrize("place", [0, 1, 13, 29, -1])
def test_seal__notices_a_changed_byte(place: int):
    seal = Seal(b"k" * 32)
    stored = bytearray(seal.close(new_secret(), "hook_1"))
    stored[place] ^= 1
    with pytest.raises(SealError):
        seal.open(bytes(stored), "hook_1")


@pytest.mark.parametrize("stored", [b"", b"\x01", b"\x01" + b"x" * 20])
def test_seal__opens_nothing_that_is_none(stored: bytes):
    with pytest.raises(SealError):
        Seal(b"k" * 32).open(stored, "hook_1")


def test_seal_of__makes_a_key_for_its_owner_alone_and_only_once(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    seals: list[Seal] = []
    threads = [threading.Thread(target=lambda: seals.append(seal_of(settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (file,) = settings.data.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = seals[0].close(b"s", "hook_1")
    assert [seal.open(stored, "hook_1") for seal in seals] == [b"s"] * 8


def test_seal_of__takes_the_file_that_is_named_and_refuses_a_short_one(tmp_path: Path):
    file = tmp_path / "key"
    file.write_bytes(b"k" * 32 + b"\n")
    stored = seal_of(Settings(data=tmp_path, secret_file=file)).close(b"s", "hook_1")
    assert Seal(b"k" * 32).open(stored, "hook_1") == b"s"
    file.write_bytes(b"short")
    with pytest.raises(InputError, match="a key needs 32"):
        seal_of(Settings(data=tmp_path, secret_file=file))


def test_shown_secret__is_256_bits_as_the_standard_writes_them():
    shown = shown_secret(new_secret())
    assert shown.startswith("whsec_")
    assert len(base64.b64decode(shown.removeprefix("whsec_"))) == 32
