"""Clusterings by profile on the command line: what tags refuse, and how it is shown."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arien_flows.cli.conflict_texts import sureness
from arien_flows.cli.main import run
from arien_flows.evaluation.rates import rate_text
from heuristics.rules import rule_named
from tests.ledgers import Chain, Tx, text_of_name, write_block_file
from tests.small_case import COIN, FEE, NETWORK, SmallCase, make_small_case

PACK = """\
title: Owners
creator: the tests
source: https://court.example/judgment
currency: BTC
confidence: ownership
tags:
  - {{address: {}, label: Alice}}
  - {{address: {}, label: Mallory}}
"""
PAYMENT = (
    Tx(name="mined-1", outputs=[("payer", 7 * COIN)]),
    Tx(name="mined-2", outputs=[("payer-2", 6 * COIN)]),
    # Round to a shop with another kind of script, and what is left over is less than any input.
    Tx(
        name="pay",
        inputs=["mined-1:0", "mined-2:0"],
        outputs=[("p2pkh:shop", 10 * COIN), ("change", 3 * COIN - FEE)],
    ),
    Tx(name="mined-3", outputs=[("miner", COIN)]),
    Tx(name="mined-4", outputs=[("miner", COIN)]),
)
Say = Callable[..., str]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> SmallCase:
    folder = tmp_path_factory.mktemp("clusterings")
    made = make_small_case(folder, cluster=False, tags=False)
    owners = folder / "owners.yaml"
    owners.write_text(PACK.format(made.address("alice"), made.address("p2pkh:alice-2")))
    common = ["--data", str(made.data), "--network", "bitcoin-regtest", "--progress", "none"]
    assert run([*common, "tags", "import", str(owners)]) == 0
    assert run([*common, "cluster", "run"]) == 0
    assert run([*common, "cluster", "run", "--profile", "wide", "--decision-lag", "1"]) == 0
    return made


@pytest.fixture
def say(case: SmallCase, capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(case.data), *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return said


def test_cluster_conflicts__shows_what_tags_refused(say: Say, case: SmallCase) -> None:
    alice, other = case.address("alice"), case.address("p2pkh:alice-2")
    page = json.loads(say("cluster", "conflicts", "--json"))
    assert page["count"] == 1
    (conflict,) = page["items"]
    assert (conflict["kind"], conflict["joined"], conflict["rule"]) == ("owners", False, "cospend")
    assert (conflict["address_a"], conflict["address_b"]) == (alice, other)
    assert (conflict["owner_a"], conflict["owner_b"]) == ("alice", "mallory")
    assert conflict["txid"] == case.txid("pay")
    assert conflict["certainty"] == "inference"
    rate = rate_text("cospend", rule_named("cospend").version)
    assert page["error_rates"] == {"cospend": rate}
    text = say("cluster", "conflicts")
    assert f"  cospend: {rate}" in text
    assert "Profile strict: 1 merge that something spoke against." in text
    assert f"{other} (tagged mallory)" in text


def test_cluster_review__says_that_nothing_waits(say: Say) -> None:
    text = say("cluster", "review")
    assert "Profile strict: 0 merges not made as both sets are large." in text
    assert "How often these rules were wrong" not in text


def test_why__shows_what_kept_two_addresses_apart(say: Say, case: SmallCase) -> None:
    alice, other = case.address("alice"), case.address("p2pkh:alice-2")
    answer = json.loads(say("why", alice, other, "--json"))
    assert (answer["joined"], answer["conflict_count"]) == (False, 1)
    (conflict,) = answer["conflicts"]
    assert (conflict["kind"], conflict["together_now"]) == ("owners", False)
    assert "Something spoke against 1 merge of the two:" in say("why", alice, other)
    joined = json.loads(say("why", alice, alice, "--json"))
    assert (joined["conflict_count"], joined["conflicts"]) == (0, [])


def test_cluster_status__names_commands_that_show_the_same_profile(say: Say) -> None:
    wide, strict = say("cluster", "status", "--profile", "wide"), say("cluster", "status")
    for part in ("conflicts", "review"):
        assert f"see `arien-flows cluster {part} --profile wide`" in wide
        assert f"see `arien-flows cluster {part}`" in strict


def test_cluster_run__refuses_options_that_its_profile_does_not_heed(say: Say) -> None:
    error = say("cluster", "run", "--decision-lag", "1", code=2)
    assert "--decision-lag is for profiles that decide about change: strict does not" in error
    error = say("cluster", "run", "--profile", "wide", "--change-by", "model", code=2)
    assert "--change-by is for profile standard" in error
    assert "no clustering profile 'bold'" in say("cluster", "run", "--profile", "bold", code=2)


def test_cluster_status__tells_terms_and_counts(say: Say) -> None:
    answer = json.loads(say("cluster", "status", "--profile", "wide", "--json"))
    assert answer["parameters"]["decision_lag"] == "1"
    assert len(answer["parameters"]["tags"]) == 64
    assert answer["conflicts"] >= 1
    assert answer["rules"]["different_owners"] == 1
    assert "exploration" in [cut["reason"] for cut in answer["truncations"]]
    assert "Conflicts     1" in say("cluster", "status")


def test_entity__says_which_rules_made_it_and_what_spoke_against(say: Say, case: SmallCase) -> None:
    answer = json.loads(say("entity", case.address("p2pkh:alice-2"), "--json"))
    assert answer["merges"] == {"cospend": 1}
    assert answer["conflict_count"] == 1
    assert answer["conflicts"][0]["owner_b"] == "mallory"
    text = say("entity", case.address("p2pkh:alice-2"))
    assert "Joined by     cospend (1 merge)" in text
    assert "Something spoke against 1 merge with this entity:" in text
    alone = say("entity", case.address("bob"))
    assert "Joined by     no rule: it is one address" in alone


@pytest.mark.parametrize("command", ["entity", "address"])
def test_profile__is_chosen_by_an_option(say: Say, case: SmallCase, command: str) -> None:
    text = say(command, case.address("alice"), "--profile", "wide")
    assert "profile wide" in text
    assert "never for a report" in text


def test_profile__that_was_not_run_is_said_to_be_missing(say: Say, case: SmallCase) -> None:
    missing = say("entity", case.address("alice"), "--profile", "standard", code=2)
    assert "no clustering 'standard'" in missing
    assert "cluster run --profile standard" in missing


def test_why__counts_no_votes_for_a_proof(say: Say, case: SmallCase) -> None:
    answer = json.loads(
        say("why", case.address("p2pkh:alice-2"), case.address("alice-3"), "--json")
    )
    assert answer["joined"] is True
    assert answer["steps"][0]["votes"] is None


def test_why__tells_by_how_many_votes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = Chain.from_genesis().add(PAYMENT)
    write_block_file(tmp_path / "blk00000.dat", chain.blocks)
    common = ["--data", str(tmp_path / "data"), "--network", NETWORK, "--progress", "none"]
    source = f"blockfiles:{tmp_path / 'blk00000.dat'}"
    assert run([*common, "ledger", "ingest", "--source", source]) == 0
    wide = ["--profile", "wide"]
    assert run([*common, "cluster", "run", *wide, "--decision-lag", "1"]) == 0
    asked = [*common, "why", text_of_name("payer"), text_of_name("change"), *wide]
    capsys.readouterr()
    assert run([*asked, "--json"]) == 0
    (step,) = json.loads(capsys.readouterr().out)["steps"]
    assert (step["rule"], step["probability"]) == ("change_vote", None)
    assert step["votes"] >= 3
    assert run(asked) == 0
    text = capsys.readouterr().out
    assert f"by change_vote 1 (ahead by {step['votes']} votes) in {chain.txid('pay')}" in text


def test_sureness__says_among_what_a_probability_holds() -> None:
    assert sureness(None, None) == ""
    assert sureness(None, 1) == " (ahead by 1 vote)"
    told = " (probability 0.990000 among simulated payments, ahead by 8 votes)"
    assert sureness("0.990000", 8) == told


def test_cluster_run__a_rule_can_be_switched_off(
    case: SmallCase, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(case.data), "--progress", "none", "--json"]
    arguments = ["cluster", "run", "--profile", "wide", "--without", "different_owners"]
    assert run([*common, *arguments]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "different_owners" not in answer["rules"]
    assert answer["parameters"]["without"] == "different_owners"
    assert answer["conflicts"] == 0
    # As it was, for the other tests.
    assert run([*common, "cluster", "run", "--profile", "wide", "--decision-lag", "1"]) == 0


@pytest.fixture
def own_case(tmp_path: Path) -> SmallCase:
    return make_small_case(tmp_path, tags=False)


def reasons(case: SmallCase, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert run(["--data", str(case.data), "--json", *arguments]) == 0
    return [cut["reason"] for cut in json.loads(capsys.readouterr().out)["truncations"]]


def bring_in(case: SmallCase, text: str) -> None:
    case.pack.write_text(text)
    common = ["--data", str(case.data), "--network", "bitcoin-regtest", "--progress", "none"]
    assert run([*common, "tags", "import", str(case.pack)]) == 0


def owners_of(case: SmallCase) -> str:
    return PACK.format(case.address("alice"), case.address("p2pkh:alice-2"))


def test_answers__say_that_tags_of_owners_changed(
    own_case: SmallCase, capsys: pytest.CaptureFixture[str]
) -> None:
    case, alice, other = own_case, *map(own_case.address, ("alice", "p2pkh:alice-2"))
    questions = [
        ("entity", alice),
        ("address", alice),
        ("why", alice, other),
        ("tags", "of", alice),
        ("roles", alice),
        ("cluster", "status"),
        ("cluster", "conflicts"),
    ]
    bring_in(case, owners_of(case).replace("ownership", "web_crawl"))
    for question in questions:
        assert "tags_changed" not in reasons(case, capsys, *question), question
    bring_in(case, owners_of(case))
    for question in questions:
        assert "tags_changed" in reasons(case, capsys, *question), question
    assert run(["--data", str(case.data), "cluster", "run"]) == 0
    for question in questions:
        assert "tags_changed" not in reasons(case, capsys, *question), question


def test_answers__of_a_clustering_without_tags_do_not_ask_for_them(
    own_case: SmallCase, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(own_case.data), "cluster", "run"]
    assert run([*common, "--without", "different_owners"]) == 0
    bring_in(own_case, owners_of(own_case))
    assert "tags_changed" not in reasons(own_case, capsys, "entity", own_case.address("alice"))


def test_cluster_conflicts__goes_on_in_the_same_run_only(
    own_case: SmallCase, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(own_case.data), "--json"]
    bring_in(own_case, owners_of(own_case))
    later = [own_case.address(name) for name in ("alice-3", "p2sh:alice-4")]
    bring_in(own_case, PACK.format(*later).replace("Alice", "Carol"))
    assert run([*common, "cluster", "run", "--profile", "wide", "--decision-lag", "1"]) == 0

    def page(*more: str, code: int = 0) -> str:
        capsys.readouterr()
        asked = [*common, "cluster", "conflicts", "--profile", "wide", "--limit", "1", *more]
        assert run(asked) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    first = json.loads(page())
    assert first["count"] > 1
    shown, following = first["items"], first["next_cursor"]
    while following is not None:
        part = json.loads(page("--cursor", following))
        shown, following = [*shown, *part["items"]], part["next_cursor"]
    whole = json.loads(page("--limit", "50"))
    assert (shown, whole["next_cursor"]) == (whole["items"], None)
    assert len(shown) == first["count"]
    for damaged in ("!", "c3RyaWN0IHg", first["next_cursor"][:-4]):
        assert "the cursor is damaged" in page("--cursor", damaged, code=2)
    assert run([*common, "cluster", "run", "--profile", "wide", "--decision-lag", "2"]) == 0
    assert "run again since" in page("--cursor", first["next_cursor"], code=2)


def test_cluster_verify__repeats_the_run(
    own_case: SmallCase, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(own_case.data), "--json", "cluster", "verify"]
    capsys.readouterr()
    assert run(common) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["faults"]) == (True, [])
    (labels,) = own_case.data.glob("*/derived/clusterings/strict/labels.*")
    content = bytearray(labels.read_bytes())
    content[4] ^= 1
    labels.write_bytes(content)
    assert run(common) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert "strict: labels is not what the rules give for this chain" in found["faults"]


def test_cluster_verify__wants_a_clustering_that_is_up_to_date(
    own_case: SmallCase, capsys: pytest.CaptureFixture[str]
) -> None:
    own_case.chain.add([Tx(name="later", outputs=[("frank", COIN)])])
    write_block_file(own_case.block_file, own_case.chain.blocks)
    common = ["--data", str(own_case.data)]
    source = f"blockfiles:{own_case.block_file}"
    assert run([*common, "ledger", "ingest", "--source", source]) == 0
    assert run([*common, "cluster", "verify"]) == 2
    assert "run `arien-flows cluster run` and verify again" in capsys.readouterr().err
