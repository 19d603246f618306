"""Checking a ledger from the command line, with progress."""

from arien_flows.cli.progress import Progress, progress_in
from arien_flows.cli.session import Session
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.verify import VerifyStep, verify
from arien_flows.ledger.verify_result import Verification
from arien_flows.workspace import Workspace


def verified(session: Session) -> Verification:
    """Check everything that the chosen ledger says."""
    workspace = Workspace(session.settings)
    progress = progress_in(session.progress)
    found = verify(
        Ledger(workspace.folder(workspace.choose())), report=lambda step: _show(progress, step)
    )
    progress.end()
    return found


def _show(progress: Progress, step: VerifyStep) -> None:
    progress.step("verify", step.done, step.total, f"checks ({step.check.name})")
