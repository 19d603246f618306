"""Answers of the casebook, remembered for a second.

Every request asks who its caller is and who sees its case, and a service that answers hundreds a
second must not ask its database as often. So an answer is remembered, per process, for one second:
a key that is revoked, a person who is disabled or a member who is removed is shut out everywhere
within that time, and a key is looked up once a second however busy it is.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SECONDS = 1.0
MOST = 10_000
"""Answers that are remembered at a time; the one that was made first is forgotten first."""


class Known(Generic[K, V]):
    """Answers to one kind of question. Safe to share between threads."""

    def __init__(
        self,
        ask: Callable[[K], V],
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._asking = Lock()
        self._answers: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def fresh(self, question: K) -> tuple[V] | None:
        """Return an answer that still counts, in a tuple of its own; waits for nothing."""
        found = self._answers.get(question)
        if found is None or found[0] <= self._clock():
            return None
        return (found[1],)

    def was_answered(self, question: K) -> bool:
        """Tell whether there was an answer not long ago, even if it must be asked for anew."""
        return question in self._answers

    def get(self, question: K) -> V:
        """Return an answer, asked for where none counts; threads that wait share one."""
        with self._asking:
            kept = self.fresh(question)
            if kept is not None:
                return kept[0]
            answer = self._ask(question)
            self._answers.pop(question, None)
            self._answers[question] = (self._clock() + self._seconds, answer)
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
            return answer

    def forget(self, question: K) -> None:
        """Ask anew the next time."""
        self._answers.pop(question, None)
