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

_Step = tuple[datetime, int, TagImport]
"""When, whether it is an import (0) or a withdrawal (1), and of what."""


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
    for when, is_withdrawal, record in steps:
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
    """Return all imports and withdrawals in the order in which they were made."""
    steps: list[_Step] = []
    last = 0
    while found := casebook.imports(after=last, limit=IMPORTS_AT_ONCE):
        last = found[-1].id
        for record in found:
            steps.append((record.imported_at, 0, record))
            if record.withdrawal is not None:
                steps.append((record.withdrawal.withdrawn_at, 1, record))
    return sorted(steps, key=lambda step: (step[0], step[1], step[2].id))
