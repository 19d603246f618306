"""Putting a question to a server that the user named, and nothing else."""

from collections.abc import Callable
from typing import TypeVar

from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.errors import InputError
from arien_flows.fetched.archive import Archive, archive_folder
from arien_flows.fetched.conversation import Conversation
from arien_flows.inquiry.inquire import Question, inquire
from arien_flows.tag_book import TagBook
from arien_flows.workspace import Reading, Workspace
from chains.access import Access
from chains.bitcoin.electrum.address import ElectrumAddress
from chains.bitcoin.networks import BITCOIN, network
from chains.endpoint import Endpoint, proxy_for
from chains.registry import LOOKUP_SCHEMES, open_lookups

Answer = TypeVar("Answer")

TRANSPORTS = ("http", "https", "tcp", "ssl")


def inquired(session: Session, answer: Callable[[Reading], Answer], question: Question) -> Answer:
    """Return the answer to a question that the named server is asked about."""
    settings = session.settings
    uri = settings.source
    if uri is None:
        raise InputError("no source is named: add --source")
    if uri.partition(":")[0].lower() not in LOOKUP_SCHEMES:
        open_lookups(uri, BITCOIN.name).close()  # says what is wrong with it
    chosen = BITCOIN if settings.network is None else network(settings.network)
    name, access = chosen.name, settings.access()
    warning = _warning(uri, access)
    question.check(chosen)
    progress = progress_in(session.progress)
    progress.note(warning)
    workspace = Workspace(settings)
    with Archive(archive_folder(settings.data, name)) as archive:
        conversation = Conversation(archive, session.requests)
        with open_lookups(uri, name, access, conversation) as source:
            for note in source.notes():
                progress.note(f"Not used: {note}")
            try:
                return inquire(
                    question,
                    answer,
                    source,
                    archive,
                    conversation,
                    tags=lambda view: TagBook(view, workspace.casebook, SingleAddresses()),
                    report=lambda transactions, made: _show(
                        progress, transactions, made, session.requests
                    ),
                )
            finally:
                progress.end()


def _warning(uri: str, access: Access) -> str:
    """Return who learns what is asked; refuse a URI or a proxy that cannot be used."""
    endpoint = Endpoint.parse(uri, schemes=TRANSPORTS)
    if endpoint.kind == "electrum":
        ElectrumAddress.parse(uri)
    through = "" if proxy_for(endpoint.host, access) is None else ", through the proxy that is set"
    return f"Asking {endpoint.host}{through}: its operator learns what is asked."


def _show(progress: Progress, transactions: int, made: int, budget: int) -> None:
    unit = f"transactions, {made:,} of {budget:,} requests"
    progress.step("fetch", transactions, None, unit)
