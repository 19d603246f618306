"""Putting a question to the ledger that the options mean."""

from collections.abc import Callable
from typing import TypeVar

from arien_flows.cli.session import Session
from arien_flows.workspace import OpenNetwork, Reading, Workspace

Answer = TypeVar("Answer")


def chosen(session: Session) -> OpenNetwork:
    """Open the ledger of the network that is named, or the only one there is."""
    workspace = Workspace(session.settings)
    return workspace.open(workspace.choose())


def asked(session: Session, question: Callable[[Reading], Answer]) -> Answer:
    """Return what `question` says of the present state of the chosen ledger."""
    return chosen(session).ask(question)
