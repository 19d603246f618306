"""Policies: the standard one agrees with the category map, and a wrong one is refused in words."""

import hashlib
from importlib.resources import files
from pathlib import Path

import pytest

from arien_flows.attribution.categories import standard_categories
from arien_flows.errors import InputError
from arien_flows.risk.policy import policy_in, read_policy, standard_policy

RAW = (files("arien_flows.risk") / "policies" / "standard_1.toml").read_bytes()


def test_standard__weighs_every_category_in_the_order_of_the_map() -> None:
    severities = standard_policy().severity
    names = standard_categories().names
    assert set(severities) == set(names)
    # The map takes the first of several categories for the worst. `unknown` stays its last.
    named = [severities[name] for name in names[:-1]]
    assert named == sorted(named, reverse=True)
    assert standard_policy().sha256 == hashlib.sha256(RAW).hexdigest()


@pytest.mark.parametrize(
    ("score", "band"),
    [(0, "low"), (19.99, "low"), (20, "medium"), (50, "high"), (79.9, "high"), (100, "severe")],
)
def test_band__begins_at_its_score(score: float, band: str) -> None:
    assert standard_policy().band(score) == band


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("scam = 0.80\n", "", "lacks severity.scam: write a number"),
        ("scam = 0.80", "scam = 1.1", "severity.scam has to be a number from 0 to 1"),
        ("scam = 0.80", "scam = nan", "severity.scam has to be a number from 0 to 1"),
        ("scam = 0.80", 'scam = "much"', "severity.scam has to be a number"),
        ("scam = 0.80", "scam = true", "severity.scam has to be a number"),
        ("scam = 0.80", "scam = 0.80\nsmuggling = 0.5", "severity.smuggling is unknown"),
        (
            "peel_chain = 0.15",
            "peel_chain = 1.0",
            "flags.peel_chain has to be a number from 0 to 0.99",
        ),
        ("draws = 4000", "draws = 1000000", "interval.draws has to be a whole number from 100 to"),
        ("lambda = 4", "lambda = 0", "formula.lambda has to be a number from 0.001 to 50"),
        ("gamma = 0.7", "gama = 0.7", "lacks formula.gamma"),
        ("draws = 4000", "draws = 1", "interval.draws has to be a whole number from 100"),
        ("upper_percent = 95", "upper_percent = 1", "lies above upper_percent"),
        ("from = 20", "from = 60", "bands have to begin at 0 and rise"),
        ('["sanctioned", "csam"]', '["bad"]', "'bad' is no risk category: write one of"),
        ('["sanctioned", "csam"]', "[1]", "direct_categories has to be a list of names"),
        ("own_tags = true", "own_tags = 1", "floors.own_tags has to be true or false"),
        ('name = "standard-1"', 'name = ""', "name has to be a text of 1 to 100"),
        ('name = "standard-1"', 'name = "x"\nnote = "y"', "note is unknown: remove it"),
        ("[flags]", "[flag]", "lacks flags: write a table"),
        ("[formula]", "[formula", "is not TOML"),
    ],
)
def test_read_policy__says_what_is_wrong(old: str, new: str, fault: str) -> None:
    text = RAW.decode()
    assert old in text
    with pytest.raises(InputError, match=fault.replace("[", r"\[")):
        read_policy(text.replace(old, new, 1).encode())


def test_policy_in__reads_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(RAW.replace(b"standard-1", b"our own"))
    own = policy_in(file)
    assert own.name == "our own"
    assert own.sha256 != standard_policy().sha256
    assert own.severity == standard_policy().severity
    with pytest.raises(InputError, match="cannot be read"):
        policy_in(tmp_path / "absent.toml")
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="more than 1,000,000 bytes"):
        policy_in(file)
