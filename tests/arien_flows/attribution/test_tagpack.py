import gzip
import json
import tarfile
from datetime import date
from pathlib import Path

import pytest

from arien_flows.attribution.tagpack import CONFIDENCE, parse_tagpack, read_tagpack
from arien_flows.errors import InputError

HEADER = "title: T\ncreator: C\ncurrency: BTC\nsource: https://example.org\n"
TAG = "- address: 1abc\n  label: L\n"


def parse(text: str):
    return parse_tagpack(text.encode(), "pack.yaml")


def test_tagpack__inherits_the_header_and_the_tag_wins():
    pack = parse(
        HEADER + "confidence: web_crawl\ncategory: exchange\nlastmod: 2024-05-06\ntags:\n" + TAG
        + "- address: 1def\n  label: 1337\n  confidence: ownership\n  abuse: scam\n"
        + "  concepts: [market, scam]\n  network: ltc\n  is_cluster_definer: true\n"
    )  # fmt: skip
    first, second = pack.tags
    assert (pack.title, pack.creator, first.creator) == ("T", "C", "C")
    assert (first.level, first.concepts, first.lastmod) == (20, ("exchange",), date(2024, 5, 6))
    assert (first.currency, first.network, first.is_cluster_definer) == ("BTC", "BTC", False)
    assert (second.level, second.label, second.network) == (100, "1337", "LTC")
    assert second.concepts == ("exchange", "scam", "market")
    assert second.is_cluster_definer


def test_tagpack__without_confidence_is_unknown():
    (tag,) = parse(HEADER + "tags:\n" + TAG).tags
    assert (tag.confidence, tag.level) == ("unknown", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: [", "not valid YAML"),
        ("- a", "a TagPack is a mapping"),
        ("title: T\ntags: []", "header: the field 'creator' is missing"),
        (HEADER + "tags: []", "at least one tag"),
        (HEADER + "colour: red\ntags:\n" + TAG, "header: the field 'colour' is unknown"),
        (HEADER + "tags:\n- 1\n", "tag 1: a tag is a mapping"),
        (HEADER + "tags:\n" + TAG + "  colour: red", "tag 1: the field 'colour' is unknown"),
        (HEADER + "tags:\n" + TAG + "- label: L", "tag 2: exactly one of address and tx_hash"),
        (HEADER + "tags:\n" + TAG + "  tx_hash: ab", "tag 1: exactly one of"),
        (HEADER + "tags:\n- address: 1abc\n", "tag 1 (1abc): the field 'label' is missing"),
        (HEADER + "tags:\n" + TAG + "  actor:", "tag 1: the field 'actor' is empty"),
        (HEADER + "tags:\n" + TAG + "  actor: ''", "the field 'actor' is empty"),
        (HEADER + "tags:\n" + TAG + "  actor: [x]", "the field 'actor' must be text"),
        (HEADER + "tags:\n" + TAG + "  confidence: sure", "confidence 'sure' is unknown; it is"),
        (HEADER + "tags:\n" + TAG + "  category: bank", "the concept 'bank' is unknown"),
        (HEADER + "tags:\n" + TAG + "  concepts: market", "concepts must be a list"),
        (HEADER + "tags:\n" + TAG + "  tag_type: hint", "tag_type 'hint' is unknown"),
        (HEADER + "tags:\n" + TAG + "  is_cluster_definer: yep", "must be true or false"),
        (HEADER + "tags:\n" + TAG + "  lastmod: soon", "'soon' is not a date"),
        (HEADER + "tags:\n" + TAG + "  label: M", "the key 'label' is written twice"),
        (HEADER + "tags: !include other.yaml", "not valid YAML"),
    ],
)
def test_tagpack__names_file_tag_and_fault(text, message):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert str(caught.value).startswith("pack.yaml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_tagpack__says_when_a_file_cannot_be_read(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        read_tagpack(tmp_path / "absent.yaml")
    file = tmp_path / "pack.yaml"
    file.write_text(HEADER + "tags:\n" + TAG)
    assert len(read_tagpack(file).sha256) == 64


def test_confidence__has_the_published_levels():
    assert (CONFIDENCE["ownership"], CONFIDENCE["service_data"]) == (100, 50)
    assert len(CONFIDENCE) == 14


@pytest.mark.slow
def test_tagpack__reads_public_packs_as_their_flattened_copy_says(shared_data: Path):
    flattened: dict[str, list[dict[str, str]]] = {}
    with gzip.open(shared_data / "tags_graphsense" / "tags_no_bitmex.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            flattened.setdefault(row["pack"], []).append(row)
    read = 0
    with tarfile.open(shared_data / "tags_graphsense" / "packs_yaml.tar.gz") as archive:
        for member in archive:
            name = Path(member.name).name
            small = 0 < member.size < 400_000
            if not (small and name.endswith(".yaml")) or "actorpack" in name:
                continue
            file = archive.extractfile(member)
            assert file is not None
            raw = file.read()
            if b"tags:" not in raw or b"!include" in raw:
                continue
            pack = parse_tagpack(raw, name)
            read += len(pack.tags)
            rows = flattened.get(name)
            if rows:
                assert len(rows) == len(pack.tags), name
                assert [row["label"].strip() for row in rows] == [tag.label for tag in pack.tags]
                assert [row.get("confidence", "unknown") for row in rows] == [
                    tag.confidence for tag in pack.tags
                ]
    assert read == 9_944
