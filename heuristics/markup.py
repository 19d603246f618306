"""HTML as arrays: the face of the kernels that read it."""

from dataclasses import dataclass

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.markup_styles import hidden_names
from heuristics.markup_tokens import OPEN, tokenize
from heuristics.markup_tree import build

MOST_TOKENS = 4_000_000
"""Of one document. A page has thousands; what stands behind the last is read as text."""

LONGEST = 2**31 - 64
"""Bytes of a document: offsets have 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Markup:
    """A document's tokens, its elements and what it displays.

    Elements stand in the order of their opening tags; the first is the document itself. Their
    texts are places in `shown` or, for hidden ones, in `unshown`, in bytes.
    """

    kind: UInt8Array
    begin: Int32Array
    """Where each token begins, and the document's length."""

    name_end: Int32Array
    tag: Int64Array
    """The packed name of each token that is a tag."""

    parent: Int32Array
    token: Int32Array
    content_end: Int32Array
    end: Int32Array
    start: Int32Array
    stop: Int32Array
    mark: UInt8Array

    shown: UInt8Array
    """What is displayed, in UTF-8."""

    shown_at: Int32Array
    shown_until: Int32Array
    unshown: UInt8Array
    """What is not: hidden elements, comments, scripts, values of attributes."""

    unshown_at: Int32Array
    unshown_until: Int32Array

    cut: bool
    """Whether there were more tokens than are told apart."""


def read_markup(utf8: bytes) -> Markup:
    """Read a document in UTF-8.

    Raises
    ------
    ValueError
        If the document is longer than `LONGEST`.
    """
    if len(utf8) > LONGEST:
        raise ValueError(f"a document of {len(utf8)} bytes is too long, the most is {LONGEST}")
    data = np.frombuffer(utf8, np.uint8)
    # A tag, and the text or raw text that may follow it; two more for what stands before.
    room = min(3 * int(np.count_nonzero(data == ord("<"))) + 4, MOST_TOKENS)
    kind = np.zeros(room, np.uint8)
    begin = np.zeros(room + 1, np.int32)
    name_end = np.zeros(room, np.int32)
    tag = np.zeros(room, np.int64)
    count = tokenize(data, kind, begin, name_end, tag)
    begin[count] = len(data)
    kind, begin, name_end, tag = kind[:count], begin[: count + 1], name_end[:count], tag[:count]
    return _built(data, kind, begin, name_end, tag, cut=count + 4 > MOST_TOKENS)


def _built(
    data: UInt8Array,
    kind: UInt8Array,
    begin: Int32Array,
    name_end: Int32Array,
    tag: Int64Array,
    *,
    cut: bool,
) -> Markup:
    elements = int(np.count_nonzero(kind == OPEN)) + 1
    # White space is written for tags, of which each has more bytes than that.
    room = len(data) + 16
    out = np.empty(room, np.uint8)
    at = np.empty(room, np.int32)
    until = np.empty(room, np.int32)
    parent = np.empty(elements, np.int32)
    token = np.empty(elements, np.int32)
    span = np.zeros((elements, 4), np.int32)
    mark = np.zeros(elements, np.uint8)
    hidden = hidden_names(data, kind, begin, tag)
    _, shown, unshown = build(
        data, kind, begin, name_end, tag, out, at, until, parent, token, span, mark, hidden
    )
    back = slice(room - 1, room - 1 - unshown, -1)
    return Markup(
        kind=kind,
        begin=begin,
        name_end=name_end,
        tag=tag,
        parent=parent,
        token=token,
        content_end=span[:, 0],
        end=span[:, 1],
        start=span[:, 2],
        stop=span[:, 3],
        mark=mark,
        shown=out[:shown],
        shown_at=at[:shown],
        shown_until=until[:shown],
        unshown=np.ascontiguousarray(out[back]),
        unshown_at=np.ascontiguousarray(at[back]),
        unshown_until=np.ascontiguousarray(until[back]),
        cut=cut,
    )
