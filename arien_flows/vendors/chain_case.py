"""A wallet, and everything that evidence about it is measured on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arien_flows.entities.roles import Verdict
from arien_flows.prices.rates import PriceBook
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_payouts import MarketMoney
from arien_flows.vendors.chain_policy import VendorPolicy
from arien_flows.vendors.chain_prices import ListedPrice
from arien_flows.vendors.chain_wallet import Wallet
from chains.types import Int64Array


@dataclass(frozen=True, kw_only=True)
class AliasFacts:
    """What documents say of the account that the wallet is compared with; all may be empty."""

    documents: frozenset[str] | None = None
    """The documents that speak of the account; nothing where no account is compared, and then any
    document counts that shows an address as a vendor's."""

    prices: Sequence[ListedPrice] = ()
    activity_times: Int64Array | None = None
    """When the account was active, in seconds since 1970."""

    activity_documents: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A wallet, with everything that its evidence is measured on."""

    ground: VendorGround
    money: MarketMoney
    wallet: Wallet
    policy: VendorPolicy
    coin: str
    books: Mapping[str, PriceBook]
    """The coin's price by currency."""

    alias: AliasFacts
    roles: Mapping[str, Verdict]
    """What the roles of the entity come to."""
