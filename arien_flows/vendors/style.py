"""How alike two accounts write: character n-grams and cosine, as a rank among others.

A text's profile is its counts of runs of four characters, in small letters, with white space and
digits levelled, without armour and addresses; runs that everybody writes count less (their
inverse document frequency among all accounts compared). Only accounts with at least
`LEAST_TEXTS` texts take part: below that, linking by style does not work (Ekambaranathan 2018).

What comes out is a rank: among so many accounts, this one writes most like that one. The figure
beside it is the share of accounts that are *less* alike, scaled to at most `MOST`; it is calibrated
by the account's own texts: its odd ones against its even ones must be the most alike of all,
else the figure is halved, since then the method does not even find the account itself. A likeness
of style is never a link.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST_TEXTS = 25
MOST = 50
"""Highest confidence that style gives."""

GRAM = 4
LONGEST_TEXT = 5_000
"""Characters of one text that are read."""

MOST_TEXTS = 200
"""Texts of one account that are read."""

MOST_ACCOUNTS = 400
"""Accounts that are compared at once."""

_ARMOUR = re.compile(r"-----BEGIN PGP.*?-----END PGP[^-]*-----", re.DOTALL)
_LONG_WORD = re.compile(r"\S{25,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRank:
    """How one account's writing ranks among all others as seen from an account."""

    account: str
    other: str
    rank: int
    """1 for the most alike."""

    of: int
    """Others that were compared."""

    cosine: float
    confidence: int
    """0 to `MOST`."""

    finds_itself: bool
    """Whether the account's own odd texts are most like its own even ones."""


def profile(texts: Sequence[str]) -> Counter[str]:
    """Return the counts of runs of characters in some texts."""
    counted: Counter[str] = Counter()
    for text in texts[:MOST_TEXTS]:
        plain = _LONG_WORD.sub(" ", _ARMOUR.sub(" ", text[:LONGEST_TEXT]))
        level = re.sub(r"\d", "0", " ".join(plain.casefold().split()))
        counted.update(level[at : at + GRAM] for at in range(len(level) - GRAM + 1))
    return counted


def ranks(account: str, texts: Mapping[str, Sequence[str]]) -> list[StyleRank]:
    """Return how all others write compared with an account, the most alike first.

    Nothing where the account has too few texts, or no other has enough.
    """
    able = {name: each for name, each in texts.items() if len(set(each)) >= LEAST_TEXTS}
    if account not in able or len(able) < 2:
        return []
    names = [account, *sorted(able.keys() - {account})[: MOST_ACCOUNTS - 1]]
    profiles = {name: profile(sorted(set(able[name]))) for name in names}
    weight = _weights(list(profiles.values()))
    vectors = {name: _weighted(each, weight) for name, each in profiles.items()}
    own = vectors[account]
    scored = sorted(
        ((_cosine(own, vectors[name]), name) for name in names[1:]),
        key=lambda each: (-each[0], each[1]),
    )
    finds_itself = _finds_itself(sorted(set(able[account])), vectors, account, weight)
    count = len(scored)
    found = []
    for at, (cosine, name) in enumerate(scored):
        # With few to compare with, being the first of them says little.
        share = (count - at) / (count + 1)
        confidence = int(MOST * share * (1.0 if finds_itself else 0.5) * min(1.0, count / 20))
        found.append(
            StyleRank(
                account=account,
                other=name,
                rank=at + 1,
                of=count,
                cosine=round(cosine, 4),
                confidence=confidence if cosine > 0 else 0,
                finds_itself=finds_itself,
            )
        )
    return found


def _weights(profiles: Sequence[Counter[str]]) -> dict[str, float]:
    spread: Counter[str] = Counter()
    for each in profiles:
        spread.update(each.keys())
    return {gram: math.log((1 + len(profiles)) / count) for gram, count in spread.items()}


def _weighted(counted: Counter[str], weight: Mapping[str, float]) -> dict[str, float]:
    vector = {
        gram: math.log1p(count) * weight.get(gram, 0.0) for gram, count in sorted(counted.items())
    }
    norm = math.sqrt(sum(each * each for each in vector.values()))
    return {gram: each / norm for gram, each in vector.items()} if norm else {}


def _cosine(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    small, large = (first, second) if len(first) <= len(second) else (second, first)
    return math.fsum(value * large[gram] for gram, value in small.items() if gram in large)


def _finds_itself(
    texts: Sequence[str],
    vectors: Mapping[str, Mapping[str, float]],
    account: str,
    weight: Mapping[str, float],
) -> bool:
    odd, even = (_weighted(profile(texts[at::2]), weight) for at in (0, 1))
    own = _cosine(odd, even)
    return all(_cosine(odd, vectors[name]) < own for name in vectors if name != account)
