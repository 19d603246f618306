"""The table of unspent outputs against a dictionary that holds whole ids."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger import unspent as module
from arien_flows.ledger.unspent import (
    Found,
    Makers,
    Outpoints,
    UnspentOutputs,
    entries_at,
    entries_of,
)
from arien_flows.ledger.unspent_table import (
    KEY,
    PLACE,
    UNRESOLVED,
    VALUE_LIMIT,
    home_of,
    output_in,
    set_entry,
)


@pytest.fixture(autouse=True, scope="module")
def small_tables() -> Iterator[None]:
    """Let tables run into the limits of their room."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SPACE", 64)
        patch.setattr(module, "TAIL", 8)
        yield


LARGEST_OUTPUT = (1 << 43) - 1
LARGEST_ADDRESS = 0xFFFF_FFFE


@dataclass
class Reference:
    """Every output by its whole id and position, and the transactions that made them."""

    txids: list[bytes] = field(default_factory=list)
    first_output: list[int] = field(default_factory=lambda: [0])
    unspent: dict[tuple[bytes, int], tuple[int, int, int]] = field(default_factory=dict)

    def makers(self) -> Makers:
        return Makers(
            ids=np.frombuffer(b"".join(self.txids), dtype="<u8").reshape(-1, 4),
            first_output=np.array(self.first_output),
        )

    def add(self, table: UnspentOutputs, txid: bytes, count: int, random: Random) -> None:
        first = self.first_output[-1]
        self.txids.append(txid)
        self.first_output.append(first + count)
        rows = [
            (first + vout, random.randrange(VALUE_LIMIT), random.randint(0, LARGEST_ADDRESS))
            for vout in range(count)
        ]
        self.unspent |= {(txid, vout): row for vout, row in enumerate(rows)}
        outpoints = outpoints_of([(txid, vout) for vout in range(count)])
        output, value, address = (np.array(column) for column in zip(*rows, strict=True))
        table.add(entries_at(table.keys(outpoints), output, value, address.astype(np.uint32)))


def outpoints_of(wanted: list[tuple[bytes, int]]) -> Outpoints:
    txid = np.frombuffer(b"".join(txid for txid, _ in wanted), dtype=np.uint8).reshape(-1, 32)
    return Outpoints.of(txid, np.array([vout for _, vout in wanted], dtype=np.uint32))


def take(table: UnspentOutputs, makers: Makers, wanted: list[tuple[bytes, int]]) -> list[object]:
    outpoints = outpoints_of(wanted)
    found = Found.nothing(len(wanted), 0)
    table.spend(makers, outpoints, np.arange(len(wanted)), found, is_certain=True)
    rows = zip(found.output, found.value, found.address, strict=True)
    return [None if row[0] == UNRESOLVED else tuple(map(int, row)) for row in rows]


def assert_in_order(table: UnspentOutputs) -> None:
    """Check what every search relies on: order of keys, and no gap between home and place."""
    slots = table.slots
    taken = np.flatnonzero(slots[:, PLACE])
    assert len(taken) == table.count
    assert (np.diff(slots[taken, KEY]) >= 0).all()
    assert slots[-1, PLACE] == 0
    for slot in taken.tolist():
        home = home_of(slots[slot, KEY], table.homes)
        assert home <= slot
        assert (slots[home : slot + 1, PLACE] != 0).all()


def small_table(homes: int, salt: int) -> UnspentOutputs:
    room = np.zeros((homes + 8, 3), dtype=np.int64)
    return UnspentOutputs(room=room, slots=room, homes=homes, salt=np.uint64(salt))


seeds = st.integers(0, 2**32)


@given(seed=seeds, homes=st.integers(1, 40))
def test_table__agrees_with_a_dictionary(seed: int, homes: int) -> None:
    random = Random(seed)
    table, reference = small_table(homes, random.getrandbits(64)), Reference()
    # A few prefixes for many ids, so that the full id has to decide.
    prefixes = [random.randbytes(8) for _ in range(random.randint(1, 6))]
    for _ in range(random.randint(1, 12)):
        for _ in range(random.randint(0, 4)):
            txid = random.choice(prefixes) + random.randbytes(24)
            reference.add(table, txid, random.randint(1, 5), random)
        assert_in_order(table)
        wanted = random.sample(sorted(reference.unspent), random.randint(0, len(reference.unspent)))
        expected = [reference.unspent.pop(one) for one in wanted]
        if reference.txids:
            # Nothing has these: an unknown id, and one whose prefix is known in part only.
            wanted.append((random.randbytes(32), 0))
            expected.append(None)
            assert take(table, reference.makers(), wanted) == expected
        assert table.count == len(reference.unspent)
        assert_in_order(table)


@given(seed=seeds)
def test_reserve__moves_entries_in_place_and_keeps_them(seed: int) -> None:
    random = Random(seed)
    table, reference = small_table(8, random.getrandbits(64)), Reference()
    for _ in range(20):
        reference.add(table, random.randbytes(32), random.randint(1, 8), random)
        table.reserve(random.randint(0, 10))
        assert_in_order(table)
    wanted = sorted(reference.unspent)
    assert take(table, reference.makers(), wanted) == [reference.unspent[one] for one in wanted]
    assert table.count == 0


def test_table__holds_any_number_of_outputs_under_one_key() -> None:
    random = Random(1)
    table, reference = small_table(16, 5), Reference()
    for number in range(60):
        reference.add(table, b"\xff" * 8 + number.to_bytes(24, "little"), 1, random)
        assert_in_order(table)
    wanted = random.sample(sorted(reference.unspent), 60)
    assert take(table, reference.makers(), wanted) == [reference.unspent[one] for one in wanted]


def test_table__does_not_mistake_the_last_of_one_key_for_another() -> None:
    """An id that shares its prefix with two unspent outputs names neither."""
    random = Random(2)
    table, reference = small_table(16, 5), Reference()
    for number in range(2):
        reference.add(table, bytes(8) + number.to_bytes(24, "big"), 1, random)
    stranger = (bytes(8) + b"\x07" * 24, 0)
    assert take(table, reference.makers(), [stranger]) == [None]
    assert table.count == 2


@given(
    output=st.integers(0, LARGEST_OUTPUT),
    value=st.integers(0, VALUE_LIMIT - 1),
    address=st.integers(0, LARGEST_ADDRESS),
)
def test_entry__holds_the_largest_numbers(output: int, value: int, address: int) -> None:
    entries = np.zeros((1, 3), dtype=np.int64)
    set_entry(entries, 0, 5, output, value, address)
    assert output_in(entries, 0) == output
    assert entries[0, 1] >> 12 == value
    assert (entries[0, PLACE] & 0xFFFF_FFFF) - 1 == address
    assert entries[0, PLACE] != 0


def test_keys__spread_the_outputs_of_one_transaction() -> None:
    table = UnspentOutputs.with_room_for(0)
    txid = np.zeros((4000, 32), dtype=np.uint8)
    homes = table.keys(Outpoints.of(txid, np.arange(4000, dtype=np.uint32))) >> 31
    # Of 4,000 in 4,096 homes, chance leaves 37 % of the homes empty.
    assert 2300 < len(np.unique((homes * 4096) >> 32)) < 2800


def test_reserve__needs_no_second_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a growing table touches is what it has in the end."""
    monkeypatch.setattr(module, "SPACE", 1 << 20)
    table = UnspentOutputs.with_room_for(1_000)
    start = table.slots.ctypes.data
    table.reserve(100_000)
    assert table.slots.ctypes.data == start
    assert len(table.slots) < 100_000 / 0.72 + module.TAIL + 100


def test_with_room_for__makes_do_with_the_address_space_that_is_granted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SPACE", 1 << 50)
    table = UnspentOutputs.with_room_for(0)
    assert len(table.slots) < len(table.room) < 1 << 50


@pytest.mark.parametrize("value", [-1, VALUE_LIMIT])
def test_entries_of__refuses_a_value_that_does_not_fit(value: int) -> None:
    made = Makers(ids=np.zeros((1, 4), dtype=np.uint64), first_output=np.array([0, 1]))
    with pytest.raises(LedgerDamagedError, match="ledger verify"):
        entries_of(
            made,
            range(1),
            numbered_from=0,
            spender=np.array([5], dtype=np.uint32),
            limit=5,
            value=np.array([value]),
            address=np.zeros(1, dtype=np.uint32),
            salt=np.uint64(1),
        )
