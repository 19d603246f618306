"""Which document a tag rests on: the one that was read, which need not be the one that lists it.

A TagPack of somebody else is its own evidence. A pack that this program made of a listing is not:
its tags name in their context the capture that shows the address (`document_sha256`), and whoever
doubts the tag has to look there. What counts as one source (whose loss is weighed in a score, whose
withdrawal takes its tags along) is that document.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from arien_flows.attribution.tag import Statement, Tag

KEY = "document_sha256"
"""Under which a tag's context names the document that it was read from."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Written(Protocol):
    """A tag and the document that lists it."""

    @property
    def tag(self) -> Tag:
        """What is said."""

    @property
    def document_sha256(self) -> str:
        """The document that lists it."""


def source_document(written: Written) -> str:
    """Return the SHA-256 of the document that a tag rests on."""
    return named_document(written.tag.context) or written.document_sha256


def source_documents(said: Sequence[Statement], listed_in: Sequence[str]) -> tuple[str, ...]:
    """Return the same of many statements, given the documents that list them."""
    return tuple(
        named_document(statement.context) or document
        for statement, document in zip(said, listed_in, strict=True)
    )


@lru_cache(maxsize=4_096)
def named_document(context: str | None) -> str | None:
    """Return the document that a context names; nothing where it names none."""
    if context is None or KEY not in context:
        return None
    try:
        told = json.loads(context)
    except (ValueError, RecursionError):
        return None
    named = told.get(KEY) if isinstance(told, dict) else None
    return named if isinstance(named, str) and _SHA256.fullmatch(named) else None
