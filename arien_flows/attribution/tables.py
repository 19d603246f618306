"""Reading the tables and trees that lists come in, bounded and with one error for each fault."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from arien_flows.errors import InputError


def text_of(raw: bytes, name: str) -> str:
    """Return a file's text, which has to be UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not UTF-8 (byte {error.start:,}): save the file as UTF-8"
        ) from error


def rows_of(raw: bytes, name: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV file that hold anything."""
    try:
        for row in csv.reader(io.StringIO(text_of(raw, name), newline=""), strict=True):
            if any(field.strip() for field in row):
                yield row
    except csv.Error as error:
        raise InputError(f"{name}: not valid CSV: {error}") from error


def json_of(raw: bytes, name: str) -> Any:
    """Return what a JSON file says; refuse a name that is written twice."""
    try:
        return json.loads(text_of(raw, name), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is written twice")
    return found
