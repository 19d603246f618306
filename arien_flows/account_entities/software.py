"""Contracts with the same code: the same software, which says nothing of owners.

Codes are compared without the compiler's trailer of metadata. Copies of one code are found under
thousands of owners: a wallet, a token from a template, a trap. So this is a label that a reader can
follow, and joins nobody; only few copies by one account count as one owner's
(`heuristics.control`). Values that a constructor wrote into a code are not masked, as the ledger
keeps only hashes: copies that differ in them are told apart.
"""

from typing import NamedTuple

import numpy as np

from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import CodeKind
from chains.types import AnyArray, UInt8Array, UInt32Array

HASH_BYTES = 32


class Software(NamedTuple):
    """Codes that are known, ascending; one row each."""

    code_hash: UInt8Array
    """Shape (codes, 32)."""

    contracts: UInt32Array
    """Contracts that have it."""

    deployers: UInt32Array
    """Accounts that sent the transactions which put it there."""


class Copies(NamedTuple):
    """How many contracts have the code of one."""

    code_hash: bytes
    contracts: int
    deployers: int


def software_of(view: AccountView) -> Software:
    """Return the codes of a view's contracts; delegations are not codes of their own."""
    codes = view.codes
    rows = np.flatnonzero((codes.kind != CodeKind.DELEGATION) & codes.code_hash.any(axis=1))
    names, which = np.unique(_whole(codes.code_hash[rows]), return_inverse=True)
    sender = view.transactions.sender[codes.transaction[rows]]
    return Software(
        names.view(np.uint8).reshape(-1, HASH_BYTES),
        _distinct(which, codes.account[rows], len(names)),
        _distinct(which, sender, len(names)),
    )


def copies_of(software: Software, view: AccountView, account: int) -> Copies | None:
    """Return how common the code of an account is; nothing where none of its own is known."""
    codes = view.codes
    rows = view.index.codes_of(account)
    rows = rows[(codes.kind[rows] != CodeKind.DELEGATION) & codes.code_hash[rows].any(axis=1)]
    if not len(rows):
        return None
    wanted = _whole(codes.code_hash[rows[-1:]])
    place = int(np.searchsorted(_whole(software.code_hash), wanted)[0])
    if place == len(software.contracts) or software.code_hash[place].tobytes() != wanted.tobytes():
        return None
    return Copies(wanted.tobytes(), int(software.contracts[place]), int(software.deployers[place]))


def _whole(code_hash: UInt8Array) -> AnyArray:
    """Return one element a hash."""
    return np.ascontiguousarray(code_hash).view(f"V{HASH_BYTES}").reshape(-1)


def _distinct(which: AnyArray, accounts: UInt32Array, groups: int) -> UInt32Array:
    """Return how many different accounts each group has."""
    pairs = np.unique((which.astype(np.int64) << 32) | accounts.astype(np.int64))
    return np.bincount(pairs >> 32, minlength=groups).astype(np.uint32)
