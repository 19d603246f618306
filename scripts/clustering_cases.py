"""What the clustering benchmark and the programs that it compares share; needs NumPy alone."""

import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SUMMED_ROWS = 1 << 24


class Spending(NamedTuple):
    """Which addresses each transaction spends from."""

    first_input: NDArray[np.int64]
    address: NDArray[np.uint32]
    address_count: int


def write_spending(spending: Spending, folder: Path) -> None:
    """Store columns where another process finds them."""
    np.save(folder / "first_input.npy", spending.first_input)
    np.save(folder / "address.npy", spending.address)
    (folder / "address_count").write_text(str(spending.address_count))


def read_spending(folder: Path) -> Spending:
    """Read all columns into memory."""
    return Spending(
        first_input=np.load(folder / "first_input.npy"),
        address=np.load(folder / "address.npy"),
        address_count=int((folder / "address_count").read_text()),
    )


def checksum(address: NDArray[np.uint32], label: NDArray[np.uint32]) -> int:
    """Return a sum over all addresses that are not the smallest of their set.

    It is the same for two clusterings, in whatever order they come, exactly if they are the same
    (but for one chance in 2^64).
    """
    total = 0
    for start in range(0, len(address), SUMMED_ROWS):
        part = slice(start, start + SUMMED_ROWS)
        named_by_another = address[part] != label[part]
        mixed = (
            (address[part][named_by_another].astype(np.uint64) << np.uint64(32))
            | label[part][named_by_another]
        ) * np.uint64(0x9E37_79B9_7F4A_7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        total += int(np.bitwise_xor(mixed, mixed >> np.uint64(32)).sum(dtype=np.uint64))
    return total % (1 << 64)


def memory_bytes(name: str) -> int:
    """Return a memory figure of this process; 0 where the system does not tell it."""
    file = Path("/proc/self/status")
    if not file.exists():
        return 0
    lines = dict(line.split(":", 1) for line in file.read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


class Stopwatch:
    """Wall and processor seconds between entering and leaving, summed up over several times."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def __enter__(self) -> "Stopwatch":
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._wall
        self.cpu_seconds += time.process_time() - self._cpu


def print_result(watch: Stopwatch, memory_before: int, peak: int, **others: object) -> None:
    """Print what one process measured, for the one that started it."""
    print(
        json.dumps(
            {
                "seconds": watch.seconds,
                "cpu_seconds": watch.cpu_seconds,
                "more_memory_bytes": peak - memory_before,
                **others,
            }
        )
    )
