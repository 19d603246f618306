"""When addresses were first used, asked of a ledger."""

from datetime import UTC, datetime

from arien_flows.intake.existence import Chains
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.intake.desk import FIRST
from tests.ledgers import text_of_name
from tests.small_case import NETWORK, SmallCase


def test_first_use__of_what_a_ledger_knows(small_case: SmallCase):
    workspace = Workspace(Settings(data=small_case.data))
    chains = Chains(workspace)
    view = workspace.open(NETWORK).read().view
    used = chains.first_use(NETWORK, small_case.address("exchange"))
    assert used is not None
    assert used.at is not None
    assert used.at.tzinfo is UTC
    times = [datetime.fromtimestamp(int(each), UTC) for each in view.times_of_blocks(slice(None))]
    assert used.at in times
    assert used.height == view.tip.height
    unused = chains.first_use(NETWORK, text_of_name("nobody has it"))
    assert unused is not None
    assert unused.at is None


def test_first_use__without_a_ledger_is_not_known(small_case: SmallCase):
    chains = Chains(Workspace(Settings(data=small_case.data)))
    assert chains.first_use("bitcoin", FIRST) is None
    assert chains.first_use("ethereum", "0x" + "0" * 40) is None
    assert chains.first_use(NETWORK, "no address") is None
