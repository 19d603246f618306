"""Pages: everything from data is escaped, nothing is loaded."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.reports.page import (
    data_table,
    facts,
    heading,
    page,
    paragraph,
    picture,
    quotation,
)


class Reader(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, _attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_parts__text_from_data_stays_text(text: str):
    hostile = f"<script>{text}</script>&<b>"
    parts = [
        heading(hostile),
        paragraph(hostile),
        quotation(hostile),
        facts([(hostile, hostile)]),
        data_table([hostile], [[hostile]], numeric=[0]),
        picture(b"png", hostile),
    ]
    reader = Reader()
    reader.feed(page(hostile, parts))
    assert not {"script", "b"} & set(reader.tags)
    assert reader.text.count(hostile) == 9


def test_page__loads_and_runs_nothing():
    text = page("Title", [picture(b"\x89PNG", "a picture")])
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")


def test_heading__says_what_kind_of_statement_follows():
    assert ">inference</span>" in heading("Entity", "inference")
