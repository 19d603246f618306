"""The quick way through a pack says what the strict reader says, fault by fault."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arien_flows.attribution.pack_scan import scan_pack
from arien_flows.attribution.pack_yaml import load_strictly
from arien_flows.attribution.tagpack import parse_strictly, parse_tagpack
from arien_flows.errors import InputError

values = st.sampled_from(
    [
        "x", "exchange", "0x1234", "0x12", "012", "1e3", "null", "Null", "~", "yes", "no", "true",
        "2024-01-01", "2024-13-45", "'a'", "'a''b'", '"a"', '"a\\tb"', "'", "a: b", "a #b", "a#b",
        "a:", "a:b", "https://x.example/a?b=c#d", "&a x", "*a", "!!bool x", "!include f", "[a, b]",
        "[a, no]", "{a: b}", "|", ">", "- a", "-1", "", " ", "é", "\u2028", "\x85", "\t", "%", "@",
        "web_crawl", "BTC", "BTC ", "'open", "'open\n    closed'", "'open\n\n    closed'",
        "a\n    b",
        "\n  - exchange\n  - market", "\n    - exchange", "\n  - no", "\n  - exchange\n    more",
        '{"document_sha256": "a"}', "'{\"a\": 1,\n    \"b\": \"c\"}'", "'# no'", "...", "---",
        "? a",
        "x\n", "x\n\n", "x\n# comment", "x # comment",
    ]
)  # fmt: skip
keys = st.sampled_from(
    [
        "address", "tx_hash", "label", "source", "currency", "network", "confidence", "lastmod",
        "is_cluster_definer", "category", "abuse", "concepts", "tag_type", "actor", "context",
        "colour", "no", "<<", "'label'", "label ", "title", "creator",
    ]
)  # fmt: skip
lines = st.builds("{}: {}".format, keys, values) | st.sampled_from(
    ["address: 1abc", "address: 1abc", "label: L", "source: S", "currency: BTC", "", "# c", "x"]
)
entries = st.lists(lines, min_size=1, max_size=5)
headers = st.lists(
    lines | st.sampled_from(["...", "---", "{a: b}", "description: |", "  text", "- a"]), max_size=3
)


def pack_text(header: list[str], rows: list[list[str]], indent: str, end: str) -> str:
    margin = "\n" + indent + "  "
    told = "".join(f"{indent}- {margin.join(row)}\n" for row in rows)
    return "\n".join(["title: T", "creator: C", *header, "tags:"]) + "\n" + told + end


packs = st.builds(
    pack_text,
    headers,
    st.lists(entries, max_size=4),
    st.sampled_from(["", "  ", " "]),
    st.sampled_from(["", "\n", "...\n", "source: S\n", "  x: y\n", "# end", "'"]),
)


def verdict(read, raw: bytes) -> object:
    try:
        pack = read(raw, "pack.yaml")
    except InputError as error:
        return str(error)
    return pack


@given(packs)
@example(pack_text(["source: S"], [["address: 1a", "context: 'foo:", "  bar'"]], "", ""))
@example(pack_text([], [["address: 1a", "context: 'foo"], ["address: 1b", "label: bar'"]], "", ""))
@example(pack_text([], [["address: x", "address: x"]], "", ""))
@example(pack_text([], [["address: null"], ["address: 'null'", "tx_hash: a"]], "", ""))
def test_tagpack__is_read_the_same_by_the_quick_way_and_the_strict_one(text):
    raw = text.encode()
    assert verdict(parse_tagpack, raw) == verdict(parse_strictly, raw)


@given(packs, st.data())
def test_tagpack__with_a_changed_byte_is_read_the_same_by_both(text, data):
    raw = bytearray(text.encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.sampled_from(list(b"\n -:'\"#&*!|>[{\x00\t\r\xc2\xff0")))
    assert verdict(parse_tagpack, bytes(raw)) == verdict(parse_strictly, bytes(raw))


@pytest.mark.parametrize(
    "row",
    [
        ["address: 1abc"],
        ["address: '0x12'", "label: 'it''s'", "lastmod: 2024-01-01"],
        ["label: L", "address: 1abc", "concepts:", "- exchange", "- market"],
        ["tx_hash: ab", "context: '{\"a\": 1,", "  \"b\": 2}'"],
    ],
)  # fmt: skip
def test_scan_pack__takes_the_usual_shapes(row):
    raw = pack_text(["source: S"], [row, row], "", "").encode()
    scanned = scan_pack(raw, load_strictly)
    assert scanned is not None
    assert (len(scanned.subjects), len(scanned.bodies)) == (2, 1)
