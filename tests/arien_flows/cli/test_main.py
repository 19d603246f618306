"""The entry point: quick help, exit codes, one-line errors."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from arien_flows.cli.lazy import Entry
from arien_flows.cli.main import COMMANDS, program, run
from arien_flows.errors import SourceError
from chains.errors import AddressError

HEAVY = {"numpy", "numba", "llvmlite", "matplotlib", "pandas", "pyarrow", "fastapi", "pydantic"}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Let the command `doctor` raise what the test puts into the list."""
    errors: list[BaseException] = []

    @click.command()
    def command() -> None:
        raise errors[0]

    monkeypatch.setattr(sys.modules[__name__], "stand_in", command, raising=False)
    entry = Entry(module=__name__, attribute="stand_in", summary="Fail.")
    monkeypatch.setitem(COMMANDS, "doctor", entry)
    return errors


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([c, "--help"] for c in COMMANDS)]
)
def test_help__imports_nothing_heavy(arguments):
    """Import time is what makes `--help` slow; time itself is no matter for a shared machine."""
    probe = (
        "import sys\nfrom arien_flows.cli.main import run\n"
        f"assert run({arguments!r}) == 0\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split())
    assert done.stdout


def test_commands__the_table_says_what_the_commands_say():
    context = click.Context(program)
    for name, entry in COMMANDS.items():
        command = program.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200) == entry.summary
        assert command.name == name


def test_run__an_unknown_command_is_bad_usage(capsys):
    assert run(["adress"]) == 2
    assert "No such command 'adress'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (AddressError("the checksum\nis wrong"), 2, "Error: the checksum is wrong\n"),
        (SourceError("no blk files"), 4, "Error: no blk files\n"),
        (KeyboardInterrupt(), 1, "Stopped. What was committed is kept.\n"),
    ],
)
def test_run__an_expected_error_is_one_line_and_a_code(failing, capsys, error, code, line):
    failing.append(error)
    assert run(["doctor"]) == code
    captured = capsys.readouterr()
    assert captured.err.lstrip("\n") == line
    assert captured.out == ""


def test_run__a_bug_is_one_line_that_leads_to_the_traceback(failing, capsys):
    failing.append(ZeroDivisionError("by\nzero"))
    assert run(["doctor"]) == 1
    assert capsys.readouterr().err == (
        "Error: this is a bug (ZeroDivisionError: by zero); "
        "run again with --debug for the traceback, and report it\n"
    )
    assert run(["--debug", "doctor"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_run__a_bad_setting_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("ARIEN_PORT", "eighty")
    assert run(["doctor"]) == 2
    assert "ARIEN_PORT must be a whole number" in capsys.readouterr().err


def test_run__a_reader_that_goes_away_is_no_error(tmp_path: Path):
    """As `arien-flows … | head -1`: no traceback, also not when the interpreter ends."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as gone:  # noqa: PTH123 a descriptor has no path
        done = subprocess.run(
            [sys.executable, "-c", "from arien_flows.cli.main import main; main()", "--help"],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 1
    assert done.stderr == ""
