"""Made-up people with accounts, and everything that misleads the rules that join accounts.

What happens, and what a rule makes of it:

- People have one to four accounts, mostly funded by an exchange, a friend, or their own first one.
- Exchanges give each customer a deposit address and empty it when they get to it, sometimes late.
  One exchange is on no list: its own deposits are not recognised, and it pays out to deposit
  addresses at the others.
- Some let a friend or an employer pay to their deposit address. Some addresses are shared: a few
  customers are told apart by a memo. Some people pay an exchange straight from a wallet that
  somebody else had just paid.
- A project gives an airdrop to everybody; farmers have many accounts, funded from one, and bring
  what they received together. Buyers collect what farmed accounts of several farmers had.
- An employer pays the first coins of his people, who all eat in one canteen; a faucet pays
  hundreds.
- Some let another account of theirs spend their tokens; more are tricked into letting a thief.
- Developers put contracts there, one of them for customers.

How often each happens is an invention. So the rates that are measured here show that a rule works
as it is meant to, and what it stumbles over; they say nothing of the real chain.
"""

from dataclasses import dataclass, field

import numpy as np

from arien_flows.simulation.account_writer import FEE_WEI, AccountWriter
from arien_flows.simulation.rng import draw, seeded
from chains.ethereum.tables import AccountBatch

ETHER = 10**18
TAGGED_EXCHANGES = 3
DROP_AMOUNT = 400 * ETHER


@dataclass(frozen=True, kw_only=True)
class MadeUpAccounts:
    """A chain, and who owns what on it."""

    batch: AccountBatch
    owner: dict[bytes, int]
    """Owner of each address; services have owners of their own."""

    exchanges: dict[bytes, str]
    """Accounts of exchanges that are on a list, with the name of the exchange."""


@dataclass(slots=True)
class _World:
    chain: AccountWriter
    random: np.ndarray
    owners: int = 0
    owner_of: dict[int, int] = field(default_factory=dict)
    hot: list[int] = field(default_factory=list)
    """The exchanges' accounts; the last one is on no list."""

    people: list[list[int]] = field(default_factory=list)
    deposits: list[list[tuple[int, int]]] = field(default_factory=list)
    """Deposit addresses of each person, with the number of the exchange."""

    def chance(self, percent: int) -> bool:
        return draw(self.random, 100) < percent

    def below(self, bound: int) -> int:
        return draw(self.random, bound)

    def new_owner(self) -> int:
        self.owners += 1
        return self.owners

    def account(self, owner: int) -> int:
        number = self.chain.account()
        self.owner_of[number] = owner
        return number

    def amount(self) -> int:
        return (1 + self.below(4_000)) * ETHER // 1_000 + self.below(10**9)


def made_up_accounts(people: int, seed: int) -> MadeUpAccounts:
    """Return a chain of so many people, at least 100; the same for the same numbers."""
    if people < 100:
        raise ValueError("at least 100 people are needed")
    world = _World(AccountWriter(seed), seeded(seed, "accounts"))
    for _ in range(TAGGED_EXCHANGES + 1):
        world.hot.append(world.account(world.new_owner()))
    for _ in range(people):
        _move_in(world)
    for _ in range(4 * people):
        _deposit(world, world.below(people))
    _shared_addresses(world)
    _farms(world, people // 25)
    _employers(world)
    _approvals(world)
    _developers(world)
    chain = world.chain
    return MadeUpAccounts(
        batch=chain.batch(),
        owner={chain.address(number): owner for number, owner in world.owner_of.items()},
        exchanges={
            chain.address(world.hot[number]): f"exchange {number}"
            for number in range(TAGGED_EXCHANGES)
        },
    )


def _move_in(world: _World) -> None:
    """Make a person with accounts and deposit addresses."""
    owner, chain = world.new_owner(), world.chain
    accounts = [world.account(owner) for _ in range(1 + world.below(2) + world.below(3))]
    for place, account in enumerate(accounts):
        kind = world.below(10)
        if kind < 2 and place:
            funder = accounts[0]
        elif kind < 4 and world.people:
            funder = world.people[world.below(len(world.people))][0]
        else:
            funder = world.hot[world.below(len(world.hot))]
        chain.pay(funder, account, world.amount())
        chain.wait(1 + world.below(30))
        chain.pay(account, world.hot[-1], FEE_WEI)
    banks = {world.below(len(world.hot)) for _ in range(1 + world.below(2))}
    world.people.append(accounts)
    world.deposits.append([(world.account(owner), bank) for bank in sorted(banks)])


def _deposit(world: _World, person: int) -> None:
    """Pay to a person's deposit address, in one of the ways in which that happens."""
    accounts, kind = world.people[person], world.below(100)
    address, bank = world.deposits[person][world.below(len(world.deposits[person]))]
    payer = accounts[world.below(len(accounts))]
    if kind < 4:
        # A friend pays, or an employer.
        payer = world.people[world.below(len(world.people))][0]
    elif kind < 10:
        # The exchange that is on no list pays out to another one.
        payer = world.hot[-1]
    elif kind < 14:
        # Straight from a wallet that was just paid by somebody.
        wei = world.amount()
        world.chain.pay(world.people[world.below(len(world.people))][0], payer, wei)
        world.chain.wait(1 + world.below(600))
        world.chain.pay(payer, world.hot[bank], wei - FEE_WEI)
        return
    _pass_on(world, payer, address, bank)


def _pass_on(world: _World, payer: int, address: int, bank: int) -> None:
    """Pay to an address and have the exchange empty it, mostly soon."""
    wei = world.amount()
    world.chain.pay(payer, address, wei)
    world.chain.wait(1 + (world.below(300) if world.chance(75) else world.below(4_500)))
    missing = FEE_WEI + (world.below(12_500) * 10**12 if world.chance(20) else 0)
    if missing < wei:
        world.chain.pay(address, world.hot[bank], wei - missing)


def _shared_addresses(world: _World) -> None:
    """Have addresses that several customers share: many, and a few."""
    for customers in (40, 30, 6, 4, 3):
        address = world.account(world.new_owner())
        bank = world.below(TAGGED_EXCHANGES)
        for _ in range(customers):
            person = world.people[world.below(len(world.people))]
            _pass_on(world, person[0], address, bank)


def _farms(world: _World, farms: int) -> None:
    """Drop tokens on everybody, and let farmers and buyers collect them."""
    chain, project = world.chain, world.new_owner()
    source, token = world.account(project), world.account(project)
    farmed: list[list[int]] = []
    for _ in range(farms):
        owner = world.new_owner()
        main = world.account(owner)
        chain.pay(world.hot[world.below(len(world.hot))], main, 100 * ETHER)
        chain.wait(1)
        farmed.append([main])
        for _ in range(8 + world.below(30)):
            worker = world.account(owner)
            funder = main if world.chance(80) else world.hot[-1]
            chain.pay(funder, worker, ETHER // 10)
            farmed[-1].append(worker)
        chain.wait(3)
    honest = [account for person in world.people for account in person]
    workers = [account for farm in farmed for account in farm[1:]]
    for account in [*honest, *workers]:
        chain.send(token, source, account, DROP_AMOUNT)
        chain.wait(world.below(2))
    for farm in farmed:
        _collect(world, token, farm)
    _buyers(world, token, farmed, honest)


def _collect(world: _World, token: int, farm: list[int]) -> None:
    main, workers = farm[0], farm[1:]
    for worker in workers:
        if world.chance(85):
            world.chain.send(token, worker, main, DROP_AMOUNT)
            world.chain.wait(world.below(5))
        if world.chance(90):
            world.chain.pay(worker, main, ETHER // 20)


def _buyers(world: _World, token: int, farmed: list[list[int]], honest: list[int]) -> None:
    """Let some buy what farmed wallets, or strangers, received."""
    for number in range(max(2, len(farmed) // 10)):
        buyer = world.account(world.new_owner())
        world.chain.pay(world.hot[0], buyer, ETHER)
        for _ in range(3):
            farm = farmed[world.below(len(farmed))]
            seller = honest[world.below(len(honest))] if number % 2 else farm[-1]
            world.chain.send(token, seller, buyer, DROP_AMOUNT)
            world.chain.wait(1)


def _employers(world: _World) -> None:
    """Pay first coins to people who have nothing to do with each other."""
    for count, canteen in ((12, False), (30, True), (200, False)):
        boss, shop = world.account(world.new_owner()), world.account(world.new_owner())
        world.chain.pay(world.hot[0], boss, 1_000 * ETHER)
        world.chain.pay(world.hot[0], shop, ETHER)
        staff = [world.account(world.new_owner()) for _ in range(count)]
        for account in staff:
            world.chain.pay(boss, account, ETHER)
        world.chain.wait(10)
        for account in staff:
            other = world.people[world.below(len(world.people))][0]
            world.chain.pay(account, shop if canteen else other, ETHER // 50)


def _approvals(world: _World) -> None:
    """Let people approve their own other account, and thieves have many approvals."""
    token = world.account(world.new_owner())
    for person in world.people:
        if len(person) > 1 and world.chance(4):
            world.chain.approve(token, person[0], person[1])
    for victims in (40, 15, 8, 6, 5, 4, 3, 2, 1):
        thief = world.account(world.new_owner())
        world.chain.pay(world.hot[-1], thief, ETHER)
        for _ in range(victims):
            world.chain.approve(token, world.people[world.below(len(world.people))][0], thief)
    world.chain.send(token, world.people[0][0], world.people[1][0], 1)


def _developers(world: _World) -> None:
    """Let developers put contracts there, one of ten for customers."""
    for number in range(max(10, len(world.people) // 20)):
        owner = world.new_owner()
        account = world.account(owner)
        world.chain.pay(world.hot[-1], account, ETHER)
        for _ in range(1 + world.below(4)):
            contract = world.chain.deploy(account)
            world.owner_of[contract] = world.new_owner() if number % 10 == 0 else owner
