"""Group commit: everybody is told of his own row, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.audit.chain import AuditEntry
from arien_flows.audit.committing import Committer
from arien_flows.errors import AuditUnavailableError, CasebookError
from tests.arien_flows.audit.entries import entry


class Kept:
    """Keeps rows; fails for groups whose numbers are named; may be held up."""

    def __init__(self, failing: Sequence[int] = ()) -> None:
        self.rows: list[str] = []
        self.groups: list[int] = []
        self.failing = set(failing)
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, entries: Sequence[AuditEntry]) -> None:
        assert self.go_on.wait(30)
        self.groups.append(len(entries))
        if len(self.groups) in self.failing:
            raise CasebookError("the disk is full")
        self.rows += [each.target for each in entries]


async def ask(committer: Committer, target: str) -> bool:
    try:
        await committer.record(entry(target))
    except AuditUnavailableError:
        return False
    return True


@given(st.integers(1, 60), st.sets(st.integers(1, 4)))
def test_record__tells_each_whether_its_row_is_kept(count: int, failing: set[int]) -> None:
    kept = Kept(list(failing))
    committer = Committer(kept)

    async def main() -> list[bool]:
        return await asyncio.gather(*(ask(committer, f"/{number}") for number in range(count)))

    told = asyncio.run(main())
    committer.stop()
    assert [f"/{number}" for number, is_kept in enumerate(told) if is_kept] == kept.rows
    assert sum(kept.groups) == count


def test_record__joins_what_waits_into_one_group() -> None:
    kept = Kept()
    kept.go_on.clear()
    committer = Committer(kept)

    async def main() -> None:
        first = asyncio.ensure_future(committer.record(entry("/first")))
        while committer.waiting or not committer._thread:
            await asyncio.sleep(0.001)
        rest = [asyncio.ensure_future(committer.record(entry(f"/{n}"))) for n in range(100)]
        await asyncio.sleep(0)
        kept.go_on.set()
        await asyncio.gather(first, *rest)

    asyncio.run(main())
    committer.stop()
    assert kept.groups == [1, 100]


def test_record__refuses_at_once_where_too_many_wait() -> None:
    kept = Kept()
    kept.go_on.clear()
    committer = Committer(kept, capacity=3)

    async def main() -> list[bool]:
        waiting = [asyncio.ensure_future(ask(committer, f"/{n}")) for n in range(10)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert not any(each.result() for each in done)
        kept.go_on.set()
        return await asyncio.gather(*waiting)

    told = asyncio.run(main())
    committer.stop()
    assert 3 <= sum(told) == len(kept.rows) < 10


def test_record__gives_up_after_a_while_and_writes_no_row_for_it_later() -> None:
    kept = Kept()
    kept.go_on.clear()
    committer = Committer(kept, patience_seconds=0.05)

    async def main() -> None:
        first = asyncio.ensure_future(ask(committer, "/taken"))
        while committer.waiting or not committer._thread:
            await asyncio.sleep(0.001)
        assert [await first, await ask(committer, "/queued")] == [False, False]
        kept.go_on.set()
        assert await ask(committer, "/later")

    asyncio.run(main())
    committer.stop()
    assert kept.rows == ["/taken", "/later"]


def test_record__outlives_a_bug_of_the_store(caplog: pytest.LogCaptureFixture) -> None:
    def bug(_entries: Sequence[AuditEntry]) -> None:
        raise ZeroDivisionError("secret detail")

    committer = Committer(bug)

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(AuditUnavailableError, match="ZeroDivisionError"):
                await committer.record(entry())

    asyncio.run(main())
    committer.stop()
    assert "the audit log failed" in caplog.text
