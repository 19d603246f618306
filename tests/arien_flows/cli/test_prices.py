"""Commands about prices, and traces that value by them: told to people and to programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.ledgers import GENESIS_TIME
from tests.small_case import NETWORK, SmallCase, make_small_case

Do = Callable[..., tuple[str, str]]

DAYS = "date,close\n2024-03-01,57643.10\n2024-03-02,57000\n"


@pytest.fixture
def do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Do:
    """Run a command on a data folder that holds nothing; return its output and messages."""

    def done(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
        command = ["--data", str(tmp_path / "data"), *map(str, arguments)]
        assert run(command) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return done


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


TERMS = ("--asset", "BTC", "--currency", "EUR", "--source", "An exchange")


def test_prices__from_import_to_withdrawal(do: Do, tmp_path: Path):
    out, _ = do("prices", "list")
    assert out.startswith("No prices were imported yet")
    file = written(tmp_path, "btc.csv", DAYS)
    out, _ = do("prices", "import", file, *TERMS, "--licence", "CC0")
    assert out == (
        "btc.csv: price table 1, 2 prices of BTC in EUR by day (UTC) from 2024-03-01T00:00:00Z to "
        "2024-03-02T00:00:00Z, column close\n"
        "   A closing price: fixed up to one day (UTC) after the payment, at the end of the "
        "day (UTC) in which it was made.\n"
    )
    out, _ = do("prices", "import", file, *TERMS, "--licence", "CC0")
    assert "already imported at 20" in out
    assert "as price table 1; nothing was changed" in out
    out, _ = do("prices", "of", "btc", "2024-03-01T12:00Z", "--currency", "eur")
    assert out.startswith("One BTC was worth 57643.1 EUR (an attribution)\n")
    assert "fixed up to one day (UTC) after the payment" in out
    for told in ("An exchange", "CC0", "day (UTC)", "btc.csv, column close", "SHA-256"):
        assert told in out
    answer = json.loads(do("prices", "of", "BTC", "2024-03-02", "--currency", "EUR", "--json")[0])
    assert (answer["rate"], answer["rate_time"]) == ("57000", "2024-03-02T00:00:00Z")
    assert len(answer["steps"]) == len(answer["tables"]) == 1
    out, _ = do("prices", "list")
    assert "An exchange (btc.csv, close)" in out
    assert "in effect" in out
    out, _ = do("prices", "withdraw", "1", "--reason", "of another coin")
    assert out.startswith(
        "Price table 1 (btc.csv) is withdrawn; its 2 prices and the file are kept"
    )
    _, err = do("prices", "of", "BTC", "2024-03-02", "--currency", "EUR", code=2)
    assert "the casebook holds no prices from which BTC can be valued in EUR" in err
    (listed,) = json.loads(do("prices", "list", "--json")[0])
    assert listed["withdrawal"]["reason"] == "of another coin"


def test_prices__what_is_not_usable_is_listed_and_the_exit_code_says_so(do: Do, tmp_path: Path):
    file = written(
        tmp_path, "btc.csv", f"{DAYS}2024-03-05,-1\n2024-03-06,N/A\n2024-03-01,57643.1\n"
    )
    out, _ = do("prices", "import", file, *TERMS, code=3)
    assert "1 row without a price; 1 repeated row left out; 1 not usable" in out
    assert "   line 4 is not usable: '-1' is not a price: it is not above zero" in out
    bad = written(tmp_path, "bad.csv", f"{DAYS}2024-03-01,5\n")
    out, _ = do("prices", "import", bad, *TERMS, code=2)
    assert "bad.csv: refused. bad.csv gives two prices for 2024-03-01" in out
    other = written(tmp_path, "other.csv", "date,close\n2024-03-01,5\n")
    out, _ = do("prices", "import", bad, other, *TERMS, code=3)
    assert "other.csv: price table 2, 1 price of BTC" in out
    many = "".join(f"2024-04-01,x{i}\n" for i in range(25))
    out, _ = do("prices", "import", written(tmp_path, "many.csv", DAYS + many), *TERMS, code=3)
    assert "   5 more are not usable: add --json to see them all" in out


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("--currency", "euro"), "is not a currency"),
        (("--asset", "E U R"), "is not an asset"),
        (("--asset", "EUR"), "one EUR is always worth one EUR"),
        (("--source", " "), "say who states the prices"),
    ],
)
def test_prices__bad_terms_are_explained(do: Do, tmp_path: Path, changed, message):
    file = written(tmp_path, "btc.csv", DAYS)
    _, err = do("prices", "import", file, *TERMS, *changed, code=2)
    assert message in err
    assert do("prices", "list")[0].startswith("No prices")


def test_prices__of_a_time_without_one_says_so(do: Do, tmp_path: Path):
    do("prices", "import", written(tmp_path, "btc.csv", DAYS), *TERMS)
    for time in ("2024-02-29T23:59Z", "2024-03-03T12:00Z"):
        _, err = do("prices", "of", "BTC", time, "--currency", "EUR", code=2)
        assert "no price of BTC in EUR is in force at 2024-0" in err
    _, err = do("prices", "withdraw", "1", "--reason", " ", code=2)
    assert "say why" in err


def test_prices__derived_from_two_state_both(do: Do, tmp_path: Path):
    dollars = written(tmp_path, "usd.csv", "date,close\n2024-03-01,1\n")
    do("prices", "import", dollars, "--asset", "BTC", "--currency", "USD", "--source", "X")
    rates = written(tmp_path, "ecb.csv", "Date,USD,JPY,GBP,CHF,CAD,\n2024-03-01,3,1,1,1,1,\n")
    do("prices", "import", rates, "--asset", "EUR", "--currency", "USD", "--source", "A bank")
    out, _ = do("prices", "of", "BTC", "2024-03-01T12:00Z", "--currency", "EUR")
    assert out.startswith("One BTC was worth 0.333333333333333333 EUR")
    assert "Derived from two prices, and rounded to 18 digits:" in out
    assert "one EUR is 3 USD from 2024-03-01T00:00:00Z (divided by)" in out
    assert "A bank" in out


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> SmallCase:
    """Return the small ledger with prices of its coin."""
    case = make_small_case(tmp_path_factory.mktemp("priced"))
    rows = "".join(f"{GENESIS_TIME + 600 * i},{20_000 + i}\n" for i in range(20))
    file = written(case.data, "tbtc.csv", f"timestamp,price\n{rows}")
    terms = ["--asset", "tBTC", "--currency", "EUR", "--source", "made up"]
    assert run(["--data", str(case.data), "prices", "import", str(file), *terms]) == 0
    return case


def test_trace__shows_values_and_what_they_rest_on(priced: SmallCase, capsys):
    command = ["--data", str(priced.data), "trace", priced.address("alice"), "--fiat", "eur"]
    capsys.readouterr()
    assert run([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert run(command) == 0
    text = capsys.readouterr().out
    assert answer["request"]["fiat"] == "EUR"
    reached = answer["totals"]["fiat"]["by_reason"]["service_reached"]["amount"]
    assert f"{float(reached):,.2f}" in text
    assert "EUR then" in text
    assert "Values (attributions) are in EUR at the time at which each coin was paid" in text
    assert "Prices of tBTC in EUR: made up; column price, one each 600 s, the last at" in text
    assert answer["manifest"]["prices"][0]["sha256"] in text
    leaf = answer["leaves"][0]
    exact = int(leaf["traced"]) * int(leaf["fiat"]["rate"])
    assert leaf["fiat"]["amount"] == f"{exact // 10**8}.{exact % 10**8 // 10**6:02d}"


def test_trace__compares_values(priced: SmallCase, capsys):
    command = ["--data", str(priced.data), "trace", priced.address("alice"), "--fiat", "EUR"]
    capsys.readouterr()
    assert run([*command, "--compare"]) == 0
    text = capsys.readouterr().out
    assert "EUR then" in text
    assert "Prices of tBTC in EUR: made up" in text


def test_trace__in_a_currency_without_prices_is_refused(priced: SmallCase, capsys):
    for currency, message in (
        ("USD", "tBTC is the coin of a test network (bitcoin-regtest) and is worth nothing"),
        ("dollar", "is not a currency"),
    ):
        command = ["--data", str(priced.data), "trace", priced.address("alice")]
        assert run([*command, "--fiat", currency]) == 2
        assert message in capsys.readouterr().err


def test_trace__without_a_price_for_its_time_says_so(small_case: SmallCase, tmp_path: Path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    (data / NETWORK).symlink_to(small_case.data / NETWORK)
    file = written(tmp_path, "late.csv", DAYS)
    common = ["--data", str(data)]
    terms = ["--asset", "tBTC", "--currency", "EUR", "--source", "made up"]
    assert run([*common, "prices", "import", str(file), *terms]) == 0
    capsys.readouterr()
    assert run([*common, "trace", small_case.address("alice"), "--fiat", "EUR"]) == 0
    text = capsys.readouterr().out
    assert "Left out: fiat (no_price). no price in EUR was in force for the sources (" in text
    assert " -  unspent" in text or "  -  " in text
