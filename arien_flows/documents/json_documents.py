"""Listings as JSON: one object, a list of objects, or an object a line.

Each object is an item of its own. Where its fields stand is found by walking over the text once;
strings are stepped over whole, so that a bracket inside of one means nothing.
"""

import json
import re
from collections.abc import Iterator

from arien_flows.documents.columns import ColumnMapping, meanings
from arien_flows.documents.item import Item, Refusal, whole
from arien_flows.documents.limits import LARGEST_JSON, MOST_FIELDS, MOST_ROWS
from arien_flows.documents.moments import moment_of

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]', re.DOTALL)
_OPENS, _CLOSES = b"{[", b"}]"
_BOM = b"\xef\xbb\xbf"


def json_items(
    raw: bytes, path: str, mapping: ColumnMapping | None, media_type: str
) -> Iterator[Item | Refusal]:
    """Yield the objects of a JSON document; one that is no list of objects is one item."""
    if len(raw) > LARGEST_JSON:
        yield Refusal(
            path=path,
            reason=f"it has {len(raw):,} bytes, and JSON in one piece at most {LARGEST_JSON:,}: "
            "write one object a line (JSON lines)",
        )
        return
    fault = _fault(raw)
    if fault:
        yield Refusal(path=path, reason=fault)
        return
    objects = _objects(raw)
    if not objects:
        yield whole(path, raw, media_type)
        return
    for number, (begin, end) in enumerate(objects[:MOST_ROWS], start=1):
        row = path if len(objects) == 1 and end - begin == len(raw.strip()) else f"{path}#{number}"
        yield _item(raw, path, row, begin, end, mapping, media_type)


def line_items(
    raw: bytes, path: str, mapping: ColumnMapping | None, media_type: str
) -> Iterator[Item | Refusal]:
    """Yield the object of each line."""
    begin = len(_BOM) if raw.startswith(_BOM) else 0
    number = 0
    while begin < len(raw):
        end = raw.find(b"\n", begin)
        end = len(raw) if end < 0 else end
        line = raw[begin:end]
        number += 1
        name = f"{path}#{number}"
        if number > MOST_ROWS:
            yield Refusal(path=name, reason=f"the file has more than {MOST_ROWS:,} lines: split it")
            return
        if len(line) > LARGEST_JSON:
            yield Refusal(path=name, reason=f"the line has more than {LARGEST_JSON:,} bytes")
        elif line.strip():
            fault = _fault(line) or ("" if line.lstrip()[:1] == b"{" else "it is no object")
            if fault:
                yield Refusal(path=name, reason=fault)
            else:
                yield _item(raw, path, name, begin, end, mapping, media_type)
        begin = end + 1


def _fault(raw: bytes) -> str:
    try:
        json.loads(raw.removeprefix(_BOM))
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return f"it is not valid JSON ({str(error)[:200]})"
    return ""


def _objects(raw: bytes) -> list[tuple[int, int]]:
    """Return the bytes of the objects of the outermost list, or of the only object.

    An object that holds nothing but one list of objects stands for that list.
    """
    found: dict[int, list[tuple[int, int]]] = {1: [], 2: [], 3: []}
    depth, begun, kinds = 0, [0] * 4, [b""] * 4
    for token in _TOKEN.finditer(raw):
        sign = token.group()
        if sign in (b"{", b"["):
            depth += 1
            if depth < 4:
                begun[depth], kinds[depth] = token.start(), sign
        elif sign in (b"}", b"]"):
            if depth < 4 and kinds[depth] == b"{":
                found[depth].append((begun[depth], token.end()))
            depth -= 1
    if raw.lstrip(_BOM).lstrip()[:1] == b"[":
        return found[2]
    return found[3] if len(found[3]) > 1 and not found[2] else found[1]


def _item(
    raw: bytes,
    path: str,
    row: str,
    begin: int,
    end: int,
    mapping: ColumnMapping | None,
    media_type: str,
) -> Item:
    members = _members(raw, begin, end)
    names = meanings([name for name, _, _ in members], None)
    if mapping is not None:
        known = {column: field for field, column in mapping.columns.items()}
        names = [known.get(key, name) for (key, _, _), name in zip(members, names, strict=True)]
    values: dict[str, str] = {}
    places: dict[str, tuple[int, int]] = {}
    for name, (_, start, stop) in zip(names, members, strict=True):
        text = _text(json.loads(raw[start:stop]))
        if text and name not in values:
            values[name] = text
            places[name] = (start, stop)
    moment = moment_of(values.get("captured_at", ""))
    return Item(
        path=row,
        raw=raw,
        document_path=path,
        media_type=media_type,
        captured_at=moment,
        clock="" if moment is None else "field:captured_at",
        url=values.get("url"),
        fields=values,
        places=places,
        begin=begin,
        end=end,
    )


def _members(raw: bytes, begin: int, end: int) -> list[tuple[str, int, int]]:
    """Return the name of each member of an object, and the bytes of its value."""
    found: list[tuple[str, int, int]] = []
    depth, last, key, value_begin = 0, (0, 0), "", -1
    for token in _TOKEN.finditer(raw, begin, end):
        sign = token.group()
        if sign[:1] in _OPENS:
            depth += 1
        elif sign[:1] in _CLOSES or (sign == b"," and depth == 1):
            if depth == 1 and value_begin >= 0 and len(found) < MOST_FIELDS:
                found.append((key, value_begin, token.start()))
                value_begin = -1
            depth -= sign != b","
        elif sign == b":" and depth == 1:
            key = str(json.loads(raw[slice(*last)]))
            value_begin = token.end()
        else:
            last = token.span()
    return found


def _text(value: object) -> str:
    """Return what a value says; lists of words one a line, and nothing of what holds more."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "\n".join(each.strip() for each in value if isinstance(each, str))
    return ""
