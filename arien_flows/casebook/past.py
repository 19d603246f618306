"""What a casebook said at an earlier time.

Nothing is ever deleted from a casebook: a document that was taken out of effect is still there, and
so is the time. So an earlier state is made again by taking the same documents in, and out of
effect, in the same order, into an empty casebook that is thrown away afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.records import TagImport

IMPORTS_AT_ONCE = 1_000

_Step = tuple[int, int, datetime, TagImport]
"""The number of the last import at that time, whether it is an import (0) or a withdrawal (1),
when it was made by the clock, and of what."""


@contextmanager
def earlier_casebook(
    casebook: Casebook, is_meant: Callable[[Casebook], bool]
) -> Iterator[Casebook | None]:
    """Yield the casebook, or its latest earlier state, that is meant; nothing where none is.

    The states are those after each import and each withdrawal, and the empty one before all.
    """
    if is_meant(casebook):
        yield casebook
        return
    steps = _steps(casebook)
    with TemporaryDirectory(prefix="arien-flows-") as folder:
        # Later states are likelier to be meant, but each has to be come to from the beginning.
        reached = _remade(casebook, steps, Path(folder), is_meant)
        try:
            yield reached
        finally:
            if reached is not None:
                reached.close()


def _remade(
    casebook: Casebook, steps: list[_Step], folder: Path, is_meant: Callable[[Casebook], bool]
) -> Casebook | None:
    past = Casebook(sqlite_url(folder / "casebook.sqlite"))
    if is_meant(past):
        return past
    numbers: dict[int, int] = {}
    for _, is_withdrawal, when, record in steps:
        if is_withdrawal:
            assert record.withdrawal is not None  # noqa: S101 that is what made it a step
            past.withdraw(
                numbers[record.id],
                reason=record.withdrawal.reason,
                now=when,
                by=record.withdrawal.withdrawn_by,
            )
        else:
            numbers[record.id] = past.import_tagpack(
                casebook.document(record.document_sha256),
                name=record.document_name,
                network=record.network,
                now=when,
                by=record.imported_by,
            ).record.id
        if is_meant(past):
            return past
    past.close()
    return None


def _steps(casebook: Casebook) -> list[_Step]:
    """Return all imports and withdrawals in the order in which they were made.

    Imports are numbered in that order. Clocks are only asked between which of the later imports an
    import was withdrawn: they are set back, and those of two machines differ.
    """
    records: list[TagImport] = []
    while found := casebook.imports(after=records[-1].id if records else 0, limit=IMPORTS_AT_ONCE):
        records += found
    steps: list[_Step] = []
    for place, record in enumerate(records):
        steps.append((record.id, 0, record.imported_at, record))
        if record.withdrawal is not None:
            when = record.withdrawal.withdrawn_at
            last = record.id
            for later in records[place + 1 :]:
                # The same document comes in again only after it was withdrawn.
                is_again = (later.document_sha256, later.network) == (
                    record.document_sha256,
                    record.network,
                )
                if is_again or later.imported_at > when:
                    break
                last = later.id
            steps.append((last, 1, when, record))
    return sorted(steps, key=lambda step: (*step[:3], step[3].id))
