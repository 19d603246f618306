"""Finding keys in long sorted arrays that may stand on a disk.

Keys are hashes, so they lie evenly: where one stands can be computed, but for an error of about
the square root of the length. A second step from there, counted from the key that is really found,
lands within a page of the place. Halving alone would touch some ten pages that nobody else needs.
Whoever searches often keeps *samples* of the keys in memory, and is spared the first page.

Keys that are not even (nothing keeps people from choosing them) cost more steps and change no
answer.
"""

import numpy as np

from chains.types import Int64Array
from heuristics.jit import kernel

KEY_SPAN = 2.0**64

JUMPS = 3
"""After so many computed steps the rest is done in steps that double, and by halving."""

NEAR = 32
"""A computed step shorter than this stays on the page."""


SAMPLED = 1 << 14
"""Keys of which one is a sample: 1 MB of samples for 2 billion keys. Between two of them the place
of a key can be computed to about 64 keys."""

NO_SAMPLES: Int64Array = np.empty(0, dtype=np.int64)


def samples_of(keys: Int64Array) -> Int64Array:
    """Return samples of ascending keys."""
    return keys[::SAMPLED].copy()


@kernel
def seek(keys: Int64Array, samples: Int64Array, wanted: int) -> int:
    """Return the first position in ascending `keys` whose key is not below `wanted`.

    `samples` only say where to begin; wrong ones cost time.
    """
    low, high = 0, len(keys)
    if high == 0:
        return 0
    density = high / KEY_SPAN
    guess = int((float(wanted) + KEY_SPAN / 2) * density)
    if len(samples) > 1:
        place = max(_halved(samples, wanted, 0, len(samples)) - 1, 0)
        guess = place * SAMPLED + int((float(wanted) - float(samples[place])) * density)
    for _ in range(JUMPS):
        guess = min(max(guess, low), high - 1)
        found = keys[guess]
        step = int((float(wanted) - float(found)) * density)
        if found < wanted:
            low = guess + 1
        else:
            high = guess
        if low == high:
            return low
        guess += step
        if -NEAR < step < NEAR:
            break
    return _narrowed(keys, wanted, low, high, min(max(guess, low), high - 1))


@kernel
def _narrowed(keys: Int64Array, wanted: int, low: int, high: int, guess: int) -> int:
    """Return the position, which is in `[low, high]` and as a rule near `guess`."""
    reach = NEAR
    if keys[guess] < wanted:
        low = guess + 1
        while low + reach < high and keys[low + reach] < wanted:
            low += reach + 1
            reach *= 2
        high = min(high, low + reach)
    else:
        high = guess
        while high - reach > low and keys[high - reach] >= wanted:
            high -= reach
            reach *= 2
        low = max(low, high - reach)
    return _halved(keys, wanted, low, high)


@kernel
def _halved(keys: Int64Array, wanted: int, low: int, high: int) -> int:
    """Return the position, which is in `[low, high]`."""
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
