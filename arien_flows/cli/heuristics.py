"""`arien-flows heuristics`: the rules, with what they assume and when they fail."""

import click

from arien_flows.cli.session import session_of, session_options


@click.group()
@session_options
def heuristics() -> None:
    """The rules, with what they assume and when they fail."""


@heuristics.command("list")
@session_options
@click.pass_context
def list_rules(context: click.Context) -> None:
    """List the rules with their documentation."""
    from arien_flows.answers.rules import rules_answer
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import rule_lines

    emit(session_of(context), rules_answer(), rule_lines)
