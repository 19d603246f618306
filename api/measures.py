"""What the service counts about itself, for Prometheus.

Labels hold operation ids and statuses, never a path: an address in a label would stand in every
monitoring system. Several processes count in files of a folder that `PROMETHEUS_MULTIPROC_DIR`
names, and whichever is asked adds them up; `serve` sets it before they start.
"""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

requests = Counter("arien_flows_requests", "Requests that were answered.", ("operation", "status"))
request_seconds = Histogram(
    "arien_flows_request_seconds", "Until the end of the answer.", ("operation",), buckets=SECONDS
)
in_flight = Gauge(
    "arien_flows_requests_in_flight",
    "Requests that are being answered.",
    multiprocess_mode="livesum",
)
audit_commit_seconds = Histogram(
    "arien_flows_audit_commit_seconds",
    "Time of a commit of the audit log.",
    buckets=SECONDS,
)
audit_rows = Counter("arien_flows_audit_rows", "Rows that were written to the audit log.")
audit_waiting = Gauge(
    "arien_flows_audit_waiting", "Rows that wait to be recorded.", multiprocess_mode="livesum"
)


def watch_audit(seconds: float, rows: int) -> None:
    """Count a commit of the audit log."""
    audit_commit_seconds.observe(seconds)
    audit_rows.inc(rows)
