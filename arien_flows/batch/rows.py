"""What a batch is asked: the rows of an investigator's table, as they were understood.

Every row of the file is either an `InputRow`, which can be answered, or a `RowFault`, which says
why it cannot and what to write instead; none is dropped. A row keeps its cells as they stood, so
that an answer can be laid beside the question and a faulty row be corrected and sent again. The
one exception are secrets: where a private key or a seed phrase stood, `REMOVED` stands, here and
in everything that is made of it.

All of it consists of texts, integers and moments, so that `shapes.plain` and `shapes.shaped`
write it to a file and read it back.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

REMOVED = "[private key removed]"
"""What stands in the place of a secret."""

MOST_ROWS = 10_000
"""Rows of one table that are not blank, without its header."""

LARGEST_TABLE = 10_000_000
"""Bytes of one table."""

SubjectKind = Literal["address", "transaction", "output"]
"""What a row asks about; an output is written `txid:vout`."""

Direction = Literal["forward", "backward", "both"]
Method = Literal["fifo", "lifo", "haircut", "poison", "tiho", "seniority"]
InputFormat = Literal["csv", "tsv", "xlsx", "text"]

FaultCode = Literal[
    "empty",
    "checksum",
    "unknown_format",
    "unsupported_chain",
    "network_mismatch",
    "private_key",
    "rounded_number",
    "bad_value",
    "too_many_cells",
    "cell_too_long",
    "not_found",
    "stale",
    "budget",
    "failed",
]
"""Why a row has no answer. Reading gives the first ten; the others come with computing: the ledger
does not hold it, it changed meanwhile, a limit was reached, or the program has a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One row that can be answered."""

    number: int
    """Place in the file as a spreadsheet counts it: from 1, with the header and blank rows."""

    cells: tuple[str, ...]
    """One for each column of the table, as they stood."""

    subject: str
    """The address in canonical text, the transaction's id, or `txid:vout`."""

    kind: SubjectKind
    network: str
    """As the row names it, else that of the text."""

    case_ref: str = ""
    label: str = ""
    note: str = ""
    direction: Direction | None = None
    """Nothing where the row does not say, here and below."""

    since: datetime | None = None
    """In UTC; column `from`."""

    until: datetime | None = None
    """In UTC, inclusive: a bare date means its last second; column `to`."""

    min_value: int | None = None
    """In base units of the network's coin, or of the token where one is traced."""

    max_hops: int | None = None
    method: Method | None = None
    remarks: tuple[str, ...] = ()
    """How the row was understood where that was not plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """One row that has no answer, and why."""

    row: int
    """As `InputRow.number`."""

    cells: tuple[str, ...]
    """As `InputRow.cells`; what the header has no column for is joined to the last."""

    code: FaultCode
    """The first thing that is wrong."""

    detail: str
    """All that is wrong, in sentences that repeat no more of a cell than a character."""

    suggestion: str = ""
    """What may have been meant, to write into the cell; the program does not assume it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTable:
    """A table that was read."""

    header: tuple[str, ...]
    """Names of the columns; `address` and `column_2`, … where the table has no header."""

    rows: tuple[InputRow, ...]
    """In the order of the file."""

    faults: tuple[RowFault, ...]
    """In the order of the file."""

    format: InputFormat
    delimiter: str
    """What parts the columns of a text; empty where there is one column, or for a workbook."""

    has_header: bool
    encoding: str
    """`utf-8`, `utf-16-le`, `utf-16-be`, `utf-32-le`, `utf-32-be` or `windows-1252`; `utf-8` for a
    workbook."""

    sha256: str
    """Of the bytes as they came."""

    remarks: tuple[str, ...]
    """How the table was understood where that was not plain, for people."""
