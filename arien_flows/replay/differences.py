"""Where two answers differ, place by place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from arien_flows.replay.answer import Difference

SHOWN = 20
"""Places that are told one by one."""

LONGEST = 200
"""Characters of a value that are shown."""

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Differing:
    """How two answers differ."""

    sections: tuple[str, ...]
    """Parts that do."""

    first: tuple[Difference, ...]
    more: int
    """Places behind the first ones."""


def differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> Differing:
    """Return the parts of two answers that differ, and the first places."""
    names = sorted(
        name for name in {*then, *now} if then.get(name, _NOTHING) != now.get(name, _NOTHING)
    )
    places = (
        place
        for name in names
        for place in _places(name, then.get(name, _NOTHING), now.get(name, _NOTHING))
    )
    first = tuple(islice(places, SHOWN))
    return Differing(sections=tuple(names), first=first, more=sum(1 for _ in places))


def _places(path: str, then: object, now: object) -> Iterator[Difference]:
    if then == now:
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted({*then, *now}):
            yield from _places(f"{path}.{name}", then.get(name, _NOTHING), now.get(name, _NOTHING))
    elif isinstance(then, list) and isinstance(now, list):
        for number in range(max(len(then), len(now))):
            pair = (side[number] if number < len(side) else _NOTHING for side in (then, now))
            yield from _places(f"{path}[{number}]", *pair)
    else:
        yield Difference(path=path, then=_shown(then), now=_shown(now))


def _shown(value: object) -> str:
    if value is _NOTHING:
        return ""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
