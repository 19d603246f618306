"""Writing TagPacks that are read back as the same tags, and that GraphSense's tools accept.

Concepts that those tools do not know are written in their words, and kept in the context
(`concepts`). A TagPack names one creator in its header and none at its tags, so the tags of
several creators make several packs.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from arien_flows.attribution.concepts import exported_concepts, exported_context
from arien_flows.attribution.pack_yaml import yaml_text
from arien_flows.attribution.subjects import pack_name
from arien_flows.attribution.tag import Tag

TAGS_AT_ONCE = 1_000


def tagpack_text(tags: Sequence[Tag], *, title: str, creator: str) -> Iterator[str]:
    """Yield a TagPack of one creator's tags piece by piece, in an order of its own.

    Every tag carries all its fields, so that it can be cut out and still be read.
    """
    yield yaml_text({"title": title, "creator": creator})
    yield "tags:\n"
    rows = iter(sorted(tags, key=_place))
    while part := list(islice(rows, TAGS_AT_ONCE)):
        yield yaml_text([_row(tag) for tag in part])


def _place(tag: Tag) -> tuple[str, str, str, str, str]:
    lastmod = tag.lastmod.isoformat() if tag.lastmod else ""
    return tag.network, tag.address or tag.tx_hash or "", tag.label, tag.source, lastmod


def _row(tag: Tag) -> dict[str, object]:
    row: dict[str, object] = {
        "address": tag.address,
        "tx_hash": tag.tx_hash,
        "network": pack_name(tag.network),
        "currency": tag.currency,
        "label": tag.label,
        "source": tag.source,
        "confidence": tag.confidence,
        "concepts": list(exported_concepts(tag.concepts)) or None,
        "tag_type": tag.tag_type,
        "actor": tag.actor,
        "is_cluster_definer": tag.is_cluster_definer or None,
        "context": exported_context(tag.concepts, tag.context),
        "lastmod": tag.lastmod,
    }
    return {field: value for field, value in row.items() if value is not None}
