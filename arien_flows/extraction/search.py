"""What a scan has found so far, and where something stands already.

Each place of a document is read once: an address or a secret that was found keeps its stretch, and
what is found later by a bolder rule and overlaps it is dropped. So rules are tried from the
plainest to the boldest.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from arien_flows.extraction.addresses import Reading
from arien_flows.extraction.finding import Found, Hash, Partial, Scan, Secret, SecretKind
from arien_flows.extraction.letters import Letters
from arien_flows.extraction.rules import factor_of
from arien_flows.extraction.text import DocumentText


@dataclass(slots=True, kw_only=True)
class Search:
    """Findings in one document, under way."""

    document: DocumentText
    raw: bytes | None
    """The bytes that the document's text was made of, if the caller has them."""

    found: list[Found] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    hashes: list[Hash] = field(default_factory=list)
    partials: list[Partial] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    _taken: list[tuple[int, int]] = field(default_factory=list)

    def is_free(self, start: int, stop: int) -> bool:
        """Return whether nothing was found that overlaps some characters."""
        return not _overlaps(self._taken, start, stop)

    def add_address(
        self,
        reading: Reading,
        letters: Letters,
        start: int,
        stop: int,
        rules: tuple[str, ...] = (),
    ) -> bool:
        """Keep an address that some letters show; return whether its place was free."""
        changes = letters.changes(start, stop)
        start, stop = letters.place(start, stop)
        if not self.is_free(start, stop):
            return False
        begin, end = self.document.bytes_of(start, stop)
        rules = (*changes, *self._composed(start, stop, begin, end), *rules)
        self.found.append(
            Found(
                networks=reading.networks,
                address=reading.address,
                form=reading.form,
                start=start,
                stop=stop,
                begin=begin,
                end=end,
                rules=rules,
                factor=reading.factor * factor_of(rules),
            )
        )
        insort(self._taken, (start, stop))
        return True

    def add_secret(self, kind: SecretKind, is_checked: bool, start: int, stop: int) -> None:
        """Keep where a secret stands, by characters of the document's text."""
        begin, end = self.document.bytes_of(start, stop)
        self.secrets.append(
            Secret(kind=kind, start=start, stop=stop, begin=begin, end=end, is_checked=is_checked)
        )
        insort(self._taken, (start, stop))

    def add_hash(self, text: str, start: int, stop: int) -> None:
        """Keep the id of a transaction or a block."""
        begin, end = self.document.bytes_of(start, stop)
        self.hashes.append(Hash(text=text, start=start, stop=stop, begin=begin, end=end))
        insort(self._taken, (start, stop))

    def result(self) -> Scan:
        """Return what was found, in the order in which it stands."""
        hidden = sorted((each.start, each.stop) for each in self.secrets)
        return Scan(
            found=tuple(
                sorted(self.found, key=lambda each: (each.start, each.stop)),
            ),
            secrets=tuple(sorted(self.secrets, key=lambda each: (each.start, each.stop))),
            cut=tuple(self.cut),
            partials=tuple(
                sorted(
                    (
                        each
                        for each in self.partials
                        if not _overlaps(hidden, each.start, each.stop)
                    ),
                    key=lambda each: (each.start, each.stop),
                )
            ),
            hashes=tuple(sorted(self.hashes, key=lambda each: each.start)),
        )

    def _composed(self, start: int, stop: int, begin: int, end: int) -> tuple[str, ...]:
        """Return the rule for letters that only the normal form of the text made ASCII."""
        if self.raw is None or not self.document.text[start:stop].isascii():
            return ()
        return () if self.raw[begin:end].isascii() else ("full_width",)


def _overlaps(taken: list[tuple[int, int]], start: int, stop: int) -> bool:
    """Return whether one of some stretches, which are in order and lie apart, overlaps another."""
    at = bisect_left(taken, (start, start))
    after = at < len(taken) and taken[at][0] < stop
    return after or (at > 0 and taken[at - 1][1] > start)
