"""What a casebook said at an earlier time.

Nothing is ever deleted from a casebook: a document that was taken out of effect is still there, and
so is the time. So an earlier state is made again by taking the same documents in, and out of
effect, and reviewing them, in the same order, into an empty casebook that is thrown away
afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.records import Review, TagImport, TagPolicy, Withdrawal
from arien_flows.casebook.tag_lists import ListOffer

IMPORTS_AT_ONCE = 1_000

_Numbers = dict[int, int]
"""Numbers of imports, and those that they have in the casebook that is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One act that changed which tags speak."""

    last_import: int
    """The number of the last import at that time."""

    is_import: bool
    when: datetime
    """By the clock."""

    repeat: Callable[[Casebook, _Numbers], None]
    """Does it again, in another casebook."""


@contextmanager
def earlier_casebook(
    casebook: Casebook, is_meant: Callable[[Casebook], bool]
) -> Iterator[Casebook | None]:
    """Yield the casebook, or its latest earlier state, that is meant; nothing where none is.

    The states are those after each import, withdrawal and review, and the empty one before all.
    """
    if is_meant(casebook):
        yield casebook
        return
    steps = _steps(casebook)
    with TemporaryDirectory(prefix="arien-flows-") as folder:
        # Later states are likelier to be meant, but each has to be come to from the beginning.
        reached = _remade(steps, Path(folder), is_meant)
        try:
            yield reached
        finally:
            if reached is not None:
                reached.close()


def _remade(
    steps: list[_Step], folder: Path, is_meant: Callable[[Casebook], bool]
) -> Casebook | None:
    past = Casebook(sqlite_url(folder / "casebook.sqlite"))
    if is_meant(past):
        return past
    numbers: _Numbers = {}
    for step in steps:
        step.repeat(past, numbers)
        if is_meant(past):
            return past
    past.close()
    return None


def _steps(casebook: Casebook) -> list[_Step]:
    """Return all imports, withdrawals, reviews and policies in the order of their making.

    Imports are numbered in that order, and reviews and policies know after which of them they were
    made. Clocks are only asked what was first between two imports: they are set back, and those of
    two machines differ.
    """
    records: list[TagImport] = []
    while found := casebook.imports(after=records[-1].id if records else 0, limit=IMPORTS_AT_ONCE):
        records += found
    steps: list[_Step] = []
    for place, record in enumerate(records):
        repeat = partial(_import_again, casebook, record)
        steps.append(
            _Step(last_import=record.id, is_import=True, when=record.imported_at, repeat=repeat)
        )
        if record.withdrawal is not None:
            steps.append(_withdrawal(record, record.withdrawal, records[place + 1 :]))
    withdrawn = {it.id: it.withdrawal.withdrawn_at for it in records if it.withdrawal is not None}
    steps += _decisions(casebook, withdrawn)
    return sorted(steps, key=lambda step: (step.last_import, not step.is_import, step.when))


def _withdrawal(record: TagImport, withdrawal: Withdrawal, later: list[TagImport]) -> _Step:
    """Return the withdrawal of an import, given those that were made after it."""
    last = record.id
    for other in later:
        # The same document comes in again only after it was withdrawn.
        is_again = (other.document_sha256, other.network) == (
            record.document_sha256,
            record.network,
        )
        if is_again or other.imported_at > withdrawal.withdrawn_at:
            break
        last = other.id

    def repeat(past: Casebook, numbers: _Numbers) -> None:
        past.withdraw(
            numbers[record.id],
            reason=withdrawal.reason,
            now=withdrawal.withdrawn_at,
            by=withdrawal.withdrawn_by,
        )

    return _Step(last_import=last, is_import=False, when=withdrawal.withdrawn_at, repeat=repeat)


def _import_again(casebook: Casebook, record: TagImport, past: Casebook, numbers: _Numbers) -> None:
    offer = ListOffer(
        raw=casebook.document(record.document_sha256),
        name=record.document_name,
        form=record.form,
        terms=record.terms,
    )
    made = past.lists.import_list(
        offer, network=record.network, now=record.imported_at, by=record.imported_by
    )
    numbers[record.id] = made.record.id


def _decisions(casebook: Casebook, withdrawn: Mapping[int, datetime]) -> Iterator[_Step]:
    """Yield reviews and policies; `withdrawn` says when imports were, since none is reviewed then.

    Each is later than the ones before it, whatever the clocks said.
    """
    told: list[Review | TagPolicy] = [*casebook.lists.reviews(), *casebook.lists.policies()]
    latest: dict[type, datetime] = {}
    for each in told:
        if isinstance(each, Review):
            when = min(each.reviewed_at, withdrawn.get(each.import_id, each.reviewed_at))
        else:
            when = each.set_at
        when = latest[type(each)] = max(when, latest.get(type(each), when))
        yield _Step(
            last_import=each.after_import,
            is_import=False,
            when=when,
            repeat=partial(_decide_again, each),
        )


def _decide_again(decision: Review | TagPolicy, past: Casebook, numbers: _Numbers) -> None:
    if isinstance(decision, Review):
        past.lists.review(
            numbers[decision.import_id],
            row=decision.row,
            verdict=decision.verdict,
            reason=decision.reason,
            now=decision.reviewed_at,
            by=decision.reviewed_by,
        )
        return
    past.lists.set_policy(
        counts_proposed=decision.counts_proposed,
        reason=decision.reason,
        now=decision.set_at,
        by=decision.set_by,
    )
