"""What an explorer says instead of an answer, told apart by what can be done about it.

```
LookupFailedError                 this item failed; the explorer goes on
├── NotOfferedError               the explorer has no such list; the answer names what is missing
└── QueryTooLargeError            too much at once: ask for less
SourceUnavailableError            the explorer is of no use (any more)
├── ExplorerBusyError             too often or too much now; it is asked again after a pause
├── QuotaError                    what the key may ask in a day is used up
├── KeyRefusedError               the key is missing or wrong
├── ChainNotServedError           the explorer does not have this chain, or not for this key
└── UnexpectedAnswerError         no answer that an explorer would give
```
"""

from chains.errors import LookupFailedError, SourceUnavailableError


class NotOfferedError(LookupFailedError):
    """The explorer has no such list or question, or not for this key."""


class QueryTooLargeError(LookupFailedError):
    """The explorer gave up on a question that asks for too much at once."""


class ExplorerBusyError(SourceUnavailableError):
    """The explorer refuses for now."""


class QuotaError(SourceUnavailableError):
    """What may be asked in a day is used up."""


class KeyRefusedError(SourceUnavailableError):
    """The key is missing or wrong."""


class ChainNotServedError(SourceUnavailableError):
    """The explorer does not answer about this chain."""


class UnexpectedAnswerError(SourceUnavailableError):
    """The answer is not of the documented shape; the message says where and how."""
