"""What is worked out once: by whom, and who waits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from arien_flows.kept import Kept


def test_kept__is_worked_out_once_and_another_key_does_not_wait():
    kept, begun, goes_on = Kept(), Event(), Event()
    asked: list[str] = []

    def slowly() -> str:
        asked.append("slow")
        begun.set()
        assert goes_on.wait(10)
        return "slow"

    with ThreadPoolExecutor() as pool:
        first = pool.submit(kept.of, "a", slowly)
        assert begun.wait(10)
        again = pool.submit(kept.of, "a", slowly)
        assert kept.of("b", lambda: "fast") == "fast"
        assert not first.done()
        goes_on.set()
        assert (first.result(), again.result()) == ("slow", "slow")
    assert asked == ["slow"]


def test_kept__tries_anew_what_failed():
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.of("a", lambda: 1 // 0)
    assert kept.of("a", lambda: 1) == 1
