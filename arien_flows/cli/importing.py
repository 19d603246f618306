"""What commands that bring documents in share: who does it, for which network, how it ended."""

import getpass
from collections.abc import Iterable

from arien_flows.casebook.records import UNKNOWN_USER
from arien_flows.errors import NotFoundError
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import BITCOIN

SOME_FAILED = 3
NOTHING_USABLE = 2


def exit_code(refused: Iterable[bool], *, some_faulty: bool = False) -> int:
    """Return what an import means to a script, from whether each document was refused."""
    each = list(refused)
    if all(each):
        return NOTHING_USABLE
    return SOME_FAILED if some_faulty or any(each) else 0


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
