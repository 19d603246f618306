"""Re-checking everything that a ledger states.

The checks run on one snapshot, while a writer may go on appending. Each reads columns and indexes
in stretches, in the order in which they stand on disk, so memory stays bounded whatever the size of
the ledger: a few hundred megabytes, and one bit for each address. What damage makes unreadable is
reported, and the checks that would have to rely on it are reported as skipped, never as passed.

Two checks do not rest on the ledger at all: the hashes of the headers with their proof of work, and
the merkle roots over the transaction ids. All others show that what is kept is whole and does not
contradict itself (see `LIMITS`).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from arien_flows.errors import LedgerDamagedError, StaleSnapshotError
from arien_flows.ledger.beginning import begins_late, first_height
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.manifest import INTENT, Manifest, read_manifest
from arien_flows.ledger.verify_addresses import check_numbering
from arien_flows.ledger.verify_amounts import check_amounts
from arien_flows.ledger.verify_blocks import (
    check_headers,
    check_merkle_roots,
    check_offsets,
    check_transactions,
)
from arien_flows.ledger.verify_files import check_columns, check_manifest, check_runs
from arien_flows.ledger.verify_history import check_histories
from arien_flows.ledger.verify_indexes import (
    check_address_index,
    check_reveal_index,
    check_transaction_index,
    check_txids,
)
from arien_flows.ledger.verify_links import check_links
from arien_flows.ledger.verify_outputs import check_op_returns, check_overwrites
from arien_flows.ledger.verify_result import Check, Verification
from arien_flows.ledger.verify_reveals import check_reveals
from arien_flows.ledger.verify_scripts import check_locks
from arien_flows.ledger.verify_spends import check_inputs, check_spender_words, check_spends
from arien_flows.ledger.view import View

LIMITS = (
    "Raw transactions are not kept, so that the ledger alone cannot show that inputs and outputs "
    "are those that a transaction id stands for, nor that a signature is valid: for that, take the "
    "blocks in again from a node that validates them and compare. Checksums find accidents, not a "
    "forger who computes them anew; proof of work and merkle roots find both."
)

LATE_LIMITS = (
    " The ledger begins at block {height}: it says nothing of what came before, and what its "
    "inputs spend from before rests on the word of the node that it was taken from. A ledger from "
    "the genesis block on needs no such word."
)

DAMAGED_OFFSETS = "the offsets that say which rows belong together are damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyStep:
    """How far a verification has come."""

    check: Check
    """The check that has just been finished."""

    done: int
    total: int


Report = Callable[[VerifyStep], None]


def verify(ledger: Ledger, report: Report = lambda _step: None) -> Verification:
    """Check everything that the ledger's newest state says.

    Raises
    ------
    LedgerDamagedError
        Files are missing or too short, so that the ledger can't be opened.
    StaleSnapshotError
        Blocks were removed meanwhile, so that what was found is about a state that is gone.
    """
    view = ledger.view()
    manifest = ledger.manifest
    checks: list[Check] = []
    stages = _stages(ledger.root, view, manifest)
    for number, stage in enumerate(stages):
        checks += stage()
        if not ledger.is_current(view):
            raise StaleSnapshotError(
                "blocks were removed while the ledger was verified: verify it again"
            )
        report(VerifyStep(check=checks[-1], done=number + 1, total=len(stages)))
        if checks[-1].name == "offsets" and not checks[-1].ok:
            checks.append(_skipped())
            break
    return Verification(
        network=view.network.name,
        blocks=view.counts.blocks,
        tip_hash=view.tip.block_hash if view.counts.blocks else "",
        generation=view.generation,
        checks=tuple(checks),
        limits=LIMITS
        + (LATE_LIMITS.format(height=first_height(view)) if begins_late(view) else ""),
    )


def _stages(root: Path, view: View, manifest: Manifest) -> list[Callable[[], tuple[Check, ...]]]:
    """Return the checks in their order: files, blocks, spends, addresses, indexes."""
    return [
        lambda: (check_manifest(root, view, manifest),),
        lambda: (check_columns(root, view, manifest),),
        lambda: (check_runs(view, manifest),),
        lambda: (check_offsets(view, manifest),),
        lambda: (check_headers(view),),
        lambda: (check_merkle_roots(view),),
        lambda: (check_transactions(view),),
        lambda: (check_inputs(view),),
        lambda: (check_spends(view),),
        lambda: (check_spender_words(view, lambda: _reached(root, view)),),
        lambda: (check_amounts(view, manifest),),
        lambda: (check_overwrites(view),),
        lambda: (check_op_returns(view),),
        lambda: (check_locks(view),),
        lambda: (check_reveals(view),),
        lambda: (check_transaction_index(view, manifest),),
        lambda: (check_address_index(view, manifest),),
        lambda: (check_reveal_index(view, manifest),),
        lambda: (check_txids(view),),
        lambda: _numbers_and_links(view),
        lambda: (check_histories(view, manifest),),
    ]


def _numbers_and_links(view: View) -> tuple[Check, ...]:
    numbering, firsts = check_numbering(view)
    return (numbering, *check_links(view, firsts))


def _skipped() -> Check:
    return Check(
        name="contents",
        covers="Everything that the columns and indexes say.",
        rows_checked=0,
        findings=(),
        finding_count=0,
        skipped=DAMAGED_OFFSETS,
    )


def _reached(root: Path, view: View) -> int:
    """Return one past the highest transaction whose spends may stand in the spender column by now.

    The note is read first: it is removed only after the manifest counts what it announces.
    """
    try:
        announced = int(json.loads((root / INTENT).read_bytes())["transactions"])
    except FileNotFoundError:
        announced = 0
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerDamagedError(
            f"{root / INTENT} is unreadable: restore it from a copy"
        ) from error
    manifest = read_manifest(root)
    committed = manifest.counts.transactions if manifest else 0
    return max(view.counts.transactions, announced, committed)
