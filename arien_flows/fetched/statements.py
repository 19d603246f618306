"""What one source says of the present: asked once for each tip, in parts that the budget allows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from arien_flows.fetched.archive import Archive
from arien_flows.fetched.conversation import Conversation
from chains.errors import LookupFailedError

PART = 256
"""Most questions that are put to a source at once."""

Item = TypeVar("Item")

Answers = Sequence[bytes | LookupFailedError]


class Statements:
    """A source's statements while its last block is `tip`."""

    def __init__(
        self, archive: Archive, conversation: Conversation, source: str, tip: bytes
    ) -> None:
        self.reused = 0
        """Statements that were taken from the archive."""

        self.said: dict[bytes, bytes] = {}
        """Answers of this run, by question."""

        self._archive = archive
        self._conversation = conversation
        self._source = source
        self._tip = tip
        self._failures: dict[bytes, LookupFailedError] = {}

    def ask(
        self,
        questions: Sequence[bytes],
        put: Callable[[Sequence[bytes]], Answers],
        cost: int,
    ) -> dict[bytes, bytes | LookupFailedError]:
        """Return the answers; what was not asked at this tip is put to the source.

        An answer takes about `cost` requests. What fails is not asked again in this run.
        """
        unknown = [key for key in questions if key not in self.said and key not in self._failures]
        kept = self._archive.statements(self._source, self._tip, unknown)
        self.said |= kept
        self.reused += len(kept)
        for part in self.parts([key for key in unknown if key not in kept], cost):
            answers = dict(zip(part, put(part), strict=True))
            self._failures |= {
                key: said for key, said in answers.items() if isinstance(said, LookupFailedError)
            }
            self.keep({key: said for key, said in answers.items() if isinstance(said, bytes)})
        return {
            key: self.said[key] if key in self.said else self._failures[key] for key in questions
        }

    def known(self, question: bytes) -> bytes | None:
        """Return what was answered at this tip before, without asking."""
        if question not in self.said:
            self.said |= self._archive.statements(self._source, self._tip, [question])
        return self.said.get(question)

    def keep(self, answers: Mapping[bytes, bytes]) -> None:
        """Keep answers for as long as the tip stays."""
        self._archive.keep_statements(self._source, self._tip, answers)
        self.said |= answers

    def parts(self, items: Sequence[Item], cost: int) -> Iterator[Sequence[Item]]:
        """Cut questions so that one part's answers are not lost to the end of the budget."""
        at = 0
        while at < len(items):
            size = max(1, min(PART, self._conversation.left // cost))
            yield items[at : at + size]
            at += size
