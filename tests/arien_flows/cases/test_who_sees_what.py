"""Who sees what, whatever happens to cases, members, labels and clearances: against a plain model.

The model knows each case by its label, its members and its addresses, and says in one line who
sees it. The casebook has to agree for every caller after every step: lists, single cases, signals,
acts, and whom an event is addressed to.
"""

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseRole, case_role
from arien_flows.access.roles import PERMISSIONS, Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewPerson
from arien_flows.casebook.case_records import CaseChange, CaseFilter
from arien_flows.casebook.event_tables import events
from arien_flows.cases.deadlines import erase
from arien_flows.cases.signal_answers import case_signals, known_introductions
from arien_flows.cases.signals import seen_signals, tell_signals
from arien_flows.errors import ConflictError
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.case_folders import NOW, SMUGGLING
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, TAPROOT
from tests.arien_flows.cases.filled import interest

INVESTIGATORS = ("ada", "ben", "cyd")
SUPERVISORS = ("chief", "deputy")
PEOPLE = (*INVESTIGATORS, *SUPERVISORS, "root")
ROLES = {
    **dict.fromkeys(INVESTIGATORS, Role.INVESTIGATOR),
    **dict.fromkeys(SUPERVISORS, Role.SUPERVISOR),
    "root": Role.ADMIN,
}
LABELS = st.sampled_from([Tlp.GREEN, Tlp.AMBER, Tlp.RED])
ORDER = list(Tlp)


@dataclass
class ModelCase:
    tlp: Tlp
    version: int
    members: dict[str, CaseRole] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    is_erased: bool = False


class Cases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.workspace = Workspace(Settings(data=Path(self.folder.name), accounts=True))
        self.book = self.workspace.casebook.cases
        self.model: dict[str, ModelCase] = {}
        self.clearance = dict.fromkeys(PEOPLE, Tlp.AMBER)
        self.introduced: set[frozenset[str]] = set()
        self.told: set[frozenset[str]] = set()
        self.numbers = itertools.count()
        for name in PEOPLE:
            new = NewPerson(name=name, role=ROLES[name], clearance=Tlp.AMBER)
            self.workspace.casebook.people.add(new, now=NOW, by="the tests")

    def teardown(self) -> None:
        self.workspace.casebook.close()
        self.folder.cleanup()

    # --- what the model says

    def sees(self, name: str, case_id: str) -> bool:
        case = self.model[case_id]
        is_cleared = ORDER.index(self.clearance[name]) >= ORDER.index(case.tlp)
        if name == "root":
            return False  # whoever runs the system sees no case, member or not
        return is_cleared and (name in case.members or name in SUPERVISORS)

    def pairs(self) -> set[frozenset[str]]:
        return {
            frozenset(pair)
            for pair in itertools.combinations(self.model, 2)
            if set(self.model[pair[0]].texts.values()) & set(self.model[pair[1]].texts.values())
        }

    def caller(self, name: str) -> Caller:
        return Caller(
            name=name,
            role=ROLES[name],
            permissions=PERMISSIONS[ROLES[name]],
            clearance=self.clearance[name],
            means="key",
        )

    @property
    def kept(self) -> list[str]:
        return [case_id for case_id, case in self.model.items() if not case.is_erased]

    # --- what happens

    @rule(lead=st.sampled_from(INVESTIGATORS), tlp=LABELS)
    def make(self, lead: str, tlp: Tlp) -> None:
        new = replace(SMUGGLING, number=str(next(self.numbers)), tlp=tlp)
        case = self.book.create(new, now=NOW, by=lead)
        self.model[case.id] = ModelCase(tlp=tlp, version=1, members={lead: CaseRole.LEAD})

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), name=st.sampled_from(PEOPLE), role=st.sampled_from(CaseRole))
    def set_member(self, data: st.DataObject, name: str, role: CaseRole) -> None:
        case_id = data.draw(st.sampled_from(self.kept))
        case = self.model[case_id]
        leads = [who for who, part in case.members.items() if part is CaseRole.LEAD]
        if leads == [name] and role is not CaseRole.LEAD:
            with pytest.raises(ConflictError):
                self.book.set_member(case_id, name, role, now=NOW, by="x")
            return
        self.book.set_member(case_id, name, role, now=NOW, by="x")
        case.members[name] = role

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def remove_member(self, data: st.DataObject) -> None:
        case_id = data.draw(st.sampled_from(self.kept))
        case = self.model[case_id]
        name = data.draw(st.sampled_from(sorted(case.members)))
        leads = [who for who, part in case.members.items() if part is CaseRole.LEAD]
        if leads == [name]:
            with pytest.raises(ConflictError):
                self.book.remove_member(case_id, name, now=NOW, by="x")
            return
        self.book.remove_member(case_id, name, now=NOW, by="x")
        del case.members[name]

    @rule(name=st.sampled_from(PEOPLE), tlp=LABELS)
    def clear(self, name: str, tlp: Tlp) -> None:
        self.workspace.casebook.people.change(name, clearance=tlp, now=NOW, by="x")
        self.clearance[name] = tlp

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), tlp=LABELS)
    def relabel(self, data: st.DataObject, tlp: Tlp) -> None:
        case_id = data.draw(st.sampled_from(self.kept))
        version = self.book.read(case_id).written.version
        self.book.change(case_id, CaseChange(tlp=tlp), version=version, now=NOW, by="x")
        self.model[case_id].tlp = tlp

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), text=st.sampled_from([GENESIS, SCRIPT, TAPROOT]))
    def add(self, data: st.DataObject, text: str) -> None:
        case_id = data.draw(st.sampled_from(self.kept))
        ((item, is_new),) = self.book.content.add_subjects(
            case_id, [interest(text)], now=NOW, by="x"
        )
        assert is_new is (text not in self.model[case_id].texts.values())
        self.model[case_id].texts[item.id] = text

    @precondition(lambda self: any(case.texts for case in self.model.values()))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        filled = [case_id for case_id, case in self.model.items() if case.texts]
        case_id = data.draw(st.sampled_from(filled))
        item_id = data.draw(st.sampled_from(sorted(self.model[case_id].texts)))
        self.book.content.remove_subject(case_id, item_id, now=NOW, by="x")
        del self.model[case_id].texts[item_id]

    @precondition(lambda self: self.pairs())
    @rule(data=st.data())
    def introduce(self, data: st.DataObject) -> None:
        pair = data.draw(st.sampled_from(sorted(map(sorted, self.pairs()))))
        self.book.ending.introduce((pair[0], pair[1]), now=NOW, by="chief")
        self.introduced.add(frozenset(pair))
        self.told.add(frozenset(pair))

    @rule()
    def tell(self) -> None:
        before = self.events()
        new = self.pairs() - self.told
        assert tell_signals(self.workspace, NOW) == len(new)
        cleared = sorted(
            name for pair in new for name in PEOPLE if all(self.sees(name, it) for it in pair)
        )
        assert sorted(self.events()) == sorted([*before, *cleared])
        self.told |= new

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        case_id = data.draw(st.sampled_from(self.kept))
        erase(self.workspace, case_id, reason="x", now=NOW, by="chief")
        self.model[case_id] = ModelCase(
            tlp=self.model[case_id].tlp, version=0, members={}, is_erased=True
        )
        self.introduced = {pair for pair in self.introduced if case_id not in pair}
        self.told = {pair for pair in self.told if case_id not in pair}

    def events(self) -> list[str]:
        with self.workspace.casebook._reading() as connection:
            found = connection.execute(select(events.c.owner, events.c.case_id)).all()
        assert all(case_id is None for _, case_id in found)
        return [owner for owner, _ in found]

    # --- what everybody sees

    @invariant()
    def agrees(self) -> None:
        for name in PEOPLE:
            caller = self.caller(name)
            seen = {case_id for case_id in self.model if self.sees(name, case_id)}
            assert set(self.book.seen_by(caller)) == seen
            listed = self.book.page(caller, CaseFilter(), before=None, limit=1_000)
            assert {case.id for case, _ in listed} == seen
            signals = {frozenset(it.cases) for it in seen_signals(self.workspace, caller).found}
            assert signals == {pair for pair in self.pairs() if pair <= seen}
            for case_id in seen:
                self.agrees_on(caller, case_id, seen)

    def agrees_on(self, caller: Caller, case_id: str, seen: set[str]) -> None:
        found = self.book.access(case_id)
        assert found is not None
        role = case_role(caller, found)
        assert role is not None
        own = self.model[case_id].members.get(caller.name)
        assert role is (own or CaseRole.READER)
        shown = case_signals(self.workspace, caller, case_id, role)
        assert {frozenset(case.id for case in it.cases) for it in shown.items} == {
            pair for pair in self.pairs() if case_id in pair and pair <= seen
        }
        hidden = [p for p in self.introduced if case_id in p and not p <= seen]
        assert len(shown.introductions) == (len(hidden) if role is CaseRole.LEAD else 0)
        known = known_introductions(self.workspace, caller, case_id, role)
        acts = self.book.acts(case_id, introductions=known, before=None, limit=1_000)
        told = {act.subject for act in acts if act.kind == "introduced"}
        if role is not CaseRole.LEAD:
            assert len(told) == len([p for p in self.introduced if case_id in p and p <= seen])


TestCases = Cases.TestCase
TestCases.settings = settings(
    max_examples=4,
    stateful_step_count=14,
    deadline=None,
    # To shrink a failure takes minutes, each step being of a database.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
