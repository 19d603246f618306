"""Expected errors, each with the exit code and the HTTP status it means.

```
ArienError                     base class; anything else that is raised is a bug
├── InputError                 2 / 422  the question is wrong: says what to change
│   ├── NothingReceivedError   2 / 422  a source of money never received any from outside
│   └── StaleCursorError       2 / 409  a page of a list that no longer exists
├── NotFoundError              2 / 404  the ledger does not hold it; says how far it looked
├── NotAuthenticatedError      1 / 401  nobody in particular asks, or with what no longer counts
├── ForbiddenError             1 / 403  who asks may not do this
├── ConflictError              1 / 409  it is in a state in which this cannot be done
│   └── QueueFullError         1 / 429  too much of somebody's work waits already
├── LostUpdateError            1 / 412  somebody else changed it meanwhile; read it again
├── UnconditionalError         1 / 428  a change has to say which version it is of
├── SourceError                4 / 502  a source is missing, foreign or broken
├── SignInServiceError         1 / 502  the sign-in service (OpenID Connect) cannot be used
├── LedgerError                1 / 500  the ledger cannot be used as it is
│   ├── LedgerLockedError      1 / 409  another process writes to it
│   ├── LedgerVersionError     1 / 500  written by a newer version of the program
│   ├── LedgerDamagedError     1 / 500  its files contradict each other
│   └── StorageFullError       1 / 507  no space is left on the device
├── CasebookError              1 / 500  the casebook cannot be used as it is
│   ├── CasebookBusyError      1 / 503  another process is writing to it
│   ├── CasebookReadOnlyError  1 / 500  nobody here may write to it
│   └── CasebookVersionError   1 / 500  of another version of the program; says what to do
├── AuditUnavailableError      1 / 503  what is asked cannot be recorded, so it is not answered
├── ResultDamagedError         1 / 500  a file that a job made is gone or changed
├── UnfinishedError            3 / 503  the requests of a run did not suffice; it can go on
└── StaleSnapshotError         1 / 503  a reorganisation removed what was being read; ask again
```
"""

from typing import ClassVar


class ArienError(Exception):
    """Base class of expected errors. Anything else is a bug."""

    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"


class InputError(ArienError):
    """The question cannot be answered as it was put."""

    exit_code = 2
    status = 422
    title = "The request cannot be answered as it was put"


class NothingReceivedError(InputError):
    """A source that was named has no money to follow."""


class StaleCursorError(InputError):
    """A cursor points into a list that a reorganisation has changed."""

    status = 409
    title = "The list has changed since the cursor was made"


class NotFoundError(ArienError):
    """What was asked for is not there: in the ledger, or among what the caller may see."""

    exit_code = 2
    status = 404
    title = "Not found"


class NotAuthenticatedError(ArienError):
    """The service does not know who asks."""

    status = 401
    title = "Who asks is not known"


class ForbiddenError(ArienError):
    """Whoever asks may not do this."""

    status = 403
    title = "Not allowed"


class ConflictError(ArienError):
    """What is asked cannot be done in the state that the thing is in."""

    status = 409
    title = "Not possible in this state"


class QueueFullError(ConflictError):
    """Too many jobs of whoever asks wait already."""

    status = 429
    title = "Too many jobs wait"


class LostUpdateError(ArienError):
    """Somebody else has changed it since it was read."""

    status = 412
    title = "It has been changed since it was read"


class UnconditionalError(ArienError):
    """A change does not say which version it is of."""

    status = 428
    title = "The version that is changed has to be named"


class SourceError(ArienError):
    """A source of blocks is missing, foreign or broken."""

    exit_code = 4
    status = 502
    title = "The source is unusable"


class SignInServiceError(ArienError):
    """The sign-in service does not answer, or not as it should."""

    status = 502
    title = "The sign-in service cannot be used"


class LedgerError(ArienError):
    """The ledger cannot be used as it is."""

    title = "The ledger cannot be used"


class LedgerLockedError(LedgerError):
    """Another process is writing to the ledger."""

    status = 409


class LedgerVersionError(LedgerError):
    """The ledger was written by a newer or an earlier version of the program."""


class LedgerDamagedError(LedgerError):
    """Files of the ledger contradict each other."""


class StorageFullError(LedgerError):
    """The device has no space left; what was committed before is intact."""

    status = 507


class CasebookError(ArienError):
    """The casebook cannot be used as it is."""

    title = "The casebook cannot be used"


class CasebookBusyError(CasebookError):
    """Another process is writing to the casebook, and did not end in time."""

    status = 503


class CasebookReadOnlyError(CasebookError):
    """The casebook can be read, and not be written to."""


class CasebookVersionError(CasebookError):
    """The casebook's tables are those of another version of the program."""


class AuditUnavailableError(ArienError):
    """The audit log cannot be written to, and nothing is answered or done unrecorded."""

    status = 503
    title = "The request cannot be recorded"


class ResultDamagedError(ArienError):
    """A file that a job made is not there any more, or not what it was."""

    title = "A result was lost or changed"


class UnfinishedError(ArienError):
    """The requests that a run may make ended before there was an answer; the next one goes on."""

    exit_code = 3
    status = 503
    title = "The answer is not finished"


class StaleSnapshotError(ArienError):
    """A reorganisation removed blocks while they were being read."""

    status = 503
    title = "The chain was reorganised while the answer was made"
