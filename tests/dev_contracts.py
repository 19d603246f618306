"""The contracts of the tests' Ethereum chain: compiled here, called by their signatures."""

import functools
import warnings
from pathlib import Path
from typing import Any

from eth_abi import encode

from chains.ethereum.address import keccak256

FOLDER = Path(__file__).parent / "contracts"


@functools.cache
def code_of(contract: str) -> bytes:
    """Return the code that makes a contract, without the arguments of its constructor."""
    import vyper
    from vyper.compiler.settings import OptimizationLevel, Settings

    source = (FOLDER / f"{contract}.vy").read_text()
    with warnings.catch_warnings():
        # That destroying oneself is out of fashion is the point of one of them.
        warnings.simplefilter("ignore")
        compiled = vyper.compile_code(
            source,
            output_formats=["bytecode"],
            # A third of the time to compile; what they do is the same.
            settings=Settings(optimize=OptimizationLevel.NONE),
        )
    return bytes.fromhex(compiled["bytecode"].removeprefix("0x"))


def call_data(signature: str, *arguments: Any) -> bytes:
    """Return what a contract is called with, as in `transfer(address,uint256)`."""
    return keccak256(signature.encode())[:4] + arguments_of(signature, *arguments)


def arguments_of(signature: str, *arguments: Any) -> bytes:
    """Return encoded arguments; what stands before the bracket is ignored."""
    inner = signature[signature.index("(") + 1 : -1]
    return encode(inner.split(",") if inner else [], arguments)


def topic(signature: str) -> str:
    """Return the topic of an event, as in `Transfer(address,address,uint256)`."""
    return "0x" + keccak256(signature.encode()).hex()
