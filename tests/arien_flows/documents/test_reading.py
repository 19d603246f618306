"""Whatever is offered becomes documents and refusals, and always ends."""

import os
import random
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.documents import limits
from arien_flows.documents.item import Item, Refusal
from arien_flows.documents.packed import Allowance
from arien_flows.documents.reading import items
from tests.arien_flows.documents.archives import PACKERS, PAGE, split, tarred, zipped

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
texts = st.binary(min_size=0, max_size=200).map(lambda raw: PAGE + raw.hex().encode())


@given(st.dictionaries(names, texts, max_size=6), st.sampled_from(["zip", "tar", "gnu", *PACKERS]))
def test_items__of_an_archive_are_its_members(members: dict[str, bytes], how: str):
    members = {name: raw for name, raw in members.items() if not name.endswith("/")}
    if how == "zip":
        raw = zipped(members)
    else:
        raw = tarred(members, tarfile.GNU_FORMAT if how == "gnu" else tarfile.PAX_FORMAT)
        raw = PACKERS.get(how, bytes)(raw)
    found, refused = split(raw, "offer")
    if members:
        assert [item.raw for item in found] == list(members.values())
        assert refused == []
    assert all(item.end == len(item.raw) and item.begin == 0 for item in found)


@given(st.binary(max_size=2_000), st.sampled_from(["", "PK\x03\x04", "\x1f\x8b\x08", "BZh9",
       "\xfd7zXZ\0", "WARC/1.0\r\n", "\x89PNG\r\n\x1a\n", "{", "[", "<html>", "a,b\n"]),
       st.sampled_from(["x", "x.csv", "x.json", "x.jsonl", "x.tgz"]))  # fmt: skip
def test_items__of_anything_end_without_an_error(raw: bytes, begun: str, name: str):
    for found in items(begun.encode("latin-1") + raw, name=name):
        assert found.path.startswith("x")
        if isinstance(found, Item):
            assert 0 <= found.begin <= found.end <= len(found.raw)
        else:
            assert found.reason


@given(st.integers(0, 2**32), st.sampled_from(["zip", "tar", *PACKERS]))
def test_items__of_a_damaged_archive_end_without_an_error(seed: int, how: str):
    made = random.Random(seed)
    members = {f"{n}.html": PAGE * made.randrange(1, 9) for n in range(3)}
    raw = bytearray(zipped(members) if how == "zip" else tarred(members))
    raw = bytearray(PACKERS[how](bytes(raw))) if how in PACKERS else raw
    for _ in range(made.randrange(1, 6)):
        raw[made.randrange(len(raw))] = made.randrange(256)
    cut = bytes(raw[: made.randrange(1, len(raw) + 1)])
    assert isinstance(list(items(cut, name="offer")), list)


def test_items__ten_megabytes_of_noise_are_one_refusal():
    noise = random.Random(1).randbytes(10 * 2**20)
    begun = time.monotonic()
    found, refused = split(noise, "noise")
    assert not found
    assert len(refused) == 1
    assert time.monotonic() - begun < 5


def test_items__a_gigabyte_on_one_line_is_refused_without_being_read(tmp_path: Path):
    file = tmp_path / "one-line.txt"
    with file.open("wb") as stream:
        stream.write(b"a" * 2**17)
        stream.truncate(2**30)
    begun = time.monotonic()
    (refused,) = items(file)
    assert isinstance(refused, Refusal)
    assert "1,073,741,824 bytes" in refused.reason
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("how", [".gz", ".xz", "zip"])
def test_items__a_bomb_ends_with_a_refusal(how: str, monkeypatch: pytest.MonkeyPatch):
    """As large as a document may be, five times over, in a few kilobytes."""
    monkeypatch.setattr("arien_flows.documents.packed.FREE_EXPANSION", 8 * 2**20)
    member = bytes(4 * 2**20)
    members = {f"{n}.html": member for n in range(5)}
    raw = zipped(members) if how == "zip" else PACKERS[how](tarred(members))
    assert len(raw) < 100_000
    monkeypatch.setattr("arien_flows.documents.packed.MOST_EXPANSION", 10)
    found, refused = split(raw, "bomb")
    assert len(found) + len(refused) < 5
    assert "as bombs are" in refused[-1].reason


def test_items__a_bomb_of_one_document_is_not_unpacked_whole():
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b"a" * 2**20
    raw = b"".join(packer.compress(piece) for _ in range(300)) + packer.flush()
    found, refused = split(raw, "bomb.txt.gz")
    assert not found
    assert "a document at most" in refused[0].reason


def test_items__archives_inside_archives_are_read_to_a_depth():
    raw = PAGE
    for depth in range(limits.DEEPEST + 3):
        raw = zipped({f"{depth}.zip" if depth else "page.html": raw})
        found, refused = split(raw, "a.zip")
        if depth < limits.DEEPEST:
            assert [item.raw for item in found] == [PAGE]
        else:
            assert bool(found) == (depth == limits.DEEPEST)
    assert "deep" in refused[0].reason


def test_items__too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch):
    for module in ("zip", "tar"):
        monkeypatch.setattr(f"arien_flows.documents.{module}.MOST_MEMBERS", 3)
    for raw in (zipped({str(n): PAGE for n in range(5)}), tarred({str(n): PAGE for n in range(5)})):
        found, refused = split(raw, "many")
        assert len(found) <= 3
        assert "members" in refused[-1].reason


def test_items__names_are_names_only(tmp_path: Path):
    hostile = {"../../escaped.html": PAGE, "/etc/passwd": PAGE, "a\x1b[2J.html": PAGE}
    for raw in (zipped(hostile), tarred(hostile)):
        found, _ = split(raw, "hostile")
        assert [item.path for item in found] == [f"hostile!/{name}" for name in hostile]
    assert list(tmp_path.iterdir()) == []


def test_items__links_and_devices_are_refused(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "page.html").write_bytes(PAGE)
    (folder / "link.html").symlink_to(folder / "page.html")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    found = list(items(folder))
    assert [each.path for each in found if isinstance(each, Item)] == ["folder/page.html"]
    told = {each.path: each.reason for each in found if isinstance(each, Refusal)}
    assert sorted(told) == ["folder/link.html", "folder/loop", "folder/pipe"]
    assert "pipe" in told["folder/pipe"]
    (device,) = items(Path("/dev/zero"))
    assert isinstance(device, Refusal)


def test_items__links_in_a_tar_are_refused():
    import io

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind in (("s", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE), ("d", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found, refused = split(made.getvalue(), "t.tar")
    assert not found
    assert [each.path for each in refused] == ["t.tar!/s", "t.tar!/h", "t.tar!/d"]


def test_items__an_encrypted_member_is_refused():
    raw = bytearray(zipped({"a.html": PAGE}, zipfile.ZIP_STORED))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    _, refused = split(bytes(raw), "z.zip")
    assert "encrypted" in refused[0].reason


def test_items__the_same_member_is_found_by_content_not_by_name():
    found, _ = split(zipped({"page": PAGE, "text.html.bak": b"just words", "e": b""}), "z")
    assert [item.media_type for item in found] == ["text/html", "text/plain"]


def test_allowance__counts_what_all_streams_unpack():
    allowance = Allowance(10)
    assert allowance.left == limits.FREE_EXPANSION + 10 * limits.MOST_EXPANSION


def test_items__of_the_saved_pages(shared_data: Path):
    found = list(items(shared_data / "dnm_html" / "pages.tar.gz"))
    pages = [each for each in found if isinstance(each, Item) and each.media_type == "text/html"]
    assert len(pages) > 100
    assert all(each.path.startswith("pages.tar.gz!/") for each in found)
