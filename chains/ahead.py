"""Making the next thing while the caller works on the one before, in a thread of its own.

Stages are put one behind the other by wrapping one in the next: what reads, then what decodes.
Each is then one item ahead of the stage that takes from it, and no more: memory is bounded by the
number of stages. It gains where the work releases the interpreter's lock, as reading and kernels
do.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def made_ahead(
    make: Callable[[Given], Made], items: Iterable[Given], thread_name: str
) -> Generator[Made]:
    """Yield `make(item)` for each of `items`, in order, the next one always under way.

    `items` is advanced in the thread too. An error of either comes up in the place of what could
    not be made, and ends the sequence. Closing it waits for what is under way and closes `items`,
    if that can be closed; an interrupt by the user does not wait.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=thread_name)
    # Lists of one item, emptied at once, so that nothing here holds what the caller lets go.
    source = map(make, items)
    in_haste = False
    try:
        following = thread.submit(_next, source)
        while made := following.result():
            following = thread.submit(_next, source)
            yield made.pop()
    except KeyboardInterrupt:
        in_haste = True
        raise
    finally:
        thread.shutdown(wait=not in_haste, cancel_futures=True)
        if isinstance(items, Generator) and not in_haste:
            items.close()


def _next(source: Iterator[Made]) -> list[Made]:
    """Return the next item in a list, or an empty list at the end."""
    return list(islice(source, 1))
