"""Bringing a ledger's columns into the system's cache, from end to end, while they are used.

Questions look at single rows all over the columns. Where these are not cached, each look is a trip
to the disk, and a thousand subjects make hundreds of thousands of them; read from end to end, the
same columns are there within a minute. It only pays where many questions follow and the memory
holds it all. Nothing depends on it but time: what cannot be read ahead is read when it is needed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

COLUMNS = (
    "transactions/first_input",
    "transactions/first_output",
    "transactions/fee",
    "transactions/version",
    "transactions/locktime",
    "inputs/spent_output",
    "inputs/address",
    "inputs/value",
    "inputs/sequence",
    "outputs/value",
    "outputs/address",
    "outputs/spender",
    "addresses/script_type",
    "addresses/first_payload_byte",
)
"""What exposures and behaviour are read from."""

INDEXES = ("index/history", "index/addresses")

AT_ONCE = 1 << 23
"""Bytes that are read between two looks at whether it is still wanted."""

_MEMINFO = Path("/proc/meminfo")


@contextmanager
def reading_ahead(root: Path, *, more: Sequence[Path] = ()) -> Iterator[None]:
    """Read a ledger's columns and indexes ahead as long as the context lasts.

    `more` are other files that are used with them. Nothing is read where half of the free memory
    would not hold it all, or where the system does not tell how much is free.
    """
    files = [path for path in (*_files_of(root), *more) if path.is_file()]
    if sum(path.stat().st_size for path in files) > free_memory_bytes() // 2:
        yield
        return
    enough = Event()
    reader = Thread(target=_read, args=(files, enough), name="reading-ahead", daemon=True)
    reader.start()
    try:
        yield
    finally:
        enough.set()
        reader.join()


def free_memory_bytes() -> int:
    """Return what the system can give without pain, its cache counted; 0 where it does not say."""
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else 0


def _files_of(root: Path) -> list[Path]:
    runs = [path for folder in INDEXES for path in sorted((root / folder).glob("*"))]
    return [*(root / column for column in COLUMNS), *runs]


def _read(files: Sequence[Path], enough: Event) -> None:
    buffer = bytearray(AT_ONCE)
    for path in files:
        try:
            with path.open("rb", buffering=0) as file:
                while not enough.is_set() and file.readinto(buffer):
                    pass
        except OSError:
            # A file that a writer has replaced meanwhile is read when it is needed.
            continue
