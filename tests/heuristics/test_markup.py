import html
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.extraction.html_text import read_html
from arien_flows.extraction.html_tree import Element, parse
from arien_flows.extraction.plain_text import read_plain
from heuristics.markup import LONGEST, read_markup
from heuristics.markup_entities import entity
from heuristics.markup_names import ELEMENT_NAMES, packed
from heuristics.markup_tokens import OPEN
from tests.reference.markup import BLOCKS, INLINE, Node, seen, shape, written

WORDS = st.text("ab <&\u00e9\u0416", min_size=1, max_size=6)


def inline(depth: int) -> st.SearchStrategy[Node | str]:
    if depth == 0:
        return WORDS
    inner = st.lists(inline(depth - 1), max_size=3).map(tuple)
    return WORDS | st.builds(Node, st.sampled_from(INLINE), inner, st.booleans())


def listed(outer: str, item: str, inside: st.SearchStrategy[Node | str]) -> st.SearchStrategy[Node]:
    children = st.lists(inside, max_size=2).map(tuple)
    items = st.builds(Node, st.just(item), children, st.just(False), st.booleans())
    return st.builds(Node, st.just(outer), st.lists(items, max_size=3).map(tuple))


def flow(depth: int) -> st.SearchStrategy[Node | str]:
    paragraph = st.builds(Node, st.just("p"), st.lists(inline(1), max_size=3).map(tuple))
    if depth == 0:
        return inline(1) | paragraph
    deeper = flow(depth - 1)
    row = listed("tr", "td", deeper)
    table = st.builds(Node, st.just("table"), st.lists(row, max_size=2).map(tuple))
    division = st.builds(
        Node,
        st.sampled_from(["div", "section"]),
        st.lists(deeper, max_size=3).map(tuple),
        st.booleans(),
    )
    return inline(1) | paragraph | listed("ul", "li", deeper) | table | division


PAGES = st.lists(flow(2), max_size=4).map(lambda nodes: Node("div", tuple(nodes)))


def shape_of(element: Element) -> object:
    return (element.tag, [shape_of(child) for child in element.children])


@given(PAGES)
def test_read_markup__nests_and_shows_as_the_reference_does(page: Node) -> None:
    document = parse(written(page).encode())
    assert shape_of(document.children[0]) == shape(page)
    assert document.text == seen(page)


@given(PAGES)
def test_read_markup__gives_every_element_its_own_text(page: Node) -> None:
    def check(element: Element, node: Node) -> None:
        if not element.is_hidden:
            assert element.text == seen(node)
        inner = [child for child in node.children if isinstance(child, Node)]
        for child, expected in zip(element.children, inner, strict=True):
            check(child, expected)

    check(parse(written(page).encode()).children[0], page)


@given(st.from_regex(r"\A&(#[0-9]{0,8}|#[xX][0-9a-fA-F]{0,7}|[a-zA-Z]{1,9}[0-9]?);?[a;]?\Z"))
def test_entity__agrees_with_the_standard(text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    code, end = entity(data, 0, len(data))
    expected = html.unescape(text)
    if code < 0:
        # Names of more than ten letters, and those of two characters, are left as written.
        assert expected[0] == "&" or len(expected) > 1 or len(text) > 11
    elif code not in (0xFFFD, *range(0x80)):
        assert chr(code) + text[end:] == expected


@pytest.mark.parametrize("name", ["amp", "lt", "euro", "nbsp", "hearts", "Auml", "thetasym"])
def test_entity__knows_names(name: str) -> None:
    data = np.frombuffer(f"&{name};".encode(), np.uint8)
    assert entity(data, 0, len(data)) == (ord(html.unescape(f"&{name};")), len(data))


@given(st.binary(max_size=60))
def test_read_markup__puts_every_byte_into_one_token(raw: bytes) -> None:
    data = raw.decode("utf-8", "ignore").encode()
    markup = read_markup(data)
    assert (np.diff(markup.begin) > 0).all()
    assert markup.begin[-1] == len(data)
    assert len(markup.token) == np.count_nonzero(markup.kind == OPEN) + 1


def test_element_names__are_all_told_apart() -> None:
    assert (np.diff(ELEMENT_NAMES) > 0).all()
    assert packed("blockquote") != packed("blockquot")
    assert {packed(tag) for tag in BLOCKS} <= set(ELEMENT_NAMES.tolist())


def test_read_markup__refuses_what_offsets_cannot_say() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return LONGEST + 1

    with pytest.raises(ValueError, match="too long"):
        read_markup(Long())


HOSTILE = [
    b"<", b"<a ", b"<a href='", b'<a href="x', b"<!--", b"<!", b"</", b"</b>", b"<script>", b"&",
    b"&#", b"&a", b"<div>", b"<li>", b"<p>", b"<td>", b"<table>", b"<b><p>", b"=", b"a=b<", b"<q>",
    b"<h2>feedback</h2>", b"<h1>x</h1><h6>y</h6>", b'class="', b"<i class=feedback>", b"\x00",
    b"<div hidden>", b"<a title=x>", b"<x" * 30 + b">", b"\xff", b"\xf0\x9f\x98\x80", b"<br>",
    b"e\xcc\x81\xcc\xa3", b"<textarea>", b"style=display:none;", b"<p style='", b"<a b=\"'>",
]  # fmt: skip
PLAIN = [b"[quote]", b"> a\n", b"-----BEGIN PGP ", b"-----BEGIN PGP MESSAGE-----", b"[/quote]"]


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_read_html__takes_time_in_proportion(piece: bytes) -> None:
    raw = piece * (400_000 // len(piece))
    read_html(piece)
    start = time.thread_time()
    document = read_html(raw)
    assert len(document.regions) <= len(raw)
    assert time.thread_time() - start < 8


@pytest.mark.slow
@pytest.mark.parametrize("piece", PLAIN)
def test_read_plain__takes_time_in_proportion(piece: bytes) -> None:
    raw = piece * (400_000 // len(piece))
    start = time.thread_time()
    assert len(read_plain(raw).regions) <= len(raw)
    assert time.thread_time() - start < 8


@pytest.mark.parametrize(
    ("style", "hides"),
    [
        ("display : none !important", True),
        ("color: TRANSPARENT", True),
        ("color:rgba(0, 0, 0, 0.0)", True),
        ("color:rgba(0,0,0,.5)", False),
        ("color:rgb(0,0,0)", False),
        ("background-color:transparent", False),
        ("position:absolute; left:-9999px", True),
        ("text-indent:-100em", True),
        ("left:-20px;margin-left:-50%", False),
        ("clip:rect(0,0,0,0)", True),
        ("clip:rect(1px 1px 1px 1px)", True),
        ("clip:rect(0,99px,20px,0)", False),
        ("clip:rect(0,auto,20px,0)", False),
        ("clip-path:inset(100%)", True),
        ("clip-path:inset(5px)", False),
        ("transform:scale(0)", True),
        ("transform:scale(0.5)", False),
        ("height:0;overflow:hidden", True),
        ("overflow:hidden;width:1px", True),
        ("height:0", False),
        ("overflow:hidden;height:10px", False),
        ("font-size:0px", True),
        ("opacity:0.9;visibility:visible", False),
    ],
)
def test_read_markup__knows_what_a_style_hides(style: str, hides: bool) -> None:
    page = parse(f"<body><p style='{style}'>a</p><div class=x>b</div></body>".encode())
    assert page.children[0].children[0].is_hidden == hides
    assert page.text == ("b" if hides else "a\nb")
    sheet = parse(f"<style>.x{{{style}}}</style><div class='y X'>a</div><p>b</p>".encode())
    assert sheet.children[1].is_hidden == hides


@pytest.mark.parametrize(
    ("sheet", "hides"),
    [
        ("a{color:red} div.x , #z { display:none }", True),
        ("/* .x{} */ @media screen { .x { display: none } }", True),
        ("@import 'a'; .x { display: none", True),
        (".x { display: none; &:hover { color: red } }", True),
        ("@media print { .x { display: none } }", False),
        ("/* .x { display: none } */", False),
        (".x { color: red } .other { display: none }", False),
        (".a .x { display: none }", False),
        ("} } .x { display: none }", True),
    ],
)
def test_read_markup__applies_simple_rules_of_the_pages_own_sheets(sheet: str, hides: bool) -> None:
    page = parse(f"<p class=x>a</p><p>b</p><style>{sheet}</style>".encode())
    assert page.children[0].is_hidden == hides
    by_id = parse(f"<style>{sheet.replace('.x', '#x')}</style><i id=x>a</i>".encode())
    assert by_id.children[1].is_hidden == hides


def test_element__reads_an_entity_of_any_length() -> None:
    page = parse(b"<p title='&#" + b"1" * 5_000 + b";'>a</p>")
    assert page.children[0].attributes == {"title": "\ufffd"}
