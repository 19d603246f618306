"""`arien-flows cluster`, `entity` and `why` on a chain of accounts."""

from functools import partial

from arien_flows.account_entities.clustering import run_account_clustering
from arien_flows.account_entities.profiles import AccountTerms, account_profile
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_clustering import (
    AccountClusteringAnswer,
    account_clustering_answer,
    account_clustering_check,
    clustering_of_accounts,
    tags_changed_on_accounts,
)
from arien_flows.answers.account_entity import account_entity_answer
from arien_flows.answers.account_why import account_why_answer
from arien_flows.cli.account_entity_texts import (
    account_clustering_lines,
    account_entity_lines,
    account_why_lines,
)
from arien_flows.cli.asking_accounts import asked_accounts, chosen_accounts
from arien_flows.cli.output import emit
from arien_flows.cli.progress import progress_in
from arien_flows.cli.session import Session
from arien_flows.cli.texts import check_lines


def run_on_accounts(session: Session, profile: str, without: tuple[str, ...]) -> None:
    """Make the clustering of the ledger of accounts and print what it is."""
    rules = account_profile(profile)
    opened = chosen_accounts(session)
    view = opened.holdings().view
    progress = progress_in(session.progress)
    progress.step("cluster", 0, view.counts.transactions, "transactions")
    terms = AccountTerms(known=opened.known_accounts(view), without=frozenset(without))
    clustering = run_account_clustering(view, opened.derived, rules, terms)
    progress.step("cluster", view.counts.transactions, view.counts.transactions, "transactions")
    progress.end()
    emit(session, account_clustering_answer(view, clustering), account_clustering_lines)


def show_account_clustering(session: Session, profile: str) -> None:
    """Print which clustering there is."""

    def answer(reading: AccountReading) -> AccountClusteringAnswer:
        cuts = tags_changed_on_accounts(reading, "clustering")
        return account_clustering_answer(reading.view, clustering_of_accounts(reading), cuts)

    emit(session, asked_accounts(session, answer, profile=profile), account_clustering_lines)


def verify_on_accounts(session: Session, profile: str) -> int:
    """Repeat a clustering, print what is wrong, and return the exit code."""
    opened = chosen_accounts(session)
    view = opened.holdings().view
    found = account_clustering_check(view, opened.derived, profile)
    emit(session, found, check_lines)
    return int(not found.ok)


def show_account_entity(
    session: Session, profile: str, address: str, limit: int, cursor: str | None, *, members: bool
) -> None:
    """Print the entity of an account."""
    answer = asked_accounts(
        session,
        lambda it: account_entity_answer(it, address, limit=limit, cursor=cursor),
        profile=profile,
    )
    emit(session, answer, partial(account_entity_lines, with_addresses=members))


def show_account_why(session: Session, profile: str, a: str, b: str) -> None:
    """Print what joins two accounts."""
    answer = asked_accounts(session, lambda it: account_why_answer(it, a, b), profile=profile)
    emit(session, answer, account_why_lines)
