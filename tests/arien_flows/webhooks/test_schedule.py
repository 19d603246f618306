"""When a message is sent again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.webhooks.schedule import DELAYS_SECONDS, JITTER, MOST_WAIT, next_try

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_next_try__follows_the_standard_and_ends():
    waits = [next_try(tries, NOW, "", 0) for tries in range(1, 11)]
    assert waits[-1] is None
    assert [(it - NOW).total_seconds() for it in waits[:-1] if it] == list(DELAYS_SECONDS[1:])
    assert sum(DELAYS_SECONDS) == 272_105  # three days and a bit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("600", 600),
        ("3", 5),
        ("Mon, 23 Nov 2026 12:20:00 GMT", 1_200),
        ("Mon, 23 Nov 2026 12:20:00 -0000", 1_200),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 5),
        ("99999999999999999999", 86_400),
        ("Sun, 23 Nov 2036 12:00:00 GMT", 86_400),
    ],
)
def test_next_try__heeds_what_a_receiver_asks_for_within_a_day(text: str, seconds: int):
    assert next_try(1, NOW, text, 0) == NOW + timedelta(seconds=seconds)


@given(st.text(), st.integers(1, 9), st.floats(0, 1))
def test_next_try__whatever_the_header_says_it_is_soon_enough(text: str, tries: int, chance: float):
    found = next_try(tries, NOW, text, chance)
    planned = timedelta(seconds=DELAYS_SECONDS[tries])
    assert found is not None
    assert planned <= found - NOW <= max(planned * (1 + JITTER), MOST_WAIT)
