"""What the commands of cases share: whose they are, and how a case is named."""

from datetime import UTC, datetime

from arien_flows.access.callers import Caller, local_caller
from arien_flows.access.ids import ID
from arien_flows.casebook.case_records import CaseFilter
from arien_flows.cli.importing import user_name
from arien_flows.errors import NotFoundError
from arien_flows.workspace import Workspace


def caller() -> Caller:
    """Return whoever uses this machine, who may do everything with the casebook on it."""
    return local_caller(user_name())


def now() -> datetime:
    """Return the moment of a change."""
    return datetime.now(UTC)


def case_named(workspace: Workspace, text: str) -> str:
    """Return the id of the case that an id or a number means; an erased one, by its number, too."""
    if ID.fullmatch(text):
        return workspace.casebook.cases.read(text).id
    wanted = CaseFilter(number=text.strip())
    found = workspace.casebook.cases.page(caller(), wanted, before=None, limit=1)
    if not found:
        raise NotFoundError(
            f"there is no case {text}: `arien-flows case list` shows those there are"
        )
    return found[0][0].id
