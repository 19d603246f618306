"""Whole-ledger taint over a reading, with its rows as files if they are wanted."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from arien_flows.tracing.engine import Ground
from arien_flows.tracing.request import FeeMode, PolicyName, SubsidyOrder
from arien_flows.tracing.sweep import Watch, run_sweep
from arien_flows.tracing.sweep_answer import TaintAnswer, TaintRequestShape
from arien_flows.tracing.sweep_files import (
    FeeRows,
    folder_in_the_making,
    write_answer,
    write_coins,
)
from arien_flows.tracing.sweep_request import SweepRequest
from arien_flows.tracing.sweep_summary import taint_answer
from arien_flows.workspace import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Tainted:
    """An answer, and where its rows were written."""

    answer: TaintAnswer
    files: tuple[Path, ...]


def tainted(
    reading: Reading,
    request: SweepRequest,
    folder: Path | None = None,
    watch: Watch = lambda _done, _total: None,
) -> Tainted:
    """Pass over the ledger; with a `folder`, write the answer, its manifest and its rows there.

    When `watch` raises, or anything else does, nothing is left behind.
    """
    ground = Ground(
        view=reading.view,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks if request.stops_at_coinjoins else None,
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
    )
    if folder is None:
        return Tainted(answer=taint_answer(run_sweep(ground, request, watch=watch)), files=())
    with folder_in_the_making(folder) as making:
        with ExitStack() as stack:
            if request.fee_mode == "drop":
                swept = run_sweep(ground, request, watch=watch)
            else:
                fees = stack.enter_context(FeeRows(reading.view, making))
                swept = run_sweep(ground, request, watch=watch, take_fees=fees.take)
        write_coins(swept, making)
        answer = taint_answer(swept)
        write_answer(swept, answer, making)
        names = sorted(file.name for file in making.iterdir())
    return Tainted(answer=answer, files=tuple(folder / name for name in names))


def taint_request_of(shape: TaintRequestShape, sources: tuple[str, ...]) -> SweepRequest:
    """Return the question that an answer was made for; `sources` are all of them.

    Every one counts as listed: those that were named by themselves were there, or there would be
    no answer, so nothing is passed over that was not then.
    """
    return SweepRequest(
        sources=(),
        listed=sources,
        policy=cast("PolicyName", shape.policy),
        fee_mode=cast("FeeMode", shape.fee_mode),
        subsidy_order=cast("SubsidyOrder", shape.subsidy_order or "first"),
        until_height=shape.until_height,
        stops_at_services=shape.stops_at_services,
        stops_at_coinjoins=shape.stops_at_coinjoins,
    )
