"""The policy of a score: severities, weights, floors and bands, in a file with a name and a hash.

The formula is fixed; what it is fed with is a judgement of whoever runs the program, and differs
between jurisdictions. So it stands in a file that anybody can read and replace. A policy that is
incomplete or contradicts itself is refused: a category that was forgotten would weigh nothing.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from arien_flows.attribution.categories import standard_categories
from arien_flows.errors import InputError

STANDARD = "standard_1.toml"
"""The policy of this version, in the folder `policies`."""

MOST_BYTES = 1_000_000
MOST_DRAWS = 100_000
MOST_ENUMERATED = 16

FLAGS = (
    "rapid_pass_through", "mixer_then_exchange", "structuring", "peel_chain", "chain_hopping",
    "new_and_large", "dormant_then_emptied", "night_profile", "dust_sending",
)  # fmt: skip
"""Behaviour that a policy weighs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """What a score cannot fall below."""

    own_tags: bool
    direct_categories: frozenset[str]
    direct_score: Fraction
    direct_least_confidence: Fraction
    """0 to 1."""

    direct_least_value_sat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A range of scores."""

    name: str
    begin: Fraction
    """The lowest score of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRule:
    """How the interval is found."""

    enumerate_documents: int
    draws: int
    seed: int
    lower_percent: int
    upper_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicy:
    """A policy; fractions are exactly those that the file writes."""

    name: str
    sha256: str
    """Of the file's bytes."""

    steepness: Fraction
    """Lambda."""

    decay: Fraction
    """Gamma."""

    largest_behaviour: Fraction
    severity: Mapping[str, Fraction]
    floors: Floors
    flags: Mapping[str, Fraction]
    bands: tuple[Band, ...]
    """The lowest first."""

    least_coverage: Fraction
    interval: IntervalRule

    def band(self, score: float) -> str:
        """Return the name of the band that a score lies in."""
        return next(each.name for each in reversed(self.bands) if score >= each.begin)


@cache
def standard_policy() -> RiskPolicy:
    """Return the policy of this version."""
    return read_policy((files("arien_flows.risk") / "policies" / STANDARD).read_bytes())


def policy_in(file: Path) -> RiskPolicy:
    """Read a policy from a file; `InputError` says what is wrong with it."""
    try:
        with file.open("rb") as opened:
            document = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    if len(document) > MOST_BYTES:
        raise InputError(f"{file} is no risk policy: it has more than {MOST_BYTES:,} bytes")
    return read_policy(document)


def read_policy(document: bytes) -> RiskPolicy:
    """Read a policy; `InputError` says what is wrong with it."""
    try:
        told = tomllib.loads(document.decode(), parse_float=Decimal)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"the risk policy is not TOML: {error}") from error
    top = _Table(told, "")
    formula, floors = top.table("formula"), top.table("floors")
    coverage, interval = top.table("coverage"), top.table("interval")
    policy = RiskPolicy(
        name=top.text("name"),
        sha256=hashlib.sha256(document).hexdigest(),
        steepness=formula.number("lambda", Fraction(1, 1000), Fraction(50)),
        decay=formula.number("gamma", Fraction(0), Fraction(1)),
        largest_behaviour=formula.number("largest_behaviour", Fraction(0), Fraction(99, 100)),
        severity=top.table("severity").numbers(standard_categories().names),
        floors=_floors(floors),
        # Nothing that is seen on the chain alone makes a score certain.
        flags=top.table("flags").numbers(FLAGS, Fraction(99, 100)),
        bands=_bands(top),
        least_coverage=coverage.number("least_for_lowest_band", Fraction(0), Fraction(1)),
        interval=_interval(interval),
    )
    for table in (top, formula, floors, coverage, interval):
        table.refuse_others()
    return policy


def _floors(told: "_Table") -> Floors:
    names = told.names("direct_categories")
    for name in names:
        standard_categories().category(name)
    return Floors(
        own_tags=told.truth("own_tags"),
        direct_categories=frozenset(names),
        direct_score=told.number("direct_score", Fraction(0), Fraction(100)),
        direct_least_confidence=told.number("direct_least_confidence", Fraction(0), Fraction(1)),
        direct_least_value_sat=told.whole("direct_least_value_sat", 0, 21 * 10**14),
    )


def _interval(told: "_Table") -> IntervalRule:
    rule = IntervalRule(
        enumerate_documents=told.whole("enumerate_documents", 0, MOST_ENUMERATED),
        draws=told.whole("draws", 100, MOST_DRAWS),
        seed=told.whole("seed", 0, 2**63 - 1),
        lower_percent=told.whole("lower_percent", 0, 100),
        upper_percent=told.whole("upper_percent", 0, 100),
    )
    if rule.lower_percent > rule.upper_percent:
        raise InputError("the risk policy's interval.lower_percent lies above upper_percent")
    return rule


def _bands(top: "_Table") -> tuple[Band, ...]:
    found = []
    for told in top.tables("band"):
        found.append(
            Band(name=told.text("name"), begin=told.number("from", Fraction(0), Fraction(100)))
        )
        told.refuse_others()
    begins = [each.begin for each in found]
    if not begins or begins[0] != 0 or begins != sorted(set(begins)):
        raise InputError("the risk policy's bands have to begin at 0 and rise from one to the next")
    return tuple(found)


class _Table:
    """A table of the file, and which of its names were asked for."""

    def __init__(self, told: Mapping[str, Any], where: str) -> None:
        self._told = told
        self._where = where
        self._asked: set[str] = set()

    def table(self, name: str) -> "_Table":
        found = self._get(name, dict, "a table")
        return _Table(found, f"{self._where}{name}.")

    def tables(self, name: str) -> list["_Table"]:
        found = self._get(name, list, "a list of tables")
        if not all(isinstance(each, dict) for each in found):
            raise self._wrong(name, "a list of tables")
        return [_Table(each, f"{self._where}{name}.") for each in found]

    def text(self, name: str) -> str:
        found = self._get(name, str, "text")
        if not 1 <= len(found) <= 100:
            raise self._wrong(name, "a text of 1 to 100 characters")
        return str(found)

    def truth(self, name: str) -> bool:
        return bool(self._get(name, bool, "true or false"))

    def whole(self, name: str, least: int, most: int) -> int:
        found = self._get(name, int, "a whole number")
        if isinstance(found, bool) or not least <= found <= most:
            raise self._wrong(name, f"a whole number from {least:,} to {most:,}")
        return int(found)

    def number(self, name: str, least: Fraction, most: Fraction) -> Fraction:
        found = self._get(name, (int, Decimal), "a number")
        wanted = f"a number from {float(least):g} to {float(most):g}"
        if isinstance(found, bool) or not Decimal(found).is_finite():
            raise self._wrong(name, wanted)
        exact = Fraction(found)
        if not least <= exact <= most:
            raise self._wrong(name, wanted)
        return exact

    def numbers(self, names: tuple[str, ...], most: Fraction = Fraction(1)) -> dict[str, Fraction]:
        """Return a number from 0 to `most` for each name; another name is refused."""
        found = {name: self.number(name, Fraction(0), most) for name in names}
        self.refuse_others()
        return found

    def names(self, name: str) -> list[str]:
        found = self._get(name, list, "a list of names")
        if not all(isinstance(each, str) for each in found):
            raise self._wrong(name, "a list of names")
        return list(found)

    def refuse_others(self) -> None:
        strange = sorted(set(self._told) - self._asked)
        if strange:
            raise InputError(f"the risk policy's {self._where}{strange[0]} is unknown: remove it")

    def _get(self, name: str, kind: type | tuple[type, ...], wanted: str) -> Any:
        self._asked.add(name)
        if name not in self._told:
            raise InputError(f"the risk policy lacks {self._where}{name}: write {wanted}")
        if not isinstance(self._told[name], kind):
            raise self._wrong(name, wanted)
        return self._told[name]

    def _wrong(self, name: str, wanted: str) -> InputError:
        return InputError(f"the risk policy's {self._where}{name} has to be {wanted}")
