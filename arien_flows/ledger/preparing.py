"""What can be done for a batch before the ledger that it goes into is looked at.

Nothing here depends on earlier batches, so it runs on another thread while one of them is taken in.
"""

from dataclasses import dataclass

from arien_flows.ledger.new_addresses import BatchScripts, ExternalOutputs, tell_apart
from arien_flows.ledger.spent_inside import SpentInside, settle_inside
from chains.tables import BlockBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedBatch:
    """A batch of decoded blocks, ready to be taken in."""

    batch: BlockBatch
    external: ExternalOutputs | None
    """What inputs spend that neither batch nor ledger hold; without it such an input is an
    error."""

    scripts: BatchScripts
    inside: SpentInside


def prepare(batch: BlockBatch, external: ExternalOutputs | None = None) -> PreparedBatch:
    """Return a batch with its scripts told apart, and its spends of itself settled."""
    return PreparedBatch(
        batch=batch,
        external=external,
        scripts=tell_apart(batch, external),
        inside=settle_inside(batch),
    )
