"""What stands at an account, recognised by its bytes.

Most contracts of a wallet's kind are a few dozen bytes that pass every call on to code that
stands elsewhere. Two contracts of one source differ in the trailer that the compiler appends: a
CBOR map with a hash of the sources and the compiler's version. It is cut off before hashing, so
that equal hashes mean equal instructions.

Sources: EIP-1167 (minimal proxy), EIP-7702 (delegation), the published source of Safe's proxy,
the documentation of Solidity ("Encoding of the Metadata Hash in the Bytecode").
"""

from typing import NamedTuple

from chains.ethereum.address import keccak256
from chains.ethereum.tables import CodeKind

_MINIMAL_HEAD = bytes.fromhex("363d3d373d3d3d363d73")
_MINIMAL_TAIL = bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
_DELEGATION = bytes.fromhex("ef0100")

_MASTER_COPY = keccak256(b"masterCopy()")[:4] + bytes(28)
"""Safe's proxy answers this one question itself; its code compares with the padded selector."""

_MOST_PROXY_BYTES = 256
"""Longest code of a Safe's proxy, trailer included."""

_CBOR_MAPS = range(0xA1, 0xA5)
_CBOR_KEYS = (b"solc", b"bzzr0", b"bzzr1", b"ipfs", b"experimental")


class DescribedCode(NamedTuple):
    """What a contract's code is."""

    kind: CodeKind
    code_hash: bytes
    """Keccak of the code without the compiler's trailer."""

    target: bytes | None
    """Where a proxy or delegation leads, if its code says so."""


def described(code: bytes) -> DescribedCode:
    """Return what code is; it may be empty."""
    code_hash = keccak256(without_trailer(code))
    if len(code) == 23 and code.startswith(_DELEGATION):
        return DescribedCode(CodeKind.DELEGATION, code_hash, code[3:])
    if len(code) == 45 and code.startswith(_MINIMAL_HEAD) and code.endswith(_MINIMAL_TAIL):
        return DescribedCode(CodeKind.MINIMAL_PROXY, code_hash, code[10:30])
    if len(code) <= _MOST_PROXY_BYTES and _MASTER_COPY in code:
        return DescribedCode(CodeKind.SAFE_PROXY, code_hash, None)
    return DescribedCode(CodeKind.PLAIN, code_hash, None)


def without_trailer(code: bytes) -> bytes:
    """Return code without the trailer of metadata, where it has one."""
    start = len(code) - 2 - int.from_bytes(code[-2:], "big")
    if len(code) < 2 or start < 0 or start > len(code) - 4:
        return code
    trailer = code[start:-2]
    is_metadata = trailer[0] in _CBOR_MAPS and any(
        bytes((0x60 + len(key),)) + key in trailer for key in _CBOR_KEYS
    )
    return code[:start] if is_metadata else code
