"""Errors of the chain layer.

```
ChainError                 anything expected that goes wrong with a chain or what it delivers
├── AddressError           a text is not an address of this network; says what is wrong with it
├── UnknownNetworkError    no such network
├── MalformedBlockError    bytes that should be a block are not
├── LookupFailedError      this item failed; the source goes on
├── SourceUnavailableError the source is unusable; stop the run
├── ChainChangedError      the best chain changed while it was read; refresh and read again
└── RequestBudgetError     as many requests were made as the run may make
```
"""


class ChainError(Exception):
    """Base class of expected errors of the chain layer."""


class AddressError(ChainError):
    """A text is not an address of the network; the message names the fault."""


class UnknownNetworkError(ChainError):
    """The network's name is not one that the program knows."""


class MalformedBlockError(ChainError):
    """Bytes that should be a block do not parse; the message says where and why."""


class LookupFailedError(ChainError):
    """One item could not be had; others may still be."""


class SourceUnavailableError(ChainError):
    """The source as a whole is unusable: missing, foreign or broken. The run stops."""


class ChainChangedError(ChainError):
    """The source's best chain changed while it was read: refresh the source and read again."""


class RequestBudgetError(ChainError):
    """The run has made as many requests as it may; what was fetched is kept."""
