"""Taking down who looked at a document that holds keys or seed phrases.

What they say is hidden, but where they stand and the words around are shown, and whoever may read
the casebook can take the document from it. So every look has a row in the evidence chain, made
before anything is shown. A casebook that nobody can write to is read all the same.
"""

from datetime import datetime

from arien_flows.answers.listings import ListingDetail
from arien_flows.casebook.book import Casebook
from arien_flows.errors import CasebookReadOnlyError


def record_view(
    casebook: Casebook, detail: ListingDetail, *, reason: str, at: datetime, by: str
) -> None:
    """Record that somebody sees documents with secrets, each by itself; `reason` says by what."""
    stretches: dict[str, tuple[int, int]] = {}
    for version in detail.versions:
        sha256 = version.capture.sha256
        for secret in (each for reading in version.readings for each in reading.secrets):
            begin, end = stretches.get(sha256, (secret.begin, secret.end))
            stretches[sha256] = min(begin, secret.begin), max(end, secret.end)
    try:
        for sha256, (begin, end) in sorted(stretches.items()):
            casebook.evidence.secret_viewed(
                document_sha256=sha256, begin=begin, end=end, reason=reason, at=at, by=by
            )
    except CasebookReadOnlyError:
        return
