"""Long lists as JSON lines: all pages of a list, from one state, without holding it.

`Accept: application/jsonl` (or `application/x-ndjson`) asks for a list to its end. Each line is one
item as the page would have it. The last line is an object with the one field `end`, which holds all
that a page says besides its items, or with the one field `error`, a problem document: a list
without an `end` is cut off.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from api.deps import answer, linked
from api.errors import problem_of
from arien_flows.account_workspace import AccountReading, OpenAccounts
from arien_flows.errors import StaleSnapshotError
from arien_flows.shapes import Shape, Truncation, json_text, plain
from arien_flows.workspace import OpenNetwork, Reading

JSON_LINES = "application/jsonl"
MEDIA_TYPES = (JSON_LINES, "application/x-ndjson")

Pages = Callable[[str | None], Any]
"""From a cursor to a page: a shape with `items` and `next_cursor`."""


def lines_wanted(request: Request) -> str | None:
    """Return the media type of lines that a client asks for; nothing where it wants a page."""
    for part in request.headers.get("accept", "").lower().split(","):
        kind = part.partition(";")[0].strip()
        if kind in MEDIA_TYPES:
            return kind
    return None


def as_lines(item: type[Shape] | type[str]) -> dict[int | str, dict[str, Any]]:
    """Describe the lines that a route can answer with, besides its page."""
    name = {"type": "string"} if item is str else {"$ref": f"#/components/schemas/{item.__name__}"}
    return {200: {"content": {JSON_LINES: {"itemSchema": name}}}}


def all_lines(
    request: Request,
    media_type: str,
    pages: Pages,
    cursor: str | None,
    part: str | None = None,
) -> Response:
    """Answer with all items after a cursor; what is wrong with the first page is a refusal.

    `part` is the field of an answer that is its page, where the answer says more than that.
    """
    return streamed(request, media_type, _lines(pages, pages(cursor), part))


def streamed(request: Request, media_type: str, lines: Iterator[str]) -> Response:
    """Answer with lines as they are made; what fails on the way is told in the last one."""

    def told() -> Iterator[str]:
        try:
            yield from lines
        except Exception as error:  # noqa: BLE001 the status is sent: the list has to say so itself
            yield json.dumps({"error": plain(problem_of(request, error))}) + "\n"

    return StreamingResponse(told(), media_type=media_type)


def line_of(item: object) -> str:
    """Return an item as a line."""
    return json_text(item) + "\n"


def end_of(page: Shape, cuts: tuple[Truncation, ...], part: str | None = None) -> str:
    """Return the last line of a list: what its pages say besides their items."""
    told = {
        field.name: getattr(page, field.name)
        for field in fields(page)  # type: ignore[arg-type]  # every page is a dataclass
        if field.name not in ("items", "next_cursor", part)
    }
    if "truncations" in told:
        told |= {"truncations": cuts, "complete": not cuts}
    return json_text({"end": told}) + "\n"


def _lines(pages: Pages, found: Any, part: str | None) -> Iterator[str]:
    cuts: dict[Truncation, None] = {}
    while True:
        page = found if part is None else getattr(found, part)
        for item in page.items:
            yield line_of(item)
        cuts |= dict.fromkeys(getattr(found, "truncations", ()))
        if page.next_cursor is None:
            break
        found = pages(page.next_cursor)
    yield end_of(found, tuple(cuts), part)


def listed(request: Request, pages: Pages, cursor: str | None, part: str | None = None) -> Response:
    """Answer with a page of a list, or with all of it as lines, as the client asks."""
    media_type = lines_wanted(request)
    if media_type is not None:
        return all_lines(request, media_type, pages, cursor, part)
    found = pages(cursor)
    page = found if part is None else getattr(found, part)
    return linked(answer(found), request, page.next_cursor)


def listed_of(
    request: Request,
    network: OpenNetwork | OpenAccounts,
    profile: str,
    page: Callable[[Any, str | None], Any],
    cursor: str | None,
    part: str | None = None,
) -> Response:
    """Answer as `listed` does, with pages of a network's reading: lines are all of one reading."""
    if lines_wanted(request) is None:
        return listed(
            request,
            lambda it: network.ask(lambda reading: page(reading, it), profile),
            cursor,
            part,
        )
    reading = network.read(profile)
    pages = of_one_state(network, reading, lambda it: page(reading, it))
    return listed(request, pages, cursor, part)


def of_one_state(
    network: OpenNetwork | OpenAccounts,
    reading: Reading | AccountReading,
    page: Callable[[str | None], Any],
) -> Pages:
    """Return pages of one reading, each of which still holds when it is told."""

    def held(cursor: str | None) -> Any:
        found = page(cursor)
        if not network.holds(reading.view):  # type: ignore[arg-type]  # of its own kind
            raise StaleSnapshotError("blocks were removed while the list was made: ask again")
        return found

    return held
