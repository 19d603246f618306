"""Whether a receiver may be told of an event: as its owner may see it now, not when it was made."""

from collections.abc import Callable

from arien_flows.access.callers import Caller, local_caller
from arien_flows.access.cases import CaseAccess, sees
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import PERMISSIONS
from arien_flows.casebook.webhook_records import StoredEvent, StoredWebhook
from arien_flows.workspace import Workspace

Owners = Callable[[str], Caller | None]
"""Returns the present rights of a caller by name; nothing where he or she has none any more."""

CaseOf = Callable[[str], CaseAccess | None]


def owners_of(workspace: Workspace) -> Owners:
    """Return how the rights of owners are found.

    Without accounts an owner is whoever uses this machine. With them it is what the role of the
    person or program allows now; whoever was disabled is told nothing.
    """
    if not workspace.settings.accounts:
        return local_caller
    people = workspace.casebook.people

    def rights(name: str) -> Caller | None:
        person = people.named(name)
        if person is None or person.disabled_at is not None:
            return None
        return Caller(
            name=person.name,
            role=person.role,
            permissions=PERMISSIONS[person.role],
            clearance=person.clearance,
            means="key",
        )

    return rights


def may_be_told(
    webhook: StoredWebhook, event: StoredEvent, owners: Owners, case_of: CaseOf
) -> bool:
    """Tell whether a receiver may be told of an event.

    Its owner has to see what the event is about, and the label of the case must not be stricter
    than the receiver's own clearance.
    """
    owner = owners(webhook.owner)
    if owner is None or not owner.may(Permission.MANAGE_WEBHOOKS):
        return False
    case = None if event.case_id is None else case_of(event.case_id)
    if event.case_id is not None and case is None:
        return False
    if case is not None and not webhook.clearance.covers(case.tlp):
        return False
    return sees(owner, event.owner, case)


def wants(webhook: StoredWebhook, event: StoredEvent) -> bool:
    """Tell whether a receiver asked for events of this kind, and was there when it happened."""
    is_of_kind = not webhook.kinds or event.kind in webhook.kinds
    return is_of_kind and webhook.created_at <= event.created_at
