"""Deciders about change that need no rules: the tests of what becomes of decisions use them."""

from collections.abc import Mapping
from zlib import crc32

import numpy as np

from arien_flows.entities.change_decisions import NO_PROBABILITY, Decided, nothing_decided
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.entities.profiles import Profile, Terms
from arien_flows.ledger.view import View
from heuristics.coinjoin import STANDARD_EXCLUSION, CoinJoinMark
from heuristics.columns import NO_ADDRESS
from heuristics.constrained_fields import DecidedBy, Verdict

Row = tuple[int, int, int, int, int, int, int]
"""Transaction, input address, output address, probability, rule, verdict, votes."""


def decided_of(blocks: list[list[Row]]) -> Decided:
    """Return decisions, given block by block."""
    rows = [row for block in blocks for row in block]
    if not rows:
        return nothing_decided(len(blocks))
    columns = np.array(rows, dtype=np.int64).T
    return Decided(
        first=np.cumsum([0, *map(len, blocks)], dtype=np.int64),
        transaction=columns[0].astype(np.uint32),
        input_address=columns[1].astype(np.uint32),
        output_address=columns[2].astype(np.uint32),
        probability_ppm=columns[3].astype(np.int32),
        rule=columns[4].astype(np.uint8),
        verdict=columns[5].astype(np.uint8),
        votes=columns[6].astype(np.uint8),
    )


class ArbitraryDecider:
    """Decides by a hash of the transaction and of the chain's last block as of the decision."""

    def __init__(
        self, view: View, _coinjoins: CoinJoins, _exclusion: CoinJoinMark, terms: Terms
    ) -> None:
        self._view = view
        self._lag = terms.decision_lag

    def decide(self, first_block: int, last_block: int) -> Decided:
        return decided_of([self._block(block) for block in range(first_block, last_block)])

    def _block(self, block: int) -> list[Row]:
        view, rows = self._view, []
        known = view.header[block + self._lag].tobytes()
        for transaction in range(*view.first_transaction[block : block + 2].tolist()):
            inputs = view.input_address[
                slice(*view.first_input[transaction : transaction + 2].tolist())
            ]
            outputs = slice(*view.first_output[transaction : transaction + 2].tolist())
            for address in view.output_address[outputs].tolist() if len(inputs) else ():
                drawn = crc32(view.txid[transaction].tobytes() + known + bytes([address % 251]))
                if address == NO_ADDRESS or drawn % 3 == 0:
                    continue
                rows.append(
                    (
                        transaction,
                        int(inputs[0]),
                        address,
                        drawn % 1_000_000 if drawn % 2 else NO_PROBABILITY,
                        DecidedBy.MODEL if drawn % 2 else DecidedBy.VOTE,
                        Verdict.SAME_OWNER if drawn % 5 < 2 else Verdict.OTHER_OWNER,
                        drawn % 27,
                    )
                )
        return rows


ARBITRARY = Profile(
    name="standard",
    exclusion=STANDARD_EXCLUSION,
    change_rules={"change_vote": 1, "change_model": 1},
    decider_of=ArbitraryDecider,
)
"""A profile whose decisions have no meaning, but all that decisions must have."""


def given(decisions: Mapping[str, list[tuple[str, str, int]]]) -> Profile:
    """Return a profile whose decisions are given.

    `decisions` names, for each transaction id, addresses of an input and an output, and the
    probability that the output is change, in millionths.
    """

    class Given:
        def __init__(
            self, view: View, _coinjoins: CoinJoins, _exclusion: CoinJoinMark, _terms: Terms
        ) -> None:
            self._view = view

        def decide(self, first_block: int, last_block: int) -> Decided:
            return decided_of([self._block(block) for block in range(first_block, last_block)])

        def _block(self, block: int) -> list[Row]:
            view = self._view
            return [
                (
                    transaction,
                    view.find_address(spent),
                    view.find_address(paid),
                    probability,
                    DecidedBy.MODEL,
                    Verdict.SAME_OWNER if probability > 500_000 else Verdict.OTHER_OWNER,
                    0,
                )
                for transaction in range(*view.first_transaction[block : block + 2].tolist())
                for spent, paid, probability in decisions.get(view.txid_text(transaction), ())
            ]

    return Profile(
        name="standard",
        exclusion=STANDARD_EXCLUSION,
        change_rules={"change_model": 1},
        decider_of=Given,
    )
