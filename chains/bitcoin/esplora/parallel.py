"""Many questions to one server at once, within a bound.

The bound is a politeness as much as a speed: public servers count what comes from one place.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from chains.errors import LookupFailedError

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")


class Askers:
    """Threads that ask."""

    def __init__(self, count: int) -> None:
        """Start a thread for each question until there are `count`; they serve from then on."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="esplora")

    def close(self) -> None:
        """End the threads, after what is under way has ended."""
        self._pool.shutdown(cancel_futures=True)

    def each(
        self, task: Callable[[Question], Answer], questions: Sequence[Question]
    ) -> list[Answer | LookupFailedError]:
        """Return the answers in order; the first error that concerns more than its item ends all.

        A question that stands there twice is asked once.
        """
        ended = threading.Event()

        def answer(question: Question) -> Answer | LookupFailedError:
            if ended.is_set():
                return LookupFailedError("not asked any more")
            try:
                return task(question)
            except LookupFailedError as error:
                return error
            except BaseException:
                ended.set()
                raise

        futures: dict[Question, Future[Answer | LookupFailedError]] = {}
        try:
            for question in dict.fromkeys(questions):
                futures[question] = self._pool.submit(answer, question)
            # Questions begin in order, so one that ended all comes before those not asked.
            return [futures[question].result() for question in questions]
        except KeyboardInterrupt:
            # What is under way may take minutes, and ends at once when the server is let go.
            ended.set()
            raise
        except BaseException:
            ended.set()
            wait(futures.values())
            raise
