"""A table of tags as people write it, and as this program writes it for spreadsheets.

The first row names the columns, which are the fields of a TagPack: `address` or `tx_hash`, and
`network`, `currency`, `label`, `source`, `creator`, `confidence`, `concepts` (separated by
semicolons), `tag_type`, `actor`, `is_cluster_definer` (true or false), `context`, `lastmod`
(YYYY-MM-DD). Only the subject and `label` are needed; an empty cell is as good as no column. A
column of another name is refused, because it would be lost.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping

from arien_flows.attribution.concepts import canonical_concept
from arien_flows.attribution.pack import Gathering, TagPack
from arien_flows.attribution.subjects import pack_name
from arien_flows.attribution.tables import rows_of
from arien_flows.attribution.tag import Tag
from arien_flows.attribution.terms import Terms
from arien_flows.errors import InputError

COLUMNS = (
    "address", "tx_hash", "network", "currency", "label", "source", "creator", "confidence",
    "concepts", "tag_type", "actor", "is_cluster_definer", "context", "lastmod",
)  # fmt: skip
_MORE = ("category", "abuse")
_ETHEREUM = re.compile(r"0x[0-9a-fA-F]+")
_TRUTHS = {"true": True, "false": False}


def read_csv(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read a table of tags."""
    rows = rows_of(raw, name)
    header = [column.strip().lower() for column in next(rows, [])]
    _check(header, name, terms)
    fields: dict[str, object] = {}
    if terms.source is not None:
        fields["source"] = terms.source
    if terms.as_of is not None:
        fields["lastmod"] = terms.as_of
    gathering = Gathering(terms.source or "unknown", fields)
    creators: dict[str, None] = {}
    for number, row in enumerate(rows, start=1):
        told = {column: cell.strip() for column, cell in zip(header, row, strict=False)}
        if len(row) != len(header):
            fault = f"has {len(row)} cells instead of {len(header)}"
            gathering.refuse(number, told.get("address", ""), fault)
            continue
        creator = told.pop("creator", "") or terms.source or "unknown"
        creators[creator] = None
        gathering.creator = creator
        gathering.take(number, _row(told))
    gathering.creator = next(iter(creators)) if len(creators) == 1 else "several"
    return gathering.pack(title=name, sha256=hashlib.sha256(raw).hexdigest(), media_type="text/csv")


def csv_text(tags: Iterable[Tag]) -> Iterator[str]:
    """Yield tags as a table that is read back as the same tags."""
    yield _line(COLUMNS)
    for tag in tags:
        told: Mapping[str, object] = {
            "address": tag.address,
            "tx_hash": tag.tx_hash,
            "network": pack_name(tag.network),
            "currency": tag.currency,
            "label": tag.label,
            "source": tag.source,
            "creator": tag.creator,
            "confidence": tag.confidence,
            "concepts": ";".join(tag.concepts),
            "tag_type": tag.tag_type,
            "actor": tag.actor,
            "is_cluster_definer": str(tag.is_cluster_definer).lower(),
            "context": tag.context,
            "lastmod": tag.lastmod,
        }
        yield _line("" if told[column] is None else str(told[column]) for column in COLUMNS)


def _check(header: list[str], name: str, terms: Terms) -> None:
    known = ", ".join(COLUMNS)
    for column in header:
        if column not in COLUMNS and column not in _MORE:
            raise InputError(f"{name}: the column {column!r} is unknown; the columns are {known}")
    if len(set(header)) != len(header):
        raise InputError(f"{name}: two columns have the same name")
    if not {"address", "tx_hash"} & set(header) or "label" not in header:
        raise InputError(f"{name}: needs a column address (or tx_hash) and a column label")
    if "source" not in header and terms.source is None:
        raise InputError(f"{name}: says not where it is from: add a column source, or --source")


def _row(told: Mapping[str, str]) -> dict[str, object]:
    row: dict[str, object] = {column: cell for column, cell in told.items() if cell}
    if "currency" not in row:
        subject = told.get("address") or told.get("tx_hash") or ""
        usual = "ETH" if _ETHEREUM.fullmatch(subject) else "BTC"
        row["currency"] = row.get("network", usual)
    if "concepts" in row:
        row["concepts"] = [
            canonical_concept(each.strip()) or each.strip()
            for each in told["concepts"].split(";")
            if each.strip()
        ]
    if "is_cluster_definer" in row:
        written = told["is_cluster_definer"].lower()
        row["is_cluster_definer"] = _TRUTHS.get(written, written)
    return row


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(list(cells))
    return line.getvalue()
