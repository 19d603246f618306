from decimal import Decimal

from arien_flows.documents.item import Item
from arien_flows.vendors.account import FieldName
from arien_flows.vendors.reading import read_account


def row(**fields):
    return Item(
        path="agora.csv#2",
        raw=b"",
        document_path="agora.csv",
        media_type="text/csv",
        captured_at=None,
        clock="",
        url=None,
        fields=fields,
        places={name: (at * 10, at * 10 + 9) for at, name in enumerate(fields)},
        begin=0,
        end=100,
    )


AGORA = {
    "vendor": "CheapPayTV",
    "category": "Services/Hacking",
    "title": "12 Month Gift Card",
    "description": "Jabber: cheap@exploit.im, ask for more",
    "price": "0.05027025666666667 BTC",
    "origin": "Torland",
    "destination": "USA, Canada",
    "rating": "4.96/5",
}


def test_read_account__reads_a_listing_of_agora():
    page = read_account(row(**AGORA), market="Agora")
    assert page.id == "agora/CheapPayTV"
    (listing,) = page.listings
    assert (listing.title, listing.category) == ("12 Month Gift Card", "Services/Hacking")
    assert listing.quotes[0].amount == Decimal("0.05027025666666667")
    assert [each.text for each in page.fields if each.name is FieldName.DESTINATION] == [
        "USA",
        "Canada",
    ]
    assert [each.handle for each in page.contacts] == ["cheap@exploit.im"]
    assert (page.handle_begin, page.handle_end) == (0, 9)
    assert page.contacts[0].begin == 30


def test_read_account__of_a_row_needs_market_and_vendor():
    assert read_account(row(**AGORA)) is None
    assert read_account(row(**{**AGORA, "vendor": "-"}), market="Agora") is None
    own = read_account(row(**AGORA, market="Far Market"), market="Agora")
    assert own.market == "far"


def test_read_account__says_that_a_price_is_none():
    page = read_account(row(**{**AGORA, "price": "0.05"}), market="Agora")
    assert page.listings[0].quotes == ()
    assert [each.what for each in page.faults] == ["listing"]
