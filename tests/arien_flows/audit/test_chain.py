"""Hashes of rows: the rule that is published, and one form of each row only."""

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.audit.chain import COLUMNS, AuditEntry, AuditRow, content_hash, linked
from arien_flows.casebook.evidence import NO_ROWS
from tests.arien_flows.audit.entries import entries, entry


def rows_of(listed: list[AuditEntry]) -> list[AuditRow]:
    return [AuditRow(**dict(zip(COLUMNS, row, strict=True))) for row in linked(listed, NO_ROWS)]


@given(st.lists(entries, max_size=4))
def test_row_hash__can_be_checked_from_an_export_without_this_program(
    listed: list[AuditEntry],
) -> None:
    link = "0" * 64
    for number, row in enumerate(rows_of(listed), 1):
        told = json.loads(row.line())
        own, prev = told.pop("row_hash"), told.pop("prev_hash")
        assert told["seq"] == number
        assert prev == link
        content = json.dumps(told, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256((prev + content).encode()).hexdigest() == own
        link = own


@given(entries, entries)
def test_content_hash__differs_wherever_the_content_does(a: AuditEntry, b: AuditEntry) -> None:
    (first,), (second,) = linked([a], NO_ROWS), linked([b], NO_ROWS)
    assert (first[:-2] == second[:-2]) == (
        content_hash("", first[:-2]) == content_hash("", second[:-2])
    )


def test_linked__keeps_text_that_no_database_could_hold_as_an_escape() -> None:
    (row,) = rows_of([entry("/v1/\0", reason="\ud800", subjects=("\0",))])
    assert (row.target, row.reason, row.subjects) == ("/v1/\\0", "\\ud800", '["\\\\0"]')
