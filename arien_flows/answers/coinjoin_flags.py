"""What CoinJoin rules say about a transaction, in words.

A flag names the design that the transaction is taken for, the rules with their versions, the
confidence that their source gives, what objects, and what follows for clustering and reports.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from arien_flows.amounts import Asset, asset_of, coins
from arien_flows.answers.facts import Flag
from arien_flows.answers.rates import error_rates
from arien_flows.entities.coinjoin_findings import (
    NEIGHBOUR_RULES,
    Amount,
    CoinJoinFinding,
    Lineage,
)
from arien_flows.entities.coinjoin_neighbours import INPUTS_ASKED
from arien_flows.workspace import Reading
from heuristics.coinjoin import DETECTIONS, STRICT_EXCLUSION, CoinJoinMark, Design

PAYJOIN = "payjoin_possible"
"""Rule and flag of a transaction that may be a PayJoin."""


def coinjoin_flags(reading: Reading, transaction: int) -> list[Flag]:
    """Return what CoinJoin rules say about a transaction that the clustering holds."""
    if reading.clustering is None:
        return []
    if transaction >= reading.clustering.manifest.counts["transactions"]:
        return []
    unasked = np.empty(0, np.int64) if reading.fetched is None else reading.fetched.unasked
    found = reading.clustering.coinjoins.finding(
        transaction,
        view=reading.view,
        is_exchange=None if reading.tags.is_empty else partial(_is_exchange, reading),
        unasked=unasked,
    )
    if found is None:
        return []
    versions = {**reading.clustering.coinjoins.derived.manifest.rules, **NEIGHBOUR_RULES}
    flags = []
    if found.design is not None:
        rules = [rule for rule in (*found.rules, *found.vetoes) if rule != PAYJOIN]
        if found.lineage is not None:
            rules.append("coinjoin_whirlpool_lineage")
        flags.append(
            Flag(
                name=_flag_name(found),
                certainty="inference",
                detail=f"{_shape(found, asset_of(reading.view.network.name))}; {_standing(found)}",
                rule=", ".join(f"{rule} {versions[rule]}" for rule in rules),
                error_rates=error_rates({rule: versions[rule] for rule in rules}),
            )
        )
    if PAYJOIN in found.rules:
        flags.append(
            Flag(
                name=PAYJOIN,
                certainty="inference",
                detail="it spends a coin that neither output needed, as when a payee adds one of "
                "his own; wallets that consolidate do the same. Clustering joins its inputs all "
                "the same",
                rule=f"{PAYJOIN} {versions[PAYJOIN]}",
                error_rates=error_rates({PAYJOIN: versions[PAYJOIN]}),
            )
        )
    return flags


def _is_exchange(reading: Reading, address: int) -> bool:
    """Return whether a tag says that an address is an exchange's."""
    root = reading.entities.root_of(address)
    found = reading.tags.attribution.service_at(address, root)
    return found is not None and "exchange" in found.tag.concepts


def _flag_name(found: CoinJoinFinding) -> str:
    if found.design == Design.WHIRLPOOL_TX0:
        return "coinjoin_preparation"
    if found.design == Design.POSSIBLE:
        return "coinjoin_possible"
    return "coinjoin_shape_vetoed" if found.vetoed else "coinjoin_shape"


def _shape(found: CoinJoinFinding, asset: Asset) -> str:
    """Say what a transaction is taken for, by its participants and amounts."""
    amounts = sorted(found.amounts, key=lambda amount: (-amount.outputs, -amount.value_sat))
    most = amounts[0] if amounts else Amount(value_sat=0, outputs=0)
    more = f" and {len(amounts) - 1} other amounts" if len(amounts) > 1 else ""
    equal = f"{most.outputs} equal outputs of {coins(most.value_sat, asset)}{more}"
    if found.level is not None:
        near = f"{found.level.outputs} outputs near {coins(found.level.value_sat, asset)}"
        equal = f"{near}, {equal}" if amounts else near
    match found.design:
        case Design.WHIRLPOOL:
            text = f"Whirlpool mix: {found.participants} coins of {coins(most.value_sat, asset)}"
        case Design.WASABI_2:
            text = f"Wasabi 2 round: presumably {found.participants} participants or more, {equal}"
        case Design.WASABI_1:
            text = f"Wasabi 1 round: presumably {found.participants} participants, {equal}"
        case Design.EQUAL_OUTPUTS:
            text = f"CoinJoin without a known coordinator: {equal}"
        case Design.WHIRLPOOL_TX0:
            fee = " and pays its fee" if "coinjoin_whirlpool_tx0" in found.rules else ""
            return (
                f"Whirlpool Tx0: one owner splits {found.participants} coins for the pool of "
                f"{coins(most.value_sat, asset)}{fee}"
            )
        case _:
            return "a CoinJoin of two cannot be ruled out: two could have paid for equal outputs"
    return text


def _standing(found: CoinJoinFinding) -> str:
    """Say how sure that is, and what follows from it."""
    sure = "not measured" if found.confidence is None else f"{found.confidence} of 100"
    parts = [f"confidence of the rule's source: {sure}"]
    if found.lineage is not None:
        parts.append(_LINEAGE[found.lineage])
    if found.inputs_unasked > 0:
        parts.append(
            f"tags of exchanges were asked of the first {INPUTS_ASKED:,} inputs, not of the other "
            f"{found.inputs_unasked:,}"
        )
    return "; ".join([*parts, _consequence(found)])


_LINEAGE: Mapping[Lineage, str] = {
    "proven": "its coins come from mixes of the pool or from transactions that carry data as a Tx0 "
    "does, as far as two mixes back",
    "broken": "but not all its coins come from a mix of the pool or from a Tx0",
    "before_ledger": "whether its coins come from mixes is not known: the ledger starts later",
}


def _consequence(found: CoinJoinFinding) -> str:
    if found.design == Design.WHIRLPOOL_TX0:
        return _consequence_of_tx0(found.marks)
    if found.design == Design.POSSIBLE:
        return "strict clustering leaves it out to be safe; no report calls it a CoinJoin"
    if found.vetoed:
        return "another rule objects, so it is not called a CoinJoin; clustering leaves it out"
    if found.reportable:
        return "taken for a CoinJoin; clustering leaves it out"
    return "below the threshold of reports; clustering leaves it out to be safe"


def _consequence_of_tx0(marks: CoinJoinMark) -> str:
    """Say what clustering does with a Tx0; it goes by the marks, whatever the neighbours show."""
    if marks & DETECTIONS:
        return "no CoinJoin itself, but of a CoinJoin's shape: clustering leaves it out to be safe"
    if marks & STRICT_EXCLUSION:
        return (
            "no CoinJoin itself, but others could have paid for equal outputs: strict clustering "
            "leaves it out to be safe, other profiles join its inputs"
        )
    return "no CoinJoin itself: clustering joins its inputs"
