"""Commands of accounts: keys go to standard output once, and nothing else does."""

import json
import re
from pathlib import Path

import pytest

from arien_flows.cli.binding import require_protection
from arien_flows.cli.main import run
from arien_flows.errors import InputError
from arien_flows.settings import Settings

ANYWHERE = "0.0.0.0"  # noqa: S104 whether it may be listened on is what is tried


@pytest.fixture
def do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command on a data folder that holds nothing; return its output and messages."""

    def done(*arguments: str, code: int = 0) -> tuple[str, str]:
        assert run(["--data", str(tmp_path), *arguments]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return done


def test_keys__are_printed_once_and_listed_without_secrets(do, tmp_path: Path):
    options = ("--role", "service", "--scope", "tags:read", "--expires", "30")
    out, err = do("keys", "create", "robot", *options, "--address", "192.0.2.0/24")
    assert re.fullmatch(r"af_[0-9a-z]{26}_[a-z2-7]{52}\n", out)
    secret = out.strip().rpartition("_")[2]
    assert secret not in err
    listed, _ = do("keys", "list")
    assert "tags:read" in listed
    assert secret not in listed
    (key,) = json.loads(do("keys", "list", "--json")[0])["items"]
    assert (key["owner"], key["networks"], key["clearance"]) == (
        "robot",
        ["192.0.2.0/24"],
        "amber",
    )
    do("keys", "revoke", key["id"])
    assert "revoked" in do("keys", "list", "--owner", "robot")[0]
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()


def test_keys__that_cannot_be_made_say_why(do):
    for arguments, told, code in (
        (("bob",), "nobody is called 'bob'", 2),
        (("bob", "--role", "service", "--scope", "fly"), "scopes are chain:read", 2),
        (("service", "--role", "service"), "stands for nobody in particular", 2),
        (("bob", "--role", "admin", "--address", "home"), "as 192.0.2.0/24", 2),
    ):
        out, err = do("keys", "create", *arguments, code=code)
        assert out == ""
        assert told in err
    assert do("keys", "revoke", "key_x", code=2)[1].startswith("Error: there is no key_x")


def test_people__are_added_listed_and_disabled(do, monkeypatch: pytest.MonkeyPatch):
    do("people", "add", "ann", "--role", "analyst", "--clearance", "red")
    _, err = do("people", "add", "bob", "--role", "analyst", "--subject", "7", code=2)
    assert "ARIEN_OIDC_ISSUER" in err
    monkeypatch.setenv("ARIEN_OIDC_ISSUER", "https://login.example")
    do("people", "add", "bob", "--role", "supervisor", "--subject", "7")
    do("people", "disable", "ann")
    ann, bob = json.loads(do("people", "list", "--json")[0])["items"]
    assert (ann["name"], ann["clearance"], ann["disabled_at"] is None) == ("ann", "red", False)
    assert (bob["issuer"], bob["subject"], bob["disabled_at"]) == (
        "https://login.example",
        "7",
        None,
    )
    assert "disabled" in do("people", "list")[0]


def test_protection__is_required_of_every_service(do, tmp_path: Path):
    bare = Settings(data=tmp_path)
    require_protection(bare, "127.0.0.1")
    require_protection(bare, "::1")
    for host in (ANYWHERE, "::", "192.0.2.1", "flows.example", "127.0.0.1.example"):
        with pytest.raises(InputError, match=r"not a loopback address.*ARIEN_ACCOUNTS=1"):
            require_protection(bare, host)
    with_accounts = Settings(data=tmp_path, accounts=True, public_url="https://flows.example")
    with pytest.raises(InputError, match="keys create"):
        require_protection(with_accounts, ANYWHERE)
    assert not list(tmp_path.iterdir())
    do("keys", "create", "root", "--role", "admin")
    require_protection(with_accounts, ANYWHERE)
    with pytest.raises(InputError, match="ARIEN_PUBLIC_URL"):
        require_protection(Settings(data=tmp_path, accounts=True), ANYWHERE)
    require_protection(Settings(data=tmp_path, accounts=True), "127.0.0.1")
