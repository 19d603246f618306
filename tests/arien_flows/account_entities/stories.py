"""Words for stories about owners of accounts, and the names back from numbers."""

import numpy as np

from arien_flows.account_entities.clustering import AccountClustering, run_account_clustering
from arien_flows.account_entities.known import KnownAccounts
from arien_flows.account_entities.profiles import AccountTerms
from arien_flows.account_ledger.view import AccountView
from arien_flows.entities.constraints import constraints_of
from heuristics.airdrops import AirdropTerms
from tests.account_chains import ETHER, AccountChain, text_of

GWEI = 10**9
FEE = 21_000 * 20 * GWEI


def number_of(view: AccountView, name: str) -> int:
    return view.find_account(text_of(name))


def numbers(view: AccountView, names) -> np.ndarray:
    return np.array(sorted(number_of(view, name) for name in names), np.uint32)


def known_of(
    view: AccountView,
    exchanges: dict[str, str] | None = None,
    *,
    owners: dict[str, str] | None = None,
    services: tuple[str, ...] = (),
    tagged: tuple[str, ...] = (),
    revision: str = "tags",
) -> KnownAccounts:
    """Return what tags say: exchanges by account, and owners that bind every rule."""
    exchanges, owners = exchanges or {}, owners or {}
    names = sorted({*exchanges.values(), *owners.values()})
    said = {**owners, **exchanges}
    address = np.array([number_of(view, name) for name in said], np.int64)
    constraints = constraints_of(
        revision,
        tuple(names),
        address,
        np.array([names.index(name) for name in said.values()], np.int64),
        np.full(len(said), 70, np.int64),
        np.array([name in exchanges for name in said], np.bool_),
    )
    exchange = numbers(view, exchanges)
    by_number = {number_of(view, account): name for account, name in exchanges.items()}
    return KnownAccounts(
        constraints=constraints,
        exchange=exchange,
        exchange_name=np.array([names.index(by_number[it]) for it in exchange.tolist()], np.uint32),
        service=numbers(view, {*exchanges, *services}),
        tagged=numbers(view, {*said, *services, *tagged}),
        revision=revision,
    )


def clustered(
    chain: AccountChain,
    profile: str = "strict",
    exchanges: dict[str, str] | None = None,
    *,
    least_recipients: int = 4,
    many_funded: int = 20,
    **said,
) -> tuple[AccountView, AccountClustering]:
    view = chain.view()
    known = known_of(view, exchanges or {"binance hot": "binance"}, **said)
    terms = AccountTerms(
        known=known,
        airdrops=AirdropTerms(least_recipients=least_recipients),
        many_funded=many_funded,
    )
    return view, run_account_clustering(view, None, profile, terms)


def together(chain: AccountChain, *names: str, **asked) -> list[set[str]]:
    """Return which of the named accounts are one entity, each group of two and more."""
    view, made = clustered(chain, **asked)
    groups: dict[int, set[str]] = {}
    for name in names:
        groups.setdefault(made.root_of(number_of(view, name)), set()).add(name)
    return [group for group in groups.values() if len(group) > 1]


def exchange_chain(*people: str) -> AccountChain:
    """Return a chain in which an exchange and people hold coins."""
    chain = AccountChain()
    chain.genesis(**{"binance hot": 10_000 * ETHER, **dict.fromkeys(people, 1_000 * ETHER)})
    chain.block()
    return chain


def deposit(
    chain: AccountChain,
    payer: str,
    address: str,
    wei: int = 2 * ETHER,
    *,
    exchange: str = "binance hot",
    blocks: int = 1,
    fee: int = FEE,
) -> None:
    """Pay to a deposit address, which is emptied some blocks later; the rest pays for gas."""
    chain.pay(payer, address, wei)
    for _ in range(blocks):
        chain.block()
    with chain.transaction(address, exchange, burnt=fee, gas_price=20 * GWEI) as tx:
        tx.move(address, exchange, wei - fee)
    chain.block()
