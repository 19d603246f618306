"""Names of people and programs: what they may look like, and when two are the same.

A name stands in every record of what somebody did, so it can be read on one line, and no two
differ in the case or the form of letters only. The names that records use for nobody in particular
can be given to nobody.
"""

import unicodedata

from arien_flows.errors import InputError

MOST = 100
"""Characters of a name."""

RESERVED = frozenset({"service", "unknown"})
"""Stand in records for nobody in particular."""


def person_name(text: str) -> str:
    """Return a name in its one form; `InputError` for what cannot be one."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MOST:
        raise InputError(f"a name has 1 to {MOST} characters")
    if not name.isprintable() or "  " in name or not any(sign.isalnum() for sign in name):
        raise InputError("a name stands on one line, and holds a letter or a digit")
    if not set("/\\").isdisjoint(name):
        raise InputError("a name holds no slash, since it is part of addresses")
    if folded(name) in RESERVED:
        raise InputError(f"the name {name!r} stands for nobody in particular: choose another")
    return name


def folded(name: str) -> str:
    """Return what all names that look alike in another case have in common."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
