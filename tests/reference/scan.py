"""Slow, obvious scanning with regular expressions: the oracle of the kernels' tests."""

import re
from itertools import pairwise

BASE58 = r"[1-9A-HJ-NP-Za-km-z]"
STARTS = (
    (rf"[13mn2]{BASE58}{{25,34}}", 1),
    (rf"[LM]{BASE58}{{32,33}}", 1),
    (rf"T{BASE58}{{33}}", 1),
    (rf"[48](?:{BASE58}{{94}}|{BASE58}{{105}})", 1),
)


def stretches(text: str) -> set[tuple[str, int, int]]:
    """Return the plain addresses of a text as far as letters and lengths tell, and hashes."""
    found = set()
    for run in re.finditer(rf"{BASE58}+", text):
        if any(re.fullmatch(shape, run[0]) for shape, _ in STARTS):
            found.add(("BASE58", run.start(), run.end()))
        if any(re.fullmatch(shape, run[0][::-1]) for shape, _ in STARTS):
            found.add(("REVERSED_BASE58", run.start(), run.end()))
    for match in re.finditer(r"(?<![0-9a-fA-F])0x[0-9a-fA-F]{40}(?![0-9a-fA-F])", text):
        found.add(("ETHEREUM", match.start(), match.end()))
    for match in re.finditer(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])", text):
        found.add(("HASH", match.start(), match.end()))
    for run in re.finditer(r"[0-9A-Za-z]+", text):
        if re.match(r"(?:bc1|tb1|bcrt1|ltc1)", run[0], re.IGNORECASE) and len(run[0]) >= 14:
            found.add(("WITNESS", run.start(), run.end()))
    return found


def changes(run: str) -> int:
    """Return how often small letters, capitals and digits change in a run, but for a capital."""

    def kind(letter: str) -> int:
        return 0 if letter.isdigit() else 1 if letter.isupper() else 2

    count = sum(kind(a) != kind(b) for a, b in pairwise(run))
    return count - (len(run) > 1 and run[0].isupper() and run[1].islower())


def mixed(text: str) -> list[tuple[int, int]]:
    """Return the runs of letters and digits that change at least twice."""
    return [
        (run.start(), run.end())
        for run in re.finditer(r"[0-9A-Za-z]+", text)
        if changes(run[0]) >= 2 and len(run[0]) <= 110
    ]


def joins(text: str, wanted: set[str]) -> set[tuple[int, int]]:
    """Return where two to six runs, at most three blanks or marks apart, spell a wanted text."""
    runs = list(re.finditer(r"[0-9A-Za-z]+", text))
    found = set()
    for first in range(len(runs)):
        for last in range(first + 1, min(first + 6, len(runs))):
            part = text[runs[first].start() : runs[last].end()]
            gaps = re.findall(r"[^0-9A-Za-z]+", part)
            if all(re.fullmatch(r"[ \t\r\n._*/\\,~+'\"-]{1,3}", gap) for gap in gaps):
                joined = "".join(run[0] for run in runs[first : last + 1])
                if joined in wanted:
                    found.add((runs[first].start(), runs[last].end()))
    return found


def word_runs(text: str, words: list[str]) -> list[list[str]]:
    """Return the runs of twelve and more words of a list, at most six other characters apart."""
    runs: list[list[str]] = []
    run: list[str] = []
    stop = 0
    for word in re.finditer(r"[A-Za-z]+", text):
        known = word[0].lower() in words
        if run and (not known or word.start() - stop > 6):
            runs.append(run)
            run = []
        if known:
            run.append(word[0].lower())
            stop = word.end()
    return [each for each in [*runs, run] if len(each) >= 12]
