"""Which votes chose the change of a payment: cast once more, for somebody who asks.

A decision keeps by how many votes its output led, and not whose votes they were: that follows from
the chain, and would take more room than all else that is known of the decision. For one payment
nothing has to be read from the beginning. The votes that are counted ask about a script behind a
hash where the payment, or a transaction that spends its outputs, may spend an m-of-n script; the
histories of these addresses are read up to the spend that shows the script.
"""

from typing import NamedTuple

import numpy as np

from arien_flows.entities.change_votes import VoteSources, votes_on
from arien_flows.entities.fingerprints import multisig_reveals_of
from arien_flows.ledger.view import View
from heuristics.change import vote_difference
from heuristics.change_rules import THRESHOLD_VOTES, vote_name
from heuristics.columns import NO_ADDRESS


class CountedVotes(NamedTuple):
    """Names of the rules that were counted for an output."""

    lead: int
    """By how many votes it is ahead of the next output."""

    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    """Those that voted for another output."""


def counted_votes(view: View, transaction: int, lag: int) -> CountedVotes | None:
    """Return the votes on the output that leads, as of `lag` blocks later; nothing if none does."""
    sources = VoteSources.knowing(view, multisig_reveals_of(view, _spent_from(view, transaction)))
    votes = votes_on(sources, transaction, lag)
    rows, leads = vote_difference(votes, np.array([0, len(votes)], dtype=np.int64))
    if rows[0] < 0:
        return None
    cast = votes[rows[0]]
    return CountedVotes(
        lead=int(leads[0]),
        in_favour=tuple(vote_name(rule) for rule in THRESHOLD_VOTES if cast[rule] > 0),
        against=tuple(vote_name(rule) for rule in THRESHOLD_VOTES if cast[rule] < 0),
    )


def _spent_from(view: View, transaction: int) -> list[int]:
    """Return the addresses that a transaction and those that spend its outputs spend from."""
    begin, end = view.first_output[transaction : transaction + 2].tolist()
    spenders = view.spender[begin:end]
    known = spenders[spenders < view.counts.transactions].tolist()
    found: set[int] = set()
    for each in {transaction, *known}:
        first, last = view.first_input[each : each + 2].tolist()
        found.update(view.input_address[first:last].tolist())
    return sorted(found - {int(NO_ADDRESS)})
