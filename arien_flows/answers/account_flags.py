"""What stands out about an account or a transaction on a chain of accounts.

A flag is a remark with its certainty: that an account gave somebody leave to take its tokens is a
fact, that nobody can have the key of an address an inference from its digits.
"""

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_ledger.columns import NATIVE, NULL_ACCOUNT
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import counted
from arien_flows.answers.facts import Flag
from chains.ethereum.tables import EventKind
from heuristics.wide import to_ints

NEWLY_MADE = (
    "; tokens that it sent were newly made, so that a balance below zero is how many there are"
)
"""What the null address's own amounts mean."""


def account_flags(reading: AccountReading, account: int) -> tuple[Flag, ...]:
    """Return what stands out about an account."""
    view = reading.view
    found = [*_burns(view, account), *_serves_many(view, account), *_approvals(view, account)]
    if view.index.totals(account, NATIVE).balance < 0:
        found.append(
            Flag(
                name="balance_below_zero",
                certainty="fact",
                detail="it gave more than it is known to have received: movements are missing, "
                "and other amounts may be incomplete too",
            )
        )
    return tuple(found)


def _burns(view: AccountView, account: int) -> list[Flag]:
    if account not in burn_accounts(view):
        return []
    return [
        Flag(
            name="burn_address",
            certainty="fact" if account == NULL_ACCOUNT else "inference",
            detail="nobody can have its key: what it receives is destroyed, and no trace, entity "
            "or risk goes on from it" + (NEWLY_MADE if account == NULL_ACCOUNT else ""),
        )
    ]


def _serves_many(view: AccountView, account: int) -> list[Flag]:
    if account not in denied_accounts(view):
        return []
    return [
        Flag(
            name="serves_many",
            certainty="attribution",
            detail="the list of contracts that serve many people names it: no rule joins those "
            "who deal with it",
        )
    ]


def _approvals(view: AccountView, account: int) -> list[Flag]:
    """Tell how many others an account lets take its tokens, as far as its last words go."""
    events, rows = view.events, view.index.events_of(account)
    kinds = (EventKind.APPROVAL, EventKind.APPROVAL_FOR_ALL)
    rows = rows[(events.first[rows] == account)]
    last: dict[tuple[int, int, int], bool] = {}
    for kind in kinds:
        given = rows[events.kind[rows] == kind]
        for row, amount in zip(given.tolist(), to_ints(events.amount[given]), strict=True):
            last[kind, int(events.contract[row]), int(events.second[row])] = amount > 0
    standing = [key for key, is_given in last.items() if is_given]
    if not standing:
        return []
    tokens, spenders = {key[1] for key in standing}, {key[2] for key in standing}
    return [
        Flag(
            name="approvals",
            certainty="fact",
            detail=f"it let {counted(len(spenders), 'account')} take its tokens of "
            f"{counted(len(tokens), 'contract')} and has not taken that back; what of an approval "
            "is used up is not counted",
        )
    ]
