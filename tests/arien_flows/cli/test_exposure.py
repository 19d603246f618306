"""`exposure`, `flows` and their routes over the small ledger."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from tests.small_case import COIN, FEE, NETWORK, SmallCase, make_small_case


def say(case: SmallCase, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    command = [] if arguments[0] == "flows" else ["exposure"]
    assert run(["--data", str(case.data), *command, *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def sides(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {side["direction"]: side for side in answer["sides"]}


def test_exposure__parts_sum_to_the_whole_and_name_their_documents(small_case: SmallCase, capsys):
    alice = f"entity:{small_case.address('alice')}"
    answer = json.loads(say(small_case, capsys, alice, "--json"))
    for side in answer["sides"]:
        rows = [*side["categories"], *side["rest"]]
        assert sum(int(row["value"]) for row in rows) == int(side["total"])
        assert sum(round(100 * float(row["percent"])) for row in rows) == 10_000
        assert sum(int(row["value"]) for row in side["owners"]) == int(side["attributed"])
    # 40 of the 100 coins that were paid came back; the strict rules do not see where the 60 of
    # the second transaction went.
    out = sides(answer)["out"]
    assert int(out["total"]) == 120 * COIN
    assert {row["reason"]: int(row["value"]) for row in out["rest"]} == {
        "unspent": 60 * COIN - 2 * FEE,
        "fee": 2 * FEE,
    }
    (owner,) = out["owners"]
    assert (owner["label"], owner["hops"], owner["value"]) == ("Exchange One", 1, str(60 * COIN))
    assert owner["certainty"] == "attribution"
    assert owner["transaction"] == small_case.txid("pay")
    assert all(len(each) == 64 for each in owner["documents"])
    assert owner["documents"]
    assert {row["reason"] for row in sides(answer)["in"]["rest"]} == {"newly_mined"}
    assert answer["certainty"] == "inference"
    assert answer["manifest"]["kind"] == "exposure"


def test_exposure__text_reads_to_a_hundred(small_case: SmallCase, capsys):
    text = say(small_case, capsys, small_case.address("erin"))
    assert "Where the money came from: 100.00000000 tBTC in 2 transactions" in text
    assert "Where the money went: 0.00000000 tBTC in 0 transactions" in text
    assert "that is not the same as clean" in text
    text = say(small_case, capsys, f"entity:{small_case.address('alice')}", "--direction", "out")
    assert "in all, exactly" in text
    assert "Exchange One" in text
    assert "(fee) spent on fees" in text
    assert "True as of block 7 of bitcoin-regtest" in text


def test_exposure__the_same_question_has_the_same_hash(small_case: SmallCase, capsys):
    first, again, other = (
        json.loads(say(small_case, capsys, small_case.address("bob"), "--json", *more))
        for more in ((), (), ("--max-hops", "1"))
    )
    assert first == again
    assert first["manifest_sha256"] != other["manifest_sha256"]


def test_exposure__refuses_what_has_no_shares(small_case: SmallCase, capsys):
    assert "is no owner" in say(small_case, capsys, "category:exchange", code=2)


def test_exposure__the_service_says_what_the_command_says(small_case: SmallCase, capsys):
    alice = small_case.address("alice")
    client = TestClient(service(Settings(data=small_case.data)), base_url="http://127.0.0.1:8000")
    said = {
        "entities": json.loads(say(small_case, capsys, f"entity:{alice}", "--budget", "20000",
                                   "--json")),
        "addresses": json.loads(say(small_case, capsys, alice, "--budget", "20000", "--json")),
    }  # fmt: skip
    for what, expected in said.items():
        response = client.get(f"/v1/{NETWORK}/{what}/{alice}/exposure")
        assert response.status_code == 200
        assert response.json() == expected
    one_way = client.get(f"/v1/{NETWORK}/addresses/{alice}/exposure?direction=in&max_hops=2")
    assert [side["direction"] for side in one_way.json()["sides"]] == ["in"]
    for wrong in ("max_hops=13", "budget=20001", "min_value=-1", "since=2026-01-01T00:00:00"):
        response = client.get(f"/v1/{NETWORK}/addresses/{alice}/exposure?{wrong}")
        assert response.status_code == 422, wrong


def test_exposure__all_limits_can_be_set_over_http_too(small_case: SmallCase, capsys):
    alice = small_case.address("alice")
    client = TestClient(service(Settings(data=small_case.data)), base_url="http://127.0.0.1:8000")
    typed = (
        "--budget 900 --fan-out-outputs 3 --fan-out-percent 7 --as-of 7 --direction out "
        "--min-value 5000 --min-confidence 10 --horizon 30 --max-hops 4 --since 2009-01-01"
    )
    expected = json.loads(say(small_case, capsys, alice, *typed.split(), "--json"))
    assert expected["request"]["fan_out_percent"] == 7
    asked = {
        "budget": 900, "fan_out_outputs": 3, "fan_out_percent": 7, "as_of": 7, "direction": "out",
        "min_value": "5000", "min_confidence": 10, "horizon_days": 30, "max_hops": 4,
        "since": "2009-01-01T00:00:00Z",
    }  # fmt: skip
    path = f"/v1/{NETWORK}/addresses/{alice}/exposure"
    assert client.get(path, params=asked).json() == expected
    body = {"subjects": [alice], **asked}
    assert client.post(f"/v1/{NETWORK}/exposures", json=body).json() == expected
    # Joining addresses as of an earlier block than the clustering's is no work for a service.
    refused = client.get(path, params={"as_of": 4})
    assert refused.status_code == 422
    assert "`--as-of 4` on the command line" in refused.json()["detail"]


def test_exposure__of_a_set_is_the_command_lines(small_case: SmallCase, capsys):
    subjects = [small_case.address("alice"), f"entity:{small_case.address('bob')}"]
    client = TestClient(service(Settings(data=small_case.data)), base_url="http://127.0.0.1:8000")
    expected = json.loads(say(small_case, capsys, *subjects, "--budget", "20000", "--json"))
    got = client.post(f"/v1/{NETWORK}/exposures", json={"subjects": subjects})
    assert got.status_code == 200
    assert got.json() == expected
    assert got.json()["request"]["subjects"] == subjects


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"subjects": []}, "/body/subjects"),
        ({"subjects": ["x"] * 1_001}, "/body/subjects"),
        ({"budget": 20_001}, "this service allows 20,000"),
        ({"max_hops": 13}, "/body/max_hops"),
        ({"walls": 1}, "/body/walls"),
        ({"subjects": ["category:exchange"]}, "is no owner"),
    ],
)
def test_exposure__bad_sets_name_the_fault(small_case: SmallCase, changes, detail):
    client = TestClient(service(Settings(data=small_case.data)), base_url="http://127.0.0.1:8000")
    body = {"subjects": [small_case.address("alice")], **changes}
    got = client.post(f"/v1/{NETWORK}/exposures", json=body)
    assert got.status_code == 422
    assert detail in got.text


def test_exposure__can_be_made_again(small_case: SmallCase, capsys, tmp_path: Path):
    file = tmp_path / "exposure.json"
    alice = small_case.address("alice")
    file.write_text(say(small_case, capsys, alice, "--until", "2030-01-01", "--json"))
    assert run(["--data", str(small_case.data), "replay", str(file), "--json"]) == 0
    replayed = json.loads(capsys.readouterr().out)
    assert (replayed["outcome"], replayed["kind"]) == ("same", "exposure")
    told = json.loads(file.read_text())
    told["sides"][0]["total"] = "1"
    file.write_text(json.dumps(told))
    assert run(["--data", str(small_case.data), "replay", str(file)]) == 2
    assert "was changed or damaged" in capsys.readouterr().err


def test_flows__between_categories_are_those_of_the_exposures(small_case: SmallCase, capsys):
    """The one exchange is paid by nobody who is named; asked about itself it paid nothing."""
    answer = json.loads(
        say(small_case, capsys, "flows", "--from", "exchange", "--to", "exchange", "--json")
    )
    assert answer["request"]["subjects"] == ["category:exchange"]
    assert answer["destination"] == "exchange"
    assert [(row["name"], row["paid"]) for row in answer["payers"]] == [("Exchange One", "0")]
    assert (answer["flows"], answer["value"]) == ([], "0")
    assert answer["manifest"]["kind"] == "flows"
    text = say(small_case, capsys, "flows", "--from", "exchange", "--to", "scam")
    assert "Nothing that they paid was found to reach such an owner first." in text
    assert "True as of block 7 of bitcoin-regtest" in text


def test_flows__say_what_is_amiss(small_case: SmallCase, capsys):
    unknown = say(small_case, capsys, "flows", "--from", "bank", "--to", "exchange", code=2)
    assert "'bank' is no risk category" in unknown
    nobody = say(small_case, capsys, "flows", "--from", "scam", "--to", "exchange", code=2)
    assert "no address of this ledger is tagged as a scam" in nobody
    assert "--from" in say(small_case, capsys, "flows", "--to", "exchange", code=2)


def test_flows__name_pairs_amounts_and_documents(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, tags=False)
    rows = [("alice", "Market One", "market"), ("exchange", "Exchange One", "exchange")]
    tags = "".join(
        f"  - {{address: {case.address(name)}, label: {label}, concepts: [{concept}]}}\n"
        for name, label, concept in rows
    )
    pack = tmp_path / "names.yaml"
    pack.write_text(
        "title: Names\ncreator: a test\nsource: https://example.org/names\ncurrency: BTC\n"
        f"lastmod: 2026-01-01\nconfidence: forensic\ntags:\n{tags}"
    )
    assert run(["--data", str(case.data), "--network", NETWORK, "tags", "import", str(pack)]) == 0
    capsys.readouterr()
    typed = ("flows", "--from", "darknet_market", "--to", "exchange")
    answer = json.loads(say(case, capsys, *typed, "--json"))
    (row,) = answer["flows"]
    assert (row["origin"], row["destination"]) == ("Market One", "Exchange One")
    assert (row["direct"], row["indirect"]) == (str(60 * COIN), "0")
    assert row["value"] == answer["value"] == answer["payers"][0]["arrived"]
    assert answer["payers"][0]["paid"] == str(120 * COIN)
    assert len(row["documents"]) == 1
    text = say(case, capsys, *typed)
    assert "60.00000000 tBTC" in text
    assert row["documents"][0][:12] in text
