"""Slow, obvious fingerprints: the oracle of their kernel's tests."""

from heuristics.fingerprint import FingerprintBit, LockType
from tests.heuristics.wallet_cases import Input, SmallLedger, Transaction

TYPES = {
    LockType.P2PKH: FingerprintBit.P2PKH,
    LockType.P2SH: FingerprintBit.P2SH,
    LockType.P2WPKH: FingerprintBit.P2WPKH,
    LockType.P2WSH: FingerprintBit.P2WSH,
    LockType.P2TR: FingerprintBit.P2TR,
}


def fingerprint(ledger: SmallLedger, transaction: Transaction) -> FingerprintBit:
    """Return the fingerprint of one transaction."""
    inputs, outputs = transaction.inputs, transaction.outputs
    kinds = {each.lock.kind for each in inputs}
    claims = {
        FingerprintBit.VERSION_2: transaction.version >= 2,
        FingerprintBit.VERSION_3: transaction.version >= 3,
        FingerprintBit.LOCKTIME_HEIGHT: 0 < transaction.locktime < 500_000_000,
        FingerprintBit.LOCKTIME_TIME: transaction.locktime >= 500_000_000,
        FingerprintBit.RBF: any(each.sequence < 0xFFFF_FFFE for each in inputs),
        FingerprintBit.SEGWIT: transaction.witness_size > 0,
        FingerprintBit.SEGWIT_COMPATIBLE: bool(kinds)
        and kinds <= {LockType.P2SH, LockType.P2WPKH, LockType.P2WSH, LockType.P2TR},
        FingerprintBit.SORTED: in_order(ledger, transaction),
        FingerprintBit.ZEROCONF: any(
            each.spent is not None
            and ledger.transactions[each.spent.maker].block == transaction.block
            for each in inputs
        ),
        FingerprintBit.MULTISIG: any(each.lock.multisig for each in inputs),
        FingerprintBit.OTHER_TYPE: bool(kinds - set(TYPES)),
        FingerprintBit.UNIFORM_INPUTS: len(kinds) == 1,
        FingerprintBit.TWO_INPUTS: len(inputs) == 2,
        FingerprintBit.MORE_INPUTS: len(inputs) > 2,
        FingerprintBit.TWO_OUTPUTS: len(outputs) == 2,
        FingerprintBit.MORE_OUTPUTS: len(outputs) > 2,
        FingerprintBit.COINBASE: not inputs,
    }
    claims |= {bit: kind in kinds for kind, bit in TYPES.items()}
    word = FingerprintBit(0)
    for bit, holds in claims.items():
        if holds:
            word |= bit
    return word


def in_order(ledger: SmallLedger, transaction: Transaction) -> bool:
    """Return whether inputs and outputs stand as BIP-69 wants them."""
    paid = [
        (output.value, output.lock.script if output.lock else b"\x6a")
        for output in transaction.outputs
    ]
    if paid != sorted(paid):
        return False
    if len(transaction.inputs) < 2:
        return True
    if any(each.spent is None for each in transaction.inputs):
        return False
    spent = [outpoint(ledger, each) for each in transaction.inputs]
    return spent == sorted(spent)


def outpoint(ledger: SmallLedger, each: Input) -> tuple[str, int]:
    """Return what an input spends, as people write it."""
    assert each.spent is not None
    return ledger.transactions[each.spent.maker].txid[::-1].hex(), each.spent.position
