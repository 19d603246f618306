"""Answers of an explorer that hold as of one block, kept in the archive and used again."""

import hashlib
from threading import Lock

from arien_flows.fetched.archive import Archive


class ArchivedAnswers:
    """What a source answers as of a block. Safe to share between threads."""

    def __init__(self, archive: Archive, source: str, tip: bytes) -> None:
        self._archive = archive
        self._source = source
        self._tip = tip
        self._used: dict[str, bytes] = {}
        self._lock = Lock()

    def recall(self, question: str) -> bytes | None:
        """Return the answer to a question, if there was one."""
        key = question.encode()
        found = self._archive.statements(self._source, self._tip, [key]).get(key)
        if found is not None:
            self._use(question, found)
        return found

    def remember(self, question: str, answer: bytes) -> None:
        """Keep the answer to a question."""
        self._archive.keep_statements(self._source, self._tip, {question.encode(): answer})
        self._use(question, answer)

    def sha256(self) -> str:
        """Return the hash over the block and every answer that was used, whatever the order."""
        with self._lock:
            rows = sorted(self._used.items())
        whole = hashlib.sha256(self._tip)
        for question, digest in rows:
            whole.update(hashlib.sha256(question.encode()).digest() + digest)
        return whole.hexdigest()

    def _use(self, question: str, answer: bytes) -> None:
        with self._lock:
            self._used[question] = hashlib.sha256(answer).digest()
