import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heuristics.columns import read_only, read_only_columns
from heuristics.fingerprint import LockType
from heuristics.keyset import (
    INPUTS_COMPARED,
    PLACE_WIDTH,
    KeysetColumns,
    changes_keyset,
    input_scripts,
    script_place,
)

KEYS = [
    *(bytes([2]) + bytes([number]) * 32 for number in range(20)),
    *(bytes([4]) + bytes([number]) * 64 for number in range(4)),
]


def number_push(number: int) -> bytes:
    return bytes([0x50 + number]) if number <= 16 else bytes([1, number])


def multisig(keys: list[bytes], needed: int) -> bytes:
    pushes = b"".join(bytes([len(key)]) + key for key in keys)
    return number_push(needed) + pushes + number_push(len(keys)) + b"\xae"


def bare(scripts: list[bytes]) -> tuple[KeysetColumns, np.ndarray]:
    """Return columns of bare multisig addresses, numbered in order."""
    none = np.empty(0, dtype=np.int64)
    keysets = KeysetColumns(
        first_payload_byte=np.cumsum([0, *(len(script) for script in scripts)], dtype=np.int64),
        payload=np.frombuffer(b"".join(scripts), dtype=np.uint8),
        reveal_input=none,
        first_reveal_byte=np.zeros(1, dtype=np.int64),
        revealed=np.empty(0, dtype=np.uint8),
        address=np.empty(0, dtype=np.uint32),
        reveal=none,
    )
    types = np.full(len(scripts), LockType.MULTISIG, dtype=np.uint8)
    return read_only_columns(keysets), read_only(types)


def asks(scripts: list[bytes]) -> bool:
    """Return whether the last script changes the keyset of the others."""
    keysets, types = bare(scripts)
    places = np.empty((INPUTS_COMPARED, PLACE_WIDTH), dtype=np.int64)
    inputs = read_only(np.arange(len(scripts) - 1, dtype=np.uint32))
    count = input_scripts(keysets, types, inputs, 0, places)
    return changes_keyset(keysets, types, np.uint32(len(scripts) - 1), 0, places, count)


keysets = st.lists(st.sampled_from(KEYS), min_size=1, max_size=20, unique=True)


@given(st.lists(keysets, min_size=1, max_size=4), keysets, st.data())
def test_changes_keyset__shares_a_key_and_equals_none(taken, given_keys, data) -> None:
    inputs = [multisig(keys, data.draw(st.integers(1, len(keys)))) for keys in taken]
    output = multisig(given_keys, data.draw(st.integers(1, len(given_keys))))
    shares = any(set(keys) & set(given_keys) for keys in taken)
    assert asks([*inputs, output]) == (shares and output not in inputs)


def test_changes_keyset__compares_a_bounded_number_of_inputs() -> None:
    strangers = [multisig([key], 1) for key in KEYS[:INPUTS_COMPARED]]
    mine = multisig([KEYS[-1], KEYS[-2]], 1)
    change = multisig([KEYS[-1]], 1)
    assert asks([*strangers[1:], mine, change])
    assert not asks([*strangers, mine, change])


def test_script_place__is_unknown_before_it_is_shown() -> None:
    script = multisig(KEYS[:2], 1)
    keysets = read_only_columns(
        KeysetColumns(
            first_payload_byte=np.array([0, 20, 40], dtype=np.int64),
            payload=np.zeros(40, dtype=np.uint8),
            reveal_input=np.array([7], dtype=np.int64),
            first_reveal_byte=np.array([0, len(script)], dtype=np.int64),
            revealed=np.frombuffer(script, dtype=np.uint8),
            address=np.array([1], dtype=np.uint32),
            reveal=np.array([0], dtype=np.int64),
        )
    )
    types = read_only(np.array([LockType.P2SH, LockType.P2SH], dtype=np.uint8))
    hidden = (-1, 0, 0)
    assert script_place(keysets, types, np.uint32(1), 7) == hidden
    assert script_place(keysets, types, np.uint32(1), 8) == (1, 0, len(script))
    assert script_place(keysets, types, np.uint32(0), 8) == hidden
