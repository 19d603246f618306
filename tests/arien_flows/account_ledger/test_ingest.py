"""Taking a chain in: late beginnings, reorganisations, and tokens that do not conserve."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest

from arien_flows.account_ledger.ingest import catch_up_accounts, ingest_accounts
from arien_flows.account_ledger.ledger import open_accounts
from arien_flows.account_ledger.limits import limits_of, not_conserving
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.system_movements import SystemMovement, with_system_movements
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.errors import InputError, SourceError
from chains.account_source import AssetClaim
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.tables import CallCoverage, MovementKind
from tests.account_chains import ETHER, AccountChain, address_of, text_of
from tests.arien_flows.account_ledger.chain_source import ChainSource
from tests.arien_flows.account_ledger.disk_ledgers import assert_alike, random_chain
from tests.arien_flows.ledger.stores import QuickDisk


def taken_in(root: Path, source: ChainSource, **limits: int) -> AccountView:
    with AccountLedgerWriter(root, ETHEREUM_DEV, QuickDisk(root)) as writer:
        ingest_accounts(writer, source, **limits)
    return open_accounts(root)


def balance(view: AccountView, name: str, token: str | None = None) -> int:
    account = view.find_account(text_of(name))
    asset = 0 if token is None else view.index.find_asset(view.find_account(text_of(token)))
    assert asset is not None
    return view.index.totals(account, asset).balance


def test_ingest__goes_on_where_it_stopped(tmp_path: Path) -> None:
    chain = random_chain(Random(4), 11)
    source = ChainSource(chain)
    assert taken_in(tmp_path, source, until=4).tip.height == 4
    view = taken_in(tmp_path, source)
    assert_alike(view, chain.view())
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        assert catch_up_accounts(writer, source).blocks_added == 0
        with pytest.raises(InputError, match="begins at block 0, not at 3"):
            catch_up_accounts(writer, source, start=3)


def forked(chain: AccountChain, at: int, blocks: int) -> AccountChain:
    """Return a chain that shares blocks below `at` with another, and goes on otherwise."""
    branch = random_chain(Random(99), at + blocks, salt="branch")
    branch.blocks[:at], branch.times[:at] = chain.blocks[:at], chain.times[:at]
    own, theirs = branch.block_hash, chain.block_hash
    branch.block_hash = lambda block: theirs(block) if block < at else own(block)
    name, other = branch._id, chain._id
    branch._id = lambda block, place: (other if block < at else name)(block, place)
    return branch


class SilentOnTokens(ChainSource):
    """Goes away when it is asked what contracts say of themselves, from the second time on."""

    told = False

    def assets(self, contracts: Sequence[bytes]) -> list[AssetClaim]:
        if self.told:
            raise SourceUnavailableError("the node is gone")
        self.told = True
        return super().assets(contracts)


def test_ingest__keeps_what_came_before_a_source_fails_in_the_middle_of_a_batch(
    tmp_path: Path,
) -> None:
    chain = AccountChain()
    for token in ("usd", "dai"):
        chain.block()
        with chain.transaction("alice", token) as tx:
            tx.token(token, "null", "bob", 5)
    source = SilentOnTokens(chain, blocks_each=2)
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        with pytest.raises(SourceUnavailableError, match="the node is gone"):
            catch_up_accounts(writer, source)
        assert open_accounts(tmp_path).counts.blocks == 2
        # The one who follows the chain goes on with the same writer.
        assert catch_up_accounts(writer, ChainSource(chain)).blocks_added == 1
    assert_alike(open_accounts(tmp_path), chain.view())


@pytest.mark.parametrize("blocks", [2, 6])
def test_ingest__follows_a_reorganisation(tmp_path: Path, blocks: int) -> None:
    chain = random_chain(Random(4), 11)
    branch = forked(chain, 7, blocks)
    taken_in(tmp_path, ChainSource(chain))
    with AccountLedgerWriter(tmp_path, ETHEREUM_DEV, QuickDisk(tmp_path)) as writer:
        summary = ingest_accounts(writer, ChainSource(branch))
    assert (summary.blocks_removed, summary.blocks_added) == (4, blocks)
    assert_alike(open_accounts(tmp_path), branch.view())


def test_ingest__asks_anew_where_the_chain_changes_meanwhile(tmp_path: Path) -> None:
    chain = random_chain(Random(4), 11)
    source = ChainSource(chain)
    source.changes_to, source.changes_after = forked(chain, 5, 6), 2
    assert_alike(taken_in(tmp_path, source), forked(chain, 5, 6).view())


def test_ingest__keeps_what_a_source_that_is_behind_lacks(tmp_path: Path) -> None:
    chain = random_chain(Random(4), 8)
    taken_in(tmp_path, ChainSource(chain))
    behind = random_chain(Random(4), 5)
    assert_alike(taken_in(tmp_path, ChainSource(behind)), chain.view())
    with pytest.raises(SourceError, match="share no block"):
        taken_in(tmp_path, ChainSource(random_chain(Random(4), 8, salt="foreign")))
    assert_alike(open_accounts(tmp_path), chain.view())


class Paid(ChainSource):
    """Has alice's allocation from the start, and pays bob by a contract that nobody traces."""

    def balances(
        self, height: int, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        held = {address_of("alice"): ETHER, address_of("bob"): 7 if height >= 2 else 0}
        return [held.get(account, 0) if contract is None else 0 for account in accounts]


def test_genesis__allocates_nothing_that_contracts_may_have_paid_since(tmp_path: Path) -> None:
    chain = AccountChain(calls=CallCoverage.MISSING)
    chain.block()
    with chain.transaction("alice", "carol") as tx:
        tx.move("alice", "carol", 5)
    for _ in range(3):
        chain.block()
    with chain.transaction("bob", "carol") as tx:
        tx.move("bob", "carol", 3)
    view = taken_in(tmp_path, Paid(chain, blocks_each=1))
    assert balance(view, "alice") == ETHER - 5
    assert balance(view, "bob") == -3, "where its 7 came from is not known, and answers say so"
    assert [said.reason for said in limits_of(view)] == ["no_traces"]


def test_late_beginning__opens_with_the_balances_of_the_node(tmp_path: Path) -> None:
    chain = random_chain(Random(6), 14)
    view, whole = taken_in(tmp_path, ChainSource(chain), start=6), chain.view()
    assert (view.movements.kind == MovementKind.OPENING).sum() > 3
    for account in range(view.counts.accounts):
        same = whole.find_account(view.account_id(account))
        for asset in view.index.assets_of(account).tolist():
            if view.asset_facts[asset].standard == MovementKind.TOKEN and account:
                contract = whole.find_account(
                    "0x" + (view.asset_facts[asset].contract or b"").hex()
                )
                theirs = whole.index.find_asset(contract)
                assert theirs is not None
                assert (
                    view.index.totals(account, asset).balance
                    == whole.index.totals(same, theirs).balance
                )
        assert view.index.totals(account, 0).balance == whole.index.totals(same, 0).balance
    (said,) = limits_of(view)
    assert (said.reason, said.limit) == ("before_ledger", 6)
    assert "opening balances" in said.detail


def test_late_beginning__asks_for_each_balance_once(tmp_path: Path) -> None:
    source = ChainSource(random_chain(Random(6), 14), blocks_each=2)
    view = taken_in(tmp_path, source, start=6)
    coins = [count for _, count, contract in source.asked if contract is None]
    assert sum(coins) == view.counts.accounts + 1, "and the question whether it tells any"


def test_late_beginning__of_files_says_what_balances_lack(tmp_path: Path) -> None:
    chain = random_chain(Random(6), 14)
    view = taken_in(tmp_path, ChainSource(chain, knows_balances=False), start=6)
    assert not (view.movements.kind == MovementKind.OPENING).any()
    (said,) = limits_of(view)
    assert "may be below zero" in said.detail
    assert_alike(view, account_view_of([chain.batch(6)], ETHEREUM_DEV))


def fee_story() -> AccountChain:
    """Return a chain on which a token keeps a tenth of what bob gets, and tells of nothing."""
    chain = AccountChain()
    chain.knows("fee", "FEE", 2, is_listed=False)
    chain.genesis(alice=ETHER)
    chain.block()
    chain.send("fee", "null", "alice", 1000)
    chain.block()
    chain.send("fee", "alice", "bob", 100)
    chain.block()
    chain.send("fee", "alice", "bob", 200)
    chain.system(MovementKind.WITHDRAWAL, alice=5)
    chain.block()
    chain.send("fee", "bob", "carol", 50)
    return chain


@pytest.mark.parametrize("blocks_each", [1, 2, 5])
def test_fee_token__is_marked_and_its_differences_are_entered(
    tmp_path: Path, blocks_each: int
) -> None:
    source = ChainSource(fee_story(), blocks_each=blocks_each)
    source.gains = [(2, "bob", "fee", -10), (3, "bob", "fee", -20), (4, "carol", "fee", -5)]
    view = taken_in(tmp_path, source)
    asset = view.index.find_asset(view.find_account(text_of("fee")))
    assert asset is not None
    assert not view.asset_facts[asset].is_conserving
    assert [each.reason for each in not_conserving(view, asset)] == ["not_conserving"]
    assert balance(view, "bob", "fee") == 220
    assert balance(view, "carol", "fee") == 45
    assert balance(view, "alice", "fee") == 700
    rows = np.flatnonzero(view.movements.kind == MovementKind.DIFFERENCE_DOWN)
    assert view.heights_of(view.movements.transaction[rows]).tolist() == [2, 3, 4]
    assert view.asset_facts[asset].symbol == "FEE"
    assert limits_of(view) == ()


def test_rebasing_token__is_corrected_in_the_block_in_which_balances_change(tmp_path: Path) -> None:
    chain = AccountChain()
    chain.genesis(alice=ETHER)
    chain.block()
    chain.send("grows", "null", "alice", 1000)
    for _ in range(4):
        chain.block()
    chain.send("grows", "alice", "bob", 100)
    source = ChainSource(chain, blocks_each=6)
    source.gains = [(3, "alice", "grows", 30), (4, "alice", "grows", 4)]
    view = taken_in(tmp_path, source)
    rows = np.flatnonzero(view.movements.kind == MovementKind.DIFFERENCE_UP)
    assert view.heights_of(view.movements.transaction[rows]).tolist() == [3, 4]
    assert balance(view, "alice", "grows") == 934


def test_spam_token__costs_few_questions_for_each_account_that_it_names(tmp_path: Path) -> None:
    chain, named = AccountChain(), [f"victim{number}" for number in range(20)]
    chain.genesis(alice=ETHER)
    chain.block()
    with chain.transaction("alice", "spam") as tx:
        for name in named:
            tx.token("spam", "null", name, 5)
    for _ in range(18):
        chain.block()
    source = ChainSource(chain, blocks_each=20)
    source.gains = [(1, name, "spam", -5) for name in named]
    view = taken_in(tmp_path, source)
    assert {balance(view, name, "spam") for name in named} == {0}
    # At the end of the batch, to see whether it conserves, and then in its block and at the end.
    asked = sum(count for _, count, contract in source.asked if contract is not None)
    assert asked == 3 * len(named)


def test_conserving_tokens__are_entered_as_the_blocks_tell(tmp_path: Path) -> None:
    assert_alike(taken_in(tmp_path, ChainSource(fee_story())), fee_story().view())


def test_with_system_movements__are_those_of_a_chain_that_was_written_so():
    plain, written = fee_story(), fee_story()
    added = [
        SystemMovement(
            block=3, kind=MovementKind.DIFFERENCE_DOWN, giver=address_of("bob"),
            contract=address_of("fee"), amount=20,
        ),
        SystemMovement(
            block=3, kind=MovementKind.OPENING, receiver=address_of("zoe"), contract=None, amount=7
        ),
        SystemMovement(
            block=4, kind=MovementKind.OPENING, receiver=address_of("yan"), contract=None, amount=8
        ),
    ]  # fmt: skip
    written.blocks[3][-1].token("fee", "bob", None, 20, MovementKind.DIFFERENCE_DOWN)
    written.blocks[3][-1].moves[-1] = (
        MovementKind.DIFFERENCE_DOWN, "bob", None, "fee", 20, None,
    )  # fmt: skip
    written.system(MovementKind.OPENING, yan=8)
    written.blocks[4].insert(0, written.blocks[4].pop())
    written.blocks[3].insert(0, type(written.blocks[3][0])(None, None, 255, gas_used=0))
    written.blocks[3][0].move(None, "zoe", 7, MovementKind.OPENING)
    found = account_view_of([with_system_movements(plain.batch(), added)], ETHEREUM_DEV)
    expected = written.view()
    assert found.counts == expected.counts
    for name in ("giver", "receiver", "asset", "kind", "transaction"):
        assert getattr(found.movements, name).tolist() == getattr(expected.movements, name).tolist()
    assert found.transactions.first_movement.tolist() == (
        expected.transactions.first_movement.tolist()
    )
    assert found.transactions.tx_kind.tolist() == expected.transactions.tx_kind.tolist()
    assert found.blocks.first_transaction.tolist() == expected.blocks.first_transaction.tolist()
