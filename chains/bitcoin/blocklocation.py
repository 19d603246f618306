"""Where a node keeps its block files, and the key that they are XORed with.

People name the `blocks` folder, the data directory above it, or one file that they were given.
A data directory holds the main network in `blocks` and each test network in a folder of its own.
"""

import re
from pathlib import Path

from chains.bitcoin.blockrecords import Obfuscation
from chains.bitcoin.networks import NETWORKS, Network
from chains.errors import SourceUnavailableError

_NAME = re.compile(r"blk([0-9]{5,})\.dat")


def find_block_files(path: Path, network: Network) -> list[Path]:
    """Return the block files that `path` stands for, in the order of their numbers.

    Raises `SourceUnavailableError` if there are none.
    """
    try:
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise SourceUnavailableError(
                f"{path} does not exist: name a node's data folder, its blocks folder, or one "
                "block file"
            )
        for folder in (path, path / network.folder / "blocks", path / "blocks"):
            files = _block_files_in(folder)
            if files:
                return files
        others = [
            other.name
            for other in NETWORKS
            if other is not network and _block_files_in(path / other.folder / "blocks")
        ]
    except OSError as error:
        raise SourceUnavailableError(f"cannot read {path}: {error.strerror}") from error
    held = f"; it holds those of {', '.join(others)}" if others else ""
    raise SourceUnavailableError(
        f"{path} holds no block files (blk*.dat) of {network.name}{held}; give the node's data "
        "directory, its blocks folder, or one .dat file"
    )


def _block_files_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    numbered = ((_NAME.fullmatch(file.name), file) for file in folder.iterdir())
    return [file for _, file in sorted((int(name[1]), file) for name, file in numbered if name)]


def read_obfuscation(folder: Path) -> Obfuscation:
    """Return the XOR key of the block files in `folder`; of zeros where there is no `xor.dat`."""
    file = folder / "xor.dat"
    try:
        return Obfuscation(file.read_bytes())
    except FileNotFoundError:
        return Obfuscation(bytes(Obfuscation.LENGTH))
    except ValueError as error:
        raise SourceUnavailableError(f"{file} is not the key of block files: {error}") from error
    except OSError as error:
        raise SourceUnavailableError(f"cannot read {file}: {error.strerror}") from error
