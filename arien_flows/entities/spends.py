"""What the clustering rules read of a ledger, and why they leave a transaction out."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from arien_flows.entities.coinjoin_findings import rules_of
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.ledger.view import View
from chains.tables import ScriptType, SighashClass
from chains.types import UInt8Array
from heuristics.coinjoin import STRICT_EXCLUSION
from heuristics.columns import LinkColumns, read_only
from heuristics.cospend import SighashEffect, SpendColumns, excluded_by_sighash


def _sighash_effects() -> UInt8Array:
    """Return what each sighash class means for its transaction.

    `MIXED` and `OTHER` may hide a signature that lets others add inputs, so they count as one.
    """
    effects = np.full(256, SighashEffect.EXCLUDE_TRANSACTION, dtype=np.uint8)
    for known in (
        SighashClass.ALL,
        SighashClass.NONE,
        SighashClass.SINGLE,
        SighashClass.DEFAULT,
    ):
        effects[known] = SighashEffect.JOIN
    effects[SighashClass.NONE_SEEN] = SighashEffect.JOIN_IF_SIGNED
    return effects


def _signature_needs() -> UInt8Array:
    """Return which script types cannot be spent without a signature, whatever they hide."""
    needs = np.zeros(256, dtype=np.uint8)
    for signed in (ScriptType.P2PK, ScriptType.P2PKH, ScriptType.MULTISIG, ScriptType.P2WPKH):
        needs[signed] = 1
    return needs


_SIGHASH_EFFECT = _sighash_effects()
_NEEDS_SIGNATURE = _signature_needs()


class ExclusionReason(StrEnum):
    """Why the inputs of a transaction are not joined."""

    COINBASE = "coinbase"
    """It spends nothing."""

    COINJOIN = "coinjoin"
    """Several people may have made it together, by its shape."""

    ANYONECANPAY = "anyonecanpay"
    """A signature lets, or may let, anybody add inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Why the inputs of a transaction are not joined, and by which rules."""

    reason: ExclusionReason
    rules: tuple[str, ...] = ()
    """Names of the CoinJoin rules that fired."""


def spend_columns(view: View) -> SpendColumns:
    """Return the columns of a view that the co-spend rule reads."""
    return SpendColumns(
        first_input=read_only(view.first_input),
        input_address=read_only(view.input_address),
        input_sighash=read_only(view.sighash),
        script_type=read_only(view.script_type),
        sighash_effect=read_only(_SIGHASH_EFFECT),
        needs_signature=read_only(_NEEDS_SIGNATURE),
    )


def link_columns(view: View) -> LinkColumns:
    """Return the links of a view."""
    return LinkColumns(
        transaction=view.link_transaction,
        address=view.link_address,
        earlier=view.link_earlier,
        rule=view.link_rule,
    )


def exclusion_reason(view: View, coinjoins: CoinJoins, transaction: int) -> Exclusion | None:
    """Return why the inputs of a transaction are not joined; nothing where they are.

    Links between scripts of one key are applied whatever the transaction.
    """
    begin, end = view.first_input[transaction : transaction + 2].tolist()
    if begin == end:
        return Exclusion(reason=ExclusionReason.COINBASE)
    speaking = coinjoins.mark(transaction) & STRICT_EXCLUSION
    if speaking:
        return Exclusion(reason=ExclusionReason.COINJOIN, rules=rules_of(speaking))
    if excluded_by_sighash(spend_columns(view), begin, end):
        return Exclusion(reason=ExclusionReason.ANYONECANPAY)
    return None
