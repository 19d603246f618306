"""EIP-7702: accounts of a key that let code act for them.

A transaction of type 4 carries authorisations, each signed by the account that it is for. The
signature tells which account that is. One takes effect if it names this chain (or any), its
signature is sound, and its nonce is the account's at that moment. The last condition needs the
state of the chain; it is known here for the sender of the transaction only, whose nonce the
transaction itself has raised. So an authorisation of somebody else that was no longer valid is
taken down too.
"""

from collections.abc import Iterator
from typing import NamedTuple

from chains.ethereum.address import keccak256
from chains.ethereum.quantities import (
    UINT256,
    Fields,
    a_list,
    an_object,
    quantity,
    raw,
)
from chains.ethereum.rlp import Item, encode

_MAGIC = b"\x05"
_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Of the group of secp256k1; a valid `s` is in its lower half."""


class Delegation(NamedTuple):
    """An account lets code act for it."""

    account: bytes
    code: bytes | None
    """Address of the code; nothing where it was taken back."""


def delegations(transaction: Fields, sender: bytes, nonce: int) -> Iterator[Delegation]:
    """Yield what the authorisations of a transaction by `sender` set, in order."""
    chain_id = quantity(transaction, "chainId", UINT256)
    expected = nonce + 1
    for entry in a_list(transaction.get("authorizationList"), "authorizationList"):
        fields = an_object(entry, "authorizationList")
        account = _authority(fields)
        if account is None or quantity(fields, "chainId", UINT256) not in (0, chain_id):
            continue
        if account == sender:
            if quantity(fields, "nonce") != expected:
                continue
            expected += 1
        code = raw(fields, "address", 20)
        yield Delegation(account, code if any(code) else None)


def _authority(fields: Fields) -> bytes | None:
    """Return whose authorisation it is; nothing where the signature is none."""
    from coincurve import PublicKey

    r, s = quantity(fields, "r", UINT256), quantity(fields, "s", UINT256)
    named = "yParity" if fields.get("yParity") is not None else "v"
    # The envelope has room for a byte, so a sound block may hold what is no parity.
    parity = quantity(fields, named, 0xFF)
    if parity > 1 or not 0 < r < _ORDER or not 0 < s <= _ORDER // 2:
        return None
    signed: list[Item] = [
        quantity(fields, "chainId", UINT256),
        raw(fields, "address", 20),
        quantity(fields, "nonce"),
    ]
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((parity,))
    try:
        key = PublicKey.from_signature_and_message(
            signature, keccak256(_MAGIC + encode(signed)), hasher=None
        )
    # The library raises a bare one where no key has made such a signature.
    except Exception:  # noqa: BLE001
        return None
    return keccak256(key.format(compressed=False)[1:])[12:]
