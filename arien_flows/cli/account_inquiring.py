"""Putting a question about accounts to an explorer that the user named, and nothing else."""

from collections.abc import Callable
from typing import TypeVar

from arien_flows.account_inquiry.inquire import AccountsQuestion, inquire_accounts
from arien_flows.account_workspace import AccountReading
from arien_flows.cli.named_explorer import names_explorer
from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError
from arien_flows.fetched.archive import Archive, archive_folder
from arien_flows.fetched.conversation import Conversation
from arien_flows.workspace import Workspace
from chains.access import Access
from chains.endpoint import Endpoint, proxy_for
from chains.ethereum.networks import ETHEREUM
from chains.registry import open_account_lookups

Answer = TypeVar("Answer")


def inquired_accounts(
    session: Session, answer: Callable[[AccountReading], Answer], question: AccountsQuestion
) -> Answer:
    """Return the answer to a question that the named explorer is asked about."""
    settings = session.settings
    uri = settings.source
    if uri is None:
        raise InputError("no source is named: add --source")
    name, access = settings.network or ETHEREUM.name, settings.access()
    if not names_explorer(session):
        open_account_lookups(uri, name, access).close()  # says what is wrong with it
    question.check()
    progress = progress_in(session.progress)
    progress.note(_warning(uri, access))
    workspace = Workspace(settings)
    with Archive(archive_folder(settings.data, name)) as archive:
        conversation = Conversation(archive, session.requests)
        with open_account_lookups(uri, name, access, conversation) as source:
            try:
                return inquire_accounts(
                    question,
                    answer,
                    source,
                    archive,
                    conversation,
                    workspace.casebook,
                    report=lambda accounts, made: _show(progress, accounts, made, session.requests),
                )
            finally:
                progress.end()


def _warning(uri: str, access: Access) -> str:
    """Return who learns what is asked; refuse a URI or a proxy that cannot be used."""
    endpoint = Endpoint.parse(uri)
    through = "" if proxy_for(endpoint.host, access) is None else ", through the proxy that is set"
    return f"Asking {endpoint.host}{through}: its operator learns what is asked."


def _show(progress: Progress, accounts: int, made: int, budget: int) -> None:
    unit = f"accounts, {made:,} of {budget:,} requests"
    progress.step("fetch", accounts, None, unit)
