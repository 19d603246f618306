"""`arien-flows address` and `arien-flows tx` on a chain of accounts."""

from arien_flows.account_inquiry.questions import AccountQuestion, AccountTransactionQuestion
from arien_flows.answers.account_address import account_answer
from arien_flows.answers.account_history import account_history_answer
from arien_flows.answers.account_transaction import account_transaction_answer
from arien_flows.cli.account_texts import (
    account_history_lines,
    account_lines,
    account_transaction_lines,
)
from arien_flows.cli.asking_accounts import asked_accounts
from arien_flows.cli.output import emit
from arien_flows.cli.session import Session


def show_account(session: Session, address: str, profile: str) -> None:
    """Print the summary of an account."""
    fetched = AccountQuestion(address=address)
    answer = asked_accounts(session, lambda it: account_answer(it, address), fetched, profile)
    emit(session, answer, account_lines)


def show_account_history(
    session: Session,
    address: str,
    limit: int,
    cursor: str | None,
    *,
    newest: bool,
    show_all: bool,
) -> None:
    """Print a page of an account's transactions."""
    answer = asked_accounts(
        session,
        lambda it: account_history_answer(
            it,
            address,
            limit=limit,
            order="newest" if newest else "oldest",
            cursor=cursor,
            show_all=show_all,
        ),
        AccountQuestion(address=address),
    )
    emit(session, answer, account_history_lines)


def show_account_transaction(session: Session, txid: str, limit: int, offset: int) -> None:
    """Print a transaction."""
    answer = asked_accounts(
        session,
        lambda it: account_transaction_answer(it, txid, limit=limit, offset=offset),
        AccountTransactionQuestion(tx_hash=txid),
    )
    emit(session, answer, account_transaction_lines)
