"""Transactions, decoded and with their flags."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.deps import NetworkDep, PageLimit, TxidPath, answer, problems
from arien_flows.answers.transaction import TransactionAnswer, transaction_answer

router = APIRouter(prefix="/v1/{network}/transactions", tags=["transactions"])


@router.get(
    "/{txid}",
    operation_id="read_transaction",
    summary="Show a transaction with its flags",
    response_model=TransactionAnswer,
    responses=problems(
        _404="The network has no ledger here, or it does not hold the transaction.",
        _422="The text is not a transaction id.",
    ),
)
def read_transaction(
    txid: TxidPath,
    network: NetworkDep,
    limit: PageLimit,
    offset: Annotated[
        int, Query(ge=0, le=1_000_000, description="First input and output position shown.")
    ] = 0,
) -> Response:
    """Return a transaction, `limit` inputs and outputs of it from `offset` on."""
    return answer(
        network.ask(lambda reading: transaction_answer(reading, txid, limit=limit, offset=offset))
    )
