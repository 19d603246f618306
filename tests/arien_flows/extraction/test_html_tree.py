import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.extraction.errors import SelectorError
from arien_flows.extraction.html_tree import Element, parse

PIECES = st.sampled_from(
    [
        b"<p>", b"</p>", b"<i class='a b'>", b"</i>", b"<b>", b"</b>", b"<li>", b"<ul>", b"</ul>",
        b"<table>", b"<tr>", b"<td>", b"</td>", b"</table>", b"<br>", b"<script>", b"</script>",
        b"<!--", b"-->", b"<a href=\"", b"\"", b">", b"<", b"&amp;", b"&#65;", b"text ", b"\n",
        b"<span style='display:none'>", b"</span>", b"<textarea>", b"\xff", b"\xc3\xa9", b"'",
    ]
)  # fmt: skip
PAGES = st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=80)

PAGE = (
    b"<title>A &amp; B</title><div class='one two' id=top><p class=x>Hi <b>the</b>re"
    b"<p>two<ul><li>a<li>b<ul><li>c</ul></ul></div>"
    b"<table><tr><td>1<td data-kind='v w'>2<tr><th>3</table><br><i>end"
)


def tags_of(element: Element) -> list[object]:
    return [
        (child.tag, tags_of(child)) if child.children else child.tag for child in element.children
    ]


def everything(element: Element) -> list[Element]:
    return [element, *(each for child in element.children for each in everything(child))]


def test_parse__closes_what_pages_leave_open() -> None:
    assert tags_of(parse(PAGE)) == [
        "title",
        ("div", [("p", ["b"]), "p", ("ul", ["li", ("li", [("ul", ["li"])])])]),
        ("table", [("tr", ["td", "td"]), ("tr", ["th"])]),
        "br",
        "i",
    ]


@given(PAGES)
def test_parse__nests_and_keeps_to_the_original(raw: bytes) -> None:
    document = parse(raw)
    assert (document.begin, document.end) == (0, len(raw))
    for element in everything(document):
        assert element.begin <= element.content_begin <= element.content_end <= element.end
        if element.tag:
            assert raw[element.begin : element.begin + 1] == b"<"
        last = element.content_begin
        for child in element.children:
            assert child.parent == element
            assert last <= child.begin
            last = child.end
        assert last <= max(element.content_end, element.content_begin)


@pytest.mark.parametrize(
    ("selector", "texts"),
    [
        ("div p", ["Hi there", "two"]),
        ("p.x", ["Hi there"]),
        (".two > ul > li", ["a", "b\nc"]),
        ("#top b", ["the"]),
        ("[data-kind]", ["2"]),
        ("[data-kind~=v], [data-kind^='v '], [data-kind$=w], [data-kind*=\" \"]", ["2"]),
        ("td + td", ["2"]),
        ("tr:nth-child(2) > *", ["3"]),
        ("li:last-child", ["b\nc", "c"]),
        ("th, i", ["3", "end"]),
        ("div > b", []),
        ("title", ["A & B"]),
    ],
)
def test_select__finds(selector: str, texts: list[str]) -> None:
    assert [element.text for element in parse(PAGE).select(selector)] == texts


@pytest.mark.parametrize(
    "selector", ["", "a >", "> a", "p::before", "p:hover", "a b,", "[x", "pp.q&"]
)
def test_select__refuses_what_it_does_not_understand(selector: str) -> None:
    with pytest.raises(SelectorError):
        parse(PAGE).select(selector)


def test_select__stays_within_the_element() -> None:
    first, second = parse(b"<div><p>1</div><div><p>2</div>").select("div")
    assert [p.text for p in first.select("p")] == ["1"]
    assert [p.text for p in second.select("p")] == ["2"]
    assert second.select("div p") == []


def test_attributes__are_read_as_a_browser_reads_them() -> None:
    link = parse(
        b"<A HREF='x?a=1&amp;b=2' Title=\"it's\" data-x checked data-x=2 n = bare>"
    ).children[0]
    assert link.tag == "a"
    assert dict(link.attributes) == {
        "href": "x?a=1&b=2",
        "title": "it's",
        "data-x": "",
        "checked": "",
        "n": "bare",
    }


@pytest.mark.parametrize(
    "tag",
    [
        b"<div hidden>", b"<div style='color:red;display : NONE'>", b"<b style=visibility:hidden>",
        b"<p style='font-size:0px'>", b"<i style='opacity: 0.0'>", b"<noscript>", b"<template>",
    ],
)  # fmt: skip
def test_is_hidden__where_an_element_says_so(tag: bytes) -> None:
    (hidden,) = parse(tag + b"<u>in</u>").children
    assert hidden.is_hidden
    assert hidden.children[0].is_hidden
    assert hidden.text == "in"
    assert parse(tag + b"<u>in</u>").text == ""


@pytest.mark.parametrize(
    "tag",
    [
        b"<div aria-hidden=true>", b"<div style='overflow:hidden'>", b"<p style='font-size:0.8em'>",
        b"<p style='opacity:.5'>", b"<p style='--display:none'>", b"<p class=hidden>",
    ],
)  # fmt: skip
def test_is_hidden__not_by_what_resembles_it(tag: bytes) -> None:
    assert parse(tag + b"in").text == "in"


def test_parse__knows_the_original_bytes_of_other_encodings() -> None:
    raw = "<meta charset=utf-16><p>Плата <b>здесь</b>".encode("utf-16")
    bold = parse(raw).select("b")[0]
    assert bold.text == "здесь"
    assert raw[bold.begin : bold.end].decode("utf-16-le") == "<b>здесь</b>"


def test_parse__bounds_what_is_hostile() -> None:
    deep = parse(b"<div>" * 5_000 + b"end" + b"</div>" * 5_000 + b"<p>after")
    assert len(list(deep.select("p")[0].holders())) == 1
    depths = [len(list(element.holders())) for element in deep.select("div")[-3:]]
    assert max(depths) < 300
    assert deep.text == "end\nafter"
