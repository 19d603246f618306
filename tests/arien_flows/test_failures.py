"""What errors mean to the outside."""

import errno
import re
from pathlib import Path

import pytest

import arien_flows.errors
import chains.errors
from arien_flows.errors import ArienError, StaleCursorError
from arien_flows.failures import failure_of

EXIT_CODES = {0, 1, 2, 3, 4}


def _tree(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


@pytest.mark.parametrize("kind", _tree(ArienError) + _tree(chains.errors.ChainError))
def test_failure_of__every_expected_error_has_a_meaning(kind):
    # Some take other facts than their message; what they mean does not depend on them.
    failure = failure_of(kind.__new__(kind, "what is wrong:\n do this"))
    assert failure is not None
    assert failure.exit_code in EXIT_CODES - {0}
    assert 400 <= failure.status < 600
    assert failure.detail == "what is wrong: do this"
    assert re.fullmatch(r"[a-z_]+", failure.code)


def test_failure_of__an_error_carries_its_own_meaning():
    failure = failure_of(StaleCursorError("x"))
    assert failure is not None
    assert (failure.code, failure.exit_code, failure.status) == ("stale_cursor", 2, 409)


def test_failure_of__bad_addresses_are_input_and_broken_sources_are_sources():
    address = failure_of(chains.errors.AddressError("x"))
    source = failure_of(chains.errors.SourceUnavailableError("x"))
    assert address is not None
    assert source is not None
    assert (address.exit_code, address.status) == (2, 422)
    assert (source.exit_code, source.status) == (4, 502)


def test_failure_of__a_bug_has_none():
    assert failure_of(ValueError("x")) is None
    assert failure_of(OSError(errno.EPERM, "no file is named")) is None


def test_failure_of__a_full_device_says_that_nothing_is_lost():
    failure = failure_of(OSError(errno.ENOSPC, "No space left on device"))
    assert failure is not None
    assert failure.exit_code == 1
    assert "intact" in failure.detail


def test_failure_of__a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "absent.yaml").read_text()
    failure = failure_of(caught.value)
    assert failure is not None
    assert failure.exit_code == 2
    assert failure.detail == f"{tmp_path / 'absent.yaml'}: no such file or directory"


@pytest.mark.parametrize("module", [arien_flows.errors, chains.errors])
def test_errors__the_tree_in_the_docstring_is_the_tree_in_the_code(module):
    drawn = set(re.findall(r"^(?:[│├└─ ]*)(\w+Error)\b", module.__doc__, flags=re.MULTILINE))
    defined = {name for name in vars(module) if name.endswith("Error")}
    assert drawn == defined
