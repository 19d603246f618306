"""Putting a question to a ledger of accounts: the twin of `asking` for Ethereum.

A command keeps its one name for all networks. It asks first whether the network that is meant
keeps accounts, and then hands over to the part that knows them.
"""

from collections.abc import Callable
from typing import TypeVar

from arien_flows.account_inquiry.inquire import AccountsQuestion
from arien_flows.account_workspace import AccountReading, OpenAccounts
from arien_flows.cli.named_explorer import names_explorer
from arien_flows.cli.session import Session
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.errors import InputError
from arien_flows.workspace import Workspace
from chains.networks import is_account_network

Answer = TypeVar("Answer")


def on_accounts(session: Session) -> bool:
    """Tell whether the network that is meant keeps accounts.

    It is the one that is named, the one that a named explorer serves, or the only one there is.
    """
    named = session.settings.network
    if named is not None:
        return is_account_network(named)
    if names_explorer(session):
        return True
    names = Workspace(session.settings).networks()
    return len(names) == 1 and is_account_network(names[0])


def chosen_accounts(session: Session) -> OpenAccounts:
    """Open the ledger of accounts that is named, or the only one there is."""
    workspace = Workspace(session.settings)
    return workspace.open_accounts(workspace.choose())


def asked_accounts(
    session: Session,
    answer: Callable[[AccountReading], Answer],
    fetched: AccountsQuestion | None = None,
    profile: str = DEFAULT_PROFILE,
    *,
    height: int | None = None,
) -> Answer:
    """Return what `answer` says of the present state of the chosen ledger.

    With a height it is the state as of that block. Where a server is named, `fetched` says what to
    ask it for.
    """
    if fetched is not None and (session.source_is_named or names_explorer(session)):
        from arien_flows.cli.account_inquiring import inquired_accounts

        if profile != DEFAULT_PROFILE:
            raise InputError(
                f"profile {profile} needs a ledger: leave out --profile, or ask without --source"
            )
        if height is not None:
            raise InputError(
                "an earlier state needs a ledger: leave out --as-of, or ask without --source"
            )
        return inquired_accounts(session, answer, fetched)
    if session.source_is_named:
        refuse_server()
    return chosen_accounts(session).ask(answer, profile, height)


def refuse_server() -> None:
    """Raise `InputError` where a question cannot be put to a server."""
    raise InputError("this question needs a ledger: ask without --source")


def refuse_options(session: Session, **given: object) -> None:
    """Raise `InputError` naming the first option that means nothing for a network of accounts.

    `given` has what was typed by the option's name; what is empty, false or 0 was not typed.
    """
    for name, value in given.items():
        if value:
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option} means nothing on {_meant(session)}: leave it out")


def _meant(session: Session) -> str:
    return session.settings.network or Workspace(session.settings).choose()
