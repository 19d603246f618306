"""Checks and proofs of a ledger as text for people."""

from collections.abc import Iterable

from arien_flows.cli.output import pairs
from arien_flows.ledger.prove import Proof
from arien_flows.ledger.verify_result import Check, Verification


def verification_lines(found: Verification) -> Iterable[str]:
    """Return what was checked and what was found."""
    for check in found.checks:
        yield f"{_verdict(check):<7}  {check.name}: {check.covers} ({check.rows_checked:,} rows)"
        for finding in check.findings:
            yield f"         {finding.place}: {finding.message}"
        if check.finding_count > len(check.findings):
            yield f"         and {check.finding_count - len(check.findings):,} more"
        for remark in filter(None, (check.skipped, check.note)):
            yield f"         {remark}"
    yield ""
    yield (
        f"{found.network}, {found.blocks:,} blocks up to {found.tip_hash or 'none'}: "
        f"{'no contradiction was found' if found.ok else 'NOT IN ORDER'}."
    )
    yield found.limits


def proof_lines(proof: Proof) -> Iterable[str]:
    """Return a proof, and how to check it."""
    yield from pairs(
        (
            ("Transaction", proof.txid),
            ("Network", proof.network),
            ("Block", f"{proof.height:,} ({proof.block_hash})"),
            ("Header", proof.header),
            ("Position", f"{proof.position} of {proof.transaction_count}"),
        )
    )
    yield "Merkle path:" if proof.merkle_path else "Merkle path: empty; the id is the root"
    yield from (f"  {sibling}" for sibling in proof.merkle_path)
    yield from ("", proof.how_to_check)


def _verdict(check: Check) -> str:
    if check.skipped:
        return "SKIPPED"
    return "ok" if check.ok else "WRONG"
