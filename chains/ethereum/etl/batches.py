"""One stretch of an export as a batch: its tables read, and the common rules applied."""

from dataclasses import replace

import numpy as np

from chains.ethereum.decode.assemble import Decoded, assembled
from chains.ethereum.decode.calls import CallBook
from chains.ethereum.decode.events import Told, told_by
from chains.ethereum.decode.gas import gas_moves
from chains.ethereum.decode.rewards import MAIN_NET, rewards
from chains.ethereum.decode.rows import (
    AddressPool,
    BlockRows,
    MoveRows,
    SystemRows,
    TransactionRows,
    joined,
)
from chains.ethereum.etl.files import EtlFolder
from chains.ethereum.etl.rows import (
    Stretch,
    StretchBlocks,
    StretchTransactions,
    read_blocks,
    read_logs,
    read_transactions,
    withdrawals_of,
)
from chains.ethereum.etl.text import fixed_bytes, varied_bytes
from chains.ethereum.etl.traces import Paid, own_moves, read_traces, read_transfers
from chains.ethereum.header import EMPTY_UNCLES
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.quantities import limbs_of
from chains.ethereum.tables import AccountBatch, CallCoverage, MovementKind, Ordering


def decoded_stretch(
    folder: EtlFolder, first: int, last: int, network: EthereumNetwork
) -> AccountBatch:
    """Decode the blocks of heights `first` to `last`; `MalformedBlockError` says what is wrong."""
    stretch = Stretch(folder, first, last, AddressPool())
    blocks = read_blocks(stretch, EMPTY_UNCLES)
    transactions = read_transactions(stretch, blocks.rows)
    book = CallBook(stretch.pool)
    system: list[Paid] = []
    if folder.has("traces"):
        traced = read_traces(stretch, blocks.rows, transactions, book)
        rows = replace(transactions.rows, succeeded=traced.succeeded)
        coin, system = traced.moves, traced.system
    else:
        rows, coin = transactions.rows, own_moves(transactions)
        _take_down_created(stretch, transactions, book)
    told = _told(stretch, blocks.rows, rows, coin, network)
    is_told = any(kind == MovementKind.REWARD for _, kind, *_ in system)
    system = [*system, *_paid(stretch, blocks, network, is_told=is_told)]
    return assembled(
        Decoded(
            pool=stretch.pool,
            blocks=blocks.rows,
            transactions=rows,
            moves=joined([coin, told.moves, gas_moves(blocks.rows, rows)]),
            events=told.events,
            codes=book.codes(),
            system=_system_rows(system, stretch.pool),
            calls=CallCoverage.TRACED if folder.has("traces") else CallCoverage.MISSING,
            ordering=Ordering.CALLS_FIRST,
        )
    )


def _told(
    stretch: Stretch,
    blocks: BlockRows,
    rows: TransactionRows,
    coin: MoveRows,
    network: EthereumNetwork,
) -> Told:
    """Return what events tell; without events, what the export says of transfers."""
    told = told_by(read_logs(stretch, blocks), rows, coin, stretch.pool, network.chain_id)
    if stretch.folder.has("logs"):
        return told
    return told._replace(moves=read_transfers(stretch, rows))


def _take_down_created(stretch: Stretch, transactions: StretchTransactions, book: CallBook) -> None:
    """Take down the contracts that transactions created, with their code where it is exported."""
    rows = transactions.rows
    created = np.flatnonzero(transactions.is_creation & rows.succeeded)
    if not len(created):
        return
    codes = _codes(stretch)
    addresses = stretch.pool.addresses()
    for row in created.tolist():
        account, creator = (
            addresses[number].tobytes() for number in (rows.receiver[row], rows.sender[row])
        )
        if account in codes:
            book.code(row, account, creator, codes[account])
        else:
            book.unknown_code(row, account, creator)


def _codes(stretch: Stretch) -> dict[bytes, bytes]:
    table = stretch.folder.rows("contracts", ("address", "bytecode"), stretch.first, stretch.last)
    accounts = fixed_bytes(table["address"], 20, "contracts.address")
    payload, starts = varied_bytes(table["bytecode"], "contracts.bytecode")
    return {
        account.tobytes(): payload[starts[row] : starts[row + 1]].tobytes()
        for row, account in enumerate(accounts)
    }


def _paid(
    stretch: Stretch, blocks: StretchBlocks, network: EthereumNetwork, *, is_told: bool
) -> list[Paid]:
    """Return rewards of blocks, unless traces told them, and withdrawals."""
    paid: list[Paid] = []
    if network.chain_id == MAIN_NET and not is_told:
        for row, height in enumerate(blocks.rows.height.tolist()):
            for reward in rewards(height, blocks.miner[row].tobytes(), ()):
                paid.append((row, MovementKind.REWARD, None, reward.account, reward.value))
    for row, account, value in withdrawals_of(blocks, stretch):
        if value:
            paid.append((row, MovementKind.WITHDRAWAL, None, account, value))
    return paid


def _system_rows(paid: list[Paid], pool: AddressPool) -> SystemRows:
    ordered = sorted(paid, key=lambda one: one[0])
    kinds = [kind for _, kind, *_ in ordered]
    return SystemRows(
        block=np.array([row for row, *_ in ordered], np.int64),
        # The DAO's coins were moved before the transactions of the block of the fork.
        is_first=np.isin(kinds, [MovementKind.GENESIS, MovementKind.CALL]),
        kind=np.array(kinds, np.uint8),
        giver=np.array([pool.one_or_none(giver) for _, _, giver, *_ in ordered], np.uint32),
        gets=np.array([pool.one(gets) for *_, gets, _ in ordered], np.uint32),
        amount=limbs_of([value for *_, value in ordered]),
    )
