"""What a batch answers: one row of the summary a row of the input, and what belongs to it.

These are what the writers of tables, workbook and charts take. Amounts are integers in base units,
percentages and scores are the texts of the answers that they come from, times are in UTC. Nothing
(`None`) means that it was not asked for or cannot be known, and stays an empty cell: never a zero.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.batch.rows import Method
from arien_flows.shapes import Certainty

Status = Literal["ok", "invalid", "not_found", "truncated", "error"]
"""Of a row. What is truncated has an answer, and something is left out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureTotals:
    """One direction of a row's exposure, in sums."""

    total: int
    """What came from outside, or went there, in base units."""

    attributed: int
    """Of that: what a named owner was found for."""

    coverage_percent: str
    categories: tuple[tuple[str, str], ...]
    """Category and percentage of the total, the largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTotals:
    """A row's score."""

    score: str
    """0 to 100."""

    band: str
    lower: str
    """Of the interval."""

    upper: str
    coverage_percent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceTotals:
    """One direction of a row's trace, in sums of base units."""

    method: Method
    source: int
    """What was traced."""

    by_reason: tuple[tuple[str, int], ...]
    """Where paths ended; in alphabetical order of the reasons."""

    fees: int
    destroyed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """All of one row in one line."""

    row: int
    """As `InputRow.number`."""

    cells: tuple[str, ...]
    """Of the input, in its columns."""

    status: Status
    error_code: str = ""
    error_detail: str = ""
    suggestion: str = ""
    duplicate_of: int | None = None
    """The first row that asks the same; its answer is repeated here."""

    network: str = ""
    subject: str = ""
    """The address in canonical text, the transaction's id, or `txid:vout`."""

    asset: str = ""
    decimals: int = 0
    transaction_count: int | None = None
    received: int | None = None
    sent: int | None = None
    balance: int | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    entity: str = ""
    """First-seen address of the entity; empty where no entities were made."""

    entity_address_count: int | None = None
    tags: tuple[str, ...] = ()
    """What sources call the subject or its entity, the best one first: attributions."""

    tag_count: int | None = None
    """Nothing where tags were not looked up."""

    exposure_in: ExposureTotals | None = None
    exposure_out: ExposureTotals | None = None
    risk: RiskTotals | None = None
    forward: TraceTotals | None = None
    backward: TraceTotals | None = None
    truncations: tuple[str, ...] = ()
    """What is left out, one sentence each."""

    remarks: tuple[str, ...] = ()
    """As `InputRow.remarks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One movement of traced money."""

    row: int
    direction: Literal["forward", "backward"]
    """Of the trace; money always moved from `from_address` to `to_address`."""

    network: str
    txid: str
    vout: int | None = None
    """Place among the outputs of a Bitcoin transaction."""

    log_index: int | None = None
    """Place among the logs of an Ethereum block, of a token's transfer."""

    block_height: int
    block_time: datetime
    from_address: str = ""
    from_label: str = ""
    to_address: str = ""
    to_label: str = ""
    asset: str
    decimals: int
    value: int
    """Of the whole coin or transfer, in base units."""

    traced: int
    """Of that: what is traced, in base units."""

    value_fiat: str | None = None
    """What `value` was worth then, in the currency of the run; nothing without a price."""

    price_source: str = ""
    price_time: datetime | None = None
    hop: int
    """Transactions from the nearest source."""

    method: Method
    certainty: Certainty
    """Of `traced`: that the coin was paid is always a fact."""

    stop_reason: str = ""
    """Why the path ended here; empty where it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow:
    """One part of a row's exposure: a category, or what nobody was found for, by reason."""

    row: int
    network: str
    subject: str
    entity: str = ""
    direction: Literal["in", "out"]
    category: str = ""
    """Risk category of named owners; empty for what has none."""

    reason: str = ""
    """Why nobody was found; empty for a category."""

    asset: str
    decimals: int
    direct: int | None = None
    """One entity away, in base units."""

    indirect: int | None = None
    value: int
    percent: str
    """Of the row's total in this direction."""

    least_hops: int | None = None
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the files of a run say about it."""

    run_id: str
    currency: str | None
    """In which money is valued, as `USD`; nothing where it is not."""

    as_of: tuple[str, ...]
    """The state of each chain, as `bitcoin up to block 900,000 (2026-01-01T00:00:00Z), HASH`."""

    made_on: datetime
    """The latest block's time: files carry no time at which they were written, which would make
    them differ every time."""

    input_name: str
    input_sha256: str
    about: tuple[tuple[str, str], ...]
    """Versions and settings that the answers rest on: name and value, in order."""

    truncations: tuple[str, ...] = ()
    """What is left out of the run as a whole, one sentence each."""
