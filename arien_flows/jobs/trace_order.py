"""A trace as the service takes it: on either kind of chain, at once or as a job.

Both ways run this very code, so that they give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.answers.account_trace import traced_accounts
from arien_flows.answers.trace import traced
from arien_flows.shapes import plain, shaped
from arien_flows.tracing.request import TraceRequest
from arien_flows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOrder:
    """A trace to be made on a network."""

    network: str
    request: TraceRequest | AccountTraceRequest
    """Of the kind that the network keeps."""

    as_of: int | None = None
    """Height of the block that is taken for the ledger's last."""

    def to_plain(self) -> dict[str, object]:
        """Return the order as JSON knows it."""
        request = cast("dict[str, object]", plain(self.request))
        for name in ("since", "until"):
            moment: datetime | None = getattr(self.request, name)
            # Answers tell seconds; an order keeps what was said.
            request[name] = None if moment is None else moment.isoformat()
        return {
            "network": self.network,
            "keeps": "accounts" if isinstance(self.request, AccountTraceRequest) else "coins",
            "request": request,
            "as_of": self.as_of,
        }

    @classmethod
    def from_plain(cls, document: Mapping[str, object]) -> "TraceOrder":
        """Return the order that `to_plain` wrote; `ValueError` for anything else."""
        is_accounts = document["keeps"] == "accounts"
        return cls(
            network=shaped(str, document["network"], "network"),
            request=shaped(
                AccountTraceRequest if is_accounts else TraceRequest,
                document["request"],
                "request",
            ),
            as_of=shaped(int | None, document["as_of"], "as_of"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeTrace:
    """A trace that was made."""

    content: bytes
    """The answer, as the service sends it."""

    result_sha256: str
    """Hash of the result, which does not cover the manifest."""


def trace_made(workspace: Workspace, order: TraceOrder) -> MadeTrace:
    """Run a trace over the present state of its network."""
    request = order.request
    if isinstance(request, AccountTraceRequest):
        on_accounts = workspace.open_accounts(order.network).ask(
            lambda reading: traced_accounts(reading, request), height=order.as_of
        )
        return MadeTrace(
            content=on_accounts.json_bytes(),
            result_sha256=on_accounts.answer.manifest.result_sha256,
        )
    result = workspace.open(order.network).ask(
        lambda reading: traced(reading, request), height=order.as_of, clusters_anew=False
    )
    return MadeTrace(
        content=result.json_bytes(), result_sha256=result.answer.manifest.result_sha256
    )
