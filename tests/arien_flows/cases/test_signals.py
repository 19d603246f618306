"""Signals over a ledger: an entity in one case meets the addresses that are joined to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.access.callers import local_caller
from arien_flows.casebook.case_records import (
    Certainty,
    NewSubject,
    PersonRole,
    Subject,
    SubjectKind,
)
from arien_flows.casebook.engine import sqlite_url
from arien_flows.cases.signal_answers import signals_page
from arien_flows.cases.signals import seen_signals, signals_among
from arien_flows.cases.subjects import subject_named
from arien_flows.errors import InputError
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from chains.errors import UnknownNetworkError
from tests.arien_flows.casebook.case_folders import NOW, make_case
from tests.small_case import NETWORK, SmallCase

LOCAL = local_caller("ada")
TRANSACTION = "4A5E1E4BAAB89F3A32518A88C31BC87F618F76673E2CC77AB2127B7AFDEDA33B"


@pytest.fixture
def workspace(small_case: SmallCase, tmp_path: Path) -> Iterator[Workspace]:
    """Return the small ledger with a casebook of its own."""
    book = str(sqlite_url(tmp_path / "casebook.sqlite"))
    made = Workspace(Settings(data=small_case.data, casebook=book))
    yield made
    made.casebook.close()


def put_in(workspace: Workspace, number: str, kind: SubjectKind, text: str) -> str:
    case = make_case(workspace.casebook, number)
    network = "bitcoin" if kind is SubjectKind.TRANSACTION else NETWORK
    item = NewSubject(
        subject=subject_named(kind, network, text),
        person_role=PersonRole.UNKNOWN,
        certainty=Certainty.FACT,
        note="",
    )
    workspace.casebook.cases.content.add_subjects(case.id, [item], now=NOW, by="ada")
    return case.id


def test_signals__join_an_entity_with_its_addresses_and_say_that_it_is_inferred(
    workspace: Workspace, small_case: SmallCase
):
    entity = put_in(workspace, "1", SubjectKind.ENTITY, small_case.address("alice"))
    member = put_in(workspace, "2", SubjectKind.ADDRESS, small_case.address("p2pkh:alice-2"))
    put_in(workspace, "3", SubjectKind.ADDRESS, small_case.address("bob"))
    (signal,) = seen_signals(workspace, LOCAL).found
    assert set(signal.cases) == {entity, member}
    (shown,) = signals_page(workspace, LOCAL, cursor=None, limit=5).items
    assert [it.certainty for it in shown.shared] == ["inference"]
    assert signals_among(workspace, [entity]).found == ()


def test_signals__of_two_addresses_of_one_entity_are_none_where_nobody_asked_about_it(
    workspace: Workspace, small_case: SmallCase
):
    put_in(workspace, "1", SubjectKind.ADDRESS, small_case.address("alice"))
    put_in(workspace, "2", SubjectKind.ADDRESS, small_case.address("p2pkh:alice-2"))
    assert seen_signals(workspace, LOCAL).found == ()


def test_signals__say_where_entities_could_not_be_told(tmp_path: Path, small_case: SmallCase):
    workspace = Workspace(Settings(data=tmp_path / "empty"))
    put_in(workspace, "1", SubjectKind.ENTITY, small_case.address("alice"))
    put_in(workspace, "2", SubjectKind.ADDRESS, small_case.address("alice"))
    found = seen_signals(workspace, LOCAL)
    assert len(found.found) == 1
    assert [NETWORK in gap for gap in found.gaps] == [True]
    workspace.casebook.close()


def test_signals__come_in_pages_that_a_change_makes_void(
    workspace: Workspace, small_case: SmallCase
):
    made = [
        put_in(workspace, str(i), SubjectKind.ADDRESS, small_case.address("bob")) for i in range(3)
    ]
    first = signals_page(workspace, LOCAL, cursor=None, limit=2)
    rest = signals_page(workspace, LOCAL, cursor=first.next_cursor, limit=2)
    assert (len(first.items), len(rest.items), rest.next_cursor) == (2, 1, None)
    assert len({it.id for it in first.items + rest.items}) == 3
    content = workspace.casebook.cases.content
    for case_id in made:
        for item in content.subjects(case_id, before=None, limit=5):
            content.remove_subject(case_id, item.id, now=NOW, by="ada")
    with pytest.raises(InputError, match="begin again"):
        signals_page(workspace, LOCAL, cursor=first.next_cursor, limit=2)


def test_subject_named__is_canonical_or_refused(small_case: SmallCase):
    found = subject_named(SubjectKind.TRANSACTION, "bitcoin", TRANSACTION)
    assert found == Subject(
        kind=SubjectKind.TRANSACTION, network="bitcoin", text=TRANSACTION.lower()
    )
    for kind, text in ((SubjectKind.ADDRESS, TRANSACTION), (SubjectKind.TRANSACTION, "xyz")):
        with pytest.raises(InputError, match=f"is no {kind.value} of bitcoin"):
            subject_named(kind, "bitcoin", text)
    with pytest.raises(UnknownNetworkError):
        subject_named(SubjectKind.ADDRESS, "dogecoin", small_case.address("bob"))
