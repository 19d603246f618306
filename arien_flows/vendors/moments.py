"""Dates as markets write them, as intervals of what they can mean.

`2019-10-27` is a day, and nobody knows in which zone of time: some moment of it in some zone, so
from 14 hours before that day begins in UTC to 12 hours after it ends. "3 days ago" needs to know
when the page was captured, and is rounded: between three and four days before. `04/05/2019` may
be in April or May, and is both. What is none of these is not a date.

Markets' clocks are mostly set to UTC. A rule that assumes so would be wrong for some, by hours; so
a time with minutes (`2019-04-02 18:48`) gets the width of zones, too, unless it names its own.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from arien_flows.vendors.account import Interval

AHEAD = timedelta(hours=14)
"""No zone's clock is further ahead of UTC."""

BEHIND = timedelta(hours=12)
DAY = timedelta(days=1)
LONGEST = 80
"""Characters of a date; what is longer is none."""

MOST_AGO = 400
"""Units of time that a relative date may count: "900 days ago" is no rounded date."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero",
            "february feb februar fevrier febrero",
            "march mar maerz marz mars marzo",
            "april apr avril abril",
            "may mai mayo",
            "june jun juni juin junio",
            "july jul juli juillet julio",
            "august aug aout agosto",
            "september sep sept septembre septiembre",
            "october oct oktober okt octobre octubre",
            "november nov novembre noviembre",
            "december dec dezember dez decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": DAY,
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}
_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?: ?(?P<half>[AaPp]\.?[Mm]\.?))?)?"
)
_ZONE = r" ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
_WEEKDAY = r"(?:[A-Za-z]{3,9},? )?"
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_ISO = re.compile(
    rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_CLOCK}{_ZONE}"
)
_NAMED = re.compile(
    rf"{_WEEKDAY}{_NAME} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){_CLOCK}{_ZONE}"
)
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? {_NAME},? (?P<year>\d{{4}}){_CLOCK}{_ZONE}"
)
_MONTH = re.compile(rf"{_NAME},? (?P<year>\d{{4}})")
_NUMBERS = re.compile(
    rf"(?P<one>\d{{1,2}})[/.-](?P<two>\d{{1,2}})[/.-](?P<year>\d{{4}}){_CLOCK}{_ZONE}"
)
_UNIT = r"(?P<unit>second|minute|min|hour|day|week|month|year)s?"
_AGO = re.compile(
    rf"(?:about |over |almost |~)?(?P<count>\d{{1,4}}|an?|one|two|three) {_UNIT} ago", re.IGNORECASE
)
_WITHIN = re.compile(
    rf"(?:wh?ith)?in the (?:last|past) (?:(?P<count>\d{{1,3}}|two|three) )?{_UNIT}", re.IGNORECASE
)
_EPOCH = re.compile(r"1[0-9]{9}")


def read_moment(text: str, captured_at: datetime | None) -> Interval | None:
    """Return when a text says that something was; nothing where it says no date.

    `captured_at` is when the page was captured; a relative date means nothing without it.
    """
    plain = " ".join(text.split()).strip(" .,;")
    if not plain or len(plain) > LONGEST:
        return None
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Interval | None]], ...] = (
        (_ISO, _from_iso),
        (_NAMED, _from_name),
        (_DAY_FIRST, _from_name),
        (_NUMBERS, _from_numbers),
        (_MONTH, _from_month),
        (_EPOCH, _from_epoch),
    )
    try:
        for pattern, reader in readers:
            match = pattern.fullmatch(plain)
            if match is not None:
                return reader(match)
        return None if captured_at is None else _relative(plain.lower(), captured_at)
    except (ValueError, OverflowError):
        # No day of the calendar, or before its first one: a clock may say anything.
        return None


def needs_capture_time(text: str) -> bool:
    """Tell whether a text is a date that is counted from when the page was captured."""
    plain = " ".join(text.split()).strip(" .,;").lower()
    known = ("today", "yesterday", "just now", "now", "online now", "online")
    return plain in known or bool(_AGO.fullmatch(plain) or _WITHIN.fullmatch(plain))


def day_of(moment: datetime) -> Interval:
    """Return the moments at which it may have been that day somewhere."""
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return Interval(earliest=begin - AHEAD, latest=begin + DAY + BEHIND - timedelta(seconds=1))


def _relative(plain: str, captured_at: datetime) -> Interval | None:
    if plain in ("just now", "now", "online now", "online"):
        return Interval(earliest=captured_at - timedelta(hours=1), latest=captured_at)
    if plain in ("today", "yesterday"):
        back = 0 if plain == "today" else 1
        # Whose day it is nobody knows: the market's clock may be of any zone.
        day = day_of(captured_at - back * DAY)
        return Interval(earliest=day.earliest - DAY, latest=min(day.latest + DAY, captured_at))
    match = _AGO.fullmatch(plain)
    if match is not None:
        count = match["count"]
        number = _count(count)
        unit = _UNITS[match["unit"]]
        if number > MOST_AGO:
            return None
        # Rounded down or to the nearest: somewhere around the count, a unit to either side.
        latest = captured_at - max(0, number - 1) * unit
        return Interval(earliest=captured_at - (number + 1) * unit, latest=latest)
    match = _WITHIN.fullmatch(plain)
    if match is not None:
        span = _count(match["count"] or "one") * _UNITS[match["unit"]]
        return Interval(earliest=captured_at - span - DAY, latest=captured_at)
    return None


def _count(written: str) -> int:
    return int(written) if written.isdigit() else {"two": 2, "three": 3}.get(written, 1)


def _from_iso(match: re.Match[str]) -> Interval:
    return _at(match, int(match["year"]), int(match["month"]), int(match["day"]))


def _from_name(match: re.Match[str]) -> Interval | None:
    month = _month(match["name"])
    return None if month is None else _at(match, int(match["year"]), month, int(match["day"]))


def _from_month(match: re.Match[str]) -> Interval | None:
    month = _month(match["name"])
    if month is None:
        return None
    year = int(match["year"])
    first = datetime(year, month, 1, tzinfo=UTC)
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return Interval(earliest=first - AHEAD, latest=following + BEHIND - timedelta(seconds=1))


def _from_epoch(match: re.Match[str]) -> Interval:
    moment = datetime.fromtimestamp(int(match.group()), UTC)
    return Interval(earliest=moment, latest=moment)


def _from_numbers(match: re.Match[str]) -> Interval | None:
    """Read `04/05/2019`, which is of April to some and of May to others."""
    year, one, two = int(match["year"]), int(match["one"]), int(match["two"])
    pairs = {(one, two), (two, one)} if max(one, two) <= 12 else {(min(one, two), max(one, two))}
    found = [_at(match, year, month, day) for month, day in sorted(pairs)]
    return Interval(
        earliest=min(each.earliest for each in found), latest=max(each.latest for each in found)
    )


def _month(name: str) -> int | None:
    plain = name.lower().replace("ä", "ae").replace("é", "e").replace("û", "u")
    return _MONTHS.get(plain)


def _at(match: re.Match[str], year: int, month: int, day: int) -> Interval:
    parts = match.groupdict()
    if parts.get("hour") is None:
        return day_of(datetime(year, month, day, tzinfo=UTC))
    hour, minute = int(parts["hour"]), int(parts["minute"])
    half = (parts.get("half") or "").lower().replace(".", "")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    second = parts.get("second")
    moment = datetime(year, month, day, hour, minute, int(second or 0), tzinfo=UTC)
    end = moment if second else moment + timedelta(seconds=59)
    zone = parts.get("zone")
    if not zone:
        return Interval(earliest=moment - AHEAD, latest=end + BEHIND)
    offset = timedelta()
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        offset = offset if zone[0] == "+" else -offset
    return Interval(earliest=moment - offset, latest=end - offset)
