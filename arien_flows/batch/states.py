"""The state of each chain that a run's answers are true for, pinned when it begins.

A run that is interrupted goes on as of the same block, whatever came after. Where that block is
gone, or entities, tags or prices are others by now, its answers would not belong together: then it
is refused, and has to be started anew.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.account_workspace import AccountReading
from arien_flows.errors import ConflictError
from arien_flows.ledger.state import as_of
from arien_flows.risk import flags
from arien_flows.shapes import Shape, shown_time
from arien_flows.tracing.fiat import table_used
from arien_flows.workspace import Reading

AnyReading = Reading | AccountReading


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState(Shape):
    """What answers about one network stand on."""

    network: str
    """Its name."""

    height: int
    """Height of the last block that answers know of."""

    block_hash: str
    """Its hash."""

    time: datetime
    """The time that its header states."""

    clustering: str
    """Which clustering made the entities; `addresses` without one."""

    tags_sha256: str
    """Hash over the set of tags, whatever their order."""

    price_tables: tuple[str, ...]
    """Hashes of the price tables in effect that answers may have used, in the order in which they
    are asked."""

    def text(self) -> str:
        """Return the state as files tell it."""
        return (
            f"{self.network} up to block {self.height:,} ({shown_time(self.time)}), "
            f"{self.block_hash}"
        )


def state_of(reading: AnyReading, currency: str | None) -> ChainState:
    """Return what answers from a reading stand on."""
    block = reading.view.as_of() if isinstance(reading, AccountReading) else as_of(reading.view)
    currencies = dict.fromkeys((flags.CURRENCY, *([currency] if currency else [])))
    tables = [table for name in currencies for table in reading.prices(name).tables]
    return ChainState(
        network=block.network,
        height=block.height,
        block_hash=block.block_hash,
        time=block.time,
        clustering=reading.entities.identity,
        tags_sha256=reading.tags.casebook.revision(block.network),
        price_tables=tuple(dict.fromkeys(table_used(table).points_sha256 for table in tables)),
    )


def check_same(begun: ChainState, now: ChainState) -> None:
    """Raise `ConflictError` where a run cannot go on."""
    if begun == now:
        return
    changed = {
        "block_hash": f"block {begun.height:,} is another one: the chain was reorganised",
        "clustering": "the entities were made anew",
        "tags_sha256": "tags were added or withdrawn",
        "price_tables": "prices were added or withdrawn",
    }
    for name, what in changed.items():
        if getattr(begun, name) != getattr(now, name):
            raise ConflictError(
                f"{what} on {begun.network} since the batch was begun: start it anew in an empty "
                "folder"
            )
    raise ConflictError(f"the ledger of {begun.network} changed: start the batch anew")
