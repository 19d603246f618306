"""What is said of a list when it is offered, because the list does not say it itself."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where a list is from, under what licence, and of which day; nothing where nobody said."""

    source: str | None = None
    licence: str | None = None
    as_of: date | None = None
    """Counts as the day of confirmation of tags that name none."""

    def source_or(self, usual: str) -> str:
        """Return the source, or what lists of the format are usually from."""
        return self.source or usual


NO_TERMS = Terms()
