"""What requests of all kinds check alike, in the same words."""

from collections.abc import Iterable

from arien_flows.errors import InputError


def check_range(name: str, value: int, least: int, most: int) -> None:
    """Raise `InputError` unless a value is a whole number between two, both included."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} must be a whole number")
    if not least <= value <= most:
        raise InputError(f"{name} must be between {least:,} and {most:,}, not {value:,}")


def check_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise `InputError` unless a value is one of those that there are."""
    known = tuple(allowed)
    if value not in known:
        raise InputError(f"{name} {value!r} is unknown; it is one of {', '.join(known)}")
