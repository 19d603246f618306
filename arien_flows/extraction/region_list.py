"""Regions that are worked out when somebody first asks for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

from arien_flows.extraction.text import Region


class RegionList(Sequence[Region]):
    """The regions of a document, in the order of their beginnings, outer ones first."""

    def __init__(self, find: Callable[[], Iterable[Region]]) -> None:
        self._find = find

    @cached_property
    def _regions(self) -> list[Region]:
        # Of several rules that say the same of the same stretch, the first that was found stands.
        told = {
            (each.kind, each.start, each.stop): each
            for each in reversed(list(self._find()))
            if each.start < each.stop
        }
        return sorted(told.values(), key=lambda each: (each.start, -each.stop, each.kind.value))

    @overload
    def __getitem__(self, place: int) -> Region: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Region]: ...

    def __getitem__(self, place: int | slice) -> Region | Sequence[Region]:
        return self._regions[place]

    def __len__(self) -> int:
        return len(self._regions)

    def __iter__(self) -> Iterator[Region]:
        return iter(self._regions)
