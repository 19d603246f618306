"""`arien-flows tx`: a transaction with its flags."""

import click

from arien_flows.cli.session import session_of, session_options, source_options


@click.command()
@session_options
@source_options
@click.argument("txid")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Inputs and outputs; on Ethereum movements and events.",
)
@click.option("--offset", type=click.IntRange(0), default=0, help="First position shown.")
@click.pass_context
def tx(context: click.Context, txid: str, limit: int, offset: int) -> None:
    """Show a transaction with its flags."""
    from arien_flows.answers.transaction import transaction_answer
    from arien_flows.cli.account_address import show_account_transaction
    from arien_flows.cli.asking import asked
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.texts import transaction_lines
    from arien_flows.inquiry.questions import TransactionQuestion

    session = session_of(context)
    if on_accounts(session):
        show_account_transaction(session, txid, limit, offset)
        return
    answer = asked(
        session,
        lambda it: transaction_answer(it, txid, limit=limit, offset=offset),
        TransactionQuestion(txid=txid, limit=limit, offset=offset),
    )
    emit(session, answer, transaction_lines)
