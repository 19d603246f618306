"""What one question has fetched so far: whole histories of accounts, and single blocks of others.

An account counts as fetched when the explorer has told all that touches it, up to the block that
everything is as of. Of the accounts at the other end only what they did with those is here, and
no statement is made about the rest of them.
"""

from collections.abc import Callable, Iterable

from arien_flows.account_inquiry.joining import Joined, TipBlock, join_histories
from arien_flows.account_inquiry.memory import ArchivedAnswers
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.view import AccountView, AssetFacts
from arien_flows.fetched.accounts import AccountOrigin
from arien_flows.fetched.conversation import Conversation
from arien_flows.shapes import Truncation
from chains.account_source import AccountLookupSource
from chains.errors import LookupFailedError
from chains.ethereum.address import checksummed
from chains.ethereum.lookups import AccountHistory, AssetClaim
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import NULL_ADDRESS, MovementKind
from chains.ethereum.tokens import listed, listed_assets

MOST_OF_HISTORY = 10_000
"""An account with more transactions is not fetched row by row."""

Report = Callable[[int, int], None]
"""Is told how many accounts are here and how many requests were made."""


class AccountGathering:
    """Fetches accounts for a question."""

    def __init__(
        self,
        source: AccountLookupSource,
        answers: ArchivedAnswers,
        conversation: Conversation,
        report: Report,
    ) -> None:
        self.source = source
        self.conversation = conversation
        place = source.tip()
        self.tip = TipBlock(place.height, place.block_hash, source.tip_time())
        self.histories: dict[bytes, AccountHistory] = {}
        """Whole ones, by account."""

        self.failures: dict[bytes, str] = {}
        """Why an account could not be fetched."""

        self.waiting: dict[bytes, None] = {}
        """Accounts that were asked for and not fetched because the requests ran out."""

        self.remarks: list[Truncation] = []
        """What a question found out that every answer has to say."""

        self._in_blocks: dict[bytes, AccountHistory] = {}
        self._answers = answers
        self._report = report

    @property
    def network(self) -> EthereumNetwork:
        """The network that is asked about."""
        return self.source.network

    def take(self, accounts: Iterable[bytes]) -> None:
        """Fetch the whole histories of accounts, in the order given; nothing is asked twice."""
        wanted = [
            account
            for account in dict.fromkeys(accounts)
            # Nobody holds its key, and half of all tokens came from it.
            if account not in self.histories and account not in self.failures
            and account != NULL_ADDRESS
        ]  # fmt: skip
        self.waiting |= dict.fromkeys(wanted)
        for account in wanted:
            (answer,) = self.source.histories([account], most=MOST_OF_HISTORY)
            del self.waiting[account]
            if isinstance(answer, LookupFailedError):
                self.failures[account] = str(answer)
            else:
                self.histories[account] = answer
            self.tell()

    def take_block(self, accounts: Iterable[bytes], height: int) -> None:
        """Fetch what accounts did in one block."""
        for account in accounts:
            (answer,) = self.source.histories([account], most=MOST_OF_HISTORY, only=height)
            if isinstance(answer, LookupFailedError):
                self.failures[account] = str(answer)
            else:
                self._in_blocks[account] = answer
            self.tell()

    def joined(self) -> Joined:
        """Return everything that is here as blocks."""
        # A whole history holds what a block of it does.
        return join_histories(self.source.name, {**self._in_blocks, **self.histories}, self.tip)

    def view(self, joined: Joined) -> AccountView:
        """Return the ledger of what is here."""
        return account_view_of([joined.batch], self.network, self._assets())

    def whole(self, view: AccountView) -> frozenset[int]:
        """Return the accounts of a view whose whole history is here."""
        found = (view.index.find_account(account) for account in self.histories)
        return frozenset(number for number in found if number is not None)

    def origin(self, view: AccountView) -> AccountOrigin:
        """Return where the ledger comes from."""
        return AccountOrigin(
            source=self.source.name,
            requests=self.conversation.made,
            requests_allowed=self.conversation.budget,
            reused=self.source.reused,
            accounts=len(self.histories),
            transactions=view.counts.transactions,
            facts_sha256=self._answers.sha256(),
        )

    def silences(self) -> list[str]:
        """Return what the explorer does not tell, in its own order."""
        every = (*self._in_blocks.values(), *self.histories.values())
        return list(dict.fromkeys(text for each in every for text in each.missing))

    def tell(self) -> None:
        """Say how far it is."""
        self._report(len(self.histories), self.conversation.made)

    def _assets(self) -> list[AssetFacts]:
        every = (*self._in_blocks.values(), *self.histories.values())
        claims = {
            asset.contract: AssetClaim(asset.contract, asset.symbol, asset.name, asset.decimals)
            for asset in listed_assets(self.network.chain_id)
        }
        claims |= {claim.contract: claim for each in every for claim in each.claims}
        return [_facts(claim, self.network) for claim in claims.values()]


def shown(account: bytes) -> str:
    """Return an address as people read it."""
    return checksummed("0x" + account.hex())


def _facts(claim: AssetClaim, network: EthereumNetwork) -> AssetFacts:
    """Return what is known of a token: the program's own list goes before the explorer."""
    known = listed(claim.contract, network.chain_id)
    return AssetFacts(
        number=0,
        contract=claim.contract,
        standard=MovementKind.TOKEN,
        symbol=claim.symbol if known is None else known.symbol,
        name=claim.name if known is None else known.name,
        decimals=claim.decimals if known is None else known.decimals,
        is_listed=known is not None,
        is_conserving=True if known is None else known.is_conserving,
    )
