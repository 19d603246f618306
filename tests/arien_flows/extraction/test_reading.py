import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.extraction.html_text import read_html
from arien_flows.extraction.normal_form import normal_form
from arien_flows.extraction.plain_text import read_plain
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.text import DocumentText, Region, RegionKind
from tests.arien_flows.extraction.test_html_tree import PAGES

ADDRESS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"

LETTERS = st.characters(codec="utf-8")
MARKED = st.sampled_from(
    "e\u0301\u0323\u1100\u1161\u11a8\ufb01\uff11\u3099\uff76\uff9e\u0344\U0001d7cf"
)
WRITING = st.text(LETTERS | MARKED, max_size=20)


def regions_at(document: DocumentText, words: str) -> list[Region]:
    """Return the regions that hold all of some words, the innermost first."""
    start = document.text.index(words)
    stop = start + len(words)
    holding = [each for each in document.regions if each.start <= start and stop <= each.stop]
    return sorted(holding, key=lambda each: each.stop - each.start)


def kinds_at(document: DocumentText, words: str) -> set[RegionKind]:
    return {region.kind for region in regions_at(document, words)}


@given(WRITING)
def test_normal_form__is_that_of_unicode(text: str) -> None:
    utf8 = np.frombuffer(text.encode(), np.uint8)
    at = np.arange(len(utf8), dtype=np.int32)
    normal = normal_form(utf8, at, at + 1)
    assert normal.text == unicodedata.normalize("NFKC", text)
    assert len(normal.at) == len(normal.until) == len(normal.text)
    assert (np.diff(normal.at) >= 0).all()


def test_normal_form__bounds_the_marks_of_a_letter() -> None:
    marks = "a" + "\u0301\u0323" * 20_000
    utf8 = np.frombuffer(marks.encode(), np.uint8)
    at = np.arange(len(utf8), dtype=np.int32)
    assert len(normal_form(utf8, at, at + 1).text) == len(marks) - 1


@given(WRITING, st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_read_plain__maps_every_character_to_its_bytes(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    document = read_plain(raw)
    if document.encoding == "windows-1252":
        return
    assert document.text == unicodedata.normalize("NFKC", text.lstrip("\ufeff"))
    assert document.byte_at[-1] == len(raw)
    assert len(document.byte_at) == len(document.text) + 1
    name = document.encoding
    for place in range(len(document.text)):
        begin, end = document.bytes_of(place, place + 1)
        source = raw[begin:end].decode(name)
        assert document.text[place] in unicodedata.normalize("NFKC", source)


@given(PAGES)
def test_read_html__maps_every_character_to_its_bytes(raw: bytes) -> None:
    document = read_html(raw)
    assert len(document.byte_at) == len(document.text) + 1
    assert document.byte_at[-1] == len(raw)
    for place, character in enumerate(document.text):
        begin, end = document.bytes_of(place, place + 1)
        assert 0 <= begin <= end <= len(raw)
        if "!" <= character < "\x7f":
            source = unicodedata.normalize("NFKC", raw[begin:end].decode("cp1252", "replace"))
            assert character in source or source[:1] == "&"
    for region in document.regions:
        assert 0 <= region.start < region.stop <= len(document.text)
        assert 0 <= region.begin <= region.end <= len(raw)


@given(
    st.lists(
        st.sampled_from(["<b>", "</b>", "<span title=x>", "</span>", "<!-- 9 -->"]), max_size=9
    )
)
def test_read_html__joins_what_inline_tags_cut(tags: list[str]) -> None:
    places = [1 + (7 * k) % (len(ADDRESS) - 1) for k in range(len(tags))]
    cut = ADDRESS
    for place, tag in sorted(zip(places, tags, strict=True), reverse=True):
        cut = cut[:place] + tag + cut[place:]
    raw = f"<p>pay {cut} now".encode()
    document = read_html(raw)
    start = document.text.index(ADDRESS)
    begin, end = document.bytes_of(start, start + len(ADDRESS))
    assert raw[begin:end].decode() == cut


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a<div>b</div>c", "a\nb\nc"),
        ("a <b> b</b>\n c", "a b\nc"),
        ("<td>1</td><td>2</td>", "1\n2"),
        ("x<br><br>y", "x\n\ny"),
        ("<pre>a\n\n  b</pre>", "a\n\n  b"),
        ("&lt;b&gt; &amp;amp; &#65;&#x42; &euro;&nbsp;5", "<b> &amp; AB € 5"),
        ("&copy &bogus; &#0;", "© &bogus; \ufffd"),
        ("<script>x<b></script>ok", "ok\n\nx<b>"),
        ("1 < 2 <3", "1 < 2 <3"),
        ("a<img alt='words of it'>b", "ab\n\nwords of it"),
        ("<a href='bitcoin:1x?label=y'>pay</a>", "bitcoin:1x?label=y pay"),
        ("<i hidden><a href='bitcoin:1x?label=y'>pay</a></i>z", "z\n\npay"),
        ("at <input value=1abc> or <input type=hidden value=2>", "at 1abc or\n\n2"),
        ("\uff11\uff21\uff22 \ufb01", "1AB fi"),
        ("a<b", "a\n\nb"),
    ],
)  # fmt: skip
def test_read_html__copies(page: str, text: str) -> None:
    assert read_html(page.encode()).text == text


@pytest.mark.parametrize(
    ("raw", "told", "encoding", "text"),
    [
        ("<meta charset=windows-1251>Привет".encode("cp1251"), None, "cp1251", "Привет"),
        ("Привет".encode("koi8-r"), "koi8-r", "koi8-r", "Привет"),
        ("<p>Привет".encode("utf-16"), None, "utf-16-le", "Привет"),
        ("<meta charset=gbk>支付".encode("gbk"), None, "gb18030", "支付"),
        ("Grüße".encode("cp1252"), None, "cp1252", "Grüße"),
        ("Grüße".encode(), "rot13", "utf-8", "Grüße"),
        ("<meta charset=zlib>Grüße".encode(), None, "utf-8", "Grüße"),
    ],
)
def test_read_html__finds_the_encoding(
    raw: bytes, told: str | None, encoding: str, text: str
) -> None:
    document = read_html(raw, told)
    assert document.text.startswith(text)
    start = document.text.index(text)
    begin, end = document.bytes_of(start, start + len(text))
    assert raw[begin:end].decode(encoding) == text
    assert document.undecodable == 0


def test_read_html__counts_what_is_no_text() -> None:
    document = read_html("é é é ".encode() + b"\xff\xfe\xff!")
    assert (document.encoding, document.undecodable) == ("utf-8", 3)
    assert document.text == "é é é \ufffd\ufffd\ufffd!"


def test_read_html__knows_what_is_hidden() -> None:
    page = (
        b"seen<!-- in a comment --><p style='display:none'>in a paragraph</p>"
        b"<img alt='in an attribute'><noscript>in noscript</noscript><p aria-hidden=true>aria"
    )
    document = read_html(page)
    for words in ("in a comment", "in a paragraph", "in an attribute", "in noscript"):
        assert RegionKind.HIDDEN in kinds_at(document, words)
    for words in ("seen", "aria"):
        assert RegionKind.HIDDEN not in kinds_at(document, words)
    innermost = regions_at(document, "in a paragraph")[0]
    assert page[innermost.begin : innermost.end] == b"<p style='display:none'>"


def test_read_html__knows_the_parts_of_a_page() -> None:
    document = read_html(
        b"<header>on top</header><nav>menu</nav><article><header>title of it</header>"
        b"<blockquote>said by another</blockquote></article>"
        b"<h2>Reviews</h2><p>by a buyer</p><h2>Other</h2><p>own words</p>"
        b"<div class='x terms'>conditions</div>"
        b"<table><tr><th>Feedback<th>Buyer<tr><td>cell of a buyer</table><footer>below</footer>"
    )
    assert RegionKind.FURNITURE in kinds_at(document, "on top")
    assert RegionKind.FURNITURE in kinds_at(document, "below")
    assert RegionKind.FURNITURE not in kinds_at(document, "title of it")
    assert RegionKind.QUOTE in kinds_at(document, "said by another")
    assert RegionKind.FEEDBACK in kinds_at(document, "by a buyer")
    assert RegionKind.FEEDBACK in kinds_at(document, "cell of a buyer")
    assert kinds_at(document, "own words") == set()
    assert kinds_at(document, "conditions") == {RegionKind.TERMS}


def test_read_plain__knows_what_is_quoted_and_signed() -> None:
    document = read_plain(
        b"mine\n> theirs\n> more of it\nmine again\n[quote=Bob]said Bob[/quote]\n"
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nI sign this\n"
        b"-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxyz"
    )
    assert kinds_at(document, "mine again") == set()
    for words in ("more of it", "said Bob"):
        assert kinds_at(document, words) == {RegionKind.QUOTE}
    assert kinds_at(document, "I sign this") == {RegionKind.SIGNED}
    assert kinds_at(document, "abc") == {RegionKind.KEY}
    assert kinds_at(document, "xyz") == {RegionKind.KEY}


def test_read_text__goes_by_the_kind_of_document() -> None:
    page = b"<html><p>x"
    assert read_text(page, "text/html; charset=utf-8").text == "x"
    assert read_text(page, "application/octet-stream").text == "x"
    assert read_text(page, "text/plain").text == "<html><p>x"
    assert read_text("ж".encode("cp1251"), "text/plain;charset=windows-1251").text == "ж"
