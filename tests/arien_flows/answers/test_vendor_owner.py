"""Whose wallet a profile is of."""

from pathlib import Path

import pytest

from arien_flows.answers.vendor_owner import owner_of_account
from arien_flows.cli.main import run
from arien_flows.errors import NotFoundError
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.observations import observe, page
from tests.small_case import NETWORK, SmallCase
from tests.small_vendor import ACCOUNT, OTHER, with_vendor

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(small_case: SmallCase, tmp_path: Path) -> Workspace:
    return Workspace(Settings(data=with_vendor(small_case, tmp_path)))


def test_owner_of_account__joins_the_wallets_of_linked_accounts(
    workspace: Workspace, small_case: SmallCase
):
    owner = workspace.open(NETWORK).ask(lambda reading: owner_of_account(reading, OTHER))
    view = workspace.open(NETWORK).read().view
    assert owner.accounts == (OTHER, ACCOUNT)
    assert view.address_text(owner.address) == small_case.address("erin")
    named = {each.address: each.entity for each in owner.named}
    assert named[small_case.address("alice")] is not None
    assert named[small_case.address("exchange")] is None
    assert named[small_case.address("nobody")] is None
    assert [view.address_text(root) for root in owner.roots] == [
        small_case.address("erin"), named[small_case.address("alice")],
    ]  # fmt: skip
    (cut,) = owner.cuts
    assert (cut.reason, cut.detail[:1]) == ("no_entity", "2")


def test_owner_of_account__of_guessed_entities_joins_no_other_account(workspace: Workspace):
    data = str(workspace.settings.data)
    assert run(["--data", data, "--progress", "none", "cluster", "run", "--profile", "wide"]) == 0
    network = workspace.open(NETWORK)
    owner = network.ask(lambda reading: owner_of_account(reading, ACCOUNT), "wide")
    assert (owner.accounts, len(owner.roots)) == ((ACCOUNT,), 1)
    assert [cut.reason for cut in owner.cuts] == ["no_entity", "not_strict"]


def test_owner_of_account__without_a_wallet_says_what_to_do(workspace: Workspace):
    observe(workspace.casebook, b"poor", page(handle="Poor", keys=(), contacts=()))
    with pytest.raises(NotFoundError, match="vendors show empire/Poor"):
        workspace.open(NETWORK).ask(lambda reading: owner_of_account(reading, "empire/Poor"))
