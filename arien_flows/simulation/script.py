"""The scripted events of every chain: how services start, and the theft.

At heights that are fixed shares of the economy, transactions are inserted that do not depend on
chance, but for which strangers are paid. They go through the same proposals as all others.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from arien_flows.simulation.coins import begin, gather, pick, picked_sat
from arien_flows.simulation.errors import EconomyError
from arien_flows.simulation.joint import POOL_SAT
from arien_flows.simulation.parameters import FUNDING_BLOCKS, Parameters
from arien_flows.simulation.payments import (
    ask,
    ask_all,
    put_payment,
    put_payment_as,
    put_payment_to,
)
from arien_flows.simulation.people import account_at, any_user
from arien_flows.simulation.roles import Actor, Kind, Purpose
from arien_flows.simulation.state import NOBODY, Counter, Mode, Request, State
from arien_flows.simulation.theft import (
    CLEAN_SAT,
    FEE_SAT,
    FIRST_DEPOSIT_SAT,
    FIRST_PEEL_SAT,
    MERGED_SAT,
    PEEL_STEP_SAT,
    PEELS,
    SECOND_DEPOSIT_SAT,
    SECOND_REST_SAT,
    SPLIT_SAT,
    STOLEN_SAT,
    VICTIM_COINS_SAT,
    Theft,
)
from arien_flows.simulation.wallets import Form
from arien_flows.simulation.writing import carry_out

START_FLOAT_SAT = 400_000_000
"""What each market, exchange and service starts with."""

POOL_COINS = 6
"""Coins that the coordinator puts into the five-by-five pool at the start."""

COLD_SAT = 20_000_000

FIRST_BUYERS = 24
FIRST_BUYER_SAT = 10_000_000

WITHOUT_FLOAT = {Actor.MINER_A, Actor.MINER_B, Actor.VICTIM, Actor.THIEF, Actor.COORDINATOR}

Act = Callable[[State, int], None]


@dataclass(slots=True)
class Script:
    """Inserts the scripted transactions while blocks are made, and remembers their coins."""

    parameters: Parameters
    coins: dict[str, int] = field(default_factory=dict)
    peels: list[int] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)
    acts: dict[int, list[Act]] = field(init=False)
    """What happens at which height, before the block's other transactions."""

    def __post_init__(self) -> None:
        self.acts = {FUNDING_BLOCKS + 1: [self._fund]}
        for percent, act in (
            (25, _store_cold),
            (35, self._buy_clean),
            (45, self._steal),
            (46, self._split),
            (48, self._merge),
            *((50 + 2 * i, self._peel) for i in range(PEELS)),
            (66, self._deposit_first),
            (72, self._deposit_second),
        ):
            height = FUNDING_BLOCKS + self.parameters.economy_blocks * percent // 100
            self.acts.setdefault(height, []).append(act)
            if act in (self._deposit_first, self._deposit_second):
                self.acts.setdefault(height + 1, []).append(self._sweep)

    def play(self, state: State, height: int) -> None:
        """Insert what is due in the block of this height, before its other transactions."""
        for act in self.acts.get(height, ()):
            begin(state)
            act(state, height)

    def theft(self) -> Theft:
        """Return the path, once everything has been played."""
        return Theft(
            stolen=self.coins["stolen"],
            transactions=tuple(self.transactions),
            first_deposit=self.coins["first deposit"],
            second_deposit=self.coins["second deposit"],
            clean=self.coins["clean"],
            rest=self.coins["rest"],
            peels=tuple(self.peels),
        )

    def _fund(self, state: State, height: int) -> None:
        """Start the services, the pool, the victim and some buyers from the first two rewards."""
        for actor in Actor:
            if actor not in WITHOUT_FLOAT:
                put_payment(state, actor.value, START_FLOAT_SAT, Purpose.ORDINARY.value, NOBODY)
        _pay_from_reward(state, 0, height)
        begin(state)
        for value in VICTIM_COINS_SAT:
            put_payment_as(
                state, Actor.VICTIM.value, Form.P2PKH.value, value, Purpose.KEPT.value, NOBODY
            )
        for _ in range(POOL_COINS):
            put_payment_as(
                state,
                Actor.COORDINATOR.value,
                Form.P2WPKH.value,
                int(POOL_SAT),
                Purpose.POSTMIX.value,
                NOBODY,
            )
        for _ in range(FIRST_BUYERS):
            user = int(any_user(state))
            put_payment(state, user, FIRST_BUYER_SAT, Purpose.ORDINARY.value, NOBODY)
        number = _pay_from_reward(state, 1, height)
        for coin in _outputs(state, number):
            if state.coins[coin]["purpose"] == Purpose.KEPT:
                rank = VICTIM_COINS_SAT.index(int(state.coins[coin]["value_sat"]))
                self.coins[f"victim {rank}"] = coin

    def _buy_clean(self, state: State, height: int) -> None:
        """Let the thief buy clean money at exchange B, before the theft."""
        _pick_hot(state, Actor.EXCHANGE_B, CLEAN_SAT + 1_000_000)
        put_payment_as(
            state, Actor.THIEF.value, Form.P2WPKH.value, CLEAN_SAT, Purpose.KEPT.value, NOBODY
        )
        ask(state, Actor.EXCHANGE_B.value, Kind.EXCHANGE_WITHDRAWAL.value)
        number = carry_out(state, height)
        if number < 0:
            raise EconomyError("exchange B cannot pay the thief's withdrawal; try another seed")
        [self.coins["clean"]] = [
            coin for coin in _outputs(state, number) if state.coins[coin]["purpose"] == Purpose.KEPT
        ]

    def _move(self, state: State, height: int, kind: Kind, *spent: str) -> int:
        """Write a transaction of the prepared outputs; return its first output."""
        for name in spent:
            pick(state, self.coins[name])
        owner = Actor.VICTIM if kind == Kind.THEFT else Actor.THIEF
        ask(state, owner.value, kind.value)
        state.request[Request.MODE] = Mode.AS_IT_IS
        state.request[Request.WALLET] = state.owners[Actor.THIEF]["wallet"]
        number = carry_out(state, height)
        self.transactions.append(number)
        return int(state.transactions[number]["first_output"])

    def _steal(self, state: State, height: int) -> None:
        """Take both coins of the victim; here alone nothing comes back to whose keys sign."""
        _put_own(state, STOLEN_SAT)
        state.payments[0]["is_change"] = 0
        self.coins["stolen"] = self._move(state, height, Kind.THEFT, "victim 0", "victim 1")

    def _split(self, state: State, height: int) -> None:
        for value in SPLIT_SAT:
            _put_own(state, value)
        first = self._move(state, height, Kind.THIEF_MOVE, "stolen")
        self.coins["peeled"], self.coins["smaller part"] = first, first + 1

    def _merge(self, state: State, height: int) -> None:
        for value in MERGED_SAT:
            _put_own(state, value)
        first = self._move(state, height, Kind.THIEF_MOVE, "smaller part", "clean")
        self.coins["merged larger"], self.coins["merged smaller"] = first, first + 1

    def _peel(self, state: State, height: int) -> None:
        value = FIRST_PEEL_SAT + PEEL_STEP_SAT * len(self.peels)
        left = int(state.coins[self.coins["peeled"]]["value_sat"]) - value - FEE_SAT
        put_payment(state, int(any_user(state)), value, Purpose.ORDINARY.value, NOBODY)
        _put_own(state, left)
        first = self._move(state, height, Kind.PEEL, "peeled")
        self.peels.append(first)
        self.coins["peeled"] = first + 1

    def _deposit_first(self, state: State, height: int) -> None:
        _put_deposit(state, FIRST_DEPOSIT_SAT)
        first = self._move(state, height, Kind.EXCHANGE_DEPOSIT, "peeled")
        self.coins["first deposit"] = self.coins["deposit"] = first
        state.coins[first]["purpose"] = Purpose.EXCHANGE_DEPOSIT.value

    def _deposit_second(self, state: State, height: int) -> None:
        _put_deposit(state, SECOND_DEPOSIT_SAT)
        _put_own(state, SECOND_REST_SAT)
        first = self._move(state, height, Kind.EXCHANGE_DEPOSIT, "merged smaller", "merged larger")
        self.coins["second deposit"] = self.coins["deposit"] = first
        self.coins["rest"] = first + 1
        state.coins[first]["purpose"] = Purpose.EXCHANGE_DEPOSIT.value

    def _sweep(self, state: State, height: int) -> None:
        """Let exchange A sweep the newest deposit of the thief with a coin of its hot wallet."""
        _pick_hot(state, Actor.EXCHANGE_A, 1)
        pick(state, self.coins["deposit"])
        put_payment(state, Actor.EXCHANGE_A.value, 0, Purpose.ORDINARY.value, NOBODY)
        ask_all(state, Actor.EXCHANGE_A.value, Kind.EXCHANGE_SWEEP.value)
        carry_out(state, height)


def _put_own(state: State, value_sat: int) -> None:
    """Add an output to a new address of the thief."""
    put_payment_as(
        state, Actor.THIEF.value, Form.P2WPKH.value, value_sat, Purpose.KEPT.value, NOBODY
    )
    state.payments[state.request[Request.OUTPUTS] - 1]["is_change"] = 1


def _put_deposit(state: State, value_sat: int) -> None:
    """Add a payment to the thief's account at exchange A.

    It is prepared as a kept coin, for ordinary deposits may be swept at any moment.
    """
    address = account_at(state, Actor.THIEF.value, Actor.EXCHANGE_A.value)
    put_payment_to(state, address, value_sat, Purpose.KEPT.value, Actor.THIEF.value)


def _pay_from_reward(state: State, block: int, height: int) -> int:
    """Pay the prepared outputs from the reward of one of the first blocks."""
    coin = int(state.transactions[block]["first_output"])
    pick(state, coin)
    miner = int(state.addresses[state.coins[coin]["address"]]["owner"])
    ask(state, miner, Kind.BATCH_PAYOUT.value)
    return carry_out(state, height)


def _outputs(state: State, number: int) -> range:
    """Return the coins that the newest transaction made."""
    first = int(state.transactions[number]["first_output"])
    return range(first, int(state.counters[Counter.COINS]))


def _store_cold(state: State, height: int) -> None:
    """Let exchange A put money in cold storage once, whatever else it does."""
    _pick_hot(state, Actor.EXCHANGE_A, 2 * COLD_SAT)
    put_payment_as(
        state,
        Actor.EXCHANGE_A.value,
        Form.P2WSH_MULTISIG.value,
        COLD_SAT,
        Purpose.COLD.value,
        NOBODY,
    )
    ask(state, Actor.EXCHANGE_A.value, Kind.COLD_STORAGE.value)
    carry_out(state, height)


def _pick_hot(state: State, exchange: Actor, wanted_sat: int) -> None:
    """Pick coins of an exchange's hot wallet worth that much."""
    head = int(state.lists[exchange]["head"])
    if head < 0:
        raise EconomyError(f"{exchange.name} has no coin in its hot wallet; try another seed")
    gather(state, exchange.value, head, wanted_sat, 50)
    if picked_sat(state) < wanted_sat:
        raise EconomyError(f"{exchange.name} has too little in its hot wallet; try another seed")
