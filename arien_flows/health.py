"""Checks of an installation and its data folder, each with the remedy for what is wrong.

The checks are independent: one that fails does not keep the others from running. They change
nothing but for a probe file that is removed at once.
"""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from arien_flows.answers.account_status import network_status
from arien_flows.answers.tag_imports import all_imports
from arien_flows.audit.log import AuditLog
from arien_flows.casebook.book import Casebook
from arien_flows.documents.pictures import OCR_PROGRAM
from arien_flows.errors import CasebookError
from arien_flows.failures import failure_of
from arien_flows.settings import Settings, unknown_variables
from arien_flows.shapes import Shape
from arien_flows.workspace import Workspace
from heuristics.jit import CACHE_DIRECTORY

DISTRIBUTION = "arien-flows"
PACKAGES = ("api", "arien_flows", "chains", "heuristics")
OLDEST_PYTHON = (3, 11)

LEAST_ROOM = 5 * 2**30
"""Bytes that should be free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Shape):
    """The result of one check."""

    check: str
    """What was looked at."""

    verdict: Literal["good", "warning", "wrong"]
    """`wrong` where something will fail; `warning` where it may surprise."""

    detail: str
    """What was found."""

    remedy: str = ""
    """What to do; empty where nothing is to be done."""


def examine(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Run all checks, in the order in which their failures should be mended."""
    workspace = Workspace(settings)
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        check_python,
        check_libraries,
        check_collisions,
        check_kernel_cache,
        check_letters,
        lambda: check_variables(environment),
        lambda: check_data_folder(settings.data),
        lambda: check_room(settings.data),
        lambda: check_ledgers(workspace),
        lambda: check_casebook(workspace.casebook),
        lambda: check_audit(workspace.audit),
        lambda: check_accounts(settings, workspace.casebook),
        lambda: check_port(settings.host, settings.port),
    )
    return [finding for check in checks for finding in check()]


def check_python() -> Iterator[Finding]:
    """Look whether the interpreter is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        yield Finding(check="python", verdict="good", detail=found)
        return
    yield Finding(
        check="python",
        verdict="wrong",
        detail=f"{found} is too old",
        remedy="install Python 3.11 or newer and make the environment again",
    )


def check_libraries() -> Iterator[Finding]:
    """Look whether the libraries are there, in versions that this program was made for."""
    unfit = []
    stated = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    # What only an extra asks for, or another system, need not be there.
    wanted = [each for each in stated if each.marker is None or each.marker.evaluate()]
    for requirement in wanted:
        found = version(requirement.name)
        if not requirement.specifier.contains(found, prereleases=True):
            unfit.append(f"{requirement.name} {found} (wanted {requirement.specifier})")
    if unfit:
        yield Finding(
            check="libraries",
            verdict="wrong",
            detail="; ".join(unfit),
            remedy="install arien-flows anew, into an environment of its own",
        )
        return
    yield Finding(
        check="libraries",
        verdict="good",
        detail=", ".join(f"{item.name} {version(item.name)}" for item in wanted),
    )


def check_collisions() -> Iterator[Finding]:
    """Look whether another distribution claims one of our package names."""
    owners = packages_distributions()
    others = {
        name: sorted(set(owners.get(name, ())) - {DISTRIBUTION})
        for name in PACKAGES
        if set(owners.get(name, ())) - {DISTRIBUTION}
    }
    if not others:
        yield Finding(check="packages", verdict="good", detail="claimed by nobody else")
        return
    claims = "; ".join(f"{name} also by {', '.join(who)}" for name, who in others.items())
    yield Finding(
        check="packages",
        verdict="wrong",
        detail=f"files may have been overwritten: {claims}",
        remedy="install arien-flows anew, into an environment of its own",
    )


def check_kernel_cache() -> Iterator[Finding]:
    """Look whether compiled kernels can be kept; else each start compiles for a minute."""
    if CACHE_DIRECTORY is not None:
        yield Finding(check="kernel cache", verdict="good", detail=str(CACHE_DIRECTORY))
        return
    yield Finding(
        check="kernel cache",
        verdict="warning",
        detail="no folder is writable: kernels are compiled at each start",
        remedy="set NUMBA_CACHE_DIR to a folder that you may write to",
    )


def check_letters() -> Iterator[Finding]:
    """Look whether letters in pictures can be read; codes in them always are."""
    program = shutil.which(OCR_PROGRAM)
    if program is not None:
        yield Finding(check="letters in pictures", verdict="good", detail=f"read by {program}")
        return
    yield Finding(
        check="letters in pictures",
        verdict="warning",
        detail=f"not read by `listings import`: the program {OCR_PROGRAM} is not installed",
        remedy=f"install {OCR_PROGRAM} if listings hold pictures of texts; QR codes are read "
        "without it",
    )


def check_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look for settings that set nothing."""
    for name in unknown_variables(environment):
        yield Finding(
            check="settings",
            verdict="warning",
            detail=f"{name} sets nothing",
            remedy="correct or remove it; the README lists the settings",
        )


def check_data_folder(folder: Path) -> Iterator[Finding]:
    """Look whether the data folder is there and can be written to."""
    if not folder.exists():
        yield Finding(
            check="data folder",
            verdict="warning",
            detail=f"{folder} does not exist yet",
            remedy="`arien-flows ledger ingest` or `arien-flows demo` makes it; "
            "or name another with --data",
        )
    elif not _is_writable(folder):
        yield Finding(
            check="data folder",
            verdict="warning",
            detail=f"{folder} is not writable: it can be read, but no ledger can grow",
            remedy="change its owner, or name another with --data",
        )
    else:
        yield Finding(check="data folder", verdict="good", detail=str(folder))


def check_room(folder: Path) -> Iterator[Finding]:
    """Look whether the device of the data folder has room for what comes."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free / 2**30:,.1f} GiB free"
    if free >= LEAST_ROOM:
        yield Finding(check="room", verdict="good", detail=told)
        return
    yield Finding(
        check="room",
        verdict="warning",
        detail=f"{told}: ledgers stop growing, and the service stops answering, at none",
        remedy="make room, or name a data folder on another device",
    )


def check_ledgers(workspace: Workspace) -> Iterator[Finding]:
    """Look whether every ledger in the data folder opens."""
    for name in workspace.networks():
        try:
            status = network_status(workspace, name)
        except Exception as error:  # noqa: BLE001 a broken ledger is a finding, whatever breaks
            failure = failure_of(error)
            yield Finding(
                check=f"ledger {name}",
                verdict="wrong",
                detail=failure.detail if failure else f"{type(error).__name__}: {error}",
                remedy=f"`arien-flows ledger verify --network {name}` tells more",
            )
            continue
        reach = f"up to block {status.tip.height:,}" if status.tip else "empty"
        yield Finding(
            check=f"ledger {name}",
            verdict="good",
            detail=f"{reach}, {status.transactions:,} transactions",
        )


def check_casebook(casebook: Casebook) -> Iterator[Finding]:
    """Look whether the casebook opens, and whether its tables are of this version."""
    try:
        version = casebook.version()
        imports = len(all_imports(casebook))
    except Exception as error:  # noqa: BLE001 a broken casebook is a finding, whatever breaks
        failure = failure_of(error)
        yield Finding(
            check="casebook",
            verdict="wrong",
            detail=failure.detail if failure else f"{type(error).__name__}: {error}",
            remedy="the tags of the casebook are not shown until this is mended",
        )
        return
    if version is None:
        yield Finding(
            check="casebook",
            verdict="good",
            detail=f"{casebook.name} does not exist yet; the first import of tags makes it",
        )
        return
    yield Finding(
        check="casebook",
        verdict="good",
        detail=f"{casebook.name}, imports of tags: {imports:,}",
    )


def check_audit(log: AuditLog) -> Iterator[Finding]:
    """Look whether the audit log opens; how far it goes."""
    try:
        head = log.head()
    except Exception as error:  # noqa: BLE001 a broken log is a finding, whatever breaks
        failure = failure_of(error)
        yield Finding(
            check="audit log",
            verdict="wrong",
            detail=failure.detail if failure else f"{type(error).__name__}: {error}",
            remedy="the service answers nothing until this is mended",
        )
        return
    yield Finding(
        check="audit log",
        verdict="good",
        detail=f"{log.name}, {head.seq:,} rows" if head.seq else f"{log.name} is empty",
    )


def check_accounts(settings: Settings, casebook: Casebook) -> Iterator[Finding]:
    """Look whether anybody can use a service with accounts."""
    if not settings.accounts:
        yield Finding(check="accounts", verdict="good", detail="none: this machine only")
        return
    try:
        usable = casebook.keys.count_usable(datetime.now(UTC))
    except CasebookError:
        return  # said above
    if usable or settings.oidc_issuer is not None:
        told = f"usable keys: {usable:,}"
        if settings.oidc_issuer is not None:
            told += f"; people sign in through {settings.oidc_issuer}"
        yield Finding(check="accounts", verdict="good", detail=told)
        return
    yield Finding(
        check="accounts",
        verdict="wrong",
        detail="nobody can use the service",
        remedy="make a key: `arien-flows keys create NAME --role admin`",
    )


def check_port(host: str, port: int) -> Iterator[Finding]:
    """Look whether the service could listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            yield Finding(
                check="port",
                verdict="warning",
                detail=f"{host}:{port} cannot be listened on: {error.strerror}",
                remedy="stop what uses it, or choose another: `serve --port`, ARIEN_PORT",
            )
            return
    yield Finding(check="port", verdict="good", detail=f"{host}:{port} is free")


def _is_writable(folder: Path) -> bool:
    """Tell whether a file can be made in a folder, or in its nearest parent that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
