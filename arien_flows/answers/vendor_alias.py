"""What documents say of an account, as far as a wallet can be held against it.

Prices are those of all its listings in effect, whenever they were captured; a listed price in
bitcoin means the coin of the network that is asked. Hours of activity are of sales and other dates
that are known to the hour: what is only known to the day tells no hour.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.vendor_records import StoredAccount
from arien_flows.errors import InputError, NotFoundError
from arien_flows.vendors.account import account_id
from arien_flows.vendors.chain_case import AliasFacts
from arien_flows.vendors.chain_prices import LARGEST_VALUE, ListedPrice

BITCOIN = ("BTC", "XBT")

DATED = timedelta(hours=1)
"""A date that is known to so much tells an hour."""


def alias_facts(casebook: Casebook, account: str, coin: str) -> AliasFacts:
    """Return the facts of an account, named as `market/handle`; `NotFoundError` for none such."""
    if "/" not in account:
        raise InputError(f"{account!r} is not an account: write it as MARKET/HANDLE")
    known = {account_id(it.market, it.handle): it.number for it in casebook.vendors.names()}
    stored = casebook.vendors.account(known[account]) if account in known else None
    if stored is None:
        raise NotFoundError(f"no document in the casebook speaks of the account {account}")
    prices = _prices(stored, coin)
    moments: set[int] = set()
    documents: set[str] = set()
    for observation in stored.observations:
        intervals = [sale.when for sale in observation.sales]
        intervals += [field.interval for field in observation.fields]
        exact = [it for it in intervals if it is not None and it.latest - it.earliest <= DATED]
        moments.update(int(it.earliest.timestamp()) for it in exact)
        documents.update([observation.place.document_sha256] if exact else [])
    return AliasFacts(
        documents=frozenset(it.place.document_sha256 for it in stored.observations),
        prices=prices,
        activity_times=np.array(sorted(moments), np.int64),
        activity_documents=sorted(documents),
    )


def joined_facts(parts: Sequence[AliasFacts]) -> AliasFacts:
    """Return the facts of several accounts of one owner; those of none for no account."""
    if not parts:
        return AliasFacts()
    return AliasFacts(
        documents=frozenset().union(*(each.documents or () for each in parts)),
        prices=sorted(
            {price for each in parts for price in each.prices},
            key=lambda it: (it.currency, it.amount, it.document),
        ),
        activity_times=np.unique(np.concatenate([each.activity_times for each in parts])),
        activity_documents=sorted({it for each in parts for it in each.activity_documents}),
    )


def _prices(stored: StoredAccount, coin: str) -> list[ListedPrice]:
    found = {
        ListedPrice(
            amount=quote.amount,
            currency=coin if quote.currency in BITCOIN else quote.currency,
            document=observation.place.document_sha256,
        )
        for observation in stored.observations
        for listing in observation.listings
        for quote in listing.quotes
        if 0 < quote.amount <= LARGEST_VALUE
    }
    return sorted(found, key=lambda it: (it.currency, it.amount, it.document))
