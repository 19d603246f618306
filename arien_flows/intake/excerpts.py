"""The words around a place of a document, with secrets hidden."""

import numpy as np

from arien_flows.documents.item import Item
from arien_flows.extraction.secrets import redacted
from arien_flows.intake.extracting import Looked, UnreadableItemError, look

AROUND = 60
"""Characters before and after."""


class Excerpts:
    """Shows what stands around places of one item."""

    def __init__(self, item: Item) -> None:
        try:
            self._looked: Looked | None = look(item)
        except UnreadableItemError:
            self._looked = None

    @classmethod
    def of(cls, looked: Looked) -> "Excerpts":
        """Return the same for an item that was looked at already."""
        made = cls.__new__(cls)
        made._looked = looked
        return made

    def around(self, begin: int, end: int) -> str:
        """Return the words around some bytes of the document, on one line."""
        if self._looked is None:
            return ""
        text, secrets = self._looked.text, self._looked.scan.secrets
        start, stop = np.searchsorted(text.byte_at[:-1], (begin, end)).tolist()
        if self._looked.where:
            # A picture has no bytes for its letters: all of it is shown, which is little.
            start, stop = 0, len(text.text)
        first = max(start - AROUND, 0)
        shown = redacted(text.text[first : stop + AROUND], secrets, first=first)
        return " ".join(shown.split())
