import base64
import hashlib
import re
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysequoia import Cert, Profile, Tsk
from pysequoia.packet import PacketPile

from arien_flows.vendors.keys import key_blocks, read_key, unarmoured, written_fingerprints


@pytest.fixture(scope="module", params=["RFC4880", "RFC9580"])
def cert(request):
    profile = getattr(Profile, request.param)
    return Tsk.generate("GreenShop <green@example.org>", profile=profile).extract_certificate()


def oracle(cert):
    """The fingerprint by its definition, from the bytes of the key packet."""
    packet = next(iter(PacketPile.from_bytes(bytes(cert)))).body
    if packet[0] == 4:
        # SHA-1 is what the definition of version 4 names.
        prefix = b"\x99" + len(packet).to_bytes(2, "big")
        return hashlib.sha1(prefix + packet, usedforsecurity=False).hexdigest()
    return hashlib.sha256(b"\x9b" + len(packet).to_bytes(4, "big") + packet).hexdigest()


def test_read_key__gives_the_full_fingerprint(cert):
    key = read_key(bytes(cert))
    assert key.fingerprint == oracle(cert)
    assert len(key.fingerprint) == {4: 40, 6: 64}[key.version]
    assert key.user_ids == ("GreenShop <green@example.org>",)
    assert key.created_at is not None
    assert key.note is None


@pytest.mark.parametrize(
    "change",
    [
        lambda armour: armour,
        lambda armour: armour.replace("\n", "\r\n"),
        lambda armour: armour.replace("\n\n", "\n", 1),
        lambda armour: armour.replace("BLOCK-----\n", "BLOCK-----\nVersion: GnuPG v2\n", 1),
        lambda armour: armour.replace("\n", " "),
        lambda armour: armour.replace("\n", "\n   "),
        lambda armour: re.sub(r"\n=[^\n]{4}\n", "\n", armour),
    ],
    ids=["as it is", "CRLF", "no empty line", "heading", "one line", "indented", "no checksum"],
)
def test_key_blocks__reads_armour_whatever_became_of_its_lines(cert, change):
    text = "before\n" + change(str(cert)) + " after"
    (found,) = key_blocks(text)
    assert found.fault is None
    assert found.key.fingerprint == cert.fingerprint
    assert text[found.start : found.stop].startswith("-----BEGIN")
    assert text[found.start : found.stop].endswith("BLOCK-----")


def test_key_blocks__says_what_is_wrong_with_a_block():
    broken = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n{}\n-----END PGP PUBLIC KEY BLOCK-----"
    assert key_blocks(broken.format("not base64 at all!"))[0].fault is not None
    assert key_blocks(broken.format("AAAA"))[0].key is None
    assert key_blocks("-----BEGIN PGP PUBLIC KEY BLOCK-----\nmQ")[0].fault == "the block has no end"


def test_key_blocks__goes_on_behind_a_block_without_end(cert):
    text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nlost\n" + str(cert)
    first, second = key_blocks(text)
    assert first.key is None
    assert second.key.fingerprint == cert.fingerprint


def test_key_blocks__never_reads_private_keys():
    secret = str(Tsk.generate("x"))
    assert "PRIVATE KEY BLOCK" in secret
    assert key_blocks(secret) == []
    body = secret.partition("-----\n")[2].partition("-----END")[0]
    disguised = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n{body}-----END PGP PUBLIC KEY BLOCK-----"
    assert key_blocks(disguised)[0].key is None


@given(junk=st.binary(max_size=400))
def test_read_key__survives_arbitrary_bytes(junk):
    assert read_key(junk) is None


@given(body=st.binary(min_size=3, max_size=200), width=st.integers(1, 80))
def test_unarmoured__undoes_base64_of_any_width(body, width):
    letters = base64.b64encode(body).decode()
    lines = "\n".join(letters[at : at + width] for at in range(0, len(letters), width))
    assert unarmoured(f"Version: 1\n\n{lines}\n") == body


@given(digits=st.text("0123456789abcdefABCDEF", min_size=40, max_size=40))
def test_written_fingerprints__finds_full_ones_however_grouped(digits):
    grouped = " ".join(digits[at : at + 4] for at in range(0, 40, 4))
    for written in (digits, grouped):
        (found,) = written_fingerprints(f"My PGP fingerprint: {written}\n")
        assert found.fingerprint == digits.lower()
    assert written_fingerprints(f"order number {digits}") == []


@given(digits=st.text("0123456789abcdef", min_size=8, max_size=39))
def test_written_fingerprints__never_returns_short_ids(digits):
    assert written_fingerprints(f"PGP key id 0x{digits}") == []


def test_key_blocks__reads_every_key_of_the_saved_pages(shared_data):
    found = {}
    with tarfile.open(shared_data / "dnm_html" / "pages.tar.gz") as archive:
        for member in archive:
            raw = archive.extractfile(member).read() if member.isfile() else b""
            if b"PGP PUBLIC KEY" in raw and "/users/" in member.name:
                for block in key_blocks(raw.decode(errors="replace")):
                    found[member.name.rpartition("_")[2]] = block
    assert len(found) == 21
    assert all(block.fault is None for block in found.values())
    # The vendor writes this fingerprint into his profile himself.
    assert found["2"].key.fingerprint == "6ef3a9f69688f4b5f09fc6df6e8be8e29a428ba6"
    # Bound by SHA-1 in 2014: the fingerprint is as good as ever.
    assert found["16"].key.note is not None
    assert found["16"].key.user_ids == ("MarleysMainMan <MMM@gmail.com>",)


def test_cert_of_the_library_is_what_is_kept(cert):
    assert Cert.from_bytes(read_key(bytes(cert)).raw).fingerprint == cert.fingerprint
