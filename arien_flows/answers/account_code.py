"""The code of accounts: what was put there, by whom, and where its calls go."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.account_ledger.view import AccountView
from arien_flows.answers.account_facts import account_sighting, text_of
from arien_flows.shapes import Shape
from chains.ethereum.tables import NO_ACCOUNT, CodeKind

MAX_CODES = 20
"""Codes of one answer, the latest; a delegation may be set as often as its owner likes."""

CodeName = Literal["plain", "minimal_proxy", "safe_proxy", "delegation", "delegation_ended"]

_NAMES: dict[CodeKind, CodeName] = {
    CodeKind.PLAIN: "plain",
    CodeKind.MINIMAL_PROXY: "minimal_proxy",
    CodeKind.SAFE_PROXY: "safe_proxy",
    CodeKind.DELEGATION: "delegation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAnswer(Shape):
    """Code that was put at an account."""

    kind: CodeName
    """`plain`; a proxy, whose calls go to `target`; or a delegation (EIP-7702), with which an
    account of a key runs the code of `target`."""

    target: str | None
    """Where the calls go."""

    code_hash: str | None
    """Keccak of the code without the compiler's trailer, as `0x` and 64 digits: the same where the
    same software stands. Nothing for delegations."""

    txid: str
    """The transaction that put it there."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationAnswer(Shape):
    """Who created a contract."""

    creator: str | None
    """The account that created it: a key, or a contract such as a factory. He is named by no tag of
    the contract, nor it by his."""

    sender: str | None
    """Who sent the transaction."""

    txid: str
    """The transaction."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""


def codes_of(view: AccountView, account: int) -> tuple[CodeAnswer, ...]:
    """Return the latest codes of an account, in order."""
    rows = view.index.codes_of(account)[-MAX_CODES:]
    return tuple(_code(view, row) for row in rows.tolist())


def creation_of(view: AccountView, account: int) -> CreationAnswer | None:
    """Return who created a contract last; one that destroyed itself can be created again."""
    rows = view.index.codes_of(account)
    created = rows[view.codes.kind[rows] != CodeKind.DELEGATION]
    if not len(created):
        return None
    row = int(created[-1])
    transaction = int(view.codes.transaction[row])
    seen = account_sighting(view, transaction)
    return CreationAnswer(
        creator=text_of(view, int(view.codes.creator[row])),
        sender=text_of(view, int(view.transactions.sender[transaction])),
        txid=seen.txid,
        height=seen.height,
        time=seen.time,
    )


def _code(view: AccountView, row: int) -> CodeAnswer:
    kind, target = CodeKind(int(view.codes.kind[row])), int(view.codes.target[row])
    is_delegation = kind is CodeKind.DELEGATION
    seen = account_sighting(view, int(view.codes.transaction[row]))
    code_hash: bytes = view.codes.code_hash[row].tobytes()
    return CodeAnswer(
        kind="delegation_ended" if is_delegation and target == NO_ACCOUNT else _NAMES[kind],
        target=text_of(view, target),
        code_hash=None if is_delegation or not any(code_hash) else "0x" + code_hash.hex(),
        txid=seen.txid,
        height=seen.height,
        time=seen.time,
    )
