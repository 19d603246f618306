import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.esplora.json import Json, UnexpectedAnswerError, hexadecimal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_decode__returns_what_was_encoded(value):
    assert Json.decode(json.dumps(value).encode()).value == value


@given(st.binary(max_size=50))
def test_decode__of_anything_is_a_value_or_one_error(body):
    with suppress(UnexpectedAnswerError):
        Json.decode(body)


def test_decode__of_a_bottomless_answer_is_refused():
    with pytest.raises(UnexpectedAnswerError, match="it is not JSON"):
        Json.decode(b"[" * 1_000_000)


def test_decode__of_an_endless_number_is_refused():
    with pytest.raises(UnexpectedAnswerError, match="it is not JSON"):
        Json.decode(b"1" * 10_000)


@given(values)
def test_readers__return_their_own_kind_or_refuse(value):
    found = Json(value)
    readers = {
        int: lambda: found.integer(-5, 5),
        bool: found.claim,
        bytes: found.hexadecimal,
        list: found.items,
    }
    for kind, read in readers.items():
        with suppress(UnexpectedAnswerError):
            assert type(read()) is kind


@given(st.integers(), st.integers(-3, 0), st.integers(0, 3))
def test_integer__holds_its_bounds(value, low, high):
    if low <= value <= high:
        assert Json(value).integer(low, high) == value
    else:
        with pytest.raises(UnexpectedAnswerError, match=f"from {low} to {high}"):
            Json(value).integer(low, high)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_integer__is_coerced_from_nothing(value):
    with pytest.raises(UnexpectedAnswerError):
        Json(value).integer(0, 1)


@given(st.binary())
def test_hexadecimal__is_the_inverse_of_hex(data):
    assert hexadecimal(data.hex(), "it") == data
    assert Json(data.hex().upper()).hexadecimal() == data


@pytest.mark.parametrize("text", ["0", "0g", "00 00", " 00", "00\n", "\uff100", "0x00"])
def test_hexadecimal__refuses_what_is_not(text):
    with pytest.raises(UnexpectedAnswerError, match="it is not hexadecimal"):
        hexadecimal(text, "it")


def test_stored_hash__reverses_what_is_shown():
    assert Json("01" + "00" * 31).stored_hash() == bytes(31) + b"\x01"
    with pytest.raises(UnexpectedAnswerError, match="64 hexadecimal digits"):
        Json("01" * 31).stored_hash()


def test_messages__name_the_place_and_stay_short():
    found = Json.decode(b'{"vin": [{}, {"vout": "' + b"x" * 1000 + b'"}]}')
    with pytest.raises(UnexpectedAnswerError) as caught:
        found.field("vin").items()[1].field("vout").integer(0, 1)
    assert str(caught.value).startswith("the answer.vin[1].vout is 'xxx")
    assert len(str(caught.value)) < 120
    with pytest.raises(UnexpectedAnswerError, match=r"the answer\.vin\[0\] has no 'vout'"):
        found.field("vin").items()[0].field("vout")


def test_optional__takes_null_for_missing_and_nothing_else():
    found = Json({"none": None, "no": False, "zero": 0})
    assert found.optional("none") is None
    assert found.optional("other") is None
    assert found.optional("no").claim() is False
    assert found.optional("zero").integer(0, 0) == 0
    with pytest.raises(UnexpectedAnswerError, match="is 3 and not an object"):
        Json(3).optional("none")
