"""Cursors of pages of conflicts: a row of the table, in the one run that they were made for.

Another run may number its conflicts in another way, so a cursor names the run as well.
"""

import base64
import binascii

from arien_flows.entities.clustering import Clustering
from arien_flows.errors import InputError, StaleCursorError


def cursor_at(clustering: Clustering, row: int) -> str:
    """Return the cursor of the page that begins at a row."""
    told = f"{clustering.identity} {row}".encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def row_of(clustering: Clustering, cursor: str | None) -> int:
    """Return where the page of a cursor begins; without one, at the first row."""
    if cursor is None:
        return 0
    identity, row = _read(cursor)
    if identity != clustering.identity:
        raise StaleCursorError(
            "the clustering was run again since the cursor was made: start again without a cursor"
        )
    return row


def _read(cursor: str) -> tuple[str, int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        told = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        identity, _, row = told.partition(" ")
        if not (row.isascii() and row.isdecimal()):
            raise ValueError("no row")
        return identity, int(row)
    except (binascii.Error, ValueError) as error:
        raise InputError(
            "the cursor is damaged: give it back exactly as the last page had it"
        ) from error
