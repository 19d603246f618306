"""The shapes of a vendor's profile."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.answers.tags import TagAnswer
from arien_flows.answers.vendor_account_shapes import WalletTag
from arien_flows.shapes import Certainty, ChainAnswer, Shape
from arien_flows.tracing.points import PointSpan, ServicePoint

VerdictName = Literal["holds", "fails", "undecided"]
PairKind = Literal["service", "market_seller", "supplier_or_payee", "reseller_or_payer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEvidence(Shape):
    """One thing that shows an item."""

    says: str
    """What it shows."""

    certainty: Certainty
    """`attribution` for a tag or a document; `inference` for a role, and for what is said of a
    transaction: tags, clustering and rules make it a payout, or one of the wallet's."""

    txid: str | None
    """The transaction; that it took place, when, and what it paid are facts."""

    outpoint: str | None
    """The coin, as `txid:vout`."""

    time: datetime | None
    """The time that the header of its block states."""

    address: str | None
    """The address that a tag is written for."""

    source: str | None
    """Who says so, for a tag."""

    confidence: int | None
    """0 to 100, as a tag states it."""

    document: str | None
    """SHA-256 of the document that shows it, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorItem(Shape):
    """One item of the score."""

    name: str
    """Stable name."""

    says: str
    """What is asked."""

    verdict: VerdictName
    """`undecided` where nothing could be measured."""

    points: int
    """What the item adds where it holds."""

    given: int
    """What it adds here."""

    is_core: bool
    """Whether a confirmed vendor needs it, or another such item."""

    measured: str
    """What was found, in words."""

    evidence: tuple[VendorEvidence, ...]
    """The first of what shows it."""

    evidence_count: int
    """How much there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorScoreAnswer(Shape):
    """Whether a wallet is a vendor's: points that are added up."""

    policy: str
    """Name of the file of points and thresholds."""

    policy_sha256: str
    """Hash of that file."""

    source: str
    """Where its numbers are from."""

    score: int
    """Sum of the points given."""

    highest: int
    """What it would be if all that is undecided held."""

    confirmed_from: int
    """From here on a wallet is confirmed, if a core item holds, too."""

    standing: Literal["confirmed", "lead", "nothing"]
    """What the score comes to."""

    items: tuple[VendorItem, ...]
    """All items, in the order of the policy; points given add up to the score."""

    certainty: Certainty = "inference"
    """Rules say so."""

    error_rate: str = "not measured on real vendors"
    """How often it is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedEntity(Shape):
    """Another entity of the wallet."""

    id: str
    """Its first-seen address."""

    address_count: int
    """Addresses that the clustering joins in it."""

    settlements: int
    """Escrows with a seller's key that pay it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowKey(Shape):
    """A seller's key in 2-of-3 escrows."""

    key: str
    """Public key, hexadecimal."""

    scripts: int
    """Different escrows that name it, spent from by now."""

    settlements: int
    """Escrows with it that were split at their market's commission."""

    market_keys: tuple[str, ...]
    """Keys of the markets in these escrows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorWallets(Shape):
    """The addresses of a wallet, by how they are known."""

    address: str
    """The address that was asked about (a fact of the chain), or the first that documents name."""

    named: tuple[WalletTag, ...]
    """Addresses that documents name as the account's and as those of its owner's other accounts:
    attribution. Those without an entity are not in the wallet. None where an address was asked
    about."""

    joined: tuple[LinkedEntity, ...]
    """The other entities of these addresses, taken for the same owner's."""

    entity: str
    """First-seen address of its entity: an inference of the clustering."""

    entity_addresses: int
    """Addresses of that entity."""

    clustering: str
    """Names the run that made it."""

    seller_keys: tuple[EscrowKey, ...]
    """The escrow keys under which it is paid: facts of the chain, whose they are an inference."""

    linked: tuple[LinkedEntity, ...]
    """Entities that these keys link to it, those of most settlements first: an inference."""

    linked_count: int
    """How many there are."""

    linked_addresses: int
    """Addresses of all of them."""

    not_linked: str
    """Why no entity is linked though there are keys; empty otherwise."""

    tags: tuple[TagAnswer, ...]
    """What sources say of the addresses of the first entity: attribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorMarket(Shape):
    """A market that pays the wallet."""

    name: str
    """As tags name it; the escrow key of a market that no tag names."""

    is_named: bool
    """Whether a tag names it."""

    sources: tuple[str, ...]
    """Who names it."""

    first_payout: datetime
    """Header time of the first payment to the wallet."""

    last_payout: datetime
    """Header time of the last."""

    transactions: int
    """Transactions that pay the wallet."""

    by_kind: dict[str, int]
    """Payments by what shows them: `escrow`, `release`, `payout`."""

    value: str
    """Sum of all, in base units."""

    on_key: int
    """Payments that rest on an escrow key of the market and not on the tag alone."""

    commission: str | None
    """Share that the market keeps of split coins, as its splits show; nothing where unknown."""

    commission_splits: int
    """Splits at that share."""

    closed: datetime | None
    """Header time of the market's last payout to anybody, where it has long been silent."""

    certainty: Certainty = "inference"
    """Tags or escrow keys name the market, and clustering and rules say what it pays to whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMigration(Shape):
    """A market that paid the wallet first after another one had closed."""

    left: str
    """The market that closed."""

    joined: str
    """The market that pays since."""

    days: int
    """Whole days from the last payout of the one to the first of the other."""

    certainty: Certainty = "inference"
    """Nobody states it: it follows from what the markets pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueMonth(Shape):
    """Receipts of one month from one source."""

    month: str
    """Year and month, UTC, by the header's time."""

    source: str
    """`escrow`, `release`, `payout`, `direct_deal`; or, not revenue, `from_service`,
    `newly_mined`, `other_receipt`."""

    is_revenue: bool
    """Whether it counts as earned."""

    market: str | None
    """The market that pays."""

    receipts: int
    """Coins received."""

    value: str
    """In base units."""

    fiat: str | None
    """What it was worth when it was paid, where a currency was asked for and a price is known."""

    unpriced: str
    """Base units without a price; `"0"` where no currency was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRevenue(Shape):
    """What the wallet received."""

    counts: str
    """What counts as revenue, and what does not."""

    currency: str | None
    """The currency of the values."""

    revenue: str
    """Sum of what counts, in base units."""

    revenue_fiat: str | None
    """Its worth when it was paid, of what has a price."""

    beside: str
    """Sum of what was received beside, in base units."""

    months: tuple[RevenueMonth, ...]
    """By month, then source, then market."""

    certainty: Certainty = "inference"
    """Whose the receipts are follows from the clustering, what they are for from rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StablePairAnswer(Shape):
    """Somebody whom the wallet pays, or who pays it, more often than chance would."""

    entity: str
    """First-seen address."""

    direction: Literal["pays", "is_paid_by"]
    """Whether the wallet pays it."""

    kind: PairKind
    """`service` by a tag; `market_seller` where markets pay it, too; else a lead."""

    label: str | None
    """What the best tag calls it."""

    weeks: int
    """Weeks with a transfer."""

    days: int
    """Whole days from the first to the last."""

    transfers: int
    """Outputs."""

    value: str
    """In base units, as far as the wallet's activity was read."""

    probability: str
    """Of so many weeks by chance."""

    bound: str
    """What it had to be below."""

    tests: int
    """By how many candidates the allowed error was divided for that."""

    evidence: tuple[str, ...]
    """The first transactions."""

    certainty: Certainty = "inference"
    """Clustering says whose the transfers are; the label is an attribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectCashOut(Shape):
    """Payments of the wallet that pay a named service at once."""

    label: str
    """Name that the source gives the service."""

    concepts: tuple[str, ...]
    """Categories of the tag."""

    source: str
    """Who says so."""

    confidence: int
    """0 to 100, as the tag states it."""

    payments: int
    """Transactions."""

    value: str
    """In base units; exact, no convention is needed."""

    fiat: str | None
    """What it was worth when it was paid."""

    first_time: datetime
    """Header time of the first payment."""

    last_time: datetime
    """Header time of the last."""

    addresses: tuple[str, ...]
    """Where it arrived, the largest sums first; at most 50."""

    address_count: int
    """How many there are."""

    certainty: Certainty = "attribution"
    """A source names the service; that the wallet pays it follows from the clustering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedCashOut(Shape):
    """Where traced revenue reached services."""

    sources: int
    """Receipts that were traced, the largest."""

    source_value: str
    """Their sum, in base units."""

    of_revenue: str
    """The whole revenue, in base units."""

    by_address: tuple[PointSpan, ...]
    """What each policy leads to each address of a service."""

    points: tuple[ServicePoint, ...]
    """The last points on the chain, by the haircut policy, with the questions to ask."""

    results: dict[str, str]
    """Result hash of the trace by each policy."""

    certainty: Certainty = "inference"
    """A convention says which coins are whose after each transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorProfile(ChainAnswer):
    """A wallet as if it were a vendor's."""

    network: str
    """Name of the network."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    profile: str
    """The set of rules that made the entities."""

    tags_revision: str
    """Names the set of tags."""

    account: str | None
    """The account in documents whose prices and hours it was held against, as `MARKET/HANDLE`."""

    accounts: tuple[str, ...]
    """Where an account was asked about: it and, by links between accounts (an inference), the
    others of its owner. The wallet is what documents name as theirs."""

    score: VendorScoreAnswer
    """Whether it is a vendor's."""

    wallets: VendorWallets
    """Its addresses: fact, inference and attribution apart."""

    markets: tuple[VendorMarket, ...]
    """The markets that pay it, by first payment."""

    migrations: tuple[MarketMigration, ...]
    """Markets joined after another had closed."""

    revenue: VendorRevenue
    """What it received."""

    pairs: tuple[StablePairAnswer, ...]
    """Stable pairs: counterpart vendors, suppliers, resellers."""

    cash_out: tuple[DirectCashOut, ...]
    """Payments to named services, the largest sum first."""

    traced_cash_out: TracedCashOut | None
    """Where traced revenue reached services; nothing where it was not asked for."""

    receipt_hours: tuple[int, ...]
    """Receipts by hour of the day, UTC, by header time."""

    payment_hours: tuple[int, ...]
    """Payments by hour of the day, UTC: when the owner acts."""
