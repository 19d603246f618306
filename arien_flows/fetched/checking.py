"""What every answer of a source must pass before it is used.

Headers meet their own targets, which are not far too easy for the network; merkle branches lead
to the root in their header; what a source states about an output agrees with the transaction that
makes it.
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from arien_flows.fetched.records import Contents
from chains.bitcoin.decode import MERKLE_ROOT_AT, header_hashes
from chains.bitcoin.headers import HEADER_LENGTH, header_bits, meets_target, work_of
from chains.bitcoin.merkle import fold_path
from chains.bitcoin.networks import Network
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.lookups import BlockHeader, FetchedTransaction, MerkleBranch, StatedOutput
from chains.types import TxIdRaw, shown_txid

NODE_SIZE = 64
"""Bytes of an inner node of a merkle tree."""


class ContradictionError(SourceUnavailableError):
    """A source's answers exclude each other: it is wrong, or its chain changed meanwhile."""


def contradicts(source: str, what: str) -> NoReturn:
    """Raise `ContradictionError`."""
    raise ContradictionError(f"{source} contradicts itself: {what}")


def checked_headers(
    source: str,
    network: Network,
    heights: Sequence[int],
    answers: Sequence[BlockHeader | LookupFailedError],
) -> dict[bytes, BlockHeader]:
    """Return those headers that could be had, by their hashes.

    Raises `SourceUnavailableError` for a header that was made with next to no work.
    """
    good: list[BlockHeader] = []
    for height, answer in zip(heights, answers, strict=True):
        if isinstance(answer, LookupFailedError):
            continue
        if answer.height != height or len(answer.header) != HEADER_LENGTH:
            contradicts(source, f"it answers with another header than that of height {height}")
        good.append(answer)
    if not good:
        return {}
    rows = np.frombuffer(b"".join(each.header for each in good), dtype=np.uint8)
    headers = rows.reshape(-1, HEADER_LENGTH)
    hashes = header_hashes(headers)
    for each, has_work in zip(good, meets_target(headers, hashes).tolist(), strict=True):
        if not has_work:
            contradicts(source, f"the header of height {each.height} lacks its work")
    for each, bits in zip(good, header_bits(headers).tolist(), strict=True):
        if work_of(bits) < network.least_work(each.height):
            raise SourceUnavailableError(
                f"{source} shows a header for height {each.height} that took far less work than "
                f"any block of {network.name} there: it serves another chain; use another source"
            )
    return {row.tobytes(): each for row, each in zip(hashes, good, strict=True)}


def check_branch(
    source: str, txid: TxIdRaw, contents: Contents, branch: MerkleBranch, header: BlockHeader
) -> None:
    """Raise `ContradictionError` unless a branch proves that a transaction stands in a block.

    Raises `LookupFailedError` for a transaction that no branch can prove.
    """
    if contents.stripped_size == NODE_SIZE:
        raise LookupFailedError(
            f"{shown_txid(txid)} has {NODE_SIZE} bytes, so that no merkle branch proves it"
        )
    root = header.header[MERKLE_ROOT_AT : MERKLE_ROOT_AT + 32]
    try:
        is_proved = fold_path(txid, branch.position, list(branch.path)) == root
    except ValueError:
        is_proved = False
    if not is_proved:
        contradicts(source, f"{shown_txid(txid)} is not in its block at height {header.height}")
    if contents.is_coinbase != (branch.position == 0):
        contradicts(source, f"{shown_txid(txid)} cannot stand at position {branch.position}")


def check_statement(source: str, txid: TxIdRaw, fetched: FetchedTransaction, count: int) -> None:
    """Raise `ContradictionError` unless as many spent outputs are stated as there are inputs."""
    if fetched.spent is not None and len(fetched.spent) != count:
        contradicts(source, f"it states {len(fetched.spent)} spent outputs of {shown_txid(txid)}")


def spent_outputs(
    source: str,
    txid: TxIdRaw,
    stated: Sequence[StatedOutput] | None,
    known: Mapping[TxIdRaw, Contents],
) -> tuple[tuple[StatedOutput, ...], tuple[bool, ...]] | None:
    """Return what a transaction spends, and whether each is proved; nothing if not all is known.

    Transactions in `known` hash to their ids, and inputs commit to these, so what they pay is
    proved; what is only `stated` is used where they are not at hand, and must agree where they are.
    """
    outputs: list[StatedOutput] = []
    is_proved: list[bool] = []
    for number, (parent, vout) in enumerate(known[txid].spends):
        maker = known.get(parent)
        if maker is None and stated is None:
            return None
        if maker is None and stated is not None:
            output = stated[number]
        elif maker is not None:
            if vout >= len(maker.pays):
                contradicts(source, f"{shown_txid(txid)} spends an output that is not there")
            output = maker.pays[vout]
            if stated is not None and stated[number] != output:
                contradicts(
                    source,
                    f"{shown_txid(parent)}:{vout} holds {output.value_sat} sat and it states "
                    f"{stated[number].value_sat} sat, or another script",
                )
        outputs.append(output)
        is_proved.append(maker is not None)
    return tuple(outputs), tuple(is_proved)
