"""The job `trace`: a trace that may take longer than a request should wait.

It leaves one file, the very bytes that the service would have answered at once.
"""

from arien_flows.jobs.folder import write_file
from arien_flows.jobs.run import JobRun, MadeFile
from arien_flows.jobs.trace_order import TraceOrder, trace_made

KIND = "trace"
TRACE = "trace.json"


def run_trace_job(run: JobRun) -> tuple[MadeFile, ...]:
    """Make the trace that was ordered, and write it into the job's folder."""
    run.progress(0, 1, "traces")
    made = trace_made(run.workspace, TraceOrder.from_plain(run.job.request))
    file = write_file(run.folder, TRACE, "application/json", made.content)
    run.progress(1, 1, "traces")
    return (file,)
