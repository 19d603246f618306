"""Which code does which kind of job."""

from collections.abc import Mapping

from arien_flows.batch.job import run_batch_job
from arien_flows.jobs.run import Handler
from arien_flows.jobs.trace_job import KIND, run_trace_job

HANDLERS: Mapping[str, Handler] = {
    "batch": run_batch_job,
    KIND: run_trace_job,
}
