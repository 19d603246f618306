"""Items of documents that the casebook keeps, made again from the bytes.

To judge a capture anew (other captures have come, or were withdrawn) its item is needed: the whole
document, or a row of it with its fields.
"""

import json
from functools import lru_cache

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_records import Capture
from arien_flows.casebook.captures import Captures
from arien_flows.documents.columns import ColumnMapping, read_mapping
from arien_flows.documents.item import Item, whole
from arien_flows.documents.reading import items

DOCUMENTS_HELD = 8
"""Documents that are held in memory, taken apart."""


class KeptItems:
    """Gives back the items of captures."""

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook
        self._apart = lru_cache(maxsize=DOCUMENTS_HELD)(self._take_apart)

    def item(self, capture: Capture) -> Item:
        """Return the item of a capture, as it was read when it was brought in."""
        found = self._apart(capture.document_sha256, capture.batch, capture.path.partition("#")[0])
        item = found.get(capture.begin)
        if item is not None and item.end == capture.end:
            return item
        raw = self._casebook.document(capture.document_sha256)
        return whole(capture.path, raw, capture.media_type)

    def _take_apart(self, sha256: str, batch: int, path: str) -> dict[int, Item]:
        raw = self._casebook.document(sha256)
        mapping = _mapping(self._casebook.captures, batch)
        read = items(raw, name=path, mapping=mapping)
        return {each.begin: each for each in read if isinstance(each, Item)}


def _mapping(captures: Captures, batch: int) -> ColumnMapping | None:
    told = json.loads(captures.batch(batch).options)
    text = told.get("mapping")
    return None if text is None else read_mapping(text.encode(), "the batch's mapping")
