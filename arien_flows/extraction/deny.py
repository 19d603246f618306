"""Addresses that name nobody whom a page could mean: burn addresses, examples, donations."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FILE = "denied_1.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Why an address names nobody."""

    why: str
    origin: str
    """Where that can be looked up."""


DenyList = Mapping[str, Denial]
"""By canonical address."""


@cache
def deny_list() -> DenyList:
    """Return the list that comes with the program."""
    text = (files("arien_flows.extraction") / FILE).read_text(encoding="utf-8")
    return {
        address: Denial(why=group["why"], origin=group["origin"])
        for group in tomllib.loads(text)["group"]
        for address in group["addresses"]
    }
