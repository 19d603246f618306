from decimal import Decimal

import pytest
from bitcoin.core import COIN, VarIntSerializer
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.core.answers import (
    as_object,
    block_bytes,
    compact_size,
    flag,
    from_hex,
    number,
    satoshi,
    spent_bytes,
    stored_hash,
    text,
)
from chains.errors import SourceUnavailableError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.integers(0, 21_000_000 * COIN))
def test_satoshi__is_exact(value):
    shown = Decimal(value) / COIN
    assert satoshi(shown) == value
    assert satoshi(Decimal(f"{shown:.8f}")) == value


@pytest.mark.parametrize(
    "value",
    ["1", None, True, Decimal("-1"), Decimal("0.000000001"), Decimal("21000000.00000001"),
     Decimal("NaN"), Decimal("Infinity"), 1.5],
)  # fmt: skip
def test_satoshi__refuses_what_is_no_amount(value):
    with pytest.raises(SourceUnavailableError, match="value is no"):
        satoshi(value)


@given(st.integers(0, 2**32 - 1))
def test_compact_size__is_the_librarys(count):
    assert compact_size(count) == VarIntSerializer.serialize(count)


@given(st.binary())
def test_from_hex__undoes_hexadecimal(stored):
    assert from_hex(stored.hex(), "it") == stored


@pytest.mark.parametrize("value", ["0", "zz", "00 11", " ", "0x00", None, 1, "é"])
def test_from_hex__refuses_other_texts(value):
    with pytest.raises(SourceUnavailableError, match="not understood: it is no"):
        from_hex(value, "it")


@pytest.mark.parametrize("value", ["", "00" * 31, "00" * 33, None, 5, "zz" * 32])
def test_stored_hash__refuses_what_is_no_hash(value):
    with pytest.raises(SourceUnavailableError, match="not understood: it is no"):
        stored_hash(value, "it")


def test_readers__refuse_other_kinds():
    holder = {"text": 5, "number": True, "flag": 1}
    for read in (text, number, flag):
        with pytest.raises(SourceUnavailableError, match=f"{read.__name__} is n"):
            read(holder, read.__name__)
    with pytest.raises(SourceUnavailableError, match="it is no object"):
        as_object([], "it")
    with pytest.raises(SourceUnavailableError, match="other is no text"):
        text({}, "other")
    assert flag({}, "flag") is False


@given(st.dictionaries(st.sampled_from(["tx", "version", "time", "bits", "nonce"]), json_values))
def test_block_bytes__raises_nothing_but_the_error(block):
    with pytest.raises(SourceUnavailableError, match="not understood"):
        block_bytes(block)


@pytest.mark.parametrize(
    ("key", "value"), [("version", 2**31), ("time", -1), ("nonce", 2**32), ("bits", "00ff")]
)
def test_block_bytes__refuses_fields_that_do_not_fit(key, value):
    block = {
        "version": 1,
        "merkleroot": "00" * 32,
        "time": 1,
        "bits": "207fffff",
        "nonce": 0,
        "tx": [],
    }
    assert len(block_bytes(block)) == 81
    with pytest.raises(SourceUnavailableError, match=f"{key} (does not fit|is no)"):
        block_bytes(block | {key: value})


@given(json_values, json_values)
def test_spent_bytes__raises_nothing_but_the_error(row, spending):
    for block in ({"tx": row}, {"tx": [row]}, {"tx": [{"vin": [spending]}]}):
        try:
            spent_bytes(block)
        except SourceUnavailableError:
            continue
        assert block == {"tx": []} or "coinbase" in str(block) or "[]" in str(block)


def test_spent_bytes__of_an_old_node_says_so():
    with pytest.raises(SourceUnavailableError, match="from version 23 on"):
        spent_bytes({"tx": [{"vin": [{"txid": "00" * 32, "vout": 0}]}]})
