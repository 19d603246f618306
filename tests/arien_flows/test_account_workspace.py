"""Ledgers of accounts beside those of coins: opened, asked, kept, and as of an earlier block."""

from pathlib import Path

import pytest

from arien_flows import account_workspace
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.account_workspace import AccountReading, OpenAccounts
from arien_flows.errors import InputError, NotFoundError, StaleSnapshotError
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from chains.errors import UnknownNetworkError
from chains.ethereum.networks import ETHEREUM_DEV
from tests.account_chains import ETHER, AccountChain, text_of
from tests.arien_flows.casebook.packs import bring_in, pack, row
from tests.small_accounts import FIRST_HEIGHT, SmallAccounts, write_account_ledger
from tests.small_case import SmallCase

DEV = ETHEREUM_DEV.name


def itself(reading: AccountReading) -> AccountReading:
    return reading


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    chain = AccountChain()
    chain.genesis(alice=9 * ETHER)
    for _ in range(3):
        chain.block()
        chain.pay("alice", "bob", ETHER)
    write_account_ledger(tmp_path, chain)
    return tmp_path


def opened(data: Path) -> OpenAccounts:
    return Workspace(Settings(data=data)).open_accounts(DEV)


def test_workspace__lists_and_opens_both_kinds(small_case: SmallCase, dev: Path, tmp_path: Path):
    (tmp_path / "bitcoin-regtest").symlink_to(small_case.data / "bitcoin-regtest")
    workspace = Workspace(Settings(data=dev))
    assert workspace.networks() == ["bitcoin-regtest", DEV]
    assert workspace.coin_networks() == ["bitcoin-regtest"]
    assert isinstance(workspace.open_any(DEV), OpenAccounts)
    assert workspace.open_any("bitcoin-regtest") is workspace.open("bitcoin-regtest")
    with pytest.raises(InputError, match="several networks have a ledger: add --network"):
        workspace.choose()


def test_workspace__refuses_what_is_asked_of_the_other_kind(small_case: SmallCase, dev: Path):
    with pytest.raises(InputError, match="ethereum-dev keeps accounts"):
        Workspace(Settings(data=dev)).open(DEV)
    with pytest.raises(InputError, match="bitcoin-regtest keeps coins"):
        Workspace(Settings(data=small_case.data)).open_accounts("bitcoin-regtest")


def test_workspace__says_where_there_is_no_ledger(tmp_path: Path):
    workspace = Workspace(Settings(data=tmp_path))
    with pytest.raises(NotFoundError, match="there is no ledger"):
        workspace.open_accounts("ethereum")
    with pytest.raises(UnknownNetworkError, match="did you mean 'ethereum'"):
        workspace.open_accounts("etherum")


def test_read__is_the_same_while_nothing_changes(dev: Path):
    accounts = opened(dev)
    assert accounts.read() is accounts.read()


def test_read__takes_in_new_tags(dev: Path):
    workspace = Workspace(Settings(data=dev))
    accounts = workspace.open_accounts(DEV)
    before = accounts.read()
    assert before.tags.is_empty
    bring_in(workspace.casebook, pack(row(f'"{text_of("bob")}"', "Bob", network=DEV)))
    after = accounts.read()
    assert after is not before
    assert after.view is before.view
    assert not after.tags.is_empty
    workspace.casebook.close()


def test_ask__puts_the_question_again_after_a_roll_back(dev: Path):
    accounts, heights = opened(dev), []

    def question(reading: AccountReading) -> int:
        heights.append(reading.view.tip.height)
        if len(heights) == 1:
            with AccountLedgerWriter(dev / DEV, ETHEREUM_DEV) as writer:
                writer.roll_back(1)
        return reading.view.tip.height

    assert accounts.ask(question) == 1
    assert heights == [3, 1]


def test_ask__gives_up_where_blocks_are_removed_again_and_again(
    dev: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(account_workspace, "ATTEMPTS", 2)

    def question(reading: AccountReading) -> None:
        with AccountLedgerWriter(dev / DEV, ETHEREUM_DEV) as writer:
            writer.roll_back(reading.view.tip.height - 1)

    with pytest.raises(StaleSnapshotError):
        opened(dev).ask(question)


def test_ask__as_of_a_block_is_the_ledger_that_ended_there(dev: Path):
    accounts = opened(dev)
    earlier = accounts.ask(itself, height=1)
    assert earlier.view.tip.height == 1
    assert earlier.tags_are_later
    assert accounts.ask(itself, height=1) is earlier
    assert accounts.ask(itself, height=3) is accounts.read()
    with pytest.raises(InputError, match="holds blocks 0 to 3"):
        accounts.ask(itself, height=4)


def test_reading__says_what_its_ledger_lacks(small_accounts: SmallAccounts):
    reading = Workspace(Settings(data=small_accounts.data)).open_accounts("ethereum").read()
    assert [(cut.reason, cut.limit) for cut in reading.limits] == [("before_ledger", FIRST_HEIGHT)]
    assert reading.clustering is not None
    assert reading.entities is reading.clustering
    assert not reading.owners_changed


def test_reading__says_why_there_are_no_entities(dev: Path):
    reading = opened(dev).read()
    assert reading.clustering is None
    assert f"arien-flows cluster run --network {DEV}" in reading.clustering_gap
    assert reading.entities.root_of(5) == 5


def test_holdings__count_the_files(dev: Path):
    holdings = opened(dev).holdings()
    assert holdings.view.counts.blocks == 4
    assert holdings.bytes_on_disk > 0
