"""Looking at files without keeping anything."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from arien_flows.casebook.capture_records import Reading
from arien_flows.documents.item import Refusal
from arien_flows.documents.reading import items
from arien_flows.extraction.secrets import without_secrets
from arien_flows.intake.existence import Chains
from arien_flows.intake.extracting import (
    Circumstances,
    Looked,
    UnreadableItemError,
    extract,
    look,
)
from arien_flows.intake.importing import place_of
from arien_flows.intake.order import Order
from arien_flows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """What stands in one item."""

    path: str
    sha256: str | None
    looked: Looked | None
    reading: Reading | None
    notes: tuple[str, ...]
    reason: str | None
    """Why it was refused."""


def look_at(workspace: Workspace, offers: Sequence[Path], order: Order) -> Iterator[LookedAt]:
    """Yield what stands in each item of files and folders; nothing is kept.

    Other captures are not heeded: what the casebook knows of the addresses is not asked.
    """
    around = Circumstances(network=order.network, first_use=Chains(workspace).first_use)
    for offer in offers:
        for found in items(offer, mapping=order.mapping):
            if isinstance(found, Refusal):
                yield _refused(found.path, found.reason)
                continue
            try:
                looked = look(found)
                made = extract(found, place_of(found, order, offer), looked, around)
            except UnreadableItemError as error:
                yield _refused(found.path, str(error))
                continue
            yield LookedAt(
                path=without_secrets(found.path),
                sha256=hashlib.sha256(found.raw).hexdigest(),
                looked=looked,
                reading=made.reading,
                notes=(*((found.note,) if found.note else ()), *made.notes),
                reason=None,
            )


def _refused(path: str, reason: str) -> LookedAt:
    return LookedAt(
        path=without_secrets(path),
        sha256=None,
        looked=None,
        reading=None,
        notes=(),
        reason=without_secrets(reason),
    )
