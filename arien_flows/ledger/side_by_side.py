"""Doing independent pieces of work on all cores, with their results in the order of the pieces.

Kernels and the large operations of NumPy and xxHash release Python's global lock, so threads are
enough. Only a few pieces are under way at a time: memory stays that of a few pieces, and whoever
stops listening waits for no more than those.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

MOST_THREADS = 8
"""More do not help: the work is bound by memory before."""


def in_order(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """Yield `work(piece)` for each piece, in order; the first error ends it."""
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        try:
            for piece in pieces:
                pending.append(pool.submit(work, piece))
                if len(pending) > threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
