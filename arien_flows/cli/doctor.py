"""`arien-flows doctor`: checks of the installation and the data folder."""

import os
from collections.abc import Iterable, Sequence

import click

from arien_flows.cli.session import session_of, session_options

SIGNS = {"good": "ok", "warning": "note", "wrong": "WRONG"}


@click.command()
@session_options
@click.pass_context
def doctor(context: click.Context) -> int:
    """Check the installation and the data folder.

    Each finding that is not good names its remedy. The exit code is 1 when something is wrong.
    """
    from arien_flows.cli.output import emit
    from arien_flows.health import Finding, examine

    def lines(findings: Sequence[Finding]) -> Iterable[str]:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            yield f"{SIGNS[finding.verdict]:<5}  {finding.check:<{width}}  {finding.detail}"
            if finding.remedy:
                yield f"{'':<5}  {'':<{width}}  → {finding.remedy}"

    session = session_of(context)
    findings = examine(session.settings, os.environ)
    emit(session, findings, lines)
    return int(any(finding.verdict == "wrong" for finding in findings))
