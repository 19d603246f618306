"""Cases for the tests, and the people who work on them."""

from dataclasses import replace
from datetime import UTC, date, datetime

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseRole
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import PERMISSIONS, Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.case_records import Case, NewCase

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
REVIEW_BY = date(2026, 8, 1)
ERASE_AFTER = date(2031, 2, 3)

SMUGGLING = NewCase(
    number="42 Js 7/26",
    title="Parcels from the harbour",
    legal_basis="§ 161 StPO",
    authority="Staatsanwaltschaft Musterstadt",
    purpose="To find who was paid for the parcels.",
    tlp=Tlp.AMBER,
    review_by=REVIEW_BY,
    erase_after=ERASE_AFTER,
)


def person(name: str, role: Role = Role.INVESTIGATOR, clearance: Tlp = Tlp.AMBER_STRICT) -> Caller:
    return Caller(
        name=name, role=role, permissions=PERMISSIONS[role], clearance=clearance, means="session"
    )


def reader_only(caller: Caller) -> Caller:
    """Return the caller of a key that lets look at cases and nothing else."""
    return replace(caller, permissions=frozenset({Permission.READ_CASES}))


def make_case(
    casebook: Casebook,
    number: str = SMUGGLING.number,
    *,
    lead: str = "ada",
    tlp: Tlp = Tlp.AMBER,
    now: datetime = NOW,
) -> Case:
    new = replace(SMUGGLING, number=number, tlp=tlp)
    return casebook.cases.create(new, now=now, by=lead)


def fill_cases(casebook: Casebook) -> None:
    case = make_case(casebook)
    casebook.cases.set_member(case.id, "ben", CaseRole.READER, now=NOW, by="ada")
