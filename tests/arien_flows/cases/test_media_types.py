"""What a file is is said by its bytes, however they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.cases.attaching import plain_name
from arien_flows.cases.media_types import TEXT, UNKNOWN, Sniffer
from arien_flows.errors import InputError


def sniffed(*pieces: bytes) -> str:
    sniffer = Sniffer()
    for piece in pieces:
        sniffer.feed(piece)
    return sniffer.found()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\nxx", "image/png"),
        (b"PK\x03\x04more", "application/zip"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00AVI ", UNKNOWN),
        (b"<svg onload='alert(1)'>", TEXT),
        (b"<!doctype html>", TEXT),
        ("Überweisung".encode(), TEXT),
        ("Überweisung".encode("latin-1"), UNKNOWN),
        (b"text and\x00NUL", UNKNOWN),
        (b"cut in a letter \xc3", UNKNOWN),
    ],
)
def test_sniffer__believes_bytes_only(content: bytes, media_type: str):
    assert sniffed(content) == media_type


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode), st.integers(0, 60))
def test_sniffer__says_the_same_however_the_bytes_are_cut(content: bytes, at: int):
    assert sniffed(content) == sniffed(content[:at], content[at:])


def test_plain_name__has_no_folder_and_nothing_hidden():
    assert plain_name("/etc/../passwd") == "passwd"
    assert plain_name("C:\\x\\y.txt") == "y.txt"
    for wrong in ("", "/", "..", "a/..", "a\nb", "x" * 201, "\u202egnp.exe"):
        with pytest.raises(InputError):
            plain_name(wrong)
