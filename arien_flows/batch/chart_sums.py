"""What the charts of a batch show, summed while its tables are written.

Rows that repeat another row's question count once, and so do entities: several addresses of one
entity have the same exposure, which would otherwise stand for as much money as there are rows.
Amounts of different coins are never added up.
"""

from collections import Counter
from dataclasses import dataclass, field

from arien_flows.batch.results import ExposureRow, SummaryRow, TransferRow

AT_SERVICES = ("service_reached", "mixer", "bridge")
"""Reasons for which a path ends at a name."""

Direction = str
Part = tuple[str, bool]
"""Category, or reason, and whether it is a category: somebody is known."""


@dataclass(slots=True, kw_only=True)
class ChartSums:
    """Sums of a batch. The summary's rows are added first."""

    rows: int = 0
    """Different questions."""

    bands: Counter[str] = field(default_factory=Counter)
    lowest_of_band: dict[str, float] = field(default_factory=dict)
    scores: Counter[int] = field(default_factory=Counter)
    """Whole parts of scores."""

    not_scored: int = 0
    exposures: dict[str, dict[Direction, Counter[Part]]] = field(default_factory=dict)
    """By asset, direction and part, in base units."""

    entities: dict[str, set[str]] = field(default_factory=dict)
    """By asset: whose exposure is counted."""

    ends: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    """Of traces forward: by asset, month (`2026-01`) and reason, in base units."""

    services: dict[str, Counter[str]] = field(default_factory=dict)
    """Of traces forward: by asset and name, in base units."""

    decimals: dict[str, int] = field(default_factory=dict)
    _repeated: set[int] = field(default_factory=set)
    _counted: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add_row(self, row: SummaryRow) -> None:
        """Count a row of the summary."""
        if row.duplicate_of is not None:
            self._repeated.add(row.row)
            return
        self.rows += 1
        if row.risk is None:
            self.not_scored += 1
            return
        # Bars are for the eye; the scores stand in the tables as they are.
        score = float(row.risk.score)
        band = row.risk.band
        self.bands[band] += 1
        self.scores[min(int(score), 99)] += 1
        self.lowest_of_band[band] = min(score, self.lowest_of_band.get(band, score))

    def add_exposure(self, row: ExposureRow) -> None:
        """Count a part of a row's exposure."""
        if row.row in self._repeated:
            return
        who = row.entity or row.subject
        if self._counted.setdefault((row.network, who, row.direction), row.row) != row.row:
            return
        self.decimals[row.asset] = row.decimals
        self.entities.setdefault(row.asset, set()).add(who)
        sides = self.exposures.setdefault(row.asset, {})
        part = (row.category, True) if row.category else (row.reason, False)
        sides.setdefault(row.direction, Counter())[part] += row.value

    def add_transfer(self, row: TransferRow) -> None:
        """Count a movement at which a path ended."""
        if row.row in self._repeated or row.direction != "forward" or not row.stop_reason:
            return
        self.decimals[row.asset] = row.decimals
        month = row.block_time.strftime("%Y-%m")
        months = self.ends.setdefault(row.asset, {})
        months.setdefault(month, Counter())[row.stop_reason] += row.traced
        if row.stop_reason in AT_SERVICES:
            name = row.to_label or "a service without a name"
            self.services.setdefault(row.asset, Counter())[name] += row.traced
