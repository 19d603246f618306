"""The account that a document is about: one entry for pages and rows."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from arien_flows.documents.item import Item
from arien_flows.extraction.html_tree import Element, parse
from arien_flows.extraction.layouts import layout_of, layouts
from arien_flows.vendors.account import AccountPage
from arien_flows.vendors.account_layout import AccountLayout, account_layout
from arien_flows.vendors.account_page import read_generic, read_page
from arien_flows.vendors.account_row import read_row

MARKUP = frozenset({"text/html", "application/xhtml+xml"})


def read_account(
    item: Item,
    tree: Element | None = None,
    *,
    market: str | None = None,
    captured_at: datetime | None = None,
) -> AccountPage | None:
    """Return what a document says of one account; nothing where it is about none.

    Parameters
    ----------
    item
        The document, or a row of one.
    tree
        Its page, where somebody parsed it already.
    market
        Of which market it is said to be; the document's own word goes before.
    captured_at
        When it was captured. Without it, dates such as "3 days ago" are faults.
    """
    moment = captured_at if captured_at is not None else item.captured_at
    if item.fields:
        return read_row(item, market=market, captured_at=moment)
    if item.media_type not in MARKUP:
        return None
    page = parse(item.raw) if tree is None else tree
    layout = layout_of(page)
    rules = None if layout is None else account_layouts().get(layout.name)
    if rules is not None:
        found = read_page(page, rules, market=market, captured_at=moment)
        if found is not None or rules.market:
            # A known market's page that is about nobody is not searched for somebody.
            return found
    return read_generic(page, market=market)


@cache
def account_layouts() -> Mapping[str, AccountLayout]:
    """Return the rules of all layouts that say something of accounts, by name."""
    return {
        layout.name: account_layout(layout.name, layout.account, layout.market)
        for layout in layouts()
        if layout.account
    }
