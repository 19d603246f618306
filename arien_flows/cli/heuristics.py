"""`arien-flows heuristics`: the rules, with what they assume and when they fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from arien_flows.cli.session import chain_size_option, session_of, session_options

if TYPE_CHECKING:
    from arien_flows.simulation.parameters import WalletFamily


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


@heuristics.command("categories")
@session_options
@click.pass_context
def list_categories(context: click.Context) -> None:
    """List the risk categories: what makes each, and what others call it."""
    from arien_flows.answers.categories import categories_answer
    from arien_flows.cli.category_texts import category_lines
    from arien_flows.cli.output import emit

    emit(session_of(context), categories_answer(), category_lines)


@heuristics.command("evaluate")
@session_options
@chain_size_option
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=7, show_default=True)
@click.option(
    "--wallets",
    type=click.Choice(("evaluation", "training", "plain")),
    default="evaluation",
    show_default=True,
    help="Family of wallet programs. Nothing is trained on evaluation.",
)
@click.option(
    "--labelled",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of labelled data; the rules run on what it holds of btc_coinjoin, "
    "btc_change_groundtruth, btc_emul_groundtruth and btc_graph.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the counts as JSON.",
)
@click.pass_context
def evaluate_command(
    context: click.Context,
    transactions: int,
    seed: int,
    wallets: WalletFamily,
    labelled: Path | None,
    save: Path | None,
) -> None:
    """Measure how often each rule is wrong, and among what.

    Runs every rule on a simulated chain with known owners, and on labelled data where it is
    named. Prints a report in Markdown: precision, recall and false-positive rate with 95 %
    intervals, by rule, population and clustering.
    """
    from arien_flows.answers.evaluation import evaluation_answer
    from arien_flows.cli.output import emit
    from arien_flows.evaluation.evaluate import evaluate
    from arien_flows.evaluation.storing import save as save_counts
    from arien_flows.reports.evaluation import evaluation_lines
    from arien_flows.simulation.parameters import Parameters

    session = session_of(context)
    command = (
        f"arien-flows heuristics evaluate --transactions {transactions} --seed {seed} "
        f"--wallets {wallets}" + (" --labelled DIR" if labelled else "")
    )
    parameters = Parameters(transactions=transactions, seed=seed, wallets=wallets)
    found = evaluate(parameters, labelled, tell=lambda step: click.echo(f"{step} ...", err=True))
    if save is not None:
        save_counts(found, command, save)
    emit(session, evaluation_answer(found, command), evaluation_lines)


@heuristics.command("evaluate-accounts")
@session_options
@click.option(
    "--people", type=click.IntRange(100, 100_000), default=2_000, show_default=True, help="People."
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=7, show_default=True)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the counts as JSON.",
)
@click.pass_context
def evaluate_accounts_command(
    context: click.Context, people: int, seed: int, save: Path | None
) -> None:
    """Count how often the rules that join accounts are wrong, on made-up people.

    Nothing is measured on the real chain by that: owners and habits are inventions.
    """
    from arien_flows.cli.output import emit
    from arien_flows.evaluation.account_rates import (
        account_rate_lines,
        evaluate_accounts,
        save_account_rates,
    )

    counts = evaluate_accounts(people, seed)
    if save is not None:
        save_account_rates(counts, save)
    emit(session_of(context), counts, account_rate_lines)
