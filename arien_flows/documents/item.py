"""One document inside what was offered, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

NO_FIELDS: Mapping[str, str] = MappingProxyType({})
NO_PLACES: Mapping[str, tuple[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """One document, or one row of a document that is a table.

    Its representation holds nothing that the document says, which may be secret: it ends up in
    logs and traces.
    """

    path: str
    """Where it was found: `archive.zip!/pages/1.html`, `agora.csv#17`. A name, which opens
    nothing."""

    raw: bytes = field(repr=False)
    """The whole document. The rows of a table share one object."""

    document_path: str
    """Where the document was found: the same as `path` but for the row."""

    media_type: str
    captured_at: datetime | None
    """What the document itself says about when it was captured; nothing where it does not."""

    clock: str
    """What says so: `warc`, `field:NAME`; empty where nothing does."""

    url: str | None = field(repr=False)
    """Where it was captured, where the document says so."""

    fields: Mapping[str, str] = field(repr=False)
    """Of a row: what each field says. The names in `columns.FIELDS` mean the same in all tables;
    others are the document's own. Empty for a document that is no table."""

    places: Mapping[str, tuple[int, int]]
    """Of a row: the bytes of each field in the document."""

    begin: int
    """First byte of the row in the document; 0 where it is the whole."""

    end: int
    note: str = ""
    """What could not be read of it."""

    @property
    def is_row(self) -> bool:
        """Tell whether it is a row of a table."""
        return self.path != self.document_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was offered and is not read."""

    path: str
    reason: str
    """What is wrong, and what can be done."""


def whole(
    path: str,
    raw: bytes,
    media_type: str,
    *,
    captured_at: datetime | None = None,
    clock: str = "",
    url: str | None = None,
) -> Item:
    """Return a document that is one item."""
    return Item(
        path=path,
        raw=raw,
        document_path=path,
        media_type=media_type,
        captured_at=captured_at,
        clock=clock,
        url=url,
        fields=NO_FIELDS,
        places=NO_PLACES,
        begin=0,
        end=len(raw),
    )
