"""Texts of rows, whose characters know their bytes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.documents.item import Item
from arien_flows.documents.reading import items
from arien_flows.extraction.text import RegionKind
from arien_flows.intake.texts import item_text

WORDS = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=30)


def row_of(raw: bytes, name: str) -> Item:
    (item,) = items(raw, name=name)
    assert isinstance(item, Item)
    return item


@given(WORDS.filter(str.strip), st.booleans())
def test_item_text__of_json_has_signs_as_they_read(said: str, is_escaped: bool):
    written = json.dumps(said)
    if is_escaped:
        written = '"' + "".join(f"\\u{ord(letter):04x}" for letter in said) + '"'
    raw = b'{"vendor": "x", "title": "y", "text": ' + written.encode() + b"}\n{}\n"
    item = next(iter(items(raw, name="x.jsonl")))
    assert isinstance(item, Item)
    text = item_text(item)
    assert said in text.text
    start = text.text.rindex(said)
    begin, end = text.bytes_of(start, start + len(said))
    assert json.loads(b'"' + raw[begin:end] + b'"') == said


@given(WORDS.filter(lambda words: words.strip() and "=" not in words[:1]))
def test_item_text__of_a_table_has_signs_as_they_read(said: str):
    raw = b'vendor,title,description\nx,y,"' + said.replace('"', '""').encode() + b'"\n'
    text = item_text(row_of(raw, "x.csv"))
    start = text.text.index(said)
    begin, end = text.bytes_of(start, start + len(said))
    assert raw[begin:end].replace(b'""', b'"') == said.encode()


def test_item_text__ends_of_lines_keep_words_apart():
    item = next(iter(items(b'{"title": "a", "text": "to\\n1A1z\\tand\\u000aon"}\n{}\n', name="x")))
    assert isinstance(item, Item)
    assert "to\n1A1z and\non" in item_text(item).text


def test_item_text__long_fields_are_regions():
    raw = b"vendor,title,description,feedback\nx,a title,words of his,words of others\n"
    text = item_text(row_of(raw, "x.csv"))
    told = {(each.kind, text.text[each.start : each.stop]) for each in text.regions}
    assert told == {
        (RegionKind.LISTING, "a title"),
        (RegionKind.LISTING, "words of his"),
        (RegionKind.FEEDBACK, "words of others"),
    }
    assert {each.rule for each in text.regions} == {
        "field:title",
        "field:description",
        "field:feedback",
    }
