"""The list of people and organisations that the US treasury's office OFAC sanctions (SDN).

It is published as a table (`sdn.csv`) and as XML in two schemas, and the addresses in it again by
others as plain lists, one file a currency. Addresses stand there as identifiers of the kind
`Digital Currency Address - XBT`. The table cuts a long remark off and continues it in
`sdn_comments.csv`, even in the middle of an address; so the two are one document: the one after
the other.

What OFAC states is that the address belongs to the one whom it lists: a tag of the type actor and
of the confidence that GraphSense gives authorities. Tokens stand under their own name whatever
chain they move on, so the chain is told from the form of the address.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from xml.etree import ElementTree

from arien_flows.attribution.pack import Gathering, TagPack
from arien_flows.attribution.tables import json_of, rows_of, text_of
from arien_flows.attribution.terms import Terms
from arien_flows.errors import InputError

CREATOR = "OFAC"
SOURCE = "https://sanctionslist.ofac.treas.gov/Home/SdnList"
_KIND = "Digital Currency Address"
_IN_REMARKS = re.compile(r"(?:alt\. )?Digital Currency Address - ([A-Z0-9]{2,10}) ([^;]*)")
_KIND_NAME = re.compile(r"Digital Currency Address - ([A-Z0-9]{2,10})")
_LIST_NAME = re.compile(r"[_-]([A-Z0-9]{3,5})$")
_COLUMNS = 12
_ABSENT = "-0-"
_ETHEREUM = re.compile(r"0x[0-9a-fA-F]{40}")
_TRON = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}")
_TOKENS = frozenset({"USDT", "USDC"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One address, and who is listed with it."""

    currency: str
    address: str
    number: str
    """OFAC's own, of the entry."""

    name: str
    programs: str


def read_sdn_table(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read `sdn.csv`, with `sdn_comments.csv` after it where remarks continue there."""
    entries: dict[str, list[str]] = {}
    faults: list[tuple[str, str]] = []
    # Both files end with the mark that DOS ends files with.
    for row in rows_of(raw.replace(b"\x1a", b""), name):
        number = row[0].strip()
        if len(row) == _COLUMNS and number.isdecimal():
            entries.setdefault(number, row)
        elif len(row) == 2 and number in entries:
            entries[number][-1] += row[1]
        elif len(row) == 2 and number.isdecimal():
            why = "continues the entry of another file: append this file to its sdn.csv"
            faults.append((f"entry {number}", why))
        else:
            raise InputError(f"{name}: a row has {len(row)} columns; those of sdn.csv have 12")
    _refuse_empty(len(entries) + len(faults), name)
    found = [listed for row in entries.values() for listed in _in_remarks(row)]
    return _pack(found, raw, terms, media_type="text/csv", extra=faults)


def _in_remarks(row: list[str]) -> Iterator[_Listed]:
    number, name, program = row[0].strip(), row[1].strip(), row[3].strip()
    for match in _IN_REMARKS.finditer(row[-1]):
        yield _Listed(
            currency=match[1],
            address=match[2].strip().rstrip("."),
            number=number,
            name=name,
            programs="" if program == _ABSENT else program,
        )


def read_sdn_xml(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read the XML of the standard schema (`sdnList`)."""
    found: list[_Listed] = []
    issued = None
    entries = 0
    for element in _elements(raw, name, "sdnList", {"sdnEntry", "Publish_Date"}):
        if _tag(element) == "Publish_Date":
            issued = _day(element.text or "", "%m/%d/%Y")
            continue
        entries += 1
        names = [_text(element, "firstName"), _text(element, "lastName")]
        programs = [each.text or "" for each in element.iter() if _tag(each) == "program"]
        for identifier in (each for each in element.iter() if _tag(each) == "id"):
            kind = _KIND_NAME.fullmatch(_text(identifier, "idType"))
            if kind is not None:
                found.append(
                    _Listed(
                        currency=kind[1],
                        address=_text(identifier, "idNumber"),
                        number=_text(element, "uid"),
                        name=" ".join(part for part in names if part),
                        programs=", ".join(programs),
                    )
                )
    _refuse_empty(entries, name)
    return _pack(found, raw, terms, media_type="application/xml", issued=issued)


def read_sdn_advanced(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read the XML of the advanced schema (`Sanctions`)."""
    kinds: dict[str, str] = {}
    found: list[_Listed] = []
    programs: dict[str, list[str]] = {}
    issued = None
    wanted = {"FeatureType", "DistinctParty", "SanctionsEntry", "DateOfIssue"}
    parties = 0
    for element in _elements(raw, name, "Sanctions", wanted):
        match _tag(element):
            case "FeatureType":
                kind = _KIND_NAME.fullmatch((element.text or "").strip())
                if kind is not None:
                    kinds[element.get("ID", "")] = kind[1]
            case "DateOfIssue":
                parts = "-".join(_text(element, part) for part in ("Year", "Month", "Day"))
                issued = _day(parts, "%Y-%m-%d")
            case "SanctionsEntry":
                told = [_text(each, "Comment") for each in element if _tag(each) != "EntryEvent"]
                programs[element.get("ProfileID", "")] = [each for each in told if each]
            case _:
                parties += 1
                found += _of_party(element, kinds)
    _refuse_empty(parties, name)
    found = [
        _Listed(
            currency=it.currency,
            address=it.address,
            number=it.number,
            name=it.name,
            programs=", ".join(programs.get(it.number, [])),
        )
        for it in found
    ]
    return _pack(found, raw, terms, media_type="application/xml", issued=issued)


def _of_party(party: ElementTree.Element, kinds: Mapping[str, str]) -> Iterator[_Listed]:
    profile = next((each for each in party.iter() if _tag(each) == "Profile"), party)
    for feature in (each for each in party.iter() if _tag(each) == "Feature"):
        currency = kinds.get(feature.get("FeatureTypeID", ""))
        for detail in (each for each in feature.iter() if _tag(each) == "VersionDetail"):
            if currency is not None:
                yield _Listed(
                    currency=currency,
                    address=(detail.text or "").strip(),
                    number=profile.get("ID", party.get("FixedRef", "")),
                    name=_primary_name(party),
                    programs="",
                )


def _primary_name(party: ElementTree.Element) -> str:
    aliases = [each for each in party.iter() if _tag(each) == "Alias"]
    primary = [each for each in aliases if each.get("Primary") == "true"] or aliases
    if not primary:
        return ""
    name = next((each for each in primary[0].iter() if _tag(each) == "DocumentedName"), primary[0])
    parts = [(each.text or "").strip() for each in name.iter() if _tag(each) == "NamePartValue"]
    return " ".join(part for part in parts if part)


def read_address_list(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read a plain list of sanctioned addresses of one currency, whose file name tells it."""
    currency = _LIST_NAME.search(PurePath(name).stem.upper())
    if currency is None:
        raise InputError(
            f"{name}: a plain list does not say its currency: give the file a name that ends "
            "with it, such as sanctioned_addresses_XBT.txt"
        )
    if raw.lstrip()[:1] == b"[":
        listed = json_of(raw, name)
    else:
        listed = [line.strip() for line in text_of(raw, name).splitlines() if line.strip()]
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise InputError(f"{name}: a list of addresses holds addresses, as text, and nothing else")
    _refuse_empty(len(listed), name)
    found = [
        _Listed(currency=currency[1], address=each, number="", name="", programs="")
        for each in listed
    ]
    is_json = raw.lstrip()[:1] == b"["
    return _pack(found, raw, terms, media_type="application/json" if is_json else "text/plain")


def _refuse_empty(entries: int, name: str) -> None:
    """Raise `InputError` for a list of nobody: it is cut off, or not what it was taken for.

    Entries without an address are no fault; most of those that are sanctioned have none.
    """
    if not entries:
        raise InputError(f"{name}: lists nobody; fetch it again, or name its format with --format")


def _pack(
    found: list[_Listed],
    raw: bytes,
    terms: Terms,
    *,
    media_type: str,
    issued: date | None = None,
    extra: list[tuple[str, str]] | None = None,
) -> TagPack:
    """Return the tags of a list: none where nobody on it has an address."""
    fields: dict[str, object] = {
        "source": terms.source_or(SOURCE),
        "confidence": "authority_data",
        "concepts": ["sanction", "gov_black_list"],
        "tag_type": "actor",
    }
    confirmed = terms.as_of or issued
    if confirmed is not None:
        fields["lastmod"] = confirmed
    gathering = Gathering(CREATOR, fields)
    for number, listed in enumerate(found, start=1):
        gathering.take(number, _row(listed))
    for number, (subject, fault) in enumerate(extra or [], start=len(found) + 1):
        gathering.refuse(number, subject, fault)
    title = "Specially designated nationals and blocked persons"
    return gathering.pack(
        title=title, sha256=hashlib.sha256(raw).hexdigest(), media_type=media_type
    )


def _row(listed: _Listed) -> dict[str, object]:
    told = {"sdn_number": listed.number, "sdn_program": listed.programs}
    row: dict[str, object] = {
        "address": listed.address,
        "currency": "BTC" if listed.currency == "XBT" else listed.currency,
        "network": _network(listed.currency, listed.address),
        "label": listed.name or "sanctioned by OFAC",
    }
    kept = {name: value for name, value in told.items() if value}
    if kept:
        row["context"] = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    return row


def _network(currency: str, address: str) -> str:
    """Return the chain that an address is of."""
    if currency == "XBT":
        return "BTC"
    if currency not in _TOKENS:
        return currency
    if _ETHEREUM.fullmatch(address):
        return "ETH"
    # What is left of the tokens' chains writes addresses as Bitcoin does (Omni).
    return "TRX" if _TRON.fullmatch(address) else "BTC"


def _elements(
    raw: bytes, name: str, outermost: str, wanted: set[str]
) -> Iterator[ElementTree.Element]:
    """Yield elements by their names, each once it is complete, and forget it afterwards.

    `InputError` where the outermost element has another name: of another schema nothing would be
    found, and a list that says nothing looks like one that names nobody.
    """
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise InputError(f"{name}: defines entities of its own, which no list of OFAC does")
    try:
        events = ElementTree.iterparse(io.BytesIO(raw), ("start", "end"))  # noqa: S314 no entities
        _, root = next(events)
        if _tag(root) != outermost:
            raise InputError(
                f"{name}: its outermost element is {_tag(root)[:40]}, and in this format it is "
                f"{outermost}: leave --format out, or name another"
            )
        for event, element in events:
            if event == "end" and _tag(element) in wanted:
                yield element
                element.clear()
    except ElementTree.ParseError as error:
        raise InputError(f"{name}: not valid XML: {error}") from error


def _tag(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace, which differs between editions."""
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element, child: str) -> str:
    found = next((each for each in element if _tag(each) == child), None)
    return "" if found is None else (found.text or "").strip()


def _day(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 a day has no zone
    except ValueError:
        return None
