"""Archives for the tests, made in memory."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping

from arien_flows.documents.item import Item, Refusal
from arien_flows.documents.reading import items

PAGE = b"<!DOCTYPE html><html><body><p>page</p></body></html>"
PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def split(raw: bytes, name: str) -> tuple[list[Item], list[Refusal]]:
    """Read bytes; return the items and the refusals."""
    found = list(items(raw, name=name))
    return (
        [each for each in found if isinstance(each, Item)],
        [each for each in found if isinstance(each, Refusal)],
    )
