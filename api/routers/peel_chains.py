"""Peel chains: the payments that one shrinking coin makes."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.callers import allow
from api.deps import NetworkDep, TxidPath, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.answers.peel_chain import peel_chain_answer
from arien_flows.answers.peel_limits import DEFAULT_HOPS, MOST_HOPS
from arien_flows.answers.peel_shapes import PeelChainAnswer
from arien_flows.entities.peel_hops import Direction

router = APIRouter(
    prefix="/v1/{network}/transactions",
    tags=["transactions"],
    dependencies=[allow(Permission.READ_CHAIN)],
)


@router.get(
    "/{txid}/peel-chain",
    operation_id="follow_peel_chain",
    summary="Follow a peel chain from a transaction",
    response_model=PeelChainAnswer,
    responses=problems(
        _404="The network has no ledger here, or it does not hold the transaction or the output.",
        _422="The text is not a transaction id.",
    ),
)
def follow_peel_chain(
    txid: TxidPath,
    network: NetworkDep,
    direction: Annotated[Direction, Query(description="Which way.")] = "forward",
    output: Annotated[
        int | None,
        Query(
            ge=0,
            le=1_000_000,
            description="Begin at this output of the transaction: forward with what spends it.",
        ),
    ] = None,
    max_hops: Annotated[
        int, Query(ge=1, le=MOST_HOPS, description="Where to give up.")
    ] = DEFAULT_HOPS,
) -> Response:
    """Return the hops of the chain with what each one pays away, and why there are no more."""
    start = txid if output is None else f"{txid}:{output}"
    return answer(
        network.ask(
            lambda reading: peel_chain_answer(
                reading, start, direction=direction, most_hops=max_hops
            )
        )
    )
