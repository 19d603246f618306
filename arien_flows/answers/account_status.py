"""What a ledger of accounts holds: the answer of `ledger status` and of the list of networks."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.account_ledger.limits import limits_of
from arien_flows.account_workspace import AccountHoldings, OpenAccounts
from arien_flows.answers.status import StatusAnswer, TipAnswer, status_answer
from arien_flows.shapes import Shape, Truncation
from arien_flows.workspace import Workspace
from chains.ethereum.tables import CallCoverage, Ordering


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatusAnswer(Shape):
    """What a ledger of accounts holds."""

    network: str
    """Name of the network."""

    tip: TipAnswer | None
    """The last block; nothing in an empty ledger."""

    blocks: int
    """Blocks."""

    transactions: int
    """Transactions, those counted that stand for what moved outside any."""

    movements: int
    """Movements of value: the coin, its gas, and tokens."""

    events: int
    """Events that move nothing: approvals, swaps, mixers, wallets, bridges."""

    accounts: int
    """Different addresses that occur."""

    assets: int
    """The coin, and tokens that were ever moved."""

    complete_from: int | None
    """First height from which on nothing is missing; 0 where the ledger starts at genesis. Nothing
    in an empty ledger."""

    calls: Literal["traced", "missing"]
    """Whether the coin that contracts passed on is known in all blocks."""

    ordering: Literal["execution", "calls_first"]
    """Whether the order inside transactions is that of execution in all blocks."""

    limits: tuple[Truncation, ...]
    """What every answer from this ledger leaves out."""

    bytes_on_disk: int
    """Size of all files of the ledger."""


def account_status_answer(holdings: AccountHoldings) -> AccountStatusAnswer:
    """Return what a ledger holds."""
    view, tip = holdings.view, None
    if view.counts.blocks:
        tip = TipAnswer(height=view.tip.height, hash=view.tip.block_hash, time=view.tip.time)
    return AccountStatusAnswer(
        network=view.network.name,
        tip=tip,
        blocks=view.counts.blocks,
        transactions=view.counts.transactions,
        movements=view.counts.movements,
        events=view.counts.events,
        accounts=view.counts.accounts,
        assets=view.counts.assets,
        complete_from=int(view.blocks.height[0]) if view.counts.blocks else None,
        calls="traced" if view.calls is CallCoverage.TRACED else "missing",
        ordering="execution" if view.ordering is Ordering.EXECUTION else "calls_first",
        limits=limits_of(view),
        bytes_on_disk=holdings.bytes_on_disk,
    )


def network_status(workspace: Workspace, name: str) -> StatusAnswer | AccountStatusAnswer:
    """Return what the ledger of a network of either kind holds."""
    opened = workspace.open_any(name)
    if isinstance(opened, OpenAccounts):
        return account_status_answer(opened.holdings())
    return status_answer(opened.holdings())
