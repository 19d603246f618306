"""The small case with a vendor: documents name wallets of two accounts, which a contact links.

Alice's entity is GreenShop's of Empire, and Erin's address that of the same owner on Apollon; an
address at the exchange is GreenShop's, too, and one that nobody ever used.
"""

from pathlib import Path
from shutil import copytree

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.vendors.account import ContactKind, ContactSeen
from arien_flows.workspace import CASEBOOK
from tests.arien_flows.casebook.observations import observe, page
from tests.arien_flows.casebook.packs import bring_in, pack, row
from tests.ledgers import text_of_name
from tests.small_case import NETWORK, SmallCase

ACCOUNT = "empire/GreenShop"
OTHER = "apollon/Verdant"


def with_vendor(case: SmallCase, folder: Path) -> Path:
    """Return a copy of the small case's data whose casebook knows the vendor."""
    data = folder / "data"
    copytree(case.data, data)
    casebook = Casebook(sqlite_url(data / CASEBOOK))
    shown = {"begin": 5, "end": 8, "rule": "jabber-label/text"}
    contact = ContactSeen(kind=ContactKind.JABBER, handle="green@example.org", **shown)
    observe(casebook, b"green", page(keys=(), contacts=(contact,)))
    verdant = page(market="apollon", handle="Verdant", keys=(), contacts=(contact,))
    observe(casebook, b"verdant", verdant)
    named = "GreenShop @ Empire Market"
    bring_in(
        casebook,
        pack(
            row(text_of_name("alice"), named),
            row(text_of_name("exchange"), named),
            row(text_of_name("nobody"), named),
            row(text_of_name("erin"), "Verdant @ Apollon Market"),
        ),
        network=NETWORK,
    )
    casebook.close()
    return data
