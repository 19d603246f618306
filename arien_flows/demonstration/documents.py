"""What the casebook knows of a collected document: its words, and the first address in it."""

from dataclasses import dataclass
from pathlib import Path

from arien_flows.answers.listings import FindingAnswer, listing_detail
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.capture_records import CaptureFilter
from arien_flows.errors import NotFoundError

MOST_DOCUMENTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """An address in a document, with what is needed to find it again."""

    file: str
    sha256: str
    """Of the document's bytes."""

    text: str
    """The document."""

    finding: FindingAnswer
    """The address, where it stands, in what role, and the rule that says so."""

    @property
    def address(self) -> str:
        """The address in canonical text."""
        return self.finding.address


def first_address(casebook: Casebook, file: str) -> Quotation:
    """Return the first address that stands in a document of that name."""
    for capture, _ in casebook.captures.page(CaptureFilter(), 0, MOST_DOCUMENTS):
        if Path(capture.path).name == file:
            sha256 = capture.document_sha256
            break
    else:
        raise NotFoundError(f"the casebook holds no document called {file}")
    reading = listing_detail(casebook, sha256).versions[-1].readings[-1]
    if not reading.findings:
        raise NotFoundError(f"{file} holds no address")
    return Quotation(
        file=file,
        sha256=sha256,
        text=casebook.document(sha256).decode("utf-8").strip(),
        finding=reading.findings[0],
    )
