"""A tag rests on the document that was read, where it says which that was."""

import json
from dataclasses import dataclass

import pytest

from arien_flows.attribution.source_documents import source_document, source_documents
from arien_flows.attribution.tag import Tag

LISTED = "a" * 64
READ = "b" * 64


@dataclass(frozen=True)
class Stored:
    tag: Tag
    document_sha256: str


def tag_with(context: str | None) -> Tag:
    return Tag(
        address="x", tx_hash=None, network="bitcoin", label="L", source="S", currency="BTC",
        confidence="web_crawl", concepts=(), tag_type=None, actor=None, is_cluster_definer=False,
        context=context, lastmod=None, creator="C",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (None, LISTED),
        ("read document_sha256", LISTED),
        (json.dumps([READ, "document_sha256"]), LISTED),
        (json.dumps({"document_sha256": 5}), LISTED),
        (json.dumps({"document_sha256": READ[:-1]}), LISTED),
        (json.dumps({"document_sha256": READ, "begin": 1}), READ),
        ("[" * 100_000 + "document_sha256", LISTED),
    ],
)
def test_source_document__is_what_the_context_names_or_else_the_list(context, expected):
    tag = tag_with(context)
    assert source_document(Stored(tag, LISTED)) == expected
    assert source_documents([tag.statement], [LISTED]) == (expected,)
