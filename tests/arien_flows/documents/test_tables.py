"""Rows of tables and objects of JSON, with the bytes at which they stand."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.documents.columns import FIELDS, read_mapping
from arien_flows.documents.item import Item, Refusal
from arien_flows.documents.reading import items
from arien_flows.errors import InputError
from tests.arien_flows.documents.archives import split

AGORA = (
    " Vendor, Category, Item, Item Description, Price, Origin, Destination, Rating, Remarks\n"
    "CheapPay,Services,12 Month HuluPlus,12-Month Codes for $25,0.05 BTC,Torland,,4.96/5,\n"
    'Other,Drugs,"A, b","He said ""hi"" and\nwent",0.1 BTC,,,~5/5,note\n'
)
letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.just("\n")
cells = st.text(letters, max_size=30)


@given(
    st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_table__agrees_with_the_library(rows: list[tuple[str, str, str]], delimiter: str):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("vendor", "title", "description"), *rows])
    raw = text.getvalue().encode()
    found, refused = split(raw, "list.csv")
    assert refused == []
    assert len(found) == len(rows)
    for item, row in zip(found, rows, strict=True):
        wanted = {
            name: said.strip()
            for name, said in zip(("vendor", "title", "description"), row, strict=True)
            if said.strip()
        }
        assert item.fields == wanted
        for name, (begin, end) in item.places.items():
            written = raw[begin:end].decode().replace('""', '"').strip()
            assert written == wanted[name]
            assert item.begin <= begin <= end <= item.end


def test_table__agora_s_columns_are_known():
    found, _ = split(AGORA.encode(), "agora.csv")
    assert [item.path for item in found] == ["agora.csv#1", "agora.csv#2"]
    assert found[0].fields["vendor"] == "CheapPay"
    assert found[0].fields["origin"] == "Torland"
    assert found[1].fields["description"] == 'He said "hi" and\nwent'
    assert found[0].raw is found[1].raw
    assert found[1].raw[found[1].begin :].startswith(b"Other,Drugs")


def test_table__a_row_with_commas_too_many_keeps_its_first_fields():
    raw = AGORA.encode() + b"Third,Drugs,A thing,very good, cheap, fast,0.1,,,5/5,,\n"
    item = split(raw, "agora.csv")[0][-1]
    assert item.fields == {"vendor": "Third", "category": "Drugs"}
    assert "12 fields" in item.note


def test_table__of_latin_1_is_read():
    raw = "vendor,title,description\nMüller,Käse,gut\n".encode("cp1252")
    (item,) = split(raw, "k.csv")[0]
    assert item.fields == {"vendor": "Müller", "title": "Käse", "description": "gut"}


@pytest.mark.parametrize("header", ["a,b,c", "vendor,foo,bar", "1,2,3"])
def test_table__whose_columns_nobody_knows_is_refused_with_what_to_write(header: str):
    found, (refused,) = split(f"{header}\nx,y,z\n".encode(), "t.csv")
    assert not found
    assert "--mapping" in refused.reason
    assert "[columns]" in refused.reason


def test_table__is_read_by_a_mapping():
    mapping = read_mapping(b'[columns]\nvendor = "Who"\ndescription = "Words"\n', "m.toml")
    (refused,) = items(b"Name;Words\nme;send\n", name="t.csv", mapping=mapping)
    assert isinstance(refused, Refusal)
    assert "'vendor' stands in the column 'Who'" in refused.reason
    (item,) = items(b"Who;Words;Extra\nme;send;1\n", name="t.csv", mapping=mapping)
    assert isinstance(item, Item)
    assert item.fields == {"vendor": "me", "description": "send", "column:Extra": "1"}


@pytest.mark.parametrize(
    "text",
    ["", "x", "[columns]\n", '[columns]\nwho = "X"\n', "[columns]\nvendor = 1\n", "[other]\na=1\n"],
)
def test_mapping__that_cannot_be_used_says_what_to_write(text: str):
    with pytest.raises(InputError, match=r"m\.toml"):
        read_mapping(text.encode(), "m.toml")


keys = st.sampled_from([*FIELDS, "other", "än"])
values = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.none(),
    st.booleans(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=4), max_size=2),
)
objects = st.lists(st.dictionaries(keys, values, max_size=5), min_size=2, max_size=5)


@given(objects, st.booleans(), st.sampled_from(["list", "lines", "wrapped"]))
def test_json__each_object_is_an_item_at_its_bytes(
    made: list[dict[str, object]], is_ascii: bool, how: str
):
    if how == "lines":
        text = "\n".join(json.dumps(each, ensure_ascii=is_ascii) for each in made)
    else:
        wrapped = {"listings": made} if how == "wrapped" else made
        text = json.dumps(wrapped, ensure_ascii=is_ascii, indent=1)
    raw = text.encode("utf-8", "surrogatepass")
    if how == "lines" and len(made) == 1:
        return
    found, refused = split(raw, "x.jsonl" if how == "lines" else "x.json")
    assert refused == []
    assert [json.loads(item.raw[item.begin : item.end]) for item in found] == made
    for item, one in zip(found, made, strict=True):
        for name, (begin, end) in item.places.items():
            key = name.removeprefix("column:")
            assert json.loads(item.raw[begin:end]) == one[key]


def test_json__that_is_broken_is_refused():
    assert "not valid JSON" in split(b'{"a": [1, 2', "x.json")[1][0].reason
    deep = b"[" * 200_000 + b"]" * 200_000
    assert split(deep, "x.json")[1][0].reason


def test_json_lines__a_broken_line_keeps_nobody_out():
    found, refused = split(b'{"title": "a"}\n{"title": \n{"title": "b"}\n[1]\n', "x.jsonl")
    assert [item.path for item in found] == ["x.jsonl#1", "x.jsonl#3"]
    assert [each.path for each in refused] == ["x.jsonl#2", "x.jsonl#4"]
