"""What people paste where an address is asked for, and how to say so.

A transaction id, an Ethereum address or a public key is a slip of the mouse. A private key or a
seed phrase is an emergency: the message says so and repeats nothing, because messages end in logs
and reports. The shapes are wide on purpose: a mistyped key is still a secret.
"""

import re

from chains.errors import AddressError

_ESCALATE = "it controls money: keep it out of messages and notes, and hand it over as evidence"

_SHAPES = tuple(
    (re.compile(shape, re.ASCII), message)
    for shape, message in (
        (
            r"[5KL9c]\w{48,53}",
            f"this looks like a private key (WIF), not an address; {_ESCALATE}",
        ),
        (
            r"[a-zA-Z]prv\w{60,}",
            f"this looks like an extended private key (a whole wallet); {_ESCALATE}",
        ),
        (
            r"6P\w{54,58}",
            f"this looks like an encrypted private key (BIP-38); {_ESCALATE}",
        ),
        (
            r"S(?:\w{21}|\w{25}|\w{29})",
            f"this looks like a private key in mini format; {_ESCALATE}",
        ),
        (
            r"(?:[a-z]+\s+){11,23}[a-z]+",
            f"this looks like a seed phrase; {_ESCALATE}",
        ),
        (
            r"[a-zA-Z]pub\w{60,}",
            "this looks like an extended public key: it names a whole wallet, not one address; "
            "derive the addresses from it first",
        ),
        (r"0[xX][0-9a-fA-F]{40}", "this is an Ethereum address, not a Bitcoin address"),
        (r"0[xX][0-9a-fA-F]{64}", "this is an Ethereum transaction id, not a Bitcoin address"),
        (
            r"[0-9a-fA-F]{40}",
            "these are 20 bytes in hexadecimal, perhaps an Ethereum address without 0x or a "
            "bare key hash; not a Bitcoin address",
        ),
        (
            r"[0-9a-fA-F]{64}",
            "these are 32 bytes in hexadecimal: a transaction id or a block hash, not an address",
        ),
        (r"[0-9a-fA-F]{64}:[0-9]+", "this is one output of a transaction, not an address"),
        (
            r"0[2-7][0-9a-fA-F]{64}(?:[0-9a-fA-F]{64})?",
            "this is a public key, which has several addresses; write pk(KEY) for the output "
            "that names the bare key",
        ),
        (r"(?i:ln(?:bc|tb|tbs|bcrt)[0-9]\w+)", "this is a Lightning invoice, not an address"),
        (r"(?i:bitcoincash:\w+)", "this is an address of Bitcoin Cash, not of Bitcoin"),
    )
)

_FOREIGN_PREFIX = {
    "ltc": "an address of Litecoin",
    "sp": "a silent payment address, which never appears on the chain",
    "tsp": "a silent payment address, which never appears on the chain",
}

_FOREIGN_VERSION = {
    0x1E: "an address of Dogecoin",
    0x16: "an address of Dogecoin",
    0x30: "an address of Litecoin",
    0x32: "an address of Litecoin",
    0x41: "an address of Tron",
    0x4C: "an address of Dash",
    0x10: "an address of Dash",
}


def explain_mistake(text: str) -> None:
    """Raise `AddressError` if the text is something else that is often taken for an address."""
    if not text:
        raise AddressError("the address is empty")
    for shape, message in _SHAPES:
        if shape.fullmatch(text):
            raise AddressError(message)
    for position, character in enumerate(text, start=1):
        if character.isspace():
            raise AddressError(
                f"character {position} is white space; give one address, without breaks"
            )


def may_be_secret(text: str) -> bool:
    """Return whether a text looks like a private key or a seed phrase, mistyped or not."""
    return any(
        message.endswith(_ESCALATE) and shape.fullmatch(text) is not None
        for shape, message in _SHAPES
    )


def foreign_base58(version: int) -> str | None:
    """Return what a base58check text of that version byte is outside Bitcoin, if known."""
    return _FOREIGN_VERSION.get(version)


def foreign_prefix(prefix: str) -> str | None:
    """Return what a bech32 text of that prefix is outside Bitcoin's networks, if known."""
    return _FOREIGN_PREFIX.get(prefix)
