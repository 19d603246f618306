"""Settings: read from an environment, checked, documented."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from arien_flows.errors import InputError
from arien_flows.settings import VARIABLES, Settings, settings_from, unknown_variables
from chains.access import Access, Secret

README = Path(__file__).parents[2] / "README.md"


def test_settings_from__an_empty_environment_gives_the_defaults():
    assert settings_from({}) == Settings()


def test_settings_from__an_empty_variable_counts_as_absent():
    assert settings_from(dict.fromkeys(VARIABLES, "")) == Settings()


def test_settings_from__reads_every_variable():
    environment = {
        "ARIEN_DATA": "/d",
        "ARIEN_NETWORK": "bitcoin-signet",
        "ARIEN_CASEBOOK": "sqlite:////c",
        "ARIEN_CASEBOOK_PASSWORD_FILE": "/p",
        "ARIEN_AUDIT": "sqlite:////a",
        "ARIEN_SOURCE": "electrum+ssl://x.example:50002",
        "ARIEN_PROXY": "socks5h://127.0.0.1:9050",
        "ARIEN_RPC_USER": "u",
        "ARIEN_RPC_PASSWORD": "p",
        "ARIEN_RPC_PASSWORD_FILE": "/f",
        "ARIEN_EXPLORER_KEY": "k",
        "ARIEN_EXPLORER_KEY_FILE": "/k",
        "ARIEN_HOST": "::1",
        "ARIEN_PORT": "81",
        "ARIEN_PAGE_ROWS": "7",
        "ARIEN_TRACE_BUDGET": "1_000",
        "ARIEN_TRACE_JOB_BUDGET": "2_000",
        "ARIEN_BODY_BYTES": "2048",
        "ARIEN_FILE_BYTES": "4096",
        "ARIEN_BATCH_BYTES": "8192",
        "ARIEN_ACCOUNTS": "1",
        "ARIEN_PUBLIC_URL": "https://Flows.example:8443/",
        "ARIEN_CASE_REQUIRED": "0",
        "ARIEN_TRUSTED_PROXIES": "10.0.0.5, fd00::/8",
        "ARIEN_OIDC_ISSUER": "https://login.example",
        "ARIEN_OIDC_CLIENT_ID": "flows",
        "ARIEN_OIDC_CLIENT_SECRET": "s",
        "ARIEN_OIDC_CLIENT_SECRET_FILE": "/s",
        "ARIEN_OIDC_AUDIENCE": "https://flows.example/api",
        "ARIEN_OIDC_ROLE_CLAIM": "realm_access.roles",
        "ARIEN_PROCESSES": "2",
        "ARIEN_WORKERS": "0",
        "ARIEN_RATE_PER_MINUTE": "0",
        "ARIEN_BODY_SECONDS": "5",
        "ARIEN_REQUEST_SECONDS": "6",
        "ARIEN_CONCURRENT_REQUESTS": "9",
        "ARIEN_LOG": "json",
        "ARIEN_JOBS_PER_OWNER": "10",
        "ARIEN_GRACE_SECONDS": "11",
        "ARIEN_WEBHOOK_ALLOW": "hive.example,10.0.0.0/8,9000",
        "ARIEN_SECRET_FILE": "/x",
        "ARIEN_DEBUG": "1",
    }
    assert set(environment) == set(VARIABLES)
    assert settings_from(environment) == Settings(
        data=Path("/d"),
        network="bitcoin-signet",
        casebook="sqlite:////c",
        casebook_password_file=Path("/p"),
        audit="sqlite:////a",
        source="electrum+ssl://x.example:50002",
        proxy="socks5h://127.0.0.1:9050",
        rpc_user="u",
        rpc_password=Secret("p"),
        rpc_password_file=Path("/f"),
        explorer_key=Secret("k"),
        explorer_key_file=Path("/k"),
        host="::1",
        port=81,
        page_rows=7,
        trace_budget=1000,
        trace_job_budget=2000,
        body_bytes=2048,
        file_bytes=4096,
        batch_bytes=8192,
        accounts=True,
        public_url="https://flows.example:8443",
        case_required=False,
        trusted_proxies=("10.0.0.5/32", "fd00::/8"),
        oidc_issuer="https://login.example",
        oidc_client_id="flows",
        oidc_client_secret=Secret("s"),
        oidc_client_secret_file=Path("/s"),
        oidc_audience="https://flows.example/api",
        oidc_role_claim="realm_access.roles",
        processes=2,
        rate_per_minute=0,
        body_seconds=5,
        request_seconds=6,
        concurrent_requests=9,
        log="json",
        workers=0,
        jobs_per_owner=10,
        grace_seconds=11,
        webhook_allow="hive.example,10.0.0.0/8,9000",
        secret_file=Path("/x"),
        debug=True,
    )


@pytest.mark.parametrize("text", ["x", "-1", "0", "65536", "1.5", "٣", "²"])
def test_settings_from__a_bad_number_names_the_variable_and_the_bounds(text):
    with pytest.raises(InputError, match=r"ARIEN_PORT must be a whole number from 1 to 65535"):
        settings_from({"ARIEN_PORT": text})


def test_settings_from__a_bad_switch_names_the_variable():
    with pytest.raises(InputError, match="ARIEN_DEBUG must be 0 or 1, not 'maybe'"):
        settings_from({"ARIEN_DEBUG": "maybe"})


def test_access__takes_the_password_from_a_file(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    settings = Settings(rpc_user="u", rpc_password_file=file, proxy="socks5h://127.0.0.1:9050")
    assert settings.access() == Access(
        proxy="socks5h://127.0.0.1:9050", rpc_user="u", rpc_password=Secret("hunter2")
    )
    assert "hunter2" not in repr(settings.access())


def test_access__a_password_is_named_once_and_is_there(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("")
    with pytest.raises(InputError, match="is empty: it should hold the password"):
        Settings(rpc_password_file=file).access()
    with pytest.raises(InputError, match="exclude each other"):
        Settings(rpc_password_file=file, rpc_password=Secret("p")).access()


def test_settings__show_no_secret():
    settings = Settings(
        source="esplora+https://u:hunter2@x/api",
        proxy="socks5h://u:hunter2@127.0.0.1:9050",
        rpc_password=Secret("hunter2"),
    )
    assert "hunter2" not in repr(settings)


def test_variables__each_setting_has_one():
    assert sorted(VARIABLES.values()) == sorted(field.name for field in fields(Settings))


def test_variables__each_is_in_the_readme_and_no_other():
    table = README.read_text(encoding="utf-8").split("## Configuration")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(ARIEN_\w+)`", table, flags=re.MULTILINE)) == set(VARIABLES)


def test_unknown_variables__finds_misspellings_and_spares_those_of_tests():
    names = ["ARIEN_DATA", "ARIEN_DATTA", "ARIEN_TEST_DATA", "HOME"]
    assert unknown_variables(dict.fromkeys(names, "x")) == ["ARIEN_DATTA"]


@pytest.mark.parametrize(
    "text",
    [
        "flows.example",
        "ftp://x",
        "https://",
        "https://a/b",
        "https://u@a",
        "https://a:x",
        "https://a?b",
    ],
)
def test_settings_from__a_public_address_is_an_origin(text: str):
    with pytest.raises(InputError, match="ARIEN_PUBLIC_URL must be https://HOST"):
        settings_from({"ARIEN_PUBLIC_URL": text})


def test_settings_from__proxies_are_addresses_or_ranges():
    with pytest.raises(InputError, match=r"ARIEN_TRUSTED_PROXIES: .*separated by commas"):
        settings_from({"ARIEN_TRUSTED_PROXIES": "proxy.example"})


def test_settings__want_a_case_with_accounts_unless_told_otherwise():
    assert not Settings().is_case_required
    assert Settings(accounts=True).is_case_required
    assert not Settings(accounts=True, case_required=False).is_case_required


def test_settings__show_no_secret_of_the_sign_in_service(tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    settings = Settings(oidc_client_secret_file=file, oidc_client_secret=None)
    assert settings.oidc_secret() == Secret("hunter2")
    assert "hunter2" not in repr(Settings(oidc_client_secret=Secret("hunter2")))
