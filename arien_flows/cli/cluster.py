"""`arien-flows cluster`: joining the addresses of one owner into entities."""

from typing import TYPE_CHECKING

import click

from arien_flows.cli.session import Session, profile_option, session_of, session_options

if TYPE_CHECKING:
    from arien_flows.answers.conflicts import ConflictPage
    from arien_flows.entities.change_model import ChangeBy
    from arien_flows.entities.profiles import Profile

_LIMIT = click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows."
)
_CURSOR = click.option("--cursor", metavar="TEXT", help="Go on where the last page ended.")


@click.group()
@session_options
def cluster() -> None:
    """Join addresses of one owner into entities."""


@cluster.command("run")
@session_options
@click.option(
    "--profile",
    default="strict",
    show_default=True,
    metavar="NAME",
    help="strict: only inputs spent together and scripts of one key. standard: change that many "
    "votes agree on, too. wide: change that few votes speak for; to explore, never for a report. "
    "On Ethereum, strict: deposit addresses and contracts of one creator. standard: airdrops and "
    "accounts that were funded and swept, too. wide: every rule; to explore.",
)
@click.option(
    "--decision-lag",
    type=click.IntRange(0),
    metavar="N",
    help="Blocks that a decision about change waits (1008: a week); not for strict, which makes "
    "none.",
)
@click.option(
    "--change-by",
    type=click.Choice(["vote", "model"]),
    help="What decides about change in profile standard; unasked, what the model's card prefers.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="RULE",
    help="Switch a rule off; may be repeated. `heuristics list` names them.",
)
@click.pass_context
def run_command(
    context: click.Context,
    profile: str,
    decision_lag: int | None,
    change_by: "ChangeBy | None",
    without: tuple[str, ...],
) -> None:
    """Bring the clustering up to the ledger's last block.

    A run continues where the last one ended, and gives the same as one from the first block; under
    another lag, other rules or other tags of owners it starts there. Tags of a confidence of 70
    and more keep different owners apart.
    """
    from arien_flows.answers.clustering import clustering_answer
    from arien_flows.cli.account_entity import run_on_accounts
    from arien_flows.cli.asking import chosen
    from arien_flows.cli.asking_accounts import on_accounts, refuse_options
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.cli.texts import clustering_lines
    from arien_flows.entities.change_votes import DECISION_LAG
    from arien_flows.entities.clustering import run_clustering
    from arien_flows.entities.profiles import Terms
    from arien_flows.ledger.beginning import before_ledger
    from arien_flows.ledger.ledger import Ledger
    from arien_flows.workspace import DERIVED

    session = session_of(context)
    if on_accounts(session):
        refuse_options(session, decision_lag=decision_lag is not None, change_by=change_by)
        run_on_accounts(session, profile, without)
        return
    rules = _rules(profile, decision_lag, change_by)
    opened = chosen(session)
    progress = progress_in(session.progress)
    # Not as for a question: columns are read from end to end.
    view = Ledger(opened.root).view()
    progress.step("cluster", 0, view.counts.transactions, "transactions")
    terms = Terms(
        decision_lag=DECISION_LAG if decision_lag is None else decision_lag,
        without=frozenset(without),
        constraints=opened.constraints(view),
    )
    clustering = run_clustering(view, opened.root / DERIVED, rules, terms)
    progress.step("cluster", view.counts.transactions, view.counts.transactions, "transactions")
    progress.end()
    answer = clustering_answer(view, clustering, before_ledger(view))
    emit(session, answer, clustering_lines)


def _rules(name: str, decision_lag: int | None, change_by: "ChangeBy | None") -> "Profile":
    """Return the profile to run; an option that would change nothing about it is refused."""
    from arien_flows.entities.profiles import profile_named, standard
    from arien_flows.errors import InputError

    if change_by is not None:
        if name != "standard":
            raise InputError("--change-by is for profile standard: the others have no model")
        return standard(change_by)
    profile = profile_named(name)
    if decision_lag is not None and not profile.change_rules:
        raise InputError(
            f"--decision-lag is for profiles that decide about change: {name} does not"
        )
    return profile


@cluster.command("status")
@session_options
@profile_option
@click.pass_context
def status_command(context: click.Context, profile: str) -> None:
    """Say which clustering there is, and up to which block."""
    from arien_flows.answers.clustering import ClusteringAnswer, clustering_answer
    from arien_flows.answers.entity import clustering_of, tags_changed
    from arien_flows.cli.account_entity import show_account_clustering
    from arien_flows.cli.asking import asked
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import clustering_lines
    from arien_flows.workspace import Reading

    def answer(reading: Reading) -> ClusteringAnswer:
        cuts = (*tags_changed(reading, "clustering"), *reading.limits)
        return clustering_answer(reading.view, clustering_of(reading), cuts)

    session = session_of(context)
    if on_accounts(session):
        show_account_clustering(session, profile)
        return
    emit(session, asked(session, answer, profile=profile), clustering_lines)


@cluster.command("verify")
@session_options
@profile_option
@click.pass_context
def verify_command(context: click.Context, profile: str) -> int:
    """Repeat a clustering from the first block and compare, number by number.

    It is repeated in memory and takes as long as a first run. The exit code is 1 when anything is
    wrong.
    """
    from arien_flows.answers.clustering_check import clustering_check
    from arien_flows.cli.account_entity import verify_on_accounts
    from arien_flows.cli.asking import chosen
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.progress import progress_in
    from arien_flows.cli.texts import check_lines
    from arien_flows.ledger.ledger import Ledger
    from arien_flows.workspace import DERIVED

    session = session_of(context)
    if on_accounts(session):
        return verify_on_accounts(session, profile)
    root = chosen(session).root
    progress = progress_in(session.progress)
    # Not as for a question: columns are read from end to end.
    view = Ledger(root).view()
    progress.step("verify", 0, view.counts.transactions, "transactions")
    found = clustering_check(view, root / DERIVED, profile)
    progress.step("verify", view.counts.transactions, view.counts.transactions, "transactions")
    progress.end()
    emit(session, found, check_lines)
    return int(not found.ok)


@cluster.command("conflicts")
@session_options
@profile_option
@_LIMIT
@_CURSOR
@click.pass_context
def conflicts_command(context: click.Context, profile: str, limit: int, cursor: str | None) -> None:
    """List merges that tags or decisions spoke against."""
    _emit_page(session_of(context), profile, for_review=False, limit=limit, cursor=cursor)


@cluster.command("review")
@session_options
@profile_option
@_LIMIT
@_CURSOR
@click.pass_context
def review_command(context: click.Context, profile: str, limit: int, cursor: str | None) -> None:
    """List merges of large entities that change rules would make, and that were not made."""
    _emit_page(session_of(context), profile, for_review=True, limit=limit, cursor=cursor)


def _emit_page(
    session: Session, profile: str, *, for_review: bool, limit: int, cursor: str | None
) -> None:
    from functools import partial

    from arien_flows.answers.conflicts import conflict_page
    from arien_flows.answers.entity import clustering_of, lag, tags_changed
    from arien_flows.cli.asking import asked
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.conflict_texts import conflict_lines
    from arien_flows.cli.output import emit
    from arien_flows.errors import InputError
    from arien_flows.workspace import Reading

    if on_accounts(session):
        raise InputError(
            "this list is for Bitcoin: on Ethereum `arien-flows entity` shows which links of an "
            "entity were not made"
        )

    def page(reading: Reading) -> "ConflictPage":
        clustering = clustering_of(reading)
        behind = lag(reading.view, clustering, "conflicts")
        cuts = (*behind, *tags_changed(reading, "conflicts"), *reading.limits)
        return conflict_page(
            reading.view, clustering, cuts, for_review=for_review, limit=limit, cursor=cursor
        )

    emit(session, asked(session, page, profile=profile), partial(conflict_lines, review=for_review))
