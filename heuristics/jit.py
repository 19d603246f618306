"""The one place where Numba's options are chosen, and where its cache is kept honest.

Numba stores compiled machine code on disk and decides by a kernel's *own* file whether it is
still valid. A kernel that calls another one in a changed file would go on running the old code:
old answers from new sources. The same goes for a constant that a kernel takes from elsewhere. So
the cache directory carries a hash of every source file that defines kernels and of all that these
import from the program, of the Numba and NumPy versions and of the processor; any change starts
an empty one. Directories that nobody has used for a month are removed.

No `fastmath` (it reorders sums and assumes that NaN does not exist) and no parallel loops with
unordered sums: the same input gives the same bytes on every run.
"""

import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba.core.registry import cpu_target

P = ParamSpec("P")
R = TypeVar("R")

PACKAGES = ("heuristics", "chains", "arien_flows")
"""The packages whose modules may define kernels."""

KEEP_DAYS = 30
"""Machine code that was not used for so long is removed."""

_DEFINES = re.compile(
    rb"^\s*(?:from heuristics\.jit import (?:\([^)]*|[^\n(]*)\bkernel"
    rb"|from heuristics import [^\n]*\bjit\b|import heuristics\.jit)",
    re.MULTILINE,
)
"""A source that has the decorator at hand; who only asks where the cache is defines nothing."""

_IMPORT = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+((?:%s)(?:\.\w+)*)" % "|".join(PACKAGES).encode(), re.MULTILINE
)
_NAMED = re.compile(rb"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)", re.MULTILINE)
_KEY = re.compile(r"[0-9a-f]{16}")


def kernel_sources(root: Path) -> list[Path]:
    """Return the files under `root` that machine code can depend on, in a fixed order.

    These are the files that define kernels, and whatever they import, directly or not.
    """
    texts = {
        file: file.read_bytes()
        for package in PACKAGES
        for file in sorted((root / package).rglob("*.py"))
    }
    wanted = [file for file, text in texts.items() if _DEFINES.search(text)]
    found = set(wanted)
    while wanted:
        for file in _imported(texts[wanted.pop()], root):
            if file in texts and file not in found:
                found.add(file)
                wanted.append(file)
    return sorted(found)


def _imported(text: bytes, root: Path) -> Iterable[Path]:
    """Yield the files of the modules that a source names in its imports."""
    modules = [name.decode() for name in _IMPORT.findall(text)]
    for package, names in _NAMED.findall(text):
        # "from heuristics import cospend" names a module after the keyword.
        modules += [f"{package.decode()}.{name.decode()}" for name in re.findall(rb"\w+", names)]
    for module in modules:
        yield (root / module.replace(".", "/")).with_suffix(".py")


def cache_key(sources: Iterable[Path], root: Path) -> str:
    """Return a name for the machine code of exactly these sources on this machine."""
    digest = hashlib.sha256()
    for part in (
        numba.__version__,
        np.__version__,
        platform.python_version(),
        *cpu_target.target_context.codegen().magic_tuple(),
    ):
        digest.update(part.encode() + b"\0")
    for file in sources:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_parents() -> list[Path]:
    """Return where compiled kernels may be kept, best first.

    `NUMBA_CACHE_DIR` where it is set, else `arien-flows/kernels` in the user's cache directory
    (`XDG_CACHE_HOME`, by default `~/.cache`); then a folder of the user's own in the directory
    for temporary files, for containers with a read-only home.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        best = Path(chosen)
    else:
        user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        best = user_cache / "arien-flows" / "kernels"
    own = Path(tempfile.gettempdir()) / f"arien-flows-kernels-{os.getuid()}"
    return [best, own] if is_private(own) else [best]


def is_private(directory: Path) -> bool:
    """Return whether `directory` is, or could be made, ours and closed to everybody else.

    Machine code is run as it is found, so a folder in a public place that another user made, or
    could write to, must not be used.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    )


def is_writable(directory: Path) -> bool:
    """Return whether files can be written to `directory`, which is made if need be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError:
        return False
    return True


def prune(parent: Path, keep: str, now: float) -> None:
    """Remove the directories beside `keep` that were not used for `KEEP_DAYS`.

    Every process that imports the kernels touches its directory. Another process may prune at
    the same time: what has vanished already is passed over.
    """
    for folder in parent.iterdir():
        if folder.name == keep or not _KEY.fullmatch(folder.name) or folder.is_symlink():
            continue
        with suppress(FileNotFoundError):
            if now - folder.stat().st_mtime > KEEP_DAYS * 86_400:
                shutil.rmtree(folder, ignore_errors=True)


def cache_directory(parents: Iterable[Path]) -> Path | None:
    """Return the directory for this machine code, made and touched; None if no place will do."""
    root = Path(__file__).parent.parent
    key = cache_key(kernel_sources(root), root)
    for parent in parents:
        if is_writable(parent / key):
            now = time.time()
            os.utime(parent / key, (now, now))
            prune(parent, key, now)
            return parent / key
    return None


CACHE_DIRECTORY = cache_directory(cache_parents())
"""Where compiled kernels are kept; None means that every process compiles its own."""

if CACHE_DIRECTORY is not None:
    numba.config.CACHE_DIR = str(CACHE_DIRECTORY)  # type: ignore[attr-defined]  # set at start-up


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` to machine code; it keeps its Python signature for type checkers."""
    compile_ = numba.njit(cache=CACHE_DIRECTORY is not None, nogil=True, error_model="numpy")
    return cast("Callable[P, R]", compile_(function))


def kernel_part(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` like a kernel, and into each kernel that calls it.

    For small steps of inner loops. A call that the compiler does not dissolve by itself costs 20
    nanoseconds and more where arrays are passed: each is counted as used and released again.
    """
    compile_ = numba.njit(
        cache=CACHE_DIRECTORY is not None, nogil=True, error_model="numpy", forceinline=True
    )
    return cast("Callable[P, R]", compile_(function))
