"""Labels of Ethereum addresses: those that Etherscan shows, and Forta's lists of malicious ones.

Labels are free words. A data file says which concepts they mean; one that it does not know leaves
the concept `unknown`, and all of them are kept in the context. They were read from web pages, and
count as no more than that.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from arien_flows.attribution.pack import Gathering, TagPack
from arien_flows.attribution.tables import json_of, rows_of
from arien_flows.attribution.terms import Terms
from arien_flows.errors import InputError

POLICY = "labels_1.toml"
ETHERSCAN = "https://etherscan.io/labelcloud"
FORTA = "https://github.com/forta-network/labelled-datasets"

_Columns = Mapping[str, str]
FORTA_COLUMNS: Mapping[str, _Columns] = {
    "banned_address": {"label": "wallet_tag", "labels": "data_source"},
    "contract_address": {"label": "contract_tag", "labels": "contract_creator_etherscan_label"},
    "etherscan_labels": {"label": "etherscan_tag", "labels": "etherscan_labels"},
}
"""By a column that only one of Forta's lists has: where its labels stand."""


@cache
def meanings() -> Mapping[str, tuple[str, ...]]:
    """Return the concepts of each known label."""
    text = files("arien_flows.attribution").joinpath(POLICY).read_text(encoding="utf-8")
    return {label: tuple(found) for label, found in tomllib.loads(text)["labels"].items()}


def concepts_of(labels: Iterable[str]) -> list[str]:
    """Return what labels mean; `unknown` where none of them is known."""
    found = [concept for label in labels for concept in meanings().get(label.lower(), ())]
    return list(dict.fromkeys(found)) or ["unknown"]


def read_etherscan(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read accounts by address, each with a name and labels (JSON)."""
    accounts = json_of(raw, name)
    if not isinstance(accounts, dict):
        raise InputError(f"{name}: labelled accounts are an object of addresses")
    gathering = _begin("Etherscan", ETHERSCAN, terms)
    for number, (address, account) in enumerate(accounts.items(), start=1):
        told = account if isinstance(account, dict) else {}
        title, labels = told.get("name", ""), told.get("labels", [])
        if not (isinstance(title, str) and isinstance(labels, list)) or not all(
            isinstance(label, str) for label in labels
        ):
            gathering.refuse(number, address, "an account has a name and a list of labels")
            continue
        gathering.take(number, _row(address, title.strip() or ", ".join(labels), labels, {}))
    return _end(gathering, "Labelled accounts", raw, "application/json")


def read_forta(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read one of Forta's tables of malicious addresses (CSV)."""
    rows = rows_of(raw, name)
    header = next(rows, [])
    shape = next((shape for mark, shape in FORTA_COLUMNS.items() if mark in header), None)
    if shape is None:
        raise InputError(f"{name}: none of the tables of Forta has these columns")
    subject = next(each for each in header if each.endswith("address"))
    gathering = _begin("Forta", FORTA, terms)
    for number, row in enumerate(rows, start=1):
        told = dict(zip(header, row, strict=False))
        if len(row) != len(header):
            fault = f"has {len(row)} columns instead of {len(header)}"
            gathering.refuse(number, told.get(subject, ""), fault)
            continue
        label = told[shape["label"]] or told.get("contract_creator_tag", "")
        labels = [told[shape["labels"]]] if told[shape["labels"]] else []
        more = {
            field: value
            for field, value in told.items()
            if value and field not in (subject, *shape.values())
        }
        gathering.take(number, _row(told[subject], label or "malicious", labels, more))
    return _end(gathering, "Malicious addresses", raw, "text/csv")


def _begin(creator: str, usual: str, terms: Terms) -> Gathering:
    fields: dict[str, object] = {
        "source": terms.source_or(usual),
        "confidence": "web_crawl",
        "currency": "ETH",
        "tag_type": "actor",
    }
    if terms.as_of is not None:
        fields["lastmod"] = terms.as_of
    return Gathering(creator, fields)


def _row(address: str, label: str, labels: list[str], more: Mapping[str, str]) -> dict[str, object]:
    told: dict[str, object] = {**more, "labels": labels} if labels else dict(more)
    row: dict[str, object] = {"address": address, "label": label, "concepts": concepts_of(labels)}
    if told:
        row["context"] = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return row


def _end(gathering: Gathering, title: str, raw: bytes, media_type: str) -> TagPack:
    return gathering.pack(
        title=title, sha256=hashlib.sha256(raw).hexdigest(), media_type=media_type
    )
