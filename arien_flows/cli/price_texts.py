"""Price tables and prices as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import counted
from arien_flows.answers.prices import PriceAnswer, PriceReport, PriceTableAnswer
from arien_flows.cli.output import NOTHING, pairs, table
from arien_flows.reports.values import EACH, cautions
from arien_flows.shapes import shown_time
from arien_flows.tracing.values import PriceTableUsed, RateStep

FAULTS_SHOWN = 20
"""Faulty rows of one file; `--json` lists them all."""


def report_lines(reports: Sequence[PriceReport]) -> Iterable[str]:
    """Return what became of files that were offered."""
    for report in reports:
        found = report.table
        if found is None:
            yield f"{report.file}: refused. {report.error}"
            continue
        if report.result == "already_imported":
            yield (
                f"{report.file}: already imported at {shown_time(found.imported_at)} as price "
                f"table {found.id}; nothing was changed"
            )
        else:
            yield f"{report.file}: price table {found.id}, {_taken(found)}"
        yield from cautions(found.column, found.granularity, found.first_time)
        for row in report.faults[:FAULTS_SHOWN]:
            yield f"   line {row.line} is not usable: {row.text!r} {row.fault}"
        if len(report.faults) > FAULTS_SHOWN:
            left = len(report.faults) - FAULTS_SHOWN
            yield f"   {left:,} more are not usable: add --json to see them all"


def table_lines(tables: Sequence[PriceTableAnswer]) -> Iterable[str]:
    """Return a list of price tables."""
    if not tables:
        yield "No prices were imported yet: `arien-flows prices import FILE` does it."
        return
    yield from table(
        ("Table", "Price of", "In", "Each", "Points", "Missing", "From", "To", "Source", "State"),
        (
            (
                str(each.id),
                each.asset,
                each.currency,
                EACH.get(each.granularity, each.granularity),
                f"{each.points:,}",
                f"{each.missing:,}",
                shown_time(each.first_time),
                shown_time(each.last_time),
                f"{each.source} ({each.file}, {each.column})",
                _state(each),
            )
            for each in tables
        ),
    )


def price_lines(answer: PriceAnswer) -> Iterable[str]:
    """Return what a coin was worth, and who says so."""
    yield f"One {answer.asset} was worth {answer.rate} {answer.currency} (an attribution)"
    yield from pairs((("At", shown_time(answer.time)),))
    yield ""
    files = {used.points_sha256: used for used in answer.tables}
    if len(answer.steps) > 1:
        yield "Derived from two prices, and rounded to 18 digits:"
    for step in answer.steps:
        yield _stated(step)
        used = files[step.table]
        yield from pairs(_table_rows(used))
        yield from cautions(used.column, used.granularity, used.first_time)


def withdrawal_lines(answer: PriceTableAnswer) -> Iterable[str]:
    """Return what became of a table that was withdrawn."""
    yield (
        f"Price table {answer.id} ({answer.file}) is withdrawn; its {answer.points:,} prices and "
        "the file are kept, and no longer count."
    )


def _taken(found: PriceTableAnswer) -> str:
    parts = [
        f"{counted(found.points, 'price')} of {found.asset} in {found.currency} by "
        f"{EACH.get(found.granularity, found.granularity)} from {shown_time(found.first_time)} "
        f"to {shown_time(found.last_time)}, column {found.column}"
    ]
    if found.missing:
        parts.append(
            f"{found.missing:,} missing between them (at most {_hours(found.longest_gap_seconds)} "
            "apart)"
        )
    if found.absent:
        parts.append(f"{counted(found.absent, 'row')} without a price")
    if found.repeated:
        parts.append(f"{counted(found.repeated, 'repeated row')} left out")
    if found.faulty:
        parts.append(f"{found.faulty:,} not usable")
    return "; ".join(parts)


def _stated(step: RateStep) -> str:
    what = f"one {step.asset} is {step.price} {step.currency} from {shown_time(step.time)}"
    return f"{what} (divided by)" if step.is_divisor else what


def _table_rows(used: PriceTableUsed) -> tuple[tuple[str, str], ...]:
    return (
        ("   Source", used.source),
        ("   Licence", used.licence or NOTHING),
        ("   Each", EACH.get(used.granularity, used.granularity)),
        ("   File", f"{used.file}, column {used.column}"),
        ("   SHA-256", used.sha256),
    )


def _state(each: PriceTableAnswer) -> str:
    if each.withdrawal is None:
        return "in effect"
    moment = shown_time(each.withdrawal.withdrawn_at)
    return f"withdrawn {moment} by {each.withdrawal.withdrawn_by}: {each.withdrawal.reason}"


def _hours(seconds: int) -> str:
    return f"{seconds // 3_600:,} hours" if seconds >= 3_600 else f"{seconds:,} seconds"
