"""Signals between cases, as those see them who may."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseRole
from arien_flows.cases.signals import (
    Introduction,
    Shared,
    Signal,
    introductions_of,
    read_signal,
    seen_signals,
    share_a_member,
)
from arien_flows.errors import InputError
from arien_flows.shapes import Certainty, Shape
from arien_flows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalledCase(Shape):
    """One of the two cases of a signal."""

    id: str
    """Its name."""

    number: str | None
    """The authority's own reference."""

    leads: tuple[str, ...]
    """Who leads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedInterest(Shape):
    """Something that stands in both cases."""

    network: str
    """Name of the network."""

    first: str
    """How the first case has it: an address, or a transaction."""

    second: str
    """How the second case has it."""

    certainty: Certainty
    """`fact` where both have the same, `inference` where the strict profile joins the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalAnswer(Shape):
    """What two cases share, for those who see both."""

    id: str
    """Its name; the same as long as the two cases share anything."""

    cases: tuple[SignalledCase, ...]
    """The two cases."""

    shared: tuple[SharedInterest, ...]
    """What they share, what was shared first first."""

    needs_introduction: bool
    """Whether nobody works on both cases, and their leads were not introduced to each other."""

    introduced_at: datetime | None
    """When a supervisor introduced the leads to each other."""

    introduced_by: str | None
    """Who did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPage(Shape):
    """A page of signals."""

    items: tuple[SignalAnswer, ...]
    """Those between cases that you see; the cases that met last come first."""

    gaps: tuple[str, ...]
    """Why items that stand for entities were matched by their own address only."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntroductionAnswer(Shape):
    """What the lead of a case is told of another one that he or she does not see."""

    id: str
    """Name of the signal."""

    number: str | None
    """The other case's number."""

    leads: tuple[str, ...]
    """Who leads the other case: ask them."""

    introduced_at: datetime
    """When a supervisor said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSignals(Shape):
    """What stands in a case and in another one, as far as you may know."""

    items: tuple[SignalAnswer, ...]
    """Of cases that you see, too."""

    introductions: tuple[IntroductionAnswer, ...]
    """Of cases that you do not see, told to leads only."""

    gaps: tuple[str, ...]
    """Why items that stand for entities were matched by their own address only."""


def signals_page(
    workspace: Workspace, caller: Caller, *, cursor: str | None, limit: int
) -> SignalPage:
    """Return a page of signals; `InputError` where the cursor's signal is there no more."""
    signals = seen_signals(workspace, caller)
    names = [signal.id for signal in signals.found]
    if cursor is not None and cursor not in names:
        raise InputError("the list has changed since the cursor was made: begin again")
    start = 0 if cursor is None else names.index(cursor) + 1
    page = signals.found[start : start + limit]
    return SignalPage(
        items=tuple(_signal(workspace, signal) for signal in page),
        gaps=signals.gaps,
        next_cursor=page[-1].id if start + limit < len(names) else None,
    )


def signal_answer(workspace: Workspace, caller: Caller, name: str) -> SignalAnswer:
    """Return one signal; `NotFoundError` where the caller may not know of it."""
    return _signal(workspace, read_signal(workspace, caller, name))


def case_signals(workspace: Workspace, caller: Caller, case_id: str, role: CaseRole) -> CaseSignals:
    """Return what somebody with a part in a case may know of others that share something."""
    signals = seen_signals(workspace, caller)
    seen = workspace.casebook.cases.seen_by(caller)
    # Looked up for everybody, so that the time it takes tells nothing.
    introductions = introductions_of(workspace, case_id, seen)
    return CaseSignals(
        items=tuple(_signal(workspace, it) for it in signals.found if case_id in it.cases),
        introductions=tuple(_introduction(it) for it in introductions if role is CaseRole.LEAD),
        gaps=signals.gaps,
    )


def known_introductions(
    workspace: Workspace, caller: Caller, case_id: str, role: CaseRole
) -> Collection[str] | None:
    """Return the signals of whose introductions somebody may read; nothing for all of them."""
    seen = set(workspace.casebook.cases.seen_by(caller))
    told = workspace.casebook.cases.ending.told_signals(case_id)
    if role is CaseRole.LEAD:
        return None
    return [signal.id for signal in told if seen.issuperset(signal.cases)]


def _signal(workspace: Workspace, signal: Signal) -> SignalAnswer:
    told = {it.id: it for it in workspace.casebook.cases.ending.told_signals(signal.cases[0])}
    introduced = told.get(signal.id)
    introduced_at = None if introduced is None else introduced.introduced_at
    return SignalAnswer(
        id=signal.id,
        cases=tuple(_case(workspace, case_id) for case_id in signal.cases),
        shared=tuple(_shared(each) for each in signal.shared),
        needs_introduction=introduced_at is None and not share_a_member(workspace, signal.cases),
        introduced_at=introduced_at,
        introduced_by=None if introduced is None else introduced.introduced_by,
    )


def _case(workspace: Workspace, case_id: str) -> SignalledCase:
    cases = workspace.casebook.cases
    members = cases.members(case_id)
    return SignalledCase(
        id=case_id,
        number=cases.read(case_id).number,
        leads=tuple(it.person for it in members if it.role is CaseRole.LEAD),
    )


def _shared(shared: Shared) -> SharedInterest:
    return SharedInterest(
        network=shared.first.subject.network,
        first=shared.first.subject.text,
        second=shared.second.subject.text,
        certainty="inference" if shared.is_inferred else "fact",
    )


def _introduction(told: Introduction) -> IntroductionAnswer:
    return IntroductionAnswer(
        id=told.id, number=told.number, leads=told.leads, introduced_at=told.introduced_at
    )
