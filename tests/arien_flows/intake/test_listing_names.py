"""Names of listings and sites."""

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.documents.item import whole
from arien_flows.documents.reading import items
from arien_flows.intake.listing_names import (
    LONGEST,
    host_of,
    is_named_by_path,
    listing_name,
    site_name,
)

PAGE = whole("a.zip!/pages/1.html", b"x", "text/html")


def test_listing_name__of_mirrors_is_the_same():
    names = {
        listing_name(PAGE, market="Nile Market", url=url)
        for url in (
            "http://aaa.onion/listing/7?b=2&a=1",
            "https://bbb.onion//listing/7/?a=1&b=2#reviews",
        )
    }
    assert names == {"nile market:/listing/7?a=1&b=2"}


def test_listing_name__without_a_market_holds_the_host():
    assert listing_name(PAGE, market=None, url="http://www.Forum.onion/t/1") == "forum.onion/t/1"


def test_listing_name__of_a_file_is_its_path_inside_what_was_offered():
    assert listing_name(PAGE, market=None, url=None) == "file/pages/1.html"
    other = whole("b.zip!/pages/1.html", b"x", "text/html")
    assert listing_name(other, market=None, url=None) == "file/pages/1.html"


def test_listing_name__of_a_file_holds_where_it_is_said_to_come_from():
    origin = "http://aaa.onion/item/1"
    name = listing_name(PAGE, market=None, url=None, origin=origin)
    assert name == "aaa.onion/item/1/file/pages/1.html"
    alone = whole("saved.html", b"x", "text/html")
    assert listing_name(alone, market="M", url=None, origin=origin) == "m:/item/1"
    assert not is_named_by_path("m:/item/1", "M")
    assert is_named_by_path(listing_name(alone, market="M", url=None), "M")


def test_listing_name__of_a_row_is_vendor_and_title():
    raw = b"vendor,title,description\nAlice,A Thing,x\n"
    (row,) = items(raw, name="t.csv")
    assert listing_name(row, market="M", url=None) == "m:vendor/alice/a thing"


def test_site_name__is_the_market_or_the_host_or_unknown():
    assert site_name(market=" Nile  Market ", url="http://a.onion") == "nile market"
    assert site_name(market=None, url="http://WWW.example.org/x") == "example.org"
    assert site_name(market=None, url="no url") == site_name(market=None, url=None) == ""


@given(st.text(max_size=2_000), st.none() | st.text(max_size=20))
def test_listing_name__of_any_address_is_short(url: str, market: str | None):
    assert len(listing_name(PAGE, market=market, url=url)) <= LONGEST + 40
    assert host_of(url) is None or host_of(url)
