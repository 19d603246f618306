import gzip
import json
import tarfile
from datetime import date
from pathlib import Path

import pytest

from arien_flows.attribution.tag import CONFIDENCE
from arien_flows.attribution.tagpack import parse_tagpack, read_tagpack
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
        ("title: T\ncreator: ~\ntags: []", "header: the field 'creator' is missing"),
        (HEADER + "tags: []", "at least one tag"),
        (HEADER + "colour: red\ntags:\n" + TAG, "header: the field 'colour' is unknown"),
        (HEADER + "tags:\n" + TAG + "  label: M", "the key 'label' is written twice"),
        (HEADER + "tags: !include other.yaml", "write the header into the pack"),
        (HEADER + "tags: !!python/name:os.system", "not valid YAML"),
        (HEADER + "? [a]\n: 1\ntags:\n" + TAG, "a key is a list or a mapping"),
        (HEADER + "tags: " + "[" * 100_000, "nested more than 100 levels"),
        (HEADER + "tags:\n" + "- " * 100_000, "nested more than 100 levels"),
        (HEADER + "tags:\n" + "".join(" " * i + "a:\n" for i in range(1_001)), "nested more"),
        (HEADER + "tags:\n" + TAG + "  context: !!bool perhaps", "not valid YAML"),
    ],
)
def test_tagpack__that_is_none_is_refused_by_name_and_fault(text, message):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert str(caught.value).startswith("pack.yaml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "row", "subject", "message"),
    [
        ("- 1\n", 1, "", "a tag is a mapping"),
        (TAG + "  colour: red", 1, "1abc", "the field 'colour' is unknown"),
        (TAG + "- label: L", 2, "", "exactly one of address and tx_hash"),
        (TAG + "  tx_hash: ab", 1, "1abc", "exactly one of"),
        ("- address: 1abc\n", 1, "1abc", "the field 'label' is missing"),
        (TAG + "  actor:", 1, "1abc", "the field 'actor' is empty"),
        (TAG + "  actor: ''", 1, "1abc", "the field 'actor' is empty"),
        (TAG + "  actor: [x]", 1, "1abc", "the field 'actor' must be text"),
        (TAG + '  actor: "a\\0"', 1, "1abc", "NUL"),
        (TAG + "  confidence: sure", 1, "1abc", "confidence 'sure' is unknown; it is"),
        (TAG + "  category: banker", 1, "1abc", "the concept 'banker' is unknown"),
        (TAG + "  concepts: market", 1, "1abc", "concepts must be a list"),
        (TAG + "  concepts: [[market]]", 1, "1abc", "the concept ['market'] is unknown"),
        (TAG + "  tag_type: hint", 1, "1abc", "tag_type 'hint' is unknown"),
        (TAG + "  is_cluster_definer: yep", 1, "1abc", "must be true or false"),
        (TAG + "  lastmod: soon", 1, "1abc", "'soon' is not a date"),
    ],
)
def test_tagpack__lists_a_tag_that_cannot_be_used_and_keeps_the_others(text, row, subject, message):
    pack = parse(HEADER + "tags:\n" + text.rstrip() + "\n- address: 1def\n  label: Last\n")
    (fault,) = pack.faults
    assert (fault.number, fault.subject) == (row, subject)
    assert message in fault.fault
    assert pack.rows[-1].tag.label == "Last"
    assert len(pack.rows) + 1 == pack.rows[-1].number


def test_tagpack__reads_texts_as_they_are_written():
    hexadecimal = "0x00000000219ab540356cBB839Cbe05303d7705Fa"
    pack = parse(
        HEADER + f"tags:\n- address: {hexadecimal}\n  label: 0777\n"
        "- address: 1abc\n  label: yes\n  source: 2024-01-01\n"
        "- address: 1abc\n  label: 1e3\n  actor: 'null'\n"
    )
    assert [tag.address for tag in pack.tags] == [hexadecimal, "1abc", "1abc"]
    assert [tag.label for tag in pack.tags] == ["0777", "yes", "1e3"]
    assert pack.tags[1].source == "2024-01-01"
    assert pack.tags[2].actor == "null"


def test_tagpack__makes_a_context_that_is_a_mapping_json():
    (tag,) = parse(HEADER + "tags:\n" + TAG + "  context: {b: [1, é], a: 2024-01-01}").tags
    assert tag.context == '{"a": "2024-01-01", "b": [1, "é"]}'


@pytest.mark.parametrize(
    ("context", "text"),
    [
        ("{at: 2024-05-06, on: 2024-13-45}", '{"at": "2024-05-06", "on": "2024-13-45"}'),
        ("!!set {a, b}", "it holds a set"),
        ("!!binary aGk=", "it holds a bytes"),
        ("{1: a, no: b}", '{"1": "a", "no": "b"}'),
        ("[.nan]", "cannot be written as JSON"),
    ],
)
def test_tagpack__takes_a_context_only_where_json_can_hold_it(context, text):
    pack = parse(HEADER + f"tags:\n{TAG}  context: {context}")
    (found,) = [*(tag.context for tag in pack.tags), *(fault.fault for fault in pack.faults)]
    assert found is not None
    assert text in found
    assert len(pack.faults) == (not text.startswith("{"))


def test_tagpack__with_a_date_that_does_not_exist_loses_that_tag_only():
    pack = parse(HEADER + f"tags:\n{TAG}  lastmod: 2024-13-45\n{TAG}  lastmod: 2024-05-06")
    assert [fault.fault for fault in pack.faults] == [
        "lastmod '2024-13-45' is not a date (YYYY-MM-DD)"
    ]
    assert [tag.lastmod for tag in pack.tags] == [date(2024, 5, 6)]


def test_tagpack__is_not_blown_up_by_a_context_that_refers_to_itself():
    layers = "".join(f", l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12))
    pack = parse(HEADER + "tags:\n" + TAG + "  context: {l0: &l0 [lol]" + layers + "}\n")
    (fault,) = pack.faults
    assert "the context is longer than" in fault.fault


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
            assert not pack.faults, name
    assert read == 9_944
