"""What is written in pictures."""

import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from arien_flows.documents import pictures
from arien_flows.documents.pictures import UnreadablePictureError, Writing, read_picture

URI = "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?amount=0.05&label=order"


def drawn(text: str, form: str = "PNG", margin: int = 40) -> bytes:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    inner = Image.fromarray(np.array(zxingcpp.write_barcode_to_image(code, scale=4)))
    page = Image.new("L", (inner.width + 2 * margin, inner.height + 2 * margin), 255)
    page.paste(inner, (margin, margin))
    made = io.BytesIO()
    page.convert("RGB").save(made, form)
    return made.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_picture__a_code_is_read_word_for_word_with_its_place(form: str):
    (seen,) = [each for each in read_picture(drawn(URI, form)).seen if each.writing is Writing.CODE]
    assert seen.text == URI
    assert 40 <= seen.left < seen.right
    assert 40 <= seen.top < seen.bottom


def test_picture__that_is_damaged_is_refused():
    for raw in (b"\x89PNG\r\n\x1a\n" + b"x" * 50, drawn(URI)[:200]):
        with pytest.raises(UnreadablePictureError):
            read_picture(raw)


def test_picture__of_too_many_pixels_is_refused_before_it_is_unpacked():
    made = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(made, "PNG")
    with pytest.raises(UnreadablePictureError, match="pixels"):
        read_picture(made.getvalue())


def test_picture__without_the_program_says_that_letters_were_not_read(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PATH", "/nowhere")
    assert "not installed" in read_picture(drawn(URI)).note


@pytest.mark.parametrize(
    ("script", "text", "note"),
    [
        ("cat > /dev/null; echo pay to me", "pay to me", ""),
        ("exit 1", "", "failed"),
        ("sleep 5", "", "took more than"),
    ],
)
def test_picture__letters_are_asked_of_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, text: str, note: str
):
    """A stand-in for the program, which reads a picture and writes text."""
    program = tmp_path / pictures.OCR_PROGRAM
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(pictures, "OCR_SECONDS", 1)
    read = read_picture(drawn(URI))
    letters = [each.text for each in read.seen if each.writing is Writing.LETTERS]
    assert letters == ([text] if text else [])
    assert note in read.note
