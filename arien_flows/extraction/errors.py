"""Errors of reading documents.

```
ExtractionError           1 / 500  documents cannot be read as asked; an ArienError
├── SelectorError         1 / 500  a selector says more than is understood
└── LayoutError           1 / 500  a layout of pages is not written as it should be
```
"""

from arien_flows.errors import ArienError


class ExtractionError(ArienError):
    """Base class of expected errors of reading documents."""


class SelectorError(ExtractionError):
    """A selector says more than is understood here."""


class LayoutError(ExtractionError):
    """A layout of pages is not written as it should be."""
