"""The wallet programs of simulated chains, in three families.

"plain" chains have the twelve programs of `Wallet`. "training" and "evaluation" chains have at
least twenty programs of people each and services of their own, and no program in common with each
other or with "plain": whatever is fitted on one family meets only strangers in the other. Their
rows are made up after the manner of programs in use: reference nodes of several ages, wallets that
sort after BIP-69, phone wallets that always put change last, hardware wallets' companions,
taproot and multi-signature wallets, wallets that return change to the first input.

Rows of `WALLETS` are numbers in the truth files: append, never reorder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from arien_flows.simulation.parameters import WalletFamily
from arien_flows.simulation.roles import ACTOR_ROLES, Actor, Role
from arien_flows.simulation.wallets import Form, Keys, Order, Wallet
from chains.types import Int64Array


class Style(NamedTuple):
    """A wallet program: its row of `WALLETS`, in the order of `Column`."""

    receive: Form
    change: Form
    version: int
    sequence: int
    locktime: int
    order: Order
    reuse: int
    to_input: int = 0
    fee: int = 100
    keys: Keys = Keys.COMPRESSED
    exact: int = 4
    extra: int = 2
    unit: int = 1
    mimics: int = 0


LEGACY, NESTED, NATIVE, TAPROOT = Form.P2PKH, Form.P2SH_P2WPKH, Form.P2WPKH, Form.P2TR
OLD_SHARED, SHARED = Form.P2SH_MULTISIG, Form.P2WSH_MULTISIG
LAST, RANDOM, SORTED, FIRST = Order.CHANGE_LAST, Order.RANDOM, Order.SORTED, Order.CHANGE_FIRST

PLAIN = (
    Style(NATIVE, NATIVE, 2, 2, 1, RANDOM, 20, fee=100),
    Style(LEGACY, LEGACY, 1, 1, 1, RANDOM, 80, fee=110),
    Style(NATIVE, NATIVE, 2, 2, 1, SORTED, 40, fee=95),
    Style(NESTED, NESTED, 1, 0, 0, LAST, 150, fee=120),
    Style(TAPROOT, TAPROOT, 2, 2, 0, RANDOM, 10, fee=90),
    Style(LEGACY, LEGACY, 1, 0, 0, LAST, 1000, 1, fee=130, keys=Keys.UNCOMPRESSED),
    Style(OLD_SHARED, OLD_SHARED, 1, 0, 0, SORTED, 50, fee=100),
    Style(LEGACY, NATIVE, 2, 1, 0, FIRST, 30, fee=100, keys=Keys.TWINS),
    Style(NATIVE, NATIVE, 2, 0, 0, LAST, 970, fee=140),
    Style(LEGACY, LEGACY, 1, 0, 0, RANDOM, 100, fee=125),
    Style(LEGACY, LEGACY, 1, 0, 0, LAST, 700, 1, fee=80),
    Style(NATIVE, NATIVE, 2, 1, 0, LAST, 0, fee=105),
)
"""The programs of `Wallet`, in its order."""

PLAIN_PEOPLE = (0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 7, 0)
"""Programs of ordinary people, as often as they are met."""

TRAINING_PEOPLE = (
    Style(NATIVE, NATIVE, 2, 2, 2, RANDOM, 15, fee=100),
    Style(NATIVE, NATIVE, 2, 2, 2, RANDOM, 60, fee=85, extra=4),
    Style(NATIVE, NATIVE, 2, 1, 2, RANDOM, 30, fee=110),
    Style(LEGACY, LEGACY, 2, 1, 2, RANDOM, 90, fee=105, exact=6),
    Style(LEGACY, LEGACY, 1, 0, 0, RANDOM, 250, fee=0, unit=10_000, exact=2),
    Style(NATIVE, NATIVE, 2, 2, 1, SORTED, 25, fee=100, mimics=1),
    Style(LEGACY, LEGACY, 2, 2, 1, SORTED, 70, fee=95, mimics=1),
    Style(SHARED, SHARED, 2, 2, 1, SORTED, 10, fee=100),
    Style(NATIVE, NATIVE, 1, 0, 0, LAST, 120, fee=120, exact=7),
    Style(NESTED, NESTED, 1, 0, 0, LAST, 200, fee=115, extra=0),
    Style(NESTED, NESTED, 2, 2, 0, LAST, 40, fee=100, exact=5),
    Style(NATIVE, NATIVE, 2, 2, 0, LAST, 35, fee=100, exact=5, extra=1),
    Style(NATIVE, NATIVE, 1, 2, 0, LAST, 80, fee=130, unit=100),
    Style(NATIVE, NATIVE, 2, 0, 0, FIRST, 50, fee=105),
    Style(LEGACY, LEGACY, 1, 0, 0, FIRST, 300, fee=125, unit=1_000, exact=3),
    Style(TAPROOT, TAPROOT, 2, 2, 2, RANDOM, 5, fee=100),
    Style(TAPROOT, TAPROOT, 2, 2, 0, LAST, 15, fee=110),
    Style(NATIVE, TAPROOT, 2, 2, 0, RANDOM, 20, fee=95),
    Style(NATIVE, NATIVE, 1, 1, 0, SORTED, 45, fee=100, extra=3),
    Style(NATIVE, NATIVE, 2, 2, 1, RANDOM, 0, fee=90, extra=6, exact=8),
    Style(LEGACY, LEGACY, 1, 0, 0, LAST, 1000, 1, fee=110, extra=0),
    Style(NATIVE, NATIVE, 2, 0, 0, LAST, 950, fee=115, exact=6),
    Style(LEGACY, NATIVE, 2, 2, 0, LAST, 60, fee=100, keys=Keys.TWINS),
    Style(OLD_SHARED, OLD_SHARED, 1, 0, 0, RANDOM, 30, fee=120),
    Style(NATIVE, NATIVE, 2, 1, 1, FIRST, 40, fee=100, unit=10),
)
TRAINING_OFTEN = (6, 3, 2, 2, 2, 4, 1, 1, 4, 3, 3, 5, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2, 2, 1, 2)
"""How often each is met."""

TRAINING_SERVICES = (
    Style(LEGACY, LEGACY, 1, 0, 0, RANDOM, 800, 1, fee=90),
    Style(NATIVE, NATIVE, 2, 2, 0, FIRST, 850, fee=100),
    Style(LEGACY, LEGACY, 1, 0, 0, LAST, 60, fee=110, unit=1_000),
    Style(NATIVE, NATIVE, 2, 0, 0, RANDOM, 40, fee=120),
    Style(NATIVE, NATIVE, 2, 2, 0, LAST, 980, fee=130),
    Style(NESTED, NESTED, 1, 0, 0, LAST, 960, fee=150, unit=500),
    Style(NATIVE, NATIVE, 1, 0, 0, RANDOM, 0, fee=100),
    Style(NATIVE, NATIVE, 1, 1, 0, LAST, 0, fee=100),
    Style(NESTED, NATIVE, 2, 2, 0, LAST, 0, fee=105),
    Style(NATIVE, NATIVE, 2, 1, 0, RANDOM, 100, fee=110),
    Style(LEGACY, LEGACY, 1, 0, 0, RANDOM, 1000, 1, fee=105, keys=Keys.UNCOMPRESSED),
)
"""In the order of `SERVICES`."""

EVALUATION_PEOPLE = (
    Style(NATIVE, NATIVE, 2, 2, 2, RANDOM, 45, fee=105, extra=1, exact=5),
    Style(NATIVE, NATIVE, 2, 1, 1, RANDOM, 10, fee=120, exact=3),
    Style(NESTED, NESTED, 2, 1, 2, RANDOM, 55, fee=100, extra=3),
    Style(LEGACY, LEGACY, 1, 1, 2, RANDOM, 130, fee=95, exact=2),
    Style(LEGACY, LEGACY, 1, 0, 0, LAST, 350, fee=0, unit=20_000, exact=1),
    Style(NATIVE, NATIVE, 2, 2, 1, SORTED, 75, fee=110, mimics=1, exact=6),
    Style(NESTED, NESTED, 2, 2, 1, SORTED, 20, fee=100),
    Style(NATIVE, NATIVE, 1, 0, 0, SORTED, 35, fee=90, extra=5),
    Style(SHARED, SHARED, 1, 2, 0, SORTED, 15, fee=110),
    Style(NATIVE, NATIVE, 1, 0, 0, LAST, 65, fee=105, exact=8, extra=0),
    Style(NESTED, NESTED, 1, 2, 0, LAST, 110, fee=130, exact=6),
    Style(NATIVE, NATIVE, 2, 0, 0, LAST, 25, fee=95, unit=10),
    Style(NATIVE, NATIVE, 2, 2, 0, FIRST, 30, fee=100, exact=5),
    Style(NESTED, NESTED, 2, 0, 0, FIRST, 90, fee=110),
    Style(LEGACY, LEGACY, 2, 2, 0, LAST, 140, fee=100, unit=100, exact=7),
    Style(TAPROOT, TAPROOT, 2, 2, 1, RANDOM, 8, fee=95, extra=1),
    Style(TAPROOT, TAPROOT, 2, 0, 0, FIRST, 12, fee=105, exact=6),
    Style(NESTED, NATIVE, 2, 2, 0, RANDOM, 20, fee=100),
    Style(NATIVE, NATIVE, 1, 2, 0, RANDOM, 50, fee=115, mimics=1),
    Style(NATIVE, NATIVE, 2, 1, 0, LAST, 0, fee=80, extra=8, exact=9),
    Style(NATIVE, NATIVE, 2, 0, 0, RANDOM, 1000, 1, fee=100, extra=0),
    Style(NESTED, NESTED, 1, 0, 0, LAST, 940, fee=125, exact=5),
    Style(LEGACY, NATIVE, 1, 0, 0, RANDOM, 45, fee=110, keys=Keys.TWINS),
    Style(OLD_SHARED, OLD_SHARED, 2, 2, 0, LAST, 25, fee=105),
    Style(NATIVE, NATIVE, 2, 2, 0, LAST, 85, fee=100, unit=1_000, exact=3),
)
EVALUATION_OFTEN = (5, 3, 2, 2, 2, 3, 2, 3, 1, 4, 2, 4, 3, 1, 2, 3, 1, 2, 3, 2, 1, 2, 2, 1, 4)
"""How often each is met."""

EVALUATION_SERVICES = (
    Style(NATIVE, NATIVE, 1, 0, 0, LAST, 750, 1, fee=85),
    Style(LEGACY, LEGACY, 2, 2, 0, RANDOM, 820, fee=95),
    Style(NATIVE, NATIVE, 2, 1, 0, FIRST, 50, fee=115),
    Style(NESTED, NESTED, 1, 0, 0, RANDOM, 30, fee=105, unit=100),
    Style(NATIVE, NATIVE, 1, 2, 0, LAST, 990, fee=145, unit=1_000),
    Style(NATIVE, NATIVE, 2, 0, 0, RANDOM, 930, fee=110),
    Style(NATIVE, NATIVE, 2, 2, 0, LAST, 0, fee=90),
    Style(NATIVE, NATIVE, 2, 0, 0, RANDOM, 0, fee=100),
    Style(NATIVE, NATIVE, 2, 2, 1, LAST, 0, fee=110),
    Style(LEGACY, LEGACY, 1, 0, 0, LAST, 90, fee=100),
    Style(NATIVE, NATIVE, 1, 0, 0, LAST, 1000, 1, fee=120),
)
"""In the order of `SERVICES`."""

SERVICES = (
    *(Actor.MINER_A, Actor.MINER_B, Actor.MARKET_A, Actor.MARKET_B),
    *(Actor.EXCHANGE_A, Actor.EXCHANGE_B, Actor.MIXER, Actor.COORDINATOR),
    *(Actor.PEELER, Actor.PAYROLL, Actor.DONATION),
)

WALLETS: Int64Array = np.array(
    [
        *PLAIN,
        *TRAINING_PEOPLE,
        *TRAINING_SERVICES,
        *EVALUATION_PEOPLE,
        *EVALUATION_SERVICES,
    ],
    dtype=np.int64,
)
"""All programs; columns are those of `Column`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Who uses which programs, by their rows of `WALLETS`."""

    people: Int64Array
    """Programs of ordinary people, as often as they are met."""

    actors: Mapping[Actor, int]


PLAIN_ROLES = {
    Role.MINER: Wallet.POOL,
    Role.MARKET: Wallet.MARKET,
    Role.EXCHANGE: Wallet.EXCHANGE,
    Role.DONATION: Wallet.ONE_ADDRESS,
    Role.VICTIM: Wallet.OLD_NODE,
    Role.THIEF: Wallet.NODE,
}
"""Programs of the named actors of plain chains; the others use `Wallet.SERVICE`."""


def _family(first: int, often: tuple[int, ...]) -> Family:
    """Return a family whose people start at row `first`, its services after them.

    The thief has its first program of people, the victim its fourth.
    """
    rows = np.arange(first, first + len(often), dtype=np.int64)
    services = {actor: first + len(often) + i for i, actor in enumerate(SERVICES)}
    return Family(
        people=np.repeat(rows, often),
        actors={**services, Actor.THIEF: first, Actor.VICTIM: first + 3},
    )


FAMILIES: Mapping[WalletFamily, Family] = {
    "plain": Family(
        people=np.array(PLAIN_PEOPLE, dtype=np.int64),
        actors={
            actor: PLAIN_ROLES.get(role, Wallet.SERVICE) for actor, role in ACTOR_ROLES.items()
        },
    ),
    "training": _family(len(PLAIN), TRAINING_OFTEN),
    "evaluation": _family(
        len(PLAIN) + len(TRAINING_PEOPLE) + len(TRAINING_SERVICES), EVALUATION_OFTEN
    ),
}
