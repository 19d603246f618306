"""What tests ask of a batch."""

from typing import Any

from chains.ethereum.quantities import ints_of
from chains.ethereum.tables import NO_ACCOUNT, AccountBatch, EventKind, MovementKind

Moved = tuple[str, str | None, str | None, str | None, int]
"""Kind, giver, receiver, contract, amount."""


def name_of(batch: AccountBatch, number: int) -> str | None:
    """Return the address of an account of the batch, as text."""
    return None if number == NO_ACCOUNT else "0x" + batch.address[number].tobytes().hex()


def moves_of(batch: AccountBatch, transaction: int) -> list[Moved]:
    """Return what a transaction moved, in order."""
    rows = range(*batch.first_movement[transaction : transaction + 2].tolist())
    amounts = ints_of(batch.amount)
    return [
        (
            MovementKind(int(batch.kind[row])).name,
            name_of(batch, batch.giver[row]),
            name_of(batch, batch.gets[row]),
            name_of(batch, batch.asset[row]),
            amounts[row],
        )
        for row in rows
    ]


def events_of(batch: AccountBatch, transaction: int) -> list[dict[str, Any]]:
    """Return the events of a transaction that move nothing, in order."""
    amounts = ints_of(batch.event_amount)
    return [
        {
            "kind": EventKind(int(batch.event_kind[row])).name,
            "contract": name_of(batch, batch.contract[row]),
            "first": name_of(batch, batch.first[row]),
            "second": name_of(batch, batch.second[row]),
            "third": name_of(batch, batch.third[row]),
            "word": batch.word[row].tobytes().hex(),
            "amount": amounts[row],
        }
        for row in range(*batch.first_event[transaction : transaction + 2].tolist())
    ]


def story_of(batches: list[AccountBatch]) -> list[Any]:
    """Return everything that batches tell but how calls and events interleave."""
    told: list[Any] = []
    for batch in batches:
        values = ints_of(batch.value)
        for at in range(batch.transaction_count):
            told.append(
                (
                    batch.tx_hash[at].tobytes().hex(),
                    int(batch.tx_kind[at]),
                    bool(batch.succeeded[at]),
                    name_of(batch, batch.sender[at]),
                    name_of(batch, batch.receiver[at]),
                    values[at],
                    int(batch.nonce[at]),
                    int(batch.selector[at]),
                    int(batch.gas_used[at]),
                    int(batch.gas_price[at]),
                    sorted(moves_of(batch, at), key=repr),
                    events_of(batch, at),
                )
            )
    return told
