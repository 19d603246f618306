"""Who wrote a paragraph, where the writer says so: "Alice here", "my name is Bob".

Only the paragraph that holds the address counts, and only words before it: further up another
author may have written. A name at the end of a post is not read, because the next post's author
may stand there.
"""

import re
from dataclasses import dataclass

LONGEST_PARAGRAPH = 400
"""Characters before an address in which its writer may have named himself."""

_HERE = re.compile(
    r"(?:^|[.!?\n])[ \t]{0,8}(?P<name>[^\W_][\w.-]{1,30}[^\W_]) here"
    r"(?=[.,!;\n]| (?:again|from|with)\b| -)"
)
_IS = re.compile(
    r"(?:^|[.!?,\n])[ \t]{0,8}(?:[Tt]his is|[Mm]y name is|[Hh]ier ist|[Ii]ci|[Hh]ier spricht|"
    r"[Ii]t'?s me,?|[Mm]ijn naam is|[Mm]ein Name ist|[Mm]on nom est|[Мм]еня зовут) "
    r"(?P<name>[^\W_][\w.-]{1,30}[^\W_])(?= (?:here|speaking|from|again)\b|\s*[.,!:;\n])"
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")

_NOT_NAMES = """
admin anybody anyone back being buyer come customer dealer down everybody everyone from guest guys
hello here hi him how is it just live lurker me member mod moderator my newbie newcomer nobody noob
not official okay only op or our out over people reader regular right same seller she shop somebody
someone staff still store support team that the them there they this un up us user vendor we what
where who you your bitcoin btc address important true look see click pay send deposit transfer
donate payment payments order join check always price prices list stop sign register log login
"""
NO_NAMES = frozenset(_NOT_NAMES.split())
"""Words that stand where a name would, and are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A name that somebody gives himself, and where it stands in the copy."""

    name: str
    start: int
    stop: int


def named_author(text: str, place: int) -> Author | None:
    """Return who says that he wrote the paragraph in which `place` lies; the nearest one before it.

    None where two different names are given: then it is not clear who speaks.
    """
    first = max(0, place - LONGEST_PARAGRAPH)
    paragraph = text[first:place]
    for break_ in _PARAGRAPH.finditer(paragraph):
        first = max(first, place - len(paragraph) + break_.end())
    # A line end stands for the beginning of the paragraph, where it was cut a name cannot begin.
    at_beginning = first == 0 or text[first - 1 : first] == "\n"
    piece = text[first:place]
    found = [
        Author(
            name=match["name"], start=first + match.start("name"), stop=first + match.end("name")
        )
        for pattern in (_HERE, _IS)
        for match in pattern.finditer(piece)
        if (at_beginning or match.start() > 0) and match["name"].lower() not in NO_NAMES
    ]
    if len({each.name.casefold() for each in found}) != 1:
        return None
    return max(found, key=lambda each: each.start)
