"""What commands that bring documents in share: who does it, for which network, how it ended."""

import getpass
from collections.abc import Iterable, Sequence
from typing import Protocol

from arien_flows.casebook.records import UNKNOWN_USER
from arien_flows.errors import NotFoundError
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import BITCOIN

SOME_FAILED = 3
NOTHING_USABLE = 2


class Report(Protocol):
    """What became of one document: of a list, a row of which may be of no use."""

    @property
    def result(self) -> str:
        """`refused`, or what was done."""

    @property
    def faults(self) -> Sequence[object]:
        """Rows that could not be used."""


def exit_code(refused: Iterable[bool], *, some_faulty: bool = False) -> int:
    """Return what an import means to a script, from whether each document was refused."""
    each = list(refused)
    if all(each):
        return NOTHING_USABLE
    return SOME_FAILED if some_faulty or any(each) else 0


def exit_code_of(reports: Sequence[Report]) -> int:
    """Return what an import of lists means to a script: 3 where something could not be used."""
    return exit_code(
        (report.result == "refused" for report in reports),
        some_faulty=any(report.faults for report in reports),
    )


def user_name() -> str:
    """Return the name of the user who runs the program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return UNKNOWN_USER


def meant_network(workspace: Workspace) -> str:
    """Return the network that is named, the only one with a ledger, or else the main one."""
    if workspace.settings.network is not None:
        return workspace.settings.network
    try:
        return workspace.choose()
    except NotFoundError:
        return BITCOIN.name
