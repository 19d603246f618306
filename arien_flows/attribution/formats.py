"""One front for all lists of tags: which format a file is of, and its tags.

Every format becomes the same statements, judged by the same rules. A file's format is told from
its content, and by its name only where two formats look alike; where that is not enough, the
error says which formats can be named.
"""

import re
from collections.abc import Callable, Mapping

from arien_flows.attribution.labels import FORTA_COLUMNS, read_etherscan, read_forta
from arien_flows.attribution.mining_pools import read_mining_pools
from arien_flows.attribution.ofac import (
    read_address_list,
    read_sdn_advanced,
    read_sdn_table,
    read_sdn_xml,
)
from arien_flows.attribution.pack import TagPack
from arien_flows.attribution.tables import json_of
from arien_flows.attribution.tag_csv import read_csv
from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.attribution.terms import NO_TERMS, Terms
from arien_flows.errors import InputError

Reader = Callable[[bytes, str, Terms], TagPack]

TAGPACK = "tagpack"
ACTORPACK = "actorpack"

READERS: Mapping[str, Reader] = {
    TAGPACK: lambda raw, name, _terms: parse_tagpack(raw, name),
    "csv": read_csv,
    "ofac-sdn-csv": read_sdn_table,
    "ofac-sdn-xml": read_sdn_xml,
    "ofac-sdn-advanced": read_sdn_advanced,
    "ofac-list": read_address_list,
    "etherscan": read_etherscan,
    "forta": read_forta,
    "mining-pools": read_mining_pools,
}
"""How each format of tags is read."""

FORMATS = (*READERS, ACTORPACK)
"""Every format that can be named."""

_SDN_ROW = re.compile(rb'[0-9]+,"')
_LISTED = re.compile(rb"(?:[A-Za-z0-9]{20,110}\s+)+")
_ACTORS = re.compile(rb"^actors:", re.MULTILINE)
_TAGS = re.compile(rb"^tags:", re.MULTILINE)
_ADDRESS_COLUMNS = ("address", "tx_hash")


def read_tags(raw: bytes, name: str, form: str, terms: Terms = NO_TERMS) -> TagPack:
    """Read a list of tags of a format."""
    reader = READERS.get(form)
    if reader is None:
        raise InputError(f"{form!r} is no format of tags; there are {', '.join(FORMATS)}")
    if form == TAGPACK and terms.as_of is not None:
        raise InputError(f"{name}: a TagPack says itself of which day it is (lastmod)")
    if form == TAGPACK and terms.source is not None:
        raise InputError(f"{name}: a TagPack says itself where it is from (source)")
    return reader(raw, name, terms)


def detect(raw: bytes, name: str) -> str:
    """Return the format of a file; `InputError` where it cannot be told."""
    start = raw[:4_096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return _xml_format(raw, name)
    if start[:1] in b"[{" and start:
        return _json_format(raw, name)
    first = start.partition(b"\n")[0].decode("utf-8", "replace").strip().lower()
    columns = [column.strip().strip('"') for column in first.split(",")]
    if any(mark in columns for mark in FORTA_COLUMNS):
        return "forta"
    if any(column in columns for column in _ADDRESS_COLUMNS):
        return "csv"
    if _SDN_ROW.match(start):
        return "ofac-sdn-csv"
    if name.lower().endswith(".txt") and _LISTED.fullmatch(raw.strip() + b"\n"):
        return "ofac-list"
    if _ACTORS.search(raw) and not _TAGS.search(raw):
        return ACTORPACK
    if name.lower().endswith(".csv"):
        return "csv"
    return TAGPACK


def _xml_format(raw: bytes, name: str) -> str:
    head = raw[:65_536]
    if b"<sdnList" in head:
        return "ofac-sdn-xml"
    if b"<Sanctions" in head:
        return "ofac-sdn-advanced"
    raise InputError(f"{name}: no list of OFAC, and no other list of tags is read from XML")


def _json_format(raw: bytes, name: str) -> str:
    try:
        told = json_of(raw, name)
    except InputError:
        return TAGPACK  # YAML may begin like JSON
    if isinstance(told, list):
        if all(isinstance(each, str) for each in told):
            return "ofac-list"
        return "mining-pools"
    if "payout_addresses" in told:
        return "mining-pools"
    if "actors" in told:
        return ACTORPACK
    return TAGPACK if "tags" in told or "title" in told else "etherscan"
