"""Cases as folders: their members, deadlines and acts, and who sees them."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from arien_flows.access.callers import local_caller
from arien_flows.access.cases import CaseRole, case_role
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.case_records import (
    ActKind,
    CaseChange,
    CaseFilter,
    CaseState,
)
from arien_flows.casebook.case_tables import case_acts
from arien_flows.casebook.engine import writing
from arien_flows.errors import (
    ArienError,
    ConflictError,
    InputError,
    LostUpdateError,
    NotFoundError,
)
from tests.arien_flows.casebook.case_folders import (
    NOW,
    REVIEW_BY,
    SMUGGLING,
    make_case,
    person,
    reader_only,
)

LATER = NOW + timedelta(hours=1)
ADA, BEN = person("ada"), person("ben")
CHIEF = person("chief", Role.SUPERVISOR, Tlp.RED)


def acts_of(casebook: Casebook, case_id: str) -> set[tuple[ActKind, str | None, str | None]]:
    found = casebook.cases.acts(case_id, before=None, limit=100)
    return {(act.kind, act.subject, act.what) for act in found}


def test_create__keeps_what_was_said_and_makes_a_lead(casebook: Casebook):
    case = make_case(casebook)
    assert casebook.cases.read(case.id) == case
    assert (case.number, case.tlp, case.state) == ("42 Js 7/26", Tlp.AMBER, CaseState.OPEN)
    assert case.number_sha256 == hashlib.sha256(b"42 Js 7/26").hexdigest()
    assert [(it.person, it.role) for it in casebook.cases.members(case.id)] == [
        ("ada", CaseRole.LEAD)
    ]
    assert acts_of(casebook, case.id) == {
        (ActKind.CASE_MADE, None, None),
        (ActKind.MEMBER_SET, "ada", "lead"),
    }


def test_create__refuses_a_number_twice_and_deadlines_that_passed(casebook: Casebook):
    make_case(casebook)
    with pytest.raises(ConflictError, match="42 Js 7/26 is taken"):
        make_case(casebook, lead="ben")
    for field in ("review_by", "erase_after"):
        late = replace(SMUGGLING, number="2", **{field: NOW.date() - timedelta(days=1)})
        with pytest.raises(InputError, match=field):
            casebook.cases.create(late, now=NOW, by="ada")


def test_access__is_nothing_where_there_is_no_case(casebook: Casebook):
    assert casebook.cases.access("case_none") is None
    with pytest.raises(NotFoundError):
        casebook.cases.read("case_none")
    case = make_case(casebook)
    assert casebook.cases.access("case_none") is None
    found = casebook.cases.access(case.id)
    assert found is not None
    assert (found.id, found.tlp, dict(found.members)) == (
        case.id,
        Tlp.AMBER,
        {"ada": CaseRole.LEAD},
    )


def test_seen_by__is_what_the_one_rule_says_of_each_case(casebook: Casebook):
    mine = make_case(casebook, "1")
    secret = make_case(casebook, "2", tlp=Tlp.RED, now=LATER)
    other = make_case(casebook, "3", lead="ben", now=LATER + timedelta(hours=1))
    callers = (
        ADA,
        BEN,
        CHIEF,
        person("ada", clearance=Tlp.GREEN),
        person("boss", Role.SUPERVISOR, Tlp.AMBER),
        person("root", Role.ADMIN, Tlp.RED),
        reader_only(ADA),
        local_caller("anybody"),
    )
    for caller in callers:
        seen = []
        for case in (other, secret, mine):
            found = casebook.cases.access(case.id)
            assert found is not None
            if case_role(caller, found) is not None:
                seen.append(case.id)
        assert casebook.cases.seen_by(caller) == seen
        listed = casebook.cases.page(caller, CaseFilter(), before=None, limit=10)
        assert [case.id for case, _ in listed] == seen
    assert casebook.cases.seen_by(ADA) == [mine.id]
    assert casebook.cases.seen_by(CHIEF) == [other.id, secret.id, mine.id]


def test_page__goes_on_after_the_last_one_and_heeds_filters(casebook: Casebook):
    made = [make_case(casebook, str(i), now=NOW + timedelta(hours=i)).id for i in range(5)]
    first = casebook.cases.page(ADA, CaseFilter(), before=None, limit=3)
    rest = casebook.cases.page(ADA, CaseFilter(), before=first[-1][0].id, limit=3)
    assert [case.id for case, _ in first + rest] == made[::-1]
    by_number = casebook.cases.page(ADA, CaseFilter(number="3"), before=None, limit=3)
    assert [case.id for case, _ in by_number] == [made[3]]
    soon = CaseFilter(due_on=REVIEW_BY)
    assert casebook.cases.page(ADA, soon, before=None, limit=3) == []
    late = CaseFilter(due_on=REVIEW_BY + timedelta(days=1))
    assert len(casebook.cases.page(ADA, late, before=None, limit=9)) == 5


def test_change__is_of_the_version_that_was_read(casebook: Casebook):
    case = make_case(casebook)
    changed = casebook.cases.change(
        case.id, CaseChange(title="Parcels", tlp=Tlp.RED), version=1, now=LATER, by="ada"
    )
    assert (changed.title, changed.tlp, changed.written.version) == ("Parcels", Tlp.RED, 2)
    assert changed.legal_basis == case.legal_basis
    with pytest.raises(LostUpdateError):
        casebook.cases.change(case.id, CaseChange(title="X"), version=1, now=LATER, by="ben")
    same = casebook.cases.change(
        case.id, CaseChange(title="Parcels"), version=2, now=LATER, by="ada"
    )
    assert same == changed
    assert (ActKind.CASE_CHANGED, None, "title, tlp") in acts_of(casebook, case.id)


def test_change__of_a_closed_case_is_its_deadlines_or_its_opening(casebook: Casebook):
    case = make_case(casebook)
    cases = casebook.cases
    cases.change(case.id, CaseChange(state=CaseState.CLOSED), version=1, now=NOW, by="ada")
    with pytest.raises(ConflictError, match="closed"):
        cases.change(case.id, CaseChange(title="X"), version=2, now=NOW, by="ada")
    later = CaseChange(erase_after=date(2040, 1, 1))
    cases.change(case.id, later, version=2, now=NOW, by="ada")
    opened = CaseChange(state=CaseState.OPEN)
    assert cases.change(case.id, opened, version=3, now=NOW, by="ada").state is CaseState.OPEN
    with pytest.raises(InputError, match="DELETE"):
        cases.change(case.id, CaseChange(state=CaseState.ERASED), version=4, now=NOW, by="ada")
    assert {(ActKind.CASE_CLOSED, None, None), (ActKind.CASE_REOPENED, None, None)} <= acts_of(
        casebook, case.id
    )


def test_review__moves_the_day_and_is_kept(casebook: Casebook):
    case = make_case(casebook)
    day = date(2027, 1, 1)
    made = casebook.cases.review(
        case.id, finding="Still needed.", next_review_by=day, now=LATER, by="ada"
    )
    assert casebook.cases.reviews(case.id, before=None, limit=9) == [made]
    assert casebook.cases.read(case.id).review_by == day
    with pytest.raises(InputError):
        casebook.cases.review(
            case.id, finding="x", next_review_by=date(2020, 1, 1), now=NOW, by="ada"
        )


def test_members__never_leave_a_case_without_a_lead(casebook: Casebook):
    case, cases = make_case(casebook), casebook.cases
    for act in (
        lambda: cases.remove_member(case.id, "ada", now=NOW, by="ada"),
        lambda: cases.set_member(case.id, "ada", CaseRole.READER, now=NOW, by="ada"),
    ):
        with pytest.raises(ConflictError, match="only lead"):
            act()
    cases.set_member(case.id, "ben", CaseRole.LEAD, now=LATER, by="ada")
    cases.remove_member(case.id, "ada", now=LATER, by="ben")
    assert [it.person for it in cases.members(case.id)] == ["ben"]
    with pytest.raises(NotFoundError, match="no member"):
        cases.remove_member(case.id, "ada", now=LATER, by="ben")
    with pytest.raises(NotFoundError):
        cases.set_member("case_none", "ben", CaseRole.READER, now=NOW, by="ada")


def test_acts__cannot_be_changed_or_removed(casebook: Casebook):
    case = make_case(casebook)
    row = {"id": "act_1", "case_id": case.id, "kind": "erased", "at": NOW, "by": "x"}
    with writing(casebook._engine) as connection:
        connection.execute(insert(case_acts).values(row))
    attempts = [update(case_acts).values(by="nobody"), delete(case_acts)]
    if casebook._engine.dialect.name == "sqlite":
        attempts.append(insert(case_acts).prefix_with("OR REPLACE").values(row))
    for attempt in attempts:
        refused = pytest.raises(ArienError, match="only ever appended")
        with refused as caught, writing(casebook._engine) as connection:
            connection.execute(attempt)
        assert isinstance(caught.value.__cause__, DBAPIError)
    with casebook._reading() as connection:
        assert len(connection.execute(select(case_acts)).all()) == 3
