"""Who can be named a member of a case: somebody with an account, and cleared for its label."""

from arien_flows.access.names import person_name
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import PERMISSIONS
from arien_flows.access.tlp import Tlp
from arien_flows.errors import InputError
from arien_flows.workspace import Workspace


def require_fit(workspace: Workspace, name: str, tlp: Tlp) -> str:
    """Return the name of somebody who may be a member; `InputError` for who may not.

    Without accounts nobody is known, and any name may be written down.
    """
    if not workspace.settings.accounts:
        return person_name(name)
    found = workspace.casebook.people.named(name)
    if found is None or found.disabled_at is not None:
        raise InputError(f"nobody has an account under the name {name!r}: an administrator adds it")
    if Permission.READ_CASES not in PERMISSIONS[found.role]:
        raise InputError(f"{found.name} is {found.role.value}, and sees no case")
    if not found.clearance.covers(tlp):
        raise InputError(
            f"{found.name} is cleared up to {found.clearance.value}, and the case is {tlp.value}"
        )
    return found.name
