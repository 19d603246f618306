"""Pools of fixed amounts, and people who use them with and without care; the truth is kept."""

from dataclasses import dataclass, field
from random import Random

from chains.ethereum.tables import EventKind, TransactionKind
from tests.account_chains import ETHER, AccountChain

POOLS = {"pool1": ETHER, "pool10": 10 * ETHER}
GWEI = 10**9


@dataclass
class MixedChain:
    """A chain in which deposits and withdrawals are written down, with who is who."""

    chain: AccountChain = field(default_factory=AccountChain)
    count: int = 0
    truth: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of transactions: a deposit, and the withdrawal of the same money."""

    def deposit(self, who: str, pool: str = "pool1", price: int = 0, to: str = "router") -> str:
        """Pay into a pool through a router; return the transaction."""
        amount = POOLS[pool]
        kind = TransactionKind.LEGACY if price else TransactionKind.FEE_MARKET
        with self.chain.transaction(who, to, kind=kind, gas_price=price) as tx:
            tx.move(who, to, amount)
            tx.move(to, pool, amount)
            tx.event(
                EventKind.MIXER_DEPOSIT, pool, word=self.count.to_bytes(32, "big"),
                amount=self.count,
            )  # fmt: skip
        self.count += 1
        return self._last()

    def withdraw(self, to: str, pool: str = "pool1", price: int = 0, relayer: str = "") -> str:
        """Take out of a pool, sent by the recipient or by a relayer who keeps a fee."""
        fee = POOLS[pool] // 100 if relayer else 0
        kind = TransactionKind.LEGACY if price else TransactionKind.FEE_MARKET
        with self.chain.transaction(relayer or to, pool, kind=kind, gas_price=price) as tx:
            tx.move(pool, to, POOLS[pool] - fee)
            if relayer:
                tx.move(pool, relayer, fee)
            tx.event(
                EventKind.MIXER_WITHDRAWAL, pool, to, relayer or "null",
                word=self.count.to_bytes(32, "little"), amount=fee,
            )  # fmt: skip
        return self._last()

    def _last(self) -> str:
        block = len(self.chain.blocks) - 1
        return self.chain.tx_hash(block, len(self.chain.blocks[block]) - 1)


def population(seed: int, people: int = 40) -> MixedChain:
    """Return many who use the pools, some of whom give themselves away by one mistake each."""
    random, mixed = Random(seed), MixedChain()
    names = [f"p{n}" for n in range(people)]
    mixed.chain.genesis(**dict.fromkeys(names, 1_000 * ETHER), relay=ETHER)
    plans = []
    for number, name in enumerate(names):
        style = ("reuse", "price", "friend", "careful", "counts")[number % 5]
        other = name if style == "reuse" else f"{name}-out"
        price = (20 * GWEI + number) if style == "price" else 0
        pools = ["pool1"] * 3 + ["pool10"] * (2 + number // 5) if style == "counts" else ["pool1"]
        plans.append((name, other, style, price, pools))
    paid: dict[str, list[str]] = {}
    for name, _, _, price, pools in random.sample(plans, len(plans)):
        mixed.chain.block(600)
        paid[name] = [mixed.deposit(name, pool, price) for pool in pools]
    mixed.chain.block(86_400 * 3)
    for name, other, style, price, pools in random.sample(plans, len(plans)):
        mixed.chain.block(600)
        relayer = "" if style in ("price", "reuse") else "relay"
        taken = [mixed.withdraw(other, pool, price, relayer) for pool in pools]
        mixed.truth.update(zip(paid[name], taken, strict=True))
        if style == "friend":
            for _ in range(3):
                mixed.chain.pay(other, name, ETHER // 100)
    return mixed
