"""Who takes part, what coins are for, and what transactions are: the vocabulary of the truth.

An *owner* is whoever holds the keys of one wallet. Owners are numbered: first the named actors
below, then suppliers, vendors and users. The numbers of the enumerations are written to the truth
files; never reorder them.
"""

from enum import IntEnum

from arien_flows.simulation.parameters import Parameters


class Role(IntEnum):
    """What an owner does for a living."""

    MINER = 0
    MARKET = 1
    EXCHANGE = 2
    MIXER = 3
    COORDINATOR = 4
    """Runs CoinJoin rounds and takes a fee; never holds the coins of the participants."""

    PEELER = 5
    """Pays many people one after the other from one shrinking coin."""

    DONATION = 6
    PAYROLL = 7
    VICTIM = 8
    THIEF = 9
    SUPPLIER = 10
    VENDOR = 11
    USER = 12


class Actor(IntEnum):
    """Owner numbers of the named actors."""

    MINER_A = 0
    MINER_B = 1
    MARKET_A = 2
    MARKET_B = 3
    EXCHANGE_A = 4
    EXCHANGE_B = 5
    MIXER = 6
    COORDINATOR = 7
    PEELER = 8
    DONATION = 9
    PAYROLL = 10
    VICTIM = 11
    THIEF = 12


ACTOR_NAMES = {
    Actor.MINER_A: "Granite Pool",
    Actor.MINER_B: "Fjord Mining",
    Actor.MARKET_A: "Larkspur Market",
    Actor.MARKET_B: "Cinder Row",
    Actor.EXCHANGE_A: "Meridian Exchange",
    Actor.EXCHANGE_B: "Halyard Trade",
    Actor.MIXER: "Quietwater",
    Actor.COORDINATOR: "Roundtable",
    Actor.PEELER: "Luckfall Casino",
    Actor.DONATION: "Harm Reduction Library",
    Actor.PAYROLL: "Paperboat Payroll",
    Actor.VICTIM: "the robbed collector",
    Actor.THIEF: "the thief",
}

ACTOR_ROLES = {
    Actor.MINER_A: Role.MINER,
    Actor.MINER_B: Role.MINER,
    Actor.MARKET_A: Role.MARKET,
    Actor.MARKET_B: Role.MARKET,
    Actor.EXCHANGE_A: Role.EXCHANGE,
    Actor.EXCHANGE_B: Role.EXCHANGE,
    Actor.MIXER: Role.MIXER,
    Actor.COORDINATOR: Role.COORDINATOR,
    Actor.PEELER: Role.PEELER,
    Actor.DONATION: Role.DONATION,
    Actor.PAYROLL: Role.PAYROLL,
    Actor.VICTIM: Role.VICTIM,
    Actor.THIEF: Role.THIEF,
}

ACTORS = len(Actor)
FIRST_SUPPLIER = ACTORS

COMMISSION_PERCENT = {Actor.MARKET_A: 4, Actor.MARKET_B: 7}
"""Share of an order that the market keeps; rounded down to the satoshi."""


def first_vendor(parameters: Parameters) -> int:
    """Return the owner number of the first vendor."""
    return FIRST_SUPPLIER + parameters.suppliers


def first_user(parameters: Parameters) -> int:
    """Return the owner number of the first user."""
    return first_vendor(parameters) + parameters.vendors


def owner_count(parameters: Parameters) -> int:
    """Return the number of owners."""
    return first_user(parameters) + parameters.users


class Purpose(IntEnum):
    """Why an output was made, and so what happens to it."""

    COINBASE = 0
    ORDINARY = 1
    """Received or kept by its owner, free to be spent with the others of the wallet."""

    ACCOUNT_DEPOSIT = 2
    """A buyer's deposit to a market account, earmarked for a vendor."""

    ESCROW = 3
    """One order held by the market alone."""

    ESCROW_MULTISIG = 4
    """One order behind a 2-of-3 of market, vendor and buyer."""

    EXCHANGE_DEPOSIT = 5
    MIXER_DEPOSIT = 6
    PREMIX = 7
    POSTMIX = 8
    COLD = 9
    KEPT = 10
    """Moved by the script of the theft only."""

    DATA = 11
    """An `OP_RETURN` output; nobody owns it."""


class Kind(IntEnum):
    """What a transaction is."""

    COINBASE = 0
    PAYMENT = 1
    CONSOLIDATION = 2
    BATCH_PAYOUT = 3
    EXCHANGE_DEPOSIT = 4
    EXCHANGE_SWEEP = 5
    EXCHANGE_WITHDRAWAL = 6
    COLD_STORAGE = 7
    MARKET_DEPOSIT = 8
    MARKET_SWEEP = 9
    VENDOR_PAYOUT = 10
    ESCROW_FUNDING = 11
    ESCROW_RELEASE = 12
    ESCROW_REFUND = 13
    DIRECT_DEAL = 14
    SUPPLY = 15
    MIXER_DEPOSIT = 16
    MIXER_PAYOUT = 17
    PEEL = 18
    DONATION = 19
    NOTE = 20
    """A payment with an `OP_RETURN` output beside it."""

    BARE_MULTISIG = 21
    MIX_ENTRY = 22
    """Splits coins into equal ones for a five-by-five mix (Whirlpool's "Tx0"); one owner."""

    FIVE_BY_FIVE = 23
    """Five equal outputs from five owners' coins, as Whirlpool makes them."""

    EQUAL_OUTPUTS = 24
    """A CoinJoin of a taker with makers, as JoinMarket makes them."""

    DENOMINATIONS = 25
    """A CoinJoin into many standard amounts, as Wasabi 2 makes them."""

    PAYJOIN = 26
    """A payment to which the payee adds an input of his own (BIP-78)."""

    JOINT_PAYMENT = 27
    """Two owners pay a third together; both get change."""

    THEFT = 28
    THIEF_MOVE = 29


JOINT_KINDS = (
    Kind.FIVE_BY_FIVE,
    Kind.EQUAL_OUTPUTS,
    Kind.DENOMINATIONS,
    Kind.PAYJOIN,
    Kind.JOINT_PAYMENT,
)
"""The only kinds whose inputs belong to more than one owner."""

UNDETECTABLE_KINDS = (Kind.PAYJOIN, Kind.JOINT_PAYMENT)
"""Joint kinds without a shape that tells: the multi-input rule must join their owners wrongly."""


class Action(IntEnum):
    """What an owner may decide to do when a coin of his comes up."""

    PAY = 0
    CONSOLIDATE = 1
    DEPOSIT = 2
    BUY_ON_ACCOUNT = 3
    BUY_IN_ESCROW = 4
    BUY_IN_MULTISIG = 5
    BUY_DIRECTLY = 6
    MIX = 7
    EQUAL_OUTPUTS = 8
    DENOMINATIONS = 9
    MIX_ENTRY = 10
    PAYJOIN = 11
    PAY_JOINTLY = 12
    NOTE = 13
    BARE_MULTISIG = 14
    DONATE = 15
