"""What holds connections or files open, and lets go of them at the end of a `with` block."""

from types import TracebackType
from typing import Protocol, Self


class Closing(Protocol):
    """Something that is closed after use."""

    def close(self) -> None:
        """Let go of connections and files; may be repeated."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
