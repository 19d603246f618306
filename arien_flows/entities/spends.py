"""What the clustering rules read of a ledger."""

import numpy as np

from arien_flows.ledger.view import View
from chains.tables import ScriptType, SighashClass
from chains.types import UInt8Array
from heuristics.columns import LinkColumns, read_only
from heuristics.cospend import SighashEffect, SpendColumns


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
