"""Settings: read from an environment, checked, documented."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from arien_flows.errors import InputError
from arien_flows.settings import VARIABLES, Settings, settings_from, unknown_variables

README = Path(__file__).parents[2] / "README.md"


def test_settings_from__an_empty_environment_gives_the_defaults():
    assert settings_from({}) == Settings()


def test_settings_from__an_empty_variable_counts_as_absent():
    assert settings_from(dict.fromkeys(VARIABLES, "")) == Settings()


def test_settings_from__reads_every_variable():
    environment = {
        "ARIEN_DATA": "/d",
        "ARIEN_NETWORK": "bitcoin-signet",
        "ARIEN_TAGS": "/t",
        "ARIEN_HOST": "::1",
        "ARIEN_PORT": "81",
        "ARIEN_PAGE_ROWS": "7",
        "ARIEN_TRACE_BUDGET": "1_000",
        "ARIEN_BODY_BYTES": "2048",
        "ARIEN_DEBUG": "1",
    }
    assert set(environment) == set(VARIABLES)
    assert settings_from(environment) == Settings(
        data=Path("/d"),
        network="bitcoin-signet",
        tags=Path("/t"),
        host="::1",
        port=81,
        page_rows=7,
        trace_budget=1000,
        body_bytes=2048,
        debug=True,
    )


@pytest.mark.parametrize("text", ["x", "-1", "0", "65536", "1.5", "٣", "²"])
def test_settings_from__a_bad_number_names_the_variable_and_the_bounds(text):
    with pytest.raises(InputError, match=r"ARIEN_PORT must be a whole number from 1 to 65535"):
        settings_from({"ARIEN_PORT": text})


def test_settings_from__a_bad_switch_names_the_variable():
    with pytest.raises(InputError, match="ARIEN_DEBUG must be 0 or 1, not 'maybe'"):
        settings_from({"ARIEN_DEBUG": "maybe"})


def test_settings__tags_lie_in_the_data_folder_unless_named():
    assert Settings(data=Path("d")).tag_files == Path("d/tags")
    assert Settings(data=Path("d"), tags=Path("t.yaml")).tag_files == Path("t.yaml")


def test_variables__each_setting_has_one():
    assert sorted(VARIABLES.values()) == sorted(field.name for field in fields(Settings))


def test_variables__each_is_in_the_readme_and_no_other():
    table = README.read_text(encoding="utf-8").split("## Configuration")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(ARIEN_\w+)`", table, flags=re.MULTILINE)) == set(VARIABLES)


def test_unknown_variables__finds_misspellings_and_spares_those_of_tests():
    names = ["ARIEN_DATA", "ARIEN_DATTA", "ARIEN_TEST_DATA", "HOME"]
    assert unknown_variables(dict.fromkeys(names, "x")) == ["ARIEN_DATTA"]
