"""Names for cases, jobs and the like: they sort by the time of their making and cannot be guessed.

A kind, an underscore, and 26 characters of Crockford's base 32 that hold 48 bits of milliseconds
and 80 random bits, as ULIDs do. Sorted as text they are in the order of their making, to the
millisecond, so that a list of them has a total order that never shifts.
"""

import re
import secrets
from datetime import datetime

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
LENGTH = 26

ID = re.compile(rf"[a-z]{{2,12}}_[{_LETTERS}]{{{LENGTH}}}")


def new_id(kind: str, now: datetime) -> str:
    """Return a new name of a kind, as `job_06f…`."""
    number = (int(now.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return f"{kind}_" + "".join(
        _LETTERS[(number >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5)
    )
