"""What is worked out once of a state of things, and asked for again by many.

It lives as long as the state does, so nothing has to be found out of date. Whoever asks first works
it out, and only those who ask for the same wait for it.
"""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Results by what they are called. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[Hashable, Future[Any]] = {}

    def of(self, key: Hashable, work_out: Callable[[], T]) -> T:
        """Return the result that a key stands for; what fails is tried anew by who asks next."""
        with self._lock:
            found = self._found.get(key)
            future: Future[T] = Future() if found is None else found
            self._found[key] = future
        if found is not None:
            return future.result()
        try:
            future.set_result(work_out())
        except BaseException as error:
            with self._lock:
                del self._found[key]
            future.set_exception(error)
            raise
        return future.result()
