"""A block explorer as a source of lookups about single accounts.

Everything is as of one block: lists are asked for up to its height, and what came later is not
seen. An account's history is put together from up to seven lists. What a server says is checked
where its lists can be held against each other, and against the balance that it states; beyond that
it is believed, because no list comes with a proof. Who needs to be sure asks a node of their own.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from chains.access import DIRECT, Access
from chains.closing import Closing
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.explorer.answers import Rows, read_number, read_rows
from chains.ethereum.explorer.building import history_of
from chains.ethereum.explorer.errors import NotOfferedError
from chains.ethereum.explorer.lists import CALLS, LISTS, TRANSACTIONS, AccountList, account_rows
from chains.ethereum.explorer.node_answers import NodeBlock, read_block, read_sent
from chains.ethereum.explorer.paging import ListReader, PageQuestion, Whole, most_rows
from chains.ethereum.explorer.routes import ExplorerOptions, ExplorerRoutes
from chains.ethereum.lookups import AccountHistory, AnswerMemory, BlockPlace, SentTransaction
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import CallCoverage
from chains.ethereum.tokens import listed_assets
from chains.exchange import NoRecorder, Recorder
from chains.http import Patience

PARALLEL = 4
"""Lists of one account that are asked for at once."""

ROWS_OF_A_TRANSACTION = 2
"""Rows of one list that a transaction may have, on average, before an account is too large."""

P = ParamSpec("P")
Answer = TypeVar("Answer")


class Explorer(Closing):
    """A server of Etherscan's account questions, as an `AccountLookupSource`."""

    def __init__(
        self,
        endpoint: Endpoint,
        network: EthereumNetwork,
        access: Access = DIRECT,
        recorder: Recorder | None = None,
        *,
        patience: Patience = Patience(),  # noqa: B008 (immutable)
    ) -> None:
        """Ask for the genesis block and the tip.

        Raises `SourceUnavailableError` where there is no such server, or one of another network.
        """
        self.network = network
        self.name = endpoint.name
        options = _options(endpoint, network, access)
        self._routes = ExplorerRoutes(endpoint, options, access, recorder or NoRecorder(), patience)
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="explorer")
        self._not_offered: dict[str, None] = {}
        self._wrappers = frozenset(
            asset.contract for asset in listed_assets(network.chain_id) if asset.wraps_native
        )
        try:
            self._check_network()
            self.refresh()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections; what is under way is given up."""
        self._routes.close()
        self._pool.shutdown(cancel_futures=True)

    def notes(self) -> Sequence[str]:
        """Return what the explorer does not offer."""
        return [f"{self.name} does not list {what}" for what in self._not_offered]

    # --- the chain that is seen

    @property
    def reused(self) -> int:
        """Return how many answers were known from before."""
        return self._routes.reused

    def remember_with(self, memory: AnswerMemory) -> None:
        """Take answers as of the block that is seen from a memory, and give it new ones."""
        self._routes.memory = memory

    def refresh(self) -> None:
        """See the chain as it stands now."""
        self._tip = self._block("latest")

    def tip(self) -> BlockPlace:
        """Return the last block that is seen."""
        return BlockPlace(self._tip.height, self._tip.block_hash)

    def tip_time(self) -> int:
        """Return the time of the last block that is seen, in seconds since 1970."""
        return self._tip.time

    def place(self, height: int) -> BlockPlace:
        """Return the block at a height of the present chain; `LookupFailedError` past its end."""
        found = self._block(hex(height))
        return BlockPlace(found.height, found.block_hash)

    def stand_at(self, place: BlockPlace) -> bool:
        """See the chain as it was when that block was the last; false where it has no such."""
        try:
            found = self._block(hex(place.height))
        except LookupFailedError:
            return False
        if found.block_hash != place.block_hash:
            return False
        self._tip = found
        return True

    # --- questions

    def histories(
        self, accounts: Sequence[bytes], *, most: int, only: int | None = None
    ) -> list[AccountHistory | LookupFailedError]:
        """Return all that touches each account, oldest first; see `AccountLookupSource`."""
        return [_or_failure(self._history, each, most, only) for each in accounts]

    def balances(
        self, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        """Return present balances: of the coin, or of a token's contract."""

        def balance(account: bytes) -> int:
            asked = {"address": _text(account), "tag": "latest"}
            if contract is not None:
                asked["contractaddress"] = _text(contract)
            action = "balance" if contract is None else "tokenbalance"
            return self._routes.account(action, asked, read_number, is_lasting=False)

        return [_or_failure(balance, each) for each in accounts]

    def sent(self, tx_hashes: Sequence[bytes]) -> list[SentTransaction | LookupFailedError]:
        """Return who sent each transaction to whom, and in which block it stands."""
        return [_or_failure(self._sent, each) for each in tx_hashes]

    # --- inside

    def _check_network(self) -> None:
        wanted = self.network.genesis_hash
        try:
            found = self._block("0x0")
        except LookupFailedError as error:
            raise SourceUnavailableError(
                f"{error}; name the place of the interface itself, as in "
                "etherscan+https://HOST/api or blockscout+https://HOST"
            ) from None
        if wanted is not None and found.block_hash != wanted:
            raise SourceUnavailableError(
                f"{self.name} serves the chain that begins with 0x{found.block_hash.hex()}, and "
                f"{self.network.name} is wanted"
            )

    def _block(self, tag: str) -> NodeBlock:
        answer = self._routes.node(
            "eth_getBlockByNumber", {"tag": tag, "boolean": False}, is_lasting=False
        )
        if answer is None:
            raise LookupFailedError(f"{self.name} has no block {tag}")
        return read_block(answer)

    def _sent(self, tx_hash: bytes) -> SentTransaction:
        shown = "0x" + tx_hash.hex()
        answer = self._routes.node("eth_getTransactionByHash", {"txhash": shown}, is_lasting=False)
        sent = None if answer is None else read_sent(answer)
        if sent is None or sent.height > self._tip.height:
            raise LookupFailedError(
                f"{self.name} has no transaction {shown} in a block up to {self._tip.height:,}"
            )
        return sent

    def _history(self, account: bytes, most: int, only: int | None) -> AccountHistory:
        first, last = (0, self._tip.height) if only is None else (only, only)
        lists = self._lists(account, first, last, most * ROWS_OF_A_TRANSACTION)
        gaps = dict.fromkeys(gap for whole in lists.values() for gap in whole.gaps)
        knows_calls = CALLS in lists and not lists[CALLS].gaps
        missing = [f"{what}, which it does not list" for what in self._not_offered]
        told = history_of(
            account,
            account_rows(lists),
            calls=CallCoverage.TRACED if knows_calls else CallCoverage.MISSING,
            missing=(*missing, *(f"what it says itself: {gap}" for gap in gaps)),
            wrappers=self._wrappers,
        )
        if told.batch.transaction_count > most:
            raise LookupFailedError(
                f"its history has {told.batch.transaction_count:,} transactions, and at most "
                f"{most:,} are fetched one by one: ask a node or a ledger"
            )
        return told._replace(is_whole=not gaps and only is None)

    def _lists(self, account: bytes, first: int, last: int, most: int) -> dict[AccountList, Whole]:
        futures = {
            each: self._pool.submit(self._list, each, account, first, last, most)
            for each in LISTS
            if each.what not in self._not_offered
        }
        found: dict[AccountList, Whole] = {}
        try:
            for each, future in futures.items():
                try:
                    found[each] = future.result()
                except NotOfferedError as error:
                    if each == TRANSACTIONS:
                        raise SourceUnavailableError(str(error)) from None
                    self._not_offered[each.what] = None
        finally:
            for future in futures.values():
                future.cancel()
        return found

    def _list(self, asked: AccountList, account: bytes, first: int, last: int, most: int) -> Whole:
        def page(question: PageQuestion) -> Rows:
            parameters = {"address": _text(account), **asked.parameters(question)}
            return self._routes.account(asked.action, parameters, read_rows, is_lasting=True)

        reader = ListReader(page, start=first, stop=last)
        check = most_rows(most)
        return reader.whole(check) if asked.by_blocks else reader.paged(check)


def _options(endpoint: Endpoint, network: EthereumNetwork, access: Access) -> ExplorerOptions:
    """Return the options; Etherscan's present interface wants the chain named in each question."""
    options = ExplorerOptions.of(endpoint, access)
    named = options.chain_id
    if named is not None and network.chain_id not in (None, named):
        raise SourceUnavailableError(
            f"chainid={named} is not {network.name}, whose chain has the id {network.chain_id}"
        )
    if endpoint.kind == "etherscan" and named is None and endpoint.path.endswith("/v2/api"):
        return options._replace(chain_id=network.chain_id)
    return options


def _or_failure(
    task: Callable[P, Answer], *given: P.args, **named: P.kwargs
) -> Answer | LookupFailedError:
    try:
        return task(*given, **named)
    except LookupFailedError as error:
        return error


def _text(address: bytes) -> str:
    return "0x" + address.hex()
