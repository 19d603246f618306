"""Commands on a ledger of accounts: what they print, and what they refuse."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.account_chains import text_of
from tests.small_accounts import ALIKE, FIRST_HEIGHT, USDT, SmallAccounts
from tests.small_case import SmallCase

Say = Callable[..., str]
ALICE = text_of("alice")


@pytest.fixture
def say(small_accounts: SmallAccounts, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command on the small ledger of accounts and return what it prints."""

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(small_accounts.data), *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return said


def test_address__tells_coin_tokens_and_what_is_missing(say: Say):
    text = say("address", ALICE)
    assert "Kind          account of a key (fact)\n" in text
    assert "Received      10.000000010000000000 ETH\n" in text
    assert "Balance       6.997900009999999915 ETH\n" in text
    assert "500.000000  2,000.000000  1,500.000000          3  USDT" in text
    assert "2 tokens on no list, 1 of which pose as a main asset" in text
    assert "(not the real USDT)" in text
    assert f"Left out: history (before_ledger). the ledger begins at block {FIRST_HEIGHT}" in text
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_address__json_is_exact(say: Say):
    answer = json.loads(say("address", ALICE, "--json"))
    assert answer["balance"] == "6997900009999999915"
    assert (answer["asset"], answer["decimals"]) == ("ETH", 18)
    (usdt,) = answer["tokens"]
    assert usdt["asset"]["contract"].lower() == USDT
    assert usdt["balance"] == "500000000"
    assert answer["other_token_count"] == 2
    assert answer["tags"] == []


def test_address_transactions__hide_poison_and_count_it(say: Say):
    text = say("address", ALICE, "--transactions")
    assert ALIKE not in text.lower()
    assert "3 transactions of strangers passed over" in text
    assert "(FAILED)\n   gave  0.000000000000000077 ETH to nobody (gas burnt)" in text
    whole = say("address", ALICE, "--transactions", "--all")
    assert whole.lower().count(ALIKE) == 2
    assert "(dust or poison)" in whole
    assert "passed over" not in whole


def test_address_transactions__go_on_at_a_cursor(say: Say):
    first = json.loads(say("address", ALICE, "--transactions", "--limit", "3", "--json"))
    more = say("address", ALICE, "--transactions", "--json", "--cursor", first["next_cursor"])
    whole = json.loads(say("address", ALICE, "--transactions", "--json"))
    assert [*first["items"], *json.loads(more)["items"]] == whole["items"]


def test_tx__tells_movements_exchange_and_events(say: Say, small_accounts: SmallAccounts):
    text = say("tx", small_accounts.txid(1, 1))
    assert "Result         took effect\n" in text
    assert "gave 1.000000000000000000 ETH for 2,000.000000 USDT (inference by swap-" in text
    assert "Event: swap; by 0x" in text
    assert "without limit" in say("tx", small_accounts.txid(2, 0))
    assert "withdrawal" in say("tx", small_accounts.txid(3, 0))


def test_tags_of__finds_tags_of_an_account(say: Say):
    text = say("tags", "of", text_of("exchange"))
    assert "Said of the address itself: Exchange One, 50 of 100 by 1 source" in text
    assert f"True as of block {FIRST_HEIGHT + 3:,} of ethereum" in text


def test_exposure_and_risk__take_an_asset(say: Say):
    text = say("exposure", ALICE, "--asset", "USDT", "--direction", "out")
    assert "Where the money went: 1,500.000000 USDT in 1 transaction\n" in text
    assert "100.00  1,500.000000 USDT  1,500.000000 USDT" in text
    assert "Asset     ETH\n" in say("risk", ALICE)
    small = json.loads(say("exposure", ALICE, "--min-value", "0.5ETH", "--json"))
    assert small["request"]["min_value"] == str(5 * 10**17)


def test_exposure__as_of_an_earlier_block(say: Say):
    answer = json.loads(say("exposure", ALICE, "--as-of", str(FIRST_HEIGHT + 1), "--json"))
    assert answer["as_of"]["height"] == FIRST_HEIGHT + 1
    assert answer["sides"][1]["total"] == str(2 * 10**18 + 2 * 10**15 + 10**14 + 5)


def test_entity_and_why__answer_for_accounts(say: Say):
    assert json.loads(say("entity", ALICE, "--json"))["network"] == "ethereum"
    assert json.loads(say("why", ALICE, text_of("bob"), "--json"))["joined"] is False


def test_ledger_status_and_doctor__know_ledgers_of_accounts(say: Say):
    text = say("ledger", "status")
    assert "Network         ethereum\n" in text
    assert "Internal calls  traced\n" in text
    (ledger,) = [
        it for it in json.loads(say("doctor", "--json")) if it["check"] == "ledger ethereum"
    ]
    assert ledger["verdict"] == "good"
    assert "up to block 20,000,003" in ledger["detail"]


@pytest.mark.parametrize(
    "command", [["peel", "ab" * 32], ["roles", ALICE], ["flows", "--from", "a", "--to", "b"]]
)
def test_commands_for_coins__say_that_they_are(say: Say, command: list[str]):
    assert "keeps accounts" in say(*command, code=2)


def test_options_for_accounts__are_refused_by_name_on_coins(
    small_case: SmallCase, capsys: pytest.CaptureFixture[str]
):
    alice = small_case.address("alice")
    for command in (
        ["address", alice, "--transactions", "--all"],
        ["exposure", alice, "--asset", "ETH"],
        ["risk", alice, "--asset", "ETH"],
    ):
        assert run(["--data", str(small_case.data), *command]) == 2
        assert f"Error: {command[-1] if command[-1] == '--all' else '--asset'} is for Ethereum" in (
            capsys.readouterr().err
        )


def test_address__of_two_ledgers_has_to_be_told_which(
    small_case: SmallCase, small_accounts: SmallAccounts, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    for data, name in ((small_case.data, "bitcoin-regtest"), (small_accounts.data, "ethereum")):
        (tmp_path / name).symlink_to(data / name)
    assert run(["--data", str(tmp_path), "address", ALICE]) == 2
    assert "add --network bitcoin-regtest or ethereum" in capsys.readouterr().err
    assert run(["--data", str(tmp_path), "--network", "ethereum", "address", ALICE]) == 0
    assert "ETH" in capsys.readouterr().out
