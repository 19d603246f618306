"""How much each caller may still ask: token buckets that all processes of a machine share.

A bucket holds as many tokens as may be asked in a minute and fills up evenly, so that a caller may
ask all of it at once and goes on at the even rate then (the generic cell rate algorithm, ITU-T
I.371). All that has to be kept of a bucket is the moment at which it will be full again: 16 bytes
with the name's digest. They lie in a small file that the processes map into memory, under a lock of
the system. So the limit is exact however a caller's connections are spread, and a refusal or a
header costs no database. Counting in each process alone would let a caller ask once as much a
process; counting in the database costs a commit a request.

The file has room for 16,384 callers who asked within the last minute. Where more meet in one place,
the one whose bucket is closest to full is forgotten: he may ask more than he should, and nobody
less. A file of before the machine's last start holds moments that lie too far ahead, and counts as
empty.
"""

import fcntl
import math
import mmap
import os
import struct
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

WINDOW_SECONDS = 60.0

_SLOTS = 1 << 14
_NEIGHBOURS = 16
_SLOT = struct.Struct("<8sd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a bucket says of a request."""

    is_allowed: bool
    limit: int
    remaining: int
    """Ordinary questions that may be asked at once."""

    reset_seconds: int
    """Until the whole limit may be asked at once again."""

    retry_seconds: int
    """Until this request may be asked again; 0 where it is allowed."""


class SharedRates:
    """Buckets in a file. `file` is made with its folder where it is missing."""

    def __init__(self, file: Path, per_minute: int) -> None:
        self.per_minute = per_minute
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._lock, _SLOTS * _SLOT.size)
        self._slots = mmap.mmap(self._lock, _SLOTS * _SLOT.size)

    def __del__(self) -> None:
        os.close(self._lock)

    def take(self, who: str, cost: int, now: float) -> Taken:
        """Take tokens from a caller's bucket; `now` in seconds of the system's steady clock."""
        name = blake2b(who.encode(errors="surrogatepass"), digest_size=8).digest()
        token_seconds = WINDOW_SECONDS / self.per_minute
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            place, full_at = self._find(name, now)
            wanted = full_at + min(cost, self.per_minute) * token_seconds
            # A millionth, because the seconds of a token are rounded.
            is_allowed = wanted - now <= WINDOW_SECONDS * (1 + 1e-6)
            if is_allowed:
                full_at = wanted
                _SLOT.pack_into(self._slots, place, name, full_at)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
        missing = (full_at - now) / token_seconds
        return Taken(
            is_allowed=is_allowed,
            limit=self.per_minute,
            remaining=max(0, math.floor(self.per_minute - missing + 1e-3)),
            reset_seconds=math.ceil(full_at - now),
            retry_seconds=0 if is_allowed else math.ceil(wanted - now - WINDOW_SECONDS),
        )

    def _find(self, name: bytes, now: float) -> tuple[int, float]:
        """Return the place of a bucket, and when it is full: now, where there is none yet."""
        first = int.from_bytes(name, "little")
        best, soonest = 0, math.inf
        for step in range(_NEIGHBOURS):
            place = (first + step) % _SLOTS * _SLOT.size
            kept, full_at = _SLOT.unpack_from(self._slots, place)
            is_live = now < full_at <= now + WINDOW_SECONDS * (1 + 1e-6)
            if kept == name and is_live:
                return place, full_at
            if not is_live:
                full_at = now
            if full_at < soonest:
                best, soonest = place, full_at
        return best, now
