"""Pictures that look alike.

The difference hash of a picture (dHash): it is made grey and shrunk to 9 by 8 points, and each bit
tells whether a point is brighter than its right neighbour. What it keeps is the rough drawing: it
survives another size, another compression, another brightness, not another crop. Two pictures
look alike where at most `MOST_DIFFERENT` of the 64 bits differ. A picture with next to no drawing
(a plain sheet, a logo on white) is like many others, so it is not compared.
"""

import io
import warnings
from collections.abc import Sequence

MOST_DIFFERENT = 6
"""Bits of 64."""

LARGEST_PICTURE = 20_000_000
"""Bytes of a picture that is decoded."""

MOST_POINTS = 40_000_000
"""Points of a picture that is decoded: larger ones are decompression bombs, or posters."""

LEAST_DRAWING = 8
"""Bits that must be set, and that must not, for a picture to be compared."""

MOST_PICTURES = 200
"""Pictures of an account that are compared."""


def difference_hash(raw: bytes) -> int | None:
    """Return the 64 bits of a picture; nothing where it is none, too large, or without drawing."""
    from PIL import Image, UnidentifiedImageError

    if len(raw) > LARGEST_PICTURE:
        return None
    try:
        with warnings.catch_warnings():
            # The library warns of large pictures; here they are refused.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(raw)) as picture:
                if picture.width * picture.height > MOST_POINTS:
                    return None
                small = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
        points = small.tobytes()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    bits = 0
    for row in range(8):
        for column in range(8):
            at = row * 9 + column
            bits = bits << 1 | (points[at] > points[at + 1])
    return bits if LEAST_DRAWING <= bits.bit_count() <= 64 - LEAST_DRAWING else None


def photo_value(sha256: str, bits: int | None) -> str:
    """Return a picture as sightings name it: its hash, and its look where it has one."""
    return sha256 if bits is None else f"{sha256}:{bits:016x}"


def look_alike(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of pictures that look alike, each picture in one pair at most.

    Pairs are as many as possible, so that neither order nor repetition matters.
    """
    mine, theirs = (_distinct(each) for each in (first, second))
    near = {
        left: [right for right in theirs if _distance(left, right) <= MOST_DIFFERENT]
        for left in mine
    }
    return _most_pairs(near)


def _distinct(values: Sequence[str]) -> list[str]:
    """Return pictures that have a look, each look once."""
    looks: dict[str, str] = {}
    for value in sorted(values):
        look = value.partition(":")[2]
        if look:
            looks.setdefault(look, value)
    return list(looks.values())[:MOST_PICTURES]


def _distance(left: str, right: str) -> int:
    one, other = (int(each.partition(":")[2], 16) for each in (left, right))
    return (one ^ other).bit_count()


def _most_pairs(near: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return as many pairs as possible, by augmenting paths."""
    taken: dict[str, str] = {}

    def find(left: str, tried: set[str]) -> bool:
        for right in near[left]:
            if right not in tried:
                tried.add(right)
                if right not in taken or find(taken[right], tried):
                    taken[right] = left
                    return True
        return False

    for left in sorted(near):
        find(left, set())
    return sorted((left, right) for right, left in taken.items())
