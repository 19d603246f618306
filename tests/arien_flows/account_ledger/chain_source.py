"""A source of blocks over a chain that is written down in a test."""

from collections.abc import Iterator, Sequence

from arien_flows.account_ledger.memory import account_view_of
from chains.account_source import AssetClaim, BlockPlace
from chains.errors import ChainChangedError, LookupFailedError
from chains.ethereum.tables import AccountBatch
from tests.account_chains import AccountChain, address_of


class ChainSource:
    """Delivers a chain; its balances are those of the whole chain, and what tests add."""

    name = "the story"

    def __init__(
        self, chain: AccountChain, *, blocks_each: int = 3, knows_balances: bool = True
    ) -> None:
        self.network = chain.network
        self.chain, self.blocks_each, self.knows_balances = chain, blocks_each, knows_balances
        self.gains: list[tuple[int, str, str, int]] = []
        """From which height on whose balance of which token is how much more than events tell."""

        self.changes_after: int | None = None
        """Batches after which the chain changes, once."""

        self.changes_to: AccountChain | None = None
        self.asked: list[tuple[int, int, bytes | None]] = []

    def close(self) -> None:
        pass

    def __enter__(self) -> "ChainSource":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def tip(self) -> BlockPlace:
        return self.place(len(self.chain.blocks) - 1)

    def refresh(self) -> None:
        if self.changes_to is not None:
            self.chain, self.changes_to = self.changes_to, None

    def notes(self) -> Sequence[str]:
        return ()

    def first_height(self) -> int:
        return 0

    def place(self, height: int) -> BlockPlace:
        if not 0 <= height < len(self.chain.blocks):
            raise ValueError(height)
        return BlockPlace(height, self.chain.block_hash(height))

    def batches(self, start: int, stop: int) -> Iterator[AccountBatch]:
        for first in range(start, stop, self.blocks_each):
            if self.changes_after == 0 and self.changes_to is not None:
                raise ChainChangedError("another branch")
            if self.changes_after:
                self.changes_after -= 1
            yield self.chain.batch(first, min(stop, first + self.blocks_each))

    def balances(
        self, height: int, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        self.asked.append((height, len(accounts), contract))
        if not self.knows_balances:
            return [LookupFailedError("files tell no balances") for _ in accounts]
        view = account_view_of([self.chain.batch(0, height + 1)], self.network)
        return [self._balance(view, height, account, contract) for account in accounts]

    def _balance(self, view, height: int, account: bytes, contract: bytes | None) -> int:
        hidden = sum(
            gain
            for since, name, token, gain in self.gains
            if since <= height and address_of(name) == account and address_of(token) == contract
        )
        number = view.index.find_account(account)
        token = 0 if contract is None else view.index.find_account(contract)
        asset = 0 if contract is None else view.index.find_asset(-1 if token is None else token)
        if number is None or asset is None:
            return hidden
        return view.index.totals(number, asset).balance + hidden

    def assets(self, contracts: Sequence[bytes]) -> list[AssetClaim]:
        known = {facts.contract: facts for facts in self.chain.known}
        return [
            AssetClaim(it, known[it].symbol, known[it].name, known[it].decimals)
            if it in known
            else AssetClaim(it, "", "", None)
            for it in contracts
        ]

    def wait(self, seconds: float) -> None:
        pass
