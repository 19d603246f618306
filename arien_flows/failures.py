"""What each expected error means to the outside: one table for exit codes and HTTP statuses.

Errors of this package carry their meaning themselves; those of the chain layer, which knows of
neither, and the few of the operating system that a user can do something about get theirs here.
Whatever is not found in this module is a bug of the program.
"""

import errno
from dataclasses import dataclass

from arien_flows.errors import ArienError
from chains.errors import (
    AddressError,
    ChainError,
    LookupFailedError,
    MalformedBlockError,
    SourceUnavailableError,
    UnknownNetworkError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An expected error, as a user meets it."""

    code: str
    """Stable name for programs."""

    title: str
    """What kind of failure it is; the same for all of its kind."""

    detail: str
    """What is wrong in this case and what to do, on one line."""

    exit_code: int
    status: int
    """The HTTP status."""


_CHAIN: tuple[tuple[type[ChainError], str, str, int, int], ...] = (
    (AddressError, "address", "Not an address of this network", 2, 422),
    (UnknownNetworkError, "unknown_network", "No such network", 2, 404),
    (MalformedBlockError, "malformed_block", "The source delivered a broken block", 4, 502),
    (LookupFailedError, "lookup_failed", "An item could not be fetched", 3, 502),
    (SourceUnavailableError, "source", "The source is unusable", 4, 502),
    (ChainError, "chain", "Something went wrong with the chain", 1, 500),
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def failure_of(error: BaseException) -> Failure | None:
    """Return what an expected error means, or nothing for a bug."""
    if isinstance(error, ArienError):
        return Failure(
            code=_code(type(error)),
            title=error.title,
            detail=_line(error),
            exit_code=error.exit_code,
            status=error.status,
        )
    for kind, code, title, exit_code, status in _CHAIN:
        if isinstance(error, kind):
            return Failure(
                code=code, title=title, detail=_line(error), exit_code=exit_code, status=status
            )
    return _system_failure(error) if isinstance(error, OSError) else None


def _system_failure(error: OSError) -> Failure | None:
    if error.errno in _FULL:
        return Failure(
            code="storage_full",
            title="No space is left",
            detail="no space is left on the device; what was committed is intact: "
            "make room and run the same command again",
            exit_code=1,
            status=507,
        )
    if error.filename is not None:
        return Failure(
            code="file",
            title="A file cannot be used",
            detail=f"{error.filename}: {(error.strerror or 'cannot be used').lower()}",
            exit_code=2,
            status=500,
        )
    return None


def _code(kind: type[ArienError]) -> str:
    """Return `NotFoundError` as `not_found`."""
    name = kind.__name__.removesuffix("Error")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
