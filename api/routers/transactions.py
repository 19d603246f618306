"""Transactions, decoded and with their flags."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.callers import allow
from api.deps import AnyNetworkDep, PageLimit, TxidPath, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_transaction import (
    AccountTransactionAnswer,
    account_transaction_answer,
)
from arien_flows.answers.transaction import TransactionAnswer, transaction_answer

router = APIRouter(
    prefix="/v1/{network}/transactions",
    tags=["transactions"],
    dependencies=[allow(Permission.READ_CHAIN)],
)


@router.get(
    "/{txid}",
    operation_id="read_transaction",
    summary="Show a transaction with its flags",
    response_model=TransactionAnswer | AccountTransactionAnswer,
    responses=problems(
        _404="The network has no ledger here, or it does not hold the transaction.",
        _422="The text is not a transaction id.",
    ),
)
def read_transaction(
    txid: TxidPath,
    network: AnyNetworkDep,
    limit: PageLimit,
    offset: Annotated[
        int,
        Query(
            ge=0,
            le=1_000_000,
            description="First position shown of inputs and outputs, or of movements and events.",
        ),
    ] = 0,
) -> Response:
    """Return a transaction, `limit` inputs and outputs of it from `offset` on.

    On a chain of accounts it has movements and events in their place.
    """
    if isinstance(network, OpenAccounts):
        return answer(
            network.ask(
                lambda reading: account_transaction_answer(
                    reading, txid, limit=limit, offset=offset
                )
            )
        )
    return answer(
        network.ask(lambda reading: transaction_answer(reading, txid, limit=limit, offset=offset))
    )
