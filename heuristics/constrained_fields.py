"""The numbers in the tables of a constrained clustering: rules, verdicts, outcomes, conflicts.

All are stored on disk, so a number that was given out keeps its meaning.
"""

from enum import IntEnum


class DecidedBy(IntEnum):
    """By which rule an output was decided about; stored on disk beside `MergeRule`."""

    REUSE = 16
    KEYSET = 17
    VOTE = 18
    MODEL = 19
    ONE_TIME = 20


class Verdict(IntEnum):
    """What a decision says about the owner of an input and that of an output."""

    SAME_OWNER = 1
    OTHER_OWNER = 2


class Outcome(IntEnum):
    """What became of a decision (stored on disk)."""

    JOINED = 0
    TOGETHER = 1
    """The two were one set already."""

    SEPARATED = 2
    APART = 3
    """They were separated already."""

    NOT_SEPARATED = 4
    """They were one set already, so the decision to keep them apart came to nothing."""

    REFUSED = 5
    """Something keeps the two sets apart; a conflict says what."""

    PUT_OFF = 6
    """Both sets are large; see `ConflictKind.GROWTH`."""

    NO_PAYER = 7
    """Tags name different owners of the transaction's inputs: nobody knows whose change it is."""


class ConflictKind(IntEnum):
    """Why a merge is in the table of conflicts (stored on disk)."""

    OWNERS = 0
    """Tags name different owners: refused."""

    SERVICES = 1
    """Less sure tags name different services: refused to a change rule."""

    SEPARATED = 2
    """A decision separated the two sets: refused to a change rule."""

    SERVICES_JOINED = 3
    """As `SERVICES`, but a co-spend or link joined them all the same."""

    SEPARATION_OVERRULED = 4
    """As `SEPARATED`, but a co-spend or link joined them all the same."""

    GROWTH = 5
    """A change rule would join two large sets: not joined."""

    GROWTH_JOINED = 6
    """As `GROWTH`, but a co-spend or link joined them all the same."""

    SEVERAL_PAYERS = 7
    """Tags name different owners of a transaction's inputs, so it joins no other inputs either."""


class ConflictField(IntEnum):
    """What the columns of the table of conflicts hold; it is `uint32` of shape (rows, 9)."""

    TRANSACTION = 0
    ADDRESS_A = 1
    ADDRESS_B = 2
    ROOT_A = 3
    ROOT_B = 4
    """Roots of the two sets at that time."""

    RULE = 5
    KIND = 6
    OWNER_A = 7
    OWNER_B = 8
    """Numbers of the owners or services of the two sets at that time, where they are what spoke
    against the merge; `NO_OWNER` elsewhere, and where nobody names one."""


CONFLICT_WIDTH = len(ConflictField)
ROWS_WIDTH = 3
"""Columns of the table of blocks: rows of the log, of decisions and of conflicts up to its end."""
