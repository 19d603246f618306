"""Entries to record in tests."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from arien_flows.audit.chain import AuditEntry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(target: str = "/v1/networks", **more: Any) -> AuditEntry:
    told = {"at": NOON, "request_id": "r1", "method": "GET", "outcome": 200} | more
    return AuditEntry(target=target, **told)


words = st.text(max_size=12)
told = st.one_of(st.none(), words)
entries = st.builds(
    AuditEntry,
    at=st.datetimes(timezones=st.just(UTC)),
    request_id=words,
    method=words,
    target=words,
    caller=told,
    role=st.sampled_from([None, "auditor"]),
    key_id=told,
    ip=told,
    case_id=told,
    reason=told,
    subjects=st.lists(words, max_size=3).map(tuple),
    outcome=st.one_of(st.none(), st.integers(100, 599)),
)
