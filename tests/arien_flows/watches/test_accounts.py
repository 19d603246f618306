"""Following a ledger of accounts: coins, tokens, dust, and what moves outside transactions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.casebook.watch_records import Alert, Watch
from arien_flows.errors import InputError
from arien_flows.settings import Settings
from arien_flows.watches.following import follow
from arien_flows.watches.making import WatchWish, wished
from arien_flows.workspace import Workspace
from tests.account_chains import ETHER, text_of
from tests.arien_flows.ledger.stores import QuickDisk
from tests.small_accounts import (
    FAKE_SYMBOL,
    NETWORK,
    USDT,
    small_account_chain,
    write_account_ledger,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(Settings(data=tmp_path))
    yield workspace
    workspace.casebook.close()


def watch(workspace: Workspace, *names: str, **wish: object) -> list[Watch]:
    wanted = WatchWish(network=NETWORK, subjects=tuple(map(text_of, names)), **wish)
    made = wished(workspace, wanted)
    now = datetime.now(UTC)
    return workspace.casebook.watches.add(made, owner="ann", case_id=None, now=now)


def followed(workspace: Workspace) -> list[Alert]:
    follow(workspace, datetime.now(UTC))
    found = workspace.casebook.watches.alerts(
        owner=None, cases=None, watch_id=None, before=None, limit=1000
    )
    return sorted(found, key=lambda it: (it.height, it.txid))


def moved(alert: Alert) -> dict[str, tuple[int, int]]:
    """Return what was received and sent by asset."""
    told = json.loads(alert.detail)["moved"]
    return {it["asset"]: (int(it["received"]), int(it["sent"])) for it in told}


def test_follow__tells_all_assets_of_a_transaction_and_leaves_out_poison(workspace: Workspace):
    chain = small_account_chain()
    chain.knows("fake", FAKE_SYMBOL, 6, is_listed=False)
    write_account_ledger(workspace.settings.data, chain)
    watch(workspace, "alice", since=20_000_001)
    alerts = followed(workspace)
    by_txid = {it.txid: it for it in alerts}
    swap = by_txid[chain.tx_hash(1, 1)]
    assert swap.direction == "out"
    found = moved(swap)
    assert found["USDT"] == (2_000 * 10**6, 0)
    assert found["ETH"] == (0, ETHER + 10**15 + 5)
    # Zero tokens in her name, tiny ether from an address like Bob's, tokens that pose as others.
    poison = [chain.tx_hash(2, place) for place in (2, 3, 4)]
    assert not set(poison) & set(by_txid)
    assert followed(workspace) == alerts


def test_follow__of_one_asset_counts_no_other(workspace: Workspace):
    chain = small_account_chain()
    write_account_ledger(workspace.settings.data, chain)
    watch(workspace, "alice", asset="USDT", min_value=1_600 * 10**6, since=20_000_001)
    (alert,) = followed(workspace)
    assert (alert.txid, alert.direction) == (chain.tx_hash(1, 1), "in")
    assert moved(alert) == {"USDT": (2_000 * 10**6, 0)}
    assert json.loads(alert.detail)["counterparts"][0]["address"].lower() == text_of("pool")


def test_follow__goes_on_with_new_blocks_and_back_with_removed_ones(workspace: Workspace):
    chain = small_account_chain()
    write_account_ledger(workspace.settings.data, chain)
    watch(workspace, "carol", "bob")
    assert followed(workspace) == []
    root, held = workspace.folder(NETWORK), len(chain.blocks)
    chain.block()
    chain.pay("bob", "carol", ETHER, burnt=1)
    with AccountLedgerWriter(root, chain.network, QuickDisk(root)) as writer:
        writer.append(chain.batch(held, len(chain.blocks)))
    alerts = followed(workspace)
    assert {it.direction for it in alerts} == {"in", "out"}
    assert {it.txid for it in alerts} == {chain.tx_hash(held, 0)}
    with AccountLedgerWriter(root, chain.network, QuickDisk(root)) as writer:
        writer.roll_back(20_000_000 + held - 1)
    assert all(it.withdrawn_at is not None for it in followed(workspace))
    with AccountLedgerWriter(root, chain.network, QuickDisk(root)) as writer:
        writer.append(chain.batch(held, len(chain.blocks)))
    back = followed(workspace)
    assert [it.withdrawn_at for it in back] == [None, None]
    assert {act.kind.value for act in back[0].acts} == {"raised", "withdrawn", "confirmed_again"}


def test_wished__keeps_what_an_asset_is(workspace: Workspace):
    write_account_ledger(workspace.settings.data, small_account_chain())
    (by_symbol,) = watch(workspace, "alice", asset="usdt")
    (coin,) = watch(workspace, "alice", asset="eth")
    assert (by_symbol.asset, coin.asset) == (USDT, "ETH")
    with pytest.raises(InputError, match="name the asset"):
        watch(workspace, "alice", min_value=1)
    with pytest.raises(InputError, match="no listed token"):
        watch(workspace, "alice", asset="NOPE")
