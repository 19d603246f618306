"""Whether revealed keys and scripts are what the spent outputs hide.

Reveals stand in the order of the inputs, the hashes that they must fit in the order of addresses;
at a billion of each, looking every hash up would be a billion random reads. So both are read once
in their own order and compared as statements (`verify_statements`): each reveal says which hash its
address must have, and each address says its hash as often as something was revealed of it, which
is counted in two bits. Reveals of stretches of addresses that disagree are looked at one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import (
    Statements,
    StatementSums,
    mixed,
    new_key,
    steps,
)
from arien_flows.ledger.view import View
from chains.bitcoin.hash160_lanes import hash160_rows, sha256_rows
from chains.tables import RevealKind, ScriptType
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt64Array
from heuristics.jit import kernel

TAP_LEAF = int(RevealKind.TAP_LEAF)

REVEAL_STEP = 1 << 16
"""Reveals hashed at a time; with their digests they stay in the processor's cache."""

ADDRESS_STEP = 1 << 18

NO_KIND = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reveals:
    """Some consecutive reveals, each with the hash that its address must have."""

    start: int
    shown_by: Int64Array
    kind: UInt8Array
    address: Int64Array
    """Of the spent output; -1 where the input or its address does not exist."""

    impossible: BoolArray
    """Where no output of this type can hide such a thing."""

    asked: UInt64Array
    """Four words: the hash and zeros; of no use for a leaf, or where it is impossible."""


def check_reveals(view: View) -> Check:
    """Check that every revealed key or script is the one that the spent output hides."""
    found = Findings()
    shown = np.zeros((view.counts.addresses + 3) // 4, dtype=np.uint8)
    key = new_key()
    asked = StatementSums(view.counts.addresses, key)
    kept = StatementSums(view.counts.addresses, key)
    asked.add(_asked(view, shown, found))
    kept.add(in_order(partial(_kept, view, shown), steps(view.counts.addresses, ADDRESS_STEP)))
    bad = asked.differing(kept)
    if len(bad):
        _name(view, bad, asked, found)
    found.rows_checked = view.counts.reveals
    return found.check(
        "reveals",
        "Every revealed public key and script hashes to what the spent output commits to, and "
        "stands once, with the first input that shows it. For leaves of taproot outputs, whose "
        "proof is not kept, only the type of the output is checked.",
    )


def _asked(view: View, shown: UInt8Array, found: Findings) -> Iterator[Statements]:
    """Yield the hash that each reveal asks of its address; counts them by address in `shown`."""
    input_before, kind_before = -1, NO_KIND
    for part in in_order(partial(_hashed, view), steps(view.counts.reveals, REVEAL_STEP)):
        order = np.diff(part.shown_by, prepend=input_before) < 0
        repeated = np.zeros(len(part.kind), dtype=np.bool_)
        counts = (part.address >= 0) & ~part.impossible & (part.kind != TAP_LEAF)
        _count(
            part.shown_by,
            part.kind,
            part.address,
            counts,
            input_before,
            kind_before,
            shown,
            repeated,
        )
        _note(found, "input", part.start, order, "stands after a reveal by a later input")
        _note(found, "revealed", part.start, part.impossible, WRONG)
        _note(
            found,
            "input",
            part.start,
            repeated,
            "shows a key or script that an earlier spend has shown",
        )
        input_before, kind_before = int(part.shown_by[-1]), int(part.kind[-1])
        rows = np.flatnonzero(counts & ~repeated)
        yield _statements(part.address[rows], part.asked[rows])


WRONG = "does not hash to what the spent output asks for"


def _note(found: Findings, column: str, start: int, marked: BoolArray, message: str) -> None:
    rows = start + np.flatnonzero(marked)
    found.add_many(((f"reveals/{column} row {row}", message) for row in rows.tolist()), len(rows))


def _hashed(view: View, rows: tuple[int, int]) -> _Reveals:
    """Hash the reveals `[start, stop)`, as the types of the outputs ask."""
    start, stop = rows
    shown_by = np.array(view.reveal_input[start:stop])
    kind = np.array(view.reveal_kind[start:stop])
    real = (shown_by >= 0) & (shown_by < view.counts.inputs)
    address = np.full(stop - start, -1, dtype=np.int64)
    address[real] = view.input_address[shown_by[real]]
    address[address >= view.counts.addresses] = -1
    outer = np.full(stop - start, ScriptType.OP_RETURN, dtype=np.uint8)
    outer[address >= 0] = view.script_type[address[address >= 0]]
    begin = view.first_reveal_byte[start:stop]
    length = np.diff(view.first_reveal_byte[start : stop + 1])
    digest = np.zeros((stop - start, 8), dtype="<u4")
    is_script = kind == RevealKind.WITNESS_SCRIPT
    is_short = (kind == RevealKind.KEY) | (kind == RevealKind.REDEEM_SCRIPT)
    sha256_rows(view.revealed, begin, length, np.flatnonzero(is_script), digest)
    hash160_rows(view.revealed, begin, length, np.flatnonzero(is_short), digest)
    inner = (outer == ScriptType.P2SH) & (is_script | (kind == RevealKind.KEY))
    _wrap(digest, np.flatnonzero(inner), is_script)
    return _Reveals(
        start=start,
        shown_by=shown_by,
        kind=kind,
        address=address,
        impossible=~(inner | _fits(kind, outer)),
        asked=digest.view(np.uint64),
    )


def _fits(kind: UInt8Array, outer: UInt8Array) -> BoolArray:
    """Return which reveals open an output of their type themselves, without a program between."""
    fits: BoolArray = (
        ((kind == RevealKind.KEY) & ((outer == ScriptType.P2PKH) | (outer == ScriptType.P2WPKH)))
        | ((kind == RevealKind.REDEEM_SCRIPT) & (outer == ScriptType.P2SH))
        | ((kind == RevealKind.WITNESS_SCRIPT) & (outer == ScriptType.P2WSH))
        | ((kind == RevealKind.TAP_LEAF) & (outer == ScriptType.P2TR))
    )
    return fits


def _wrap(digest: AnyArray, rows: Int64Array, is_script: BoolArray) -> None:
    """Replace digests by the hash that a P2SH output keeps of their witness program."""
    size = np.where(is_script[rows], 32, 20)
    program = np.zeros((len(rows), 34), dtype=np.uint8)
    program[:, 1] = size
    program[:, 2:] = digest[rows].view(np.uint8)
    outer = np.zeros((len(rows), 8), dtype="<u4")
    every = np.arange(len(rows), dtype=np.int64)
    hash160_rows(program.reshape(-1), 34 * every, 2 + size, every, outer)
    digest[rows] = outer


@kernel
def _count(
    shown_by: Int64Array,
    kind: UInt8Array,
    address: Int64Array,
    counts: BoolArray,
    input_before: int,
    kind_before: int,
    shown: UInt8Array,
    repeated: BoolArray,
) -> None:
    """Count reveals by address, two bits each, and mark those that are not the first to be shown.

    One input may show a script and the key or script inside it, but nothing of one kind twice.
    """
    for i in range(len(kind)):
        if counts[i]:
            place, shift = address[i] >> 2, 2 * (address[i] & 3)
            so_far = (np.int64(shown[place]) >> shift) & 3
            if so_far and (shown_by[i] != input_before or kind[i] == kind_before or so_far == 3):
                repeated[i] = True
            else:
                shown[place] = np.int64(shown[place]) + (1 << shift)
        input_before, kind_before = shown_by[i], kind[i]


def _kept(view: View, shown: UInt8Array, rows: tuple[int, int]) -> Statements:
    """Return the hash of each address of `[start, stop)`, as often as something was revealed."""
    start, stop = rows
    address = np.empty(3 * (stop - start), dtype=np.int64)
    address = address[: _shown_addresses(shown, start, stop, address)]
    return _statements(address, _payload_words(view, address))


@kernel
def _shown_addresses(shown: UInt8Array, start: int, stop: int, address: Int64Array) -> int:
    """Write addresses of `[start, stop)`, each as often as `shown` says; returns how many."""
    count = 0
    for number in range(start, stop):
        for _ in range((np.int64(shown[number >> 2]) >> (2 * (number & 3))) & 3):
            address[count] = number
            count += 1
    return count


def _payload_words(view: View, address: Int64Array) -> UInt64Array:
    words: UInt64Array = np.zeros((len(address), 4), dtype=np.uint64)
    first = view.first_payload_byte[address]
    _read_words(view.payload, first, view.first_payload_byte[address + 1] - first, words)
    return words


@kernel
def _read_words(
    payload: UInt8Array, first: Int64Array, length: Int64Array, words: UInt64Array
) -> None:
    """Read payloads of up to 32 bytes as little-endian words; longer ones are no hashes."""
    for i in range(len(first)):
        if length[i] > 32:
            words[i, 3] = length[i]
            continue
        at = np.uint64(first[i])
        whole = length[i] >> 3
        for word in range(whole):
            words[i, word] = _eight_bytes(payload, at)
            at += np.uint64(8)
        for k in range(length[i] & 7):
            words[i, whole] |= np.uint64(payload[at + np.uint64(k)]) << np.uint64(8 * k)


@kernel
def _eight_bytes(payload: UInt8Array, at: np.uint64) -> np.uint64:
    """Return eight bytes as a little-endian word; the compiler makes one load of it."""
    word = np.uint64(0)
    for k in range(8):
        word |= np.uint64(payload[at + np.uint64(k)]) << np.uint64(8 * k)
    return word


def _statements(address: Int64Array, words: UInt64Array) -> Statements:
    rest = np.empty(len(words), dtype=np.uint64)
    with np.errstate(over="ignore"):
        _fold(words, rest)
    return Statements(
        row=address,
        first=words[:, 0].view(np.int64),
        second=words[:, 1].view(np.int64),
        third=rest.view(np.int64),
    )


@kernel
def _fold(words: UInt64Array, rest: UInt64Array) -> None:
    """Put the last two of four words into one; those of a short hash stay distinct."""
    for i in range(len(words)):
        rest[i] = mixed(words[i, 2]) ^ words[i, 3]


def _name(view: View, bad: Int64Array, sums: StatementSums, found: Findings) -> None:
    """Find the reveals that disagree with their address, in some stretches of addresses."""
    named = np.zeros(len(bad), dtype=np.bool_)
    for part in in_order(partial(_hashed, view), steps(view.counts.reveals, REVEAL_STEP)):
        place = np.searchsorted(bad, part.address >> sums.shift)
        place[place == len(bad)] = 0
        suspects = np.flatnonzero(
            (bad[place] == part.address >> sums.shift)
            & ~part.impossible
            & (part.kind != TAP_LEAF)
            & (part.address >= 0)
        )
        kept = _payload_words(view, part.address[suspects])
        wrong = suspects[(kept != part.asked[suspects]).any(axis=1)]
        named[place[wrong]] = True
        marked = np.zeros(len(part.kind), dtype=np.bool_)
        marked[wrong] = True
        _note(found, "revealed", part.start, marked, WRONG)
    for stretch in bad[~named].tolist():
        rows = sums.rows_of(stretch)
        found.add(
            f"addresses/payload rows {rows.start} to {rows.stop - 1}",
            "changed while they were compared with what was revealed of them",
        )
