"""Lookups: many addresses and transactions in one request."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import allow, note_subjects
from api.deps import AnyNetworkDep, answer, problems
from api.lines import as_lines, end_of, line_of, lines_wanted, streamed
from arien_flows.access.permissions import Permission
from arien_flows.account_workspace import AccountReading, OpenAccounts
from arien_flows.answers.lookups import (
    MOST_ROWS,
    LookupAnswer,
    LookupRow,
    Part,
    answer_of_rows,
    lookup_answer,
    lookup_rows,
)
from arien_flows.errors import StaleSnapshotError
from arien_flows.workspace import OpenNetwork, Reading

router = APIRouter(prefix="/v1/{network}/lookups", tags=["lookups"])


class LookupBody(BaseModel):
    """What is looked up."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    items: Annotated[
        list[Annotated[str, Field(max_length=25_000)]], Field(min_length=1, max_length=MOST_ROWS)
    ]
    """Addresses and transaction ids, in any order."""

    include: Annotated[list[Part], Field(min_length=1, max_length=3)] = ["summary"]
    """What is told of each address: all that `GET` of it answers, only the name of its entity, or
    only its tags."""

    profile: Literal["strict", "standard", "wide"] = "strict"
    """Whose entities."""


@router.post(
    "",
    operation_id="look_up",
    summary="Look up many addresses and transactions",
    response_model=LookupAnswer,
    responses=problems(
        _404="The network has no ledger here.",
        _422="The request is not valid. A row that is wrong is told in its own status.",
    )
    | as_lines(LookupRow),
    dependencies=[allow(Permission.READ_CHAIN)],
)
def look_up(body: LookupBody, request: Request, network: AnyNetworkDep) -> Response:
    """Return one row for each item, in the order of the request, each with its own status.

    All rows are of one state of the chain, and each says what its own `GET` would. As lines the
    first rows come before the last ones are made.
    """
    note_subjects(request, *body.items)
    parts = frozenset(body.include)
    media_type = lines_wanted(request)
    if media_type is None:
        return answer(
            network.ask(lambda reading: lookup_answer(reading, body.items, parts), body.profile)
        )
    reading = network.read(body.profile)
    return streamed(request, media_type, _lines(network, reading, body.items, parts))


def _lines(
    network: OpenNetwork | OpenAccounts,
    reading: Reading | AccountReading,
    items: list[str],
    parts: frozenset[Part],
) -> Iterator[str]:
    counts: dict[str, int] = {}
    for row in lookup_rows(reading, items, parts):
        counts[row.status] = counts.get(row.status, 0) + 1
        yield line_of(row)
    if not network.holds(reading.view):  # type: ignore[arg-type]  # of its own kind
        raise StaleSnapshotError("blocks were removed while the list was made: ask again")
    yield end_of(replace(answer_of_rows(reading, ()), counts=counts), reading.limits)
