"""What the service counts about itself, as Prometheus reads it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from api import measures
from api.callers import allow
from api.deps import WorkspaceDep, problems
from arien_flows.access.permissions import Permission
from arien_flows.casebook.gauges import Work
from arien_flows.casebook.job_records import JobState
from arien_flows.errors import ArienError
from arien_flows.workspace import Workspace
from chains.errors import ChainError

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

COUNTED: dict[int | str, dict[str, object]] = {
    200: {
        "description": "Counters in the text format of Prometheus.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}

router = APIRouter(tags=["service"])


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Show what the service counts about itself",
    response_class=Response,
    responses=COUNTED | problems(_403="The caller may not read metrics."),
    dependencies=[allow(Permission.READ_METRICS)],
)
def metrics(workspace: WorkspaceDep) -> Response:
    """Return counters of all processes, and what the databases and ledgers show now.

    No label holds an address, a name, or anything else of an investigation.
    """
    measures.audit_waiting.set(workspace.audit.committer.waiting)
    registry = CollectorRegistry()
    folder = os.environ.get(FOLDER)
    if folder is not None:
        _forget_the_dead(Path(folder))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
    registry.register(_State(workspace))
    text = generate_latest(registry)
    if folder is None:
        text = generate_latest(REGISTRY) + text
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class _State(Collector):
    """Reads what stands in ledgers, when it is asked."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def collect(self) -> Iterable[GaugeMetricFamily]:
        tips = GaugeMetricFamily(
            "arien_flows_ledger_height", "Height of the last block.", labels=["network"]
        )
        for name in self._workspace.networks():
            # A ledger that is being changed is left out this time.
            with suppress(ArienError, ChainError, OSError):
                tips.add_metric([name], self._workspace.open_any(name).read().view.tip.height)
        yield tips
        # Where the casebook is away, the rest is told all the same.
        with suppress(ArienError):
            yield from _of_work(self._workspace.casebook.work())


def _of_work(work: Work) -> Iterable[GaugeMetricFamily]:
    jobs = GaugeMetricFamily("arien_flows_jobs", "Jobs by their state.", labels=["state"])
    for state in JobState:
        jobs.add_metric([state.value], work.jobs.get(state.value, 0))
    yield jobs
    since = work.waiting_since
    waited = 0.0 if since is None else (datetime.now(UTC) - since).total_seconds()
    yield GaugeMetricFamily(
        "arien_flows_oldest_queued_job_seconds",
        "How long the queued job that waits longest has waited; 0 where none waits.",
        value=max(0.0, waited),
    )
    yield GaugeMetricFamily(
        "arien_flows_pending_deliveries",
        "Deliveries of webhooks that will be tried again.",
        value=work.pending_deliveries,
    )


def _forget_the_dead(folder: Path) -> None:
    """Leave out what ended processes were about to do; what they have done stays counted."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
