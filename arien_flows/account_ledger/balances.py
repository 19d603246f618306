"""What a node says of balances beyond its blocks, entered as movements.

Opening balances. A ledger that begins late knows nothing of what accounts held before. Of each
account that a batch brings in, and of each token of an account, the balance before the batch is
asked for once; it is entered as an `OPENING` movement of the block in which the account appears
first: of unknown origin.

A ledger that begins with a genesis block of which nobody tells what it allocates, as that of a
development chain, asks in the same way, and enters the balance as allocated (`GENESIS`).

Tokens that do not conserve. A token may keep a fee, or change balances without telling. So where
an account meets a token for the first time, the balance that its transfers make is compared with
what the contract says at the end of the batch. Where they differ, the token is marked, and from
then on what the contract says of an account is compared after every block in which it moves the
token and at the end of the batch; where that differs, block by block since it was compared last,
and the difference is entered. Asking of every account after every block would take a question for
each pair of them, and tokens that pretend to pay thousands are in most blocks. Tokens that the list
of main assets calls so are compared from the beginning. An account that moves nothing in a batch is
not asked about: what its balance gained meanwhile is entered when it next moves the token, in the
first block of that batch in which it does.

A node that has forgotten old states, and a source of files, do not tell: then nothing is entered,
and answers say so (`limits`).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from arien_flows.account_ledger.numbering import appearance, owners
from arien_flows.account_ledger.system_movements import SystemMovement, with_system_movements
from chains.account_source import AccountBlockSource
from chains.errors import LookupFailedError
from chains.ethereum.tables import (
    NO_ACCOUNT,
    NULL_ADDRESS,
    AccountBatch,
    CallCoverage,
    MovementKind,
    OpeningCoverage,
)
from heuristics.wide import to_ints

_FUNGIBLE = frozenset({MovementKind.TOKEN, MovementKind.WRAP, MovementKind.UNWRAP})

Pair = tuple[bytes, bytes]
"""An account, and the contract of a token."""


class HeldBalances(Protocol):
    """What the ledger says before a batch."""

    def is_new(self, account: bytes) -> bool:
        """Return whether the ledger never met an account."""
        ...

    def has_met(self, account: bytes, contract: bytes) -> bool:
        """Return whether an account ever gave or received a token."""
        ...

    def balance(self, account: bytes, contract: bytes) -> int:
        """Return what an account holds of a token."""
        ...

    def is_conserving(self, contract: bytes) -> bool:
        """Return whether transfers of a token tell its balances, as far as is known."""
        ...

    def tells_calls(self) -> bool:
        """Return whether what contracts passed on is known of all blocks so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A batch with what the node says of balances."""

    batch: AccountBatch
    openings: OpeningCoverage
    marked: tuple[tuple[bytes, int], ...]
    """Contracts of tokens found not to conserve, with the block of the batch that showed it."""


def tells_balances(source: AccountBlockSource, height: int) -> bool:
    """Return whether a source knows balances as of a height."""
    (told,) = source.balances(height, [NULL_ADDRESS], None)
    return not isinstance(told, LookupFailedError)


def completed(
    batch: AccountBatch,
    held: HeldBalances,
    source: AccountBlockSource,
    *,
    before: MovementKind | None,
) -> Completed:
    """Return a batch with opening balances, and with differences of tokens that do not conserve.

    `before` says as what balances from before the ledger are entered: `OPENING` where it begins
    late, `GENESIS` where nobody tells what its first block allocates, nothing where all is told.
    """
    return _Completing(batch, held, source, before).done()


class _Completing:
    def __init__(
        self,
        batch: AccountBatch,
        held: HeldBalances,
        source: AccountBlockSource,
        before: MovementKind | None,
    ) -> None:
        self._batch, self._held, self._source = batch, held, source
        self._before = before
        self._addresses = [row.tobytes() for row in batch.address]
        self._added: list[SystemMovement] = []
        self._openings = OpeningCoverage.KNOWN
        self._flows: dict[Pair, list[tuple[int, int]]] = defaultdict(list)
        """What each account gained of each token, block by block."""

        self._start: dict[Pair, int] = {}
        """What it held before the batch."""

        self._sums: dict[Pair, list[int]] = {}
        """What it had gained after so many of its flows."""

    def done(self) -> Completed:
        self._read_flows()
        new = [pair for pair in self._flows if not self._held.has_met(*pair)]
        if self._before is not None:
            self._open_coins(self._before)
        if self._before is MovementKind.OPENING:
            self._open_tokens(new)
        self._start = dict.fromkeys(new, 0) | {
            (each.receiver, each.contract): each.amount
            for each in self._added
            if each.receiver is not None and each.contract is not None
        }
        marked = self._compare(new)
        return Completed(
            batch=with_system_movements(self._batch, self._added),
            openings=self._openings,
            marked=marked,
        )

    def _read_flows(self) -> None:
        it = self._batch
        block = owners(it.first_transaction)[owners(it.first_movement)].tolist()
        rows = zip(
            block, it.kind.tolist(), it.giver.tolist(), it.gets.tolist(), it.asset.tolist(),
            to_ints(it.amount), strict=True,
        )  # fmt: skip
        for at, kind, giver, receiver, asset, amount in rows:
            if kind not in _FUNGIBLE:
                continue
            for account, gained in ((giver, -amount), (receiver, amount)):
                address = NULL_ADDRESS if account == NO_ACCOUNT else self._addresses[account]
                if address != NULL_ADDRESS:
                    self._flows[address, self._addresses[asset]].append((at, gained))

    # --- opening balances

    def _open_coins(self, kind: MovementKind) -> None:
        order = appearance(self._batch)
        first = {
            self._addresses[place]: block
            for place, block in zip(order.place.tolist(), order.block.tolist(), strict=True)
        }
        new = [address for address in first if self._held.is_new(address)]
        # The genesis block itself moves nothing.
        height = max(self._height(0) - 1, 0)
        is_traced = self._batch.calls is CallCoverage.TRACED and self._held.tells_calls()
        if kind is MovementKind.GENESIS and not is_traced:
            # An account that was never met may have been paid by contracts since: what it held
            # then is what was allocated, what it holds now is not.
            height = 0
        for address, balance in self._told(height, new, None):
            self._open(address, None, first[address], balance, kind)

    def _open_tokens(self, new: Sequence[Pair]) -> None:
        for contract, pairs in _by_contract(new).items():
            accounts = [account for account, _ in pairs]
            for account, balance in self._told(self._height(0) - 1, accounts, contract):
                first = self._flows[account, contract][0][0]
                self._open(account, contract, first, balance, MovementKind.OPENING)

    def _open(
        self,
        account: bytes,
        contract: bytes | None,
        block: int,
        balance: int | None,
        kind: MovementKind,
    ) -> None:
        if balance is None:
            self._openings = OpeningCoverage.MISSING
        elif balance:
            self._added.append(
                SystemMovement(
                    block=block, kind=kind, receiver=account, contract=contract,
                    amount=balance,
                )
            )  # fmt: skip

    # --- tokens that do not conserve

    def _compare(self, new: Sequence[Pair]) -> tuple[tuple[bytes, int], ...]:
        last = self._batch.block_count - 1
        contracts = dict.fromkeys(contract for _, contract in self._flows)
        known = {contract for contract in contracts if not self._held.is_conserving(contract)}
        suspects = [pair for pair in new if pair[1] not in known]
        found = set()
        for contract, pairs in _by_contract(suspects).items():
            accounts = [account for account, _ in pairs]
            for account, told in self._told(self._height(last), accounts, contract):
                if told is not None and told != self._after((account, contract), last):
                    found.add(contract)
        marked = []
        for contract, pairs in _by_contract(self._flows).items():
            if contract in known or contract in found:
                shown = self._enter_differences(contract, pairs)
                if shown is not None and contract in found:
                    marked.append((contract, shown))
        return tuple(sorted(marked, key=lambda mark: (mark[1], mark[0])))

    def _enter_differences(self, contract: bytes, pairs: Sequence[Pair]) -> int | None:
        """Enter what balances gained or lost besides; return the first block that shows it."""
        begun = {account: self._flows[account, contract][0][0] for account, _ in pairs}
        compared = {account: block - 1 for account, block in begun.items()}
        corrected: dict[bytes, int] = defaultdict(int)
        entered: list[tuple[int, bytes, int]] = []

        def compare(block: int, accounts: Sequence[bytes]) -> None:
            for account, told in self._told(self._height(block), accounts, contract):
                if told is None:
                    continue
                off = told - self._after((account, contract), block) - corrected[account]
                between = range(compared[account] + 1, block)
                compared[account] = block
                if off and between:
                    # It moved nothing in these, and changed in one of them or in this one.
                    for earlier in between:
                        compared[account] = earlier - 1
                        compare(earlier, [account])
                    compared[account] = block
                    off = told - self._after((account, contract), block) - corrected[account]
                if off:
                    corrected[account] += off
                    entered.append((block, account, off))

        for block, accounts in self._moved_in(contract, begun):
            compare(block, accounts)
        order = {account: place for place, account in enumerate(begun)}
        entered.sort(key=lambda each: (each[0], order[each[1]]))
        self._added += [
            _difference(block, account, contract, off) for block, account, off in entered
        ]
        return entered[0][0] if entered else None

    def _moved_in(
        self, contract: bytes, accounts: Iterable[bytes]
    ) -> Iterable[tuple[int, list[bytes]]]:
        """Return blocks with the accounts that moved a token there; with the last block all."""
        moved: dict[int, dict[bytes, None]] = defaultdict(dict)
        for account in accounts:
            for block, _ in self._flows[account, contract]:
                moved[block][account] = None
        moved[self._batch.block_count - 1] = dict.fromkeys(accounts)
        return [(block, [*moved[block]]) for block in sorted(moved)]

    def _after(self, pair: Pair, block: int) -> int:
        """Return what an account holds after a block, as far as transfers tell."""
        if pair not in self._start:
            self._start[pair] = self._held.balance(*pair)
        if pair not in self._sums:
            gains = (gained for _, gained in self._flows[pair])
            self._sums[pair] = [*accumulate(gains, initial=0)]
        counts = bisect_right(self._flows[pair], block, key=lambda flow: flow[0])
        return self._start[pair] + self._sums[pair][counts]

    # --- asking

    def _height(self, block: int) -> int:
        return int(self._batch.height[block])

    def _told(
        self, height: int, accounts: Sequence[bytes], contract: bytes | None
    ) -> Iterable[tuple[bytes, int | None]]:
        """Return accounts with their balances; nothing where the node does not tell one."""
        told = self._source.balances(height, accounts, contract) if accounts else []
        return [
            (account, None if isinstance(balance, LookupFailedError) else balance)
            for account, balance in zip(accounts, told, strict=True)
        ]


def _by_contract(pairs: Iterable[Pair]) -> dict[bytes, list[Pair]]:
    groups: dict[bytes, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair[1]].append(pair)
    return groups


def _difference(block: int, account: bytes, contract: bytes, gained: int) -> SystemMovement:
    up = gained > 0
    return SystemMovement(
        block=block,
        kind=MovementKind.DIFFERENCE_UP if up else MovementKind.DIFFERENCE_DOWN,
        giver=None if up else account,
        receiver=account if up else None,
        contract=contract,
        amount=abs(gained),
    )
