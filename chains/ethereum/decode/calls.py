"""From call frames to movements of the native coin, and to the code that creations left.

The consequences of a self-destruct depend on the fork. Before Cancun the contract is gone at the
end of the transaction, and what it received after its self-destruct is gone with it; left to
itself, its coins are destroyed at once. Since Cancun (EIP-6780) this holds only for a contract
that was created in the same transaction; any other one pays out and stays.
"""

from dataclasses import dataclass, field

import numpy as np

from chains.ethereum.decode.code import described
from chains.ethereum.decode.frames import Frame
from chains.ethereum.decode.rows import AT_THE_END, AddressPool, CodeRows, MoveRows, coin_moves
from chains.ethereum.quantities import limbs_of, rows_of
from chains.ethereum.tables import CodeKind, MovementKind


@dataclass
class CallBook:
    """Takes down what calls moved and created, transaction by transaction."""

    pool: AddressPool
    _moves: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    _values: list[int] = field(default_factory=list)
    _codes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    _hashes: list[bytes] = field(default_factory=list)

    def take(self, transaction: int, frames: list[Frame], *, keeps_destroyed: bool) -> None:
        """Take down the frames of a transaction that took effect."""
        for frame in frames:
            if frame.kind != MovementKind.SELF_DESTRUCT:
                self._move(transaction, frame, frame.gets)
            if frame.code is not None:
                self.code(transaction, frame.gets, frame.giver, frame.code)
        if any(frame.kind == MovementKind.SELF_DESTRUCT for frame in frames):
            self._destroy(transaction, frames, keeps_destroyed)

    def code(self, transaction: int, account: bytes, creator: bytes | None, code: bytes) -> None:
        """Take down code that was put at an account."""
        kind, code_hash, target = described(code)
        one, some = self.pool.one, self.pool.one_or_none
        self._codes.append((transaction, one(account), some(creator), kind, some(target)))
        self._hashes.append(code_hash)

    def unknown_code(self, transaction: int, account: bytes, creator: bytes) -> None:
        """Take down that an account got code, where nothing tells which."""
        one, some = self.pool.one, self.pool.one_or_none
        self._codes.append((transaction, one(account), one(creator), CodeKind.PLAIN, some(None)))
        self._hashes.append(bytes(32))

    def moves(self) -> MoveRows:
        """Return what moved."""
        transaction, sequence, kind, giver, gets = np.array(self._moves, np.int64).reshape(-1, 5).T
        return coin_moves(
            transaction,
            sequence,
            kind.astype(np.uint8),
            giver.astype(np.uint32),
            gets.astype(np.uint32),
            limbs_of(self._values),
        )

    def codes(self) -> CodeRows:
        """Return the code that was put at accounts."""
        columns = np.array(self._codes, np.int64).reshape(-1, 5).T
        transaction, account, creator, kind, target = columns
        return CodeRows(
            transaction=transaction,
            account=account.astype(np.uint32),
            creator=creator.astype(np.uint32),
            kind=kind.astype(np.uint8),
            code_hash=rows_of(self._hashes, 32),
            target=target.astype(np.uint32),
        )

    def _move(self, transaction: int, frame: Frame, gets: bytes | None) -> None:
        if frame.value:
            giver, receiver = self.pool.one(frame.giver), self.pool.one_or_none(gets)
            self._moves.append((transaction, frame.sequence, frame.kind, giver, receiver))
            self._values.append(frame.value)

    def _destroy(self, transaction: int, frames: list[Frame], keeps_destroyed: bool) -> None:
        created = {frame.gets for frame in frames if frame.code is not None}
        left: dict[bytes, int] = {}
        for frame in frames:
            if frame.giver in left:
                left[frame.giver] -= frame.value
            if frame.gets in left:
                left[frame.gets] += frame.value
            if frame.kind != MovementKind.SELF_DESTRUCT:
                continue
            is_gone = not keeps_destroyed or frame.giver in created
            if is_gone:
                left[frame.giver] = 0
            if frame.gets != frame.giver:
                self._move(transaction, frame, frame.gets)
            elif is_gone:
                self._move(transaction, frame, None)
        for account, value in left.items():
            frame = Frame(AT_THE_END, MovementKind.SELF_DESTRUCT, account, account, value, None)
            self._move(transaction, frame, None)
