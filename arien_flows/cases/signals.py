"""The same address in two cases: who is told, and what.

Two investigations that meet at an address should know of each other, and one that must not be known
of should not be given away by an address. So what two cases share is looked for among the cases
that somebody sees, and no others are touched: neither an answer nor the time it takes depends on
what is in cases that must not be known. Both sides are shown to those who see both: members of
both, and supervisors with the clearance. Such a supervisor may *introduce* the two leads; each is
then told the number of the other case and who leads it, and nothing else of it.

Addresses match as text. An item that stands for an entity matches every address that the strict
profile joins to it, as the clustering says at the moment of asking; where there is no clustering,
or the address was never used, it stands for its address alone.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseRole, case_role
from arien_flows.access.roles import PERMISSIONS
from arien_flows.account_workspace import AccountReading
from arien_flows.casebook.case_records import SubjectKind
from arien_flows.casebook.case_signals import Standing, pair_of, signal_id
from arien_flows.errors import ArienError, NotFoundError
from arien_flows.workspace import OpenNetwork, Reading, Workspace
from chains.errors import ChainError

PEOPLE_AT_ONCE = 1_000

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Something that stands in both cases of a signal, of which the first comes first."""

    first: Standing
    second: Standing

    @property
    def is_inferred(self) -> bool:
        """Tell whether only the clustering joins the two."""
        return self.first.subject.text != self.second.subject.text

    @property
    def since(self) -> str:
        """Return the id of the later item of the two: it made them meet."""
        return max(self.first.item_id, self.second.item_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What two cases share."""

    cases: Pair
    shared: tuple[Shared, ...]
    """Never none; in the order in which they came to be shared."""

    @property
    def id(self) -> str:
        """Return its name, which depends on the two cases only."""
        return signal_id(self.cases)

    @property
    def since(self) -> str:
        """Return the id of the item by which the two cases met."""
        return self.shared[0].since


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What the lead of a case is told of another one."""

    id: str
    number: str | None
    leads: tuple[str, ...]
    introduced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The signals between some cases, newest first."""

    found: tuple[Signal, ...]
    gaps: tuple[str, ...]
    """Why items that stand for entities were not matched by them, where that is so."""


def signals_among(workspace: Workspace, case_ids: Collection[str] | None) -> Signals:
    """Return the signals between some cases, or all; other cases are not touched.

    An address that stands in `n` cases makes `n (n - 1) / 2` signals.
    """
    standing = workspace.casebook.cases.ending.standings(case_ids)
    found: dict[Pair, set[Shared]] = {}
    gaps: list[str] = []
    for group in _groups(workspace, standing, gaps):
        for one, other in combinations(group, 2):
            if one.case_id != other.case_id and _matches(one, other):
                pair = pair_of(one.case_id, other.case_id)
                first, second = (one, other) if one.case_id == pair[0] else (other, one)
                found.setdefault(pair, set()).add(Shared(first=first, second=second))
    signals = [
        Signal(cases=pair, shared=tuple(sorted(shared, key=_order)))
        for pair, shared in found.items()
    ]
    signals.sort(key=lambda it: (it.since, it.id), reverse=True)
    return Signals(found=tuple(signals), gaps=tuple(gaps))


def seen_signals(workspace: Workspace, caller: Caller) -> Signals:
    """Return the signals between the cases that a caller sees."""
    return signals_among(workspace, workspace.casebook.cases.seen_by(caller))


def read_signal(workspace: Workspace, caller: Caller, name: str) -> Signal:
    """Return one signal; `NotFoundError` where the caller may not know of it, or it is none."""
    for signal in seen_signals(workspace, caller).found:
        if signal.id == name:
            return signal
    raise NotFoundError(f"there is no {name}, or it is not yours to see")


def introductions_of(
    workspace: Workspace, case_id: str, seen: Collection[str]
) -> list[Introduction]:
    """Return what the lead of a case was told of cases that he or she does not see."""
    cases = workspace.casebook.cases
    told = []
    for signal in cases.ending.told_signals(case_id):
        (other,) = (each for each in signal.cases if each != case_id)
        if signal.introduced_at is not None and other not in seen:
            members = cases.members(other)
            leads = tuple(it.person for it in members if it.role is CaseRole.LEAD)
            told.append(
                Introduction(
                    id=signal.id,
                    number=cases.read(other).number,
                    leads=leads,
                    introduced_at=signal.introduced_at,
                )
            )
    return told


def tell_signals(workspace: Workspace, now: datetime) -> int:
    """Tell those who may know of signals that are new; return how many there were.

    Called now and then by a worker, never by the request that adds an address: its sender would
    learn from the time it takes that there is something to tell.
    """
    ending = workspace.casebook.cases.ending
    told = {signal.id for signal in ending.told_signals()}
    new = [it for it in signals_among(workspace, None).found if it.id not in told]
    return sum(
        ending.tell_signal(it.cases, cleared_for(workspace, it.cases), now=now) for it in new
    )


def cleared_for(workspace: Workspace, pair: Pair) -> list[str]:
    """Return the names of those who see both of two cases."""
    found = [workspace.casebook.cases.access(case_id) for case_id in pair]
    both = [access for access in found if access is not None]
    if not workspace.settings.accounts:
        # Whoever uses this machine leads all cases, under the names that made them.
        return sorted({name for access in both for name in access.members})
    return [
        caller.name
        for caller in _people(workspace)
        if all(case_role(caller, access) is not None for access in both)
    ]


def share_a_member(workspace: Workspace, pair: Pair) -> bool:
    """Tell whether somebody works on both cases, so that nobody has to introduce their leads."""
    first, second = ({it.person for it in workspace.casebook.cases.members(each)} for each in pair)
    return bool(first & second)


def _people(workspace: Workspace) -> Iterator[Caller]:
    after = ""
    while people := workspace.casebook.people.page(after=after, limit=PEOPLE_AT_ONCE):
        for person in people:
            if person.disabled_at is None:
                yield Caller(
                    name=person.name,
                    role=person.role,
                    permissions=PERMISSIONS[person.role],
                    clearance=person.clearance,
                    means="session",
                )
        after = people[-1].name


def _matches(one: Standing, other: Standing) -> bool:
    """Tell whether two items of one group are the same, or one is an entity that holds the other.

    Two addresses of one entity are two addresses, where nobody asked about the entity.
    """
    if one.subject.text == other.subject.text:
        return True
    return SubjectKind.ENTITY in (one.subject.kind, other.subject.kind)


def _order(shared: Shared) -> tuple[str, str, str]:
    return shared.since, shared.first.item_id, shared.second.item_id


def _groups(
    workspace: Workspace, standing: list[Standing], gaps: list[str]
) -> Iterator[list[Standing]]:
    """Yield items that may match: those of the same text, and those of the same entity."""
    by_text: dict[tuple[str, str], list[Standing]] = {}
    by_network: dict[str, list[Standing]] = {}
    for item in standing:
        by_text.setdefault((item.subject.network, item.subject.text), []).append(item)
        if item.subject.kind is not SubjectKind.TRANSACTION:
            by_network.setdefault(item.subject.network, []).append(item)
    yield from (group for group in by_text.values() if len(group) > 1)
    for network, items in sorted(by_network.items()):
        if any(item.subject.kind is SubjectKind.ENTITY for item in items):
            yield from _by_entity(workspace, network, items, gaps)


def _by_entity(
    workspace: Workspace, network: str, items: list[Standing], gaps: list[str]
) -> Iterator[list[Standing]]:
    texts = {item.subject.text for item in items}
    try:
        opened = workspace.open_any(network)
        if isinstance(opened, OpenNetwork):
            roots, gap = opened.ask(lambda it: _coin_roots(it, texts))
        else:
            roots, gap = opened.ask(lambda it: _account_roots(it, texts))
    except (ArienError, ChainError) as error:
        # No ledger, or one that cannot be read now.
        roots, gap = {}, str(error)
    if gap:
        gaps.append(f"entities of {network} stand for their own address only: {gap}")
    groups: dict[int, list[Standing]] = {}
    for item in items:
        root = roots.get(item.subject.text)
        if root is not None:
            groups.setdefault(root, []).append(item)
    yield from (group for group in groups.values() if len(group) > 1)


def _coin_roots(reading: Reading, texts: Collection[str]) -> tuple[dict[str, int], str]:
    """Return the entities of the addresses that were used, and why there are none."""
    find, root_of = reading.view.find_address, reading.entities.root_of
    return _roots(find, root_of, texts), reading.clustering_gap


def _account_roots(reading: AccountReading, texts: Collection[str]) -> tuple[dict[str, int], str]:
    find, root_of = reading.view.find_account, reading.entities.root_of
    return _roots(find, root_of, texts), reading.clustering_gap


def _roots(
    find: Callable[[str], int], root_of: Callable[[int], int], texts: Collection[str]
) -> dict[str, int]:
    roots = {}
    for text in texts:
        with suppress(NotFoundError):  # never used: it stands for itself
            roots[text] = root_of(find(text))
    return roots
