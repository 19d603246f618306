import numpy as np
import pytest
from bitcoin.core import Hash160
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger.locks import eight_bytes_at, put_eight_bytes, same_bytes, same_class
from arien_flows.ledger.numbering import Locks, distinct, gather_bytes
from chains.bitcoin.script import PAYLOAD_LENGTHS
from chains.tables import ScriptType
from chains.types import UInt8Array
from tests.ledgers import public_key
from tests.reference.locks import Lock, class_key, named_class

ADDRESS_TYPES = [kind for kind in ScriptType if kind is not ScriptType.OP_RETURN]


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    """Draw a lock out of few, so that equal ones and forms of one key turn up."""
    kind = draw(st.sampled_from(ADDRESS_TYPES))
    key = public_key(draw(st.sampled_from("ab")))
    if kind is ScriptType.P2PK:
        return kind, key
    if kind in (ScriptType.P2PKH, ScriptType.P2WPKH):
        return kind, Hash160(key)
    lengths = PAYLOAD_LENGTHS.get(kind, (0, 1, 7, 8, 9, 31, 33, 40, 71))
    return kind, bytes([draw(st.integers(0, 1))]) * draw(st.sampled_from(lengths))


def bytes_of(content: bytes) -> UInt8Array:
    return np.frombuffer(content, dtype=np.uint8).copy()


def locks_of(members: list[Lock], gap: bytes = b"") -> Locks:
    length = np.array([len(payload) for _, payload in members], dtype=np.int64)
    ends = np.cumsum(length + len(gap))
    return Locks(
        source=bytes_of(b"".join(gap + payload for _, payload in members)),
        script_type=np.array([kind for kind, _ in members], dtype=np.uint8),
        start=ends - length,
        length=length,
    )


@given(st.lists(locks(), max_size=6), st.binary(max_size=9))
def test_keys__are_those_of_the_reference_wherever_the_payloads_stand(
    members: list[Lock], gap: bytes
) -> None:
    assert locks_of(members, gap).keys().tolist() == [class_key(lock) for lock in members]


@given(st.sampled_from([ScriptType.NONSTANDARD, ScriptType.P2TR]), st.binary(max_size=80))
def test_keys__tell_any_two_payloads_apart_that_differ_in_one_bit(
    kind: ScriptType, payload: bytes
) -> None:
    changed = [
        payload[:at] + bytes([payload[at] ^ 1 << bit]) + payload[at + 1 :]
        for at in range(len(payload))
        for bit in (0, 7)
    ]
    keys = locks_of([(kind, content) for content in [payload, *changed]]).keys().tolist()
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("lock", "key"),
    [
        ((ScriptType.P2PKH, bytes(20)), 6_332_574_376_776_336),
        ((ScriptType.P2WSH, bytes(range(32))), -8_591_829_656_827_948_762),
        ((ScriptType.NONSTANDARD, b""), -8_485_639_011_872_738_903),
    ],
)
def test_keys__stay_what_ledgers_on_disk_are_filed_under(lock: Lock, key: int) -> None:
    # Another key means another format of the ledger: raise `schema.FORMAT_VERSION` then.
    assert locks_of([lock]).keys().tolist() == [key]


@given(st.lists(st.one_of(locks(), st.just((ScriptType.OP_RETURN, b"x"))), max_size=12))
def test_distinct__numbers_scripts_by_first_appearance(members: list[Lock]) -> None:
    batch = locks_of(members)
    member, firsts = distinct(batch, batch.keys())
    order: dict[Lock, int] = {}
    for lock in members:
        if lock[0] is not ScriptType.OP_RETURN:
            order.setdefault(lock, len(order))
    assert member.tolist() == [order.get(lock, -1) for lock in members]
    assert firsts.tolist() == [members.index(lock) for lock in order]


@given(st.lists(locks(), max_size=12))
def test_distinct__does_not_mistake_equal_keys_for_equal_scripts(members: list[Lock]) -> None:
    batch = locks_of(members)
    member, firsts = distinct(batch, batch.keys())
    for key in (np.zeros_like(batch.keys()), batch.keys() & 1, batch.keys() & ~0xFFFF):
        blurred, same_firsts = distinct(batch, key)
        assert blurred.tolist() == member.tolist()
        assert same_firsts.tolist() == firsts.tolist()


@given(locks(), locks())
def test_same_class__is_that_of_the_reference(left: Lock, right: Lock) -> None:
    pair = locks_of([left, right], b"..")
    found = same_class(
        pair.source,
        int(pair.script_type[0]),
        int(pair.start[0]),
        int(pair.length[0]),
        pair.source,
        int(pair.script_type[1]),
        int(pair.start[1]),
        int(pair.length[1]),
        np.empty(40, dtype=np.uint8),
    )
    assert found == (named_class(left) == named_class(right))


@given(st.binary(max_size=40), st.data())
def test_same_bytes__is_equality(content: bytes, data: st.DataObject) -> None:
    other = bytearray(content)
    if content and data.draw(st.booleans()):
        other[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(0, 255))
    same = same_bytes(bytes_of(b"." + content), 1, bytes_of(bytes(other)), 0, len(content))
    assert same == (content == bytes(other))


@given(st.integers(0, 2**64 - 1), st.integers(0, 8))
def test_put_eight_bytes__is_read_again(word: int, at: int) -> None:
    target = bytes_of(b"." * 16)
    put_eight_bytes(target, at, np.uint64(word))
    assert eight_bytes_at(target, at) == word
    assert target.tobytes() == b"." * at + word.to_bytes(8, "little") + b"." * (8 - at)


@given(st.binary(max_size=80), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 70))))
def test_gather_bytes__joins_stretches(content: bytes, stretches: list[tuple[int, int]]) -> None:
    cut = [content[start : start + length] for start, length in stretches]
    start = np.array([min(start, len(content)) for start, _ in stretches], dtype=np.int64)
    length = np.array([len(stretch) for stretch in cut], dtype=np.int64)
    assert gather_bytes(bytes_of(content), start, length).tobytes() == b"".join(cut)
