"""Requests that carry a key: claimed once, answered again, forgotten after a day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url
from arien_flows.casebook.requests import KEPT, UNKNOWN_AFTER, Claim, Held, Kept, Other, asked

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
REQUEST = asked("ada", "k-1", b"/v1/things", b"{}")
ANSWER = Kept(status=201, headers=(("location", "/v1/things/1"),), body=b'{"id": 1}')


def test_claim__is_given_once_and_the_answer_told_again(casebook: Casebook):
    claim = casebook.requests.claim(REQUEST, NOW)
    assert isinstance(claim, Claim)
    assert casebook.requests.claim(REQUEST, NOW) == Held(is_unknown=False)
    casebook.requests.keep(claim, ANSWER)
    assert casebook.requests.claim(REQUEST, NOW + KEPT - timedelta(seconds=1)) == ANSWER
    assert isinstance(casebook.requests.claim(REQUEST, NOW + KEPT), Claim)


def test_claim__of_a_key_that_stands_for_another_request(casebook: Casebook):
    casebook.requests.claim(REQUEST, NOW)
    other = asked("ada", "k-1", b"/v1/things", b"[]")
    assert casebook.requests.claim(other, NOW) == Other()
    assert isinstance(casebook.requests.claim(asked("bob", "k-1", b"/v1", b""), NOW), Claim)


def test_claim__of_a_process_that_died_is_never_given_again(casebook: Casebook):
    casebook.requests.claim(REQUEST, NOW)
    assert casebook.requests.claim(REQUEST, NOW + UNKNOWN_AFTER) == Held(is_unknown=True)


def test_claim__given_back_is_free_and_a_lost_one_touches_nothing(casebook: Casebook):
    lost = casebook.requests.claim(REQUEST, NOW)
    casebook.requests.release(lost)
    again = casebook.requests.claim(REQUEST, NOW)
    assert isinstance(again, Claim)
    casebook.requests.keep(lost, ANSWER)
    casebook.requests.release(lost)
    assert casebook.requests.claim(REQUEST, NOW) == Held(is_unknown=False)


def test_claim__goes_to_one_of_many_at_once(casebook: Casebook, address: str):
    casebook.upgrade()
    books = [Casebook(database_url(address)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda book: book.requests.claim(REQUEST, NOW), books))
    for book in books:
        book.close()
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert sum(outcome == Held(is_unknown=False) for outcome in outcomes) == 3


def test_forget__removes_what_is_older_than_a_day(casebook: Casebook):
    casebook.requests.claim(REQUEST, NOW)
    casebook.requests.claim(asked("ada", "k-2", b""), NOW + timedelta(hours=1))
    assert casebook.requests.forget(NOW + KEPT) == 1
    assert casebook.requests.forget(NOW + KEPT) == 0


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_asked__two_requests_are_one_only_if_all_parts_are(one: list[bytes], other: list[bytes]):
    same = asked("a", "k", *one).fingerprint == asked("a", "k", *other).fingerprint
    assert same == (one == other)
