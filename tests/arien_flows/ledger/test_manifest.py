"""A manifest is this program's own and whole, or it is refused with what to do."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import LedgerDamagedError, LedgerVersionError
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.manifest import MANIFEST, Manifest, Runs, read_manifest
from arien_flows.ledger.schema import FORMAT_VERSION
from arien_flows.ledger.sorted_runs import RunName
from arien_flows.ledger.view import Counts
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST

RUN = RunName(level=1, start=0, end=7, limit=5, entries=9, checksum=-(1 << 63))
WRITTEN = Manifest(
    network=REGTEST.name,
    generation=3,
    counts=Counts(blocks=2, transactions=5),
    byte_counts={"op_returns/data": 80},
    unspent_sat=5_000_000_000,
    runs=Runs(transactions=(RUN,), history=(RUN, RUN)),
    segments=2,
    sealed=Counts(blocks=1),
)


def of_format_1(manifest: Manifest) -> str:
    """Return the text that the first format had: no checksum."""
    return json.dumps({"format": 1, **asdict(manifest)}, indent=1, sort_keys=True) + "\n"


def test_read_manifest__gives_back_what_was_encoded(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(WRITTEN.encode())
    assert read_manifest(tmp_path) == WRITTEN
    assert read_manifest(tmp_path / "nothing") is None


@given(st.integers(0, 8 * len(WRITTEN.encode()) - 1))
def test_read_manifest__takes_any_flipped_bit_for_damage(
    tmp_path_factory: pytest.TempPathFactory, bit: int
) -> None:
    content = bytearray(WRITTEN.encode())
    content[bit // 8] ^= 1 << (bit % 8)
    root = tmp_path_factory.mktemp("ledger")
    (root / MANIFEST).write_bytes(content)
    with pytest.raises(LedgerDamagedError, match=f"{MANIFEST} is not a manifest, or is damaged"):
        read_manifest(root)


@pytest.mark.slow
def test_read_manifest__takes_every_flipped_bit_for_damage(tmp_path: Path) -> None:
    sound = WRITTEN.encode()
    for bit in range(8 * len(sound)):
        content = bytearray(sound)
        content[bit // 8] ^= 1 << (bit % 8)
        (tmp_path / MANIFEST).write_bytes(content)
        with pytest.raises(LedgerDamagedError):
            read_manifest(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", "null", '{"format": 2}', '{"format": "two"}', '{"format": [1]}', "\x00"],
)
def test_read_manifest__something_else_is_damage(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(LedgerDamagedError, match="restore it from a copy, or remove the ledger"):
        read_manifest(tmp_path)


def test_read_manifest__half_of_one_is_damage(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(WRITTEN.encode()[:-20])
    with pytest.raises(LedgerDamagedError):
        read_manifest(tmp_path)


def test_open__an_earlier_format_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    LedgerWriter(tmp_path, REGTEST).close()
    (tmp_path / MANIFEST).write_text(of_format_1(WRITTEN))
    for opened in (Ledger, lambda root: LedgerWriter(root, REGTEST)):
        with pytest.raises(LedgerVersionError, match="earlier version") as refusal:
            opened(tmp_path)
        assert "has format 1," in str(refusal.value)
        assert "ingest again, or export it with the version that wrote it" in str(refusal.value)
    # The refusal has touched nothing: the version that wrote it can still read it.
    assert (tmp_path / MANIFEST).read_text() == of_format_1(WRITTEN)


def test_open__a_newer_format_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    LedgerWriter(tmp_path, REGTEST).close()
    newer = {"format": FORMAT_VERSION + 1, "whatever": "it holds"}
    (tmp_path / MANIFEST).write_text(json.dumps(newer))
    for opened in (Ledger, lambda root: LedgerWriter(root, REGTEST)):
        with pytest.raises(LedgerVersionError, match="use the version of arien-flows that wrote"):
            opened(tmp_path)
