"""What a node says of accounts as they stood after a block: balances, code, and what tokens claim.

Contracts answer whatever they like. So each is given a bounded amount of work, which also bounds
the length of its answer, and what is no answer to the question counts as none.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from chains.errors import LookupFailedError
from chains.ethereum.address import checksummed, keccak256
from chains.ethereum.lookups import AssetClaim
from chains.ethereum.rpc.answers import number, raw
from chains.ethereum.rpc.calls import Call, Json, NodeRpc, Outcome, RpcRefusalError, Why, accepted
from chains.ethereum.rpc.chain import SeenChain

LONGEST_TEXT = 64
"""Characters that are kept of a token's name or symbol."""

_AT_ONCE = 50
"""Questions in one request."""

_CLAIM_GAS = hex(300_000)
"""For a name: an answer can't be longer than some 400 kB."""

_BALANCE_GAS = hex(2_000_000)
"""For a balance, which some tokens compute at length."""

_WORD = 32

_SYMBOL, _NAME, _DECIMALS, _BALANCE = (
    keccak256(text.encode())[:4].hex()
    for text in ("symbol()", "name()", "decimals()", "balanceOf(address)")
)

Found = TypeVar("Found")


def balances_of(
    rpc: NodeRpc, chain: SeenChain, height: int, accounts: Sequence[bytes], contract: bytes | None
) -> list[int | LookupFailedError]:
    """Return balances after a block, of the coin or of a token.

    Of a token whose contract was not there yet, everybody holds none.
    """
    calls = [_balance_call(height, account, contract) for account in accounts]

    def read(answer: Json) -> int:
        if contract is None:
            return number(answer, "eth_getBalance")
        word = raw(answer, "eth_call")
        if len(word) < _WORD:
            raise LookupFailedError(
                f"{_shown(contract)} does not answer what balance an account has"
            )
        return int.from_bytes(word[:_WORD])

    found = _each(rpc, chain, height, calls, read)
    if contract is not None and any(isinstance(one, LookupFailedError) for one in found):
        (code,) = codes_of(rpc, chain, height, [contract])
        if code == b"":
            return [0] * len(accounts)
    return found


def codes_of(
    rpc: NodeRpc, chain: SeenChain, height: int, accounts: Sequence[bytes]
) -> list[bytes | LookupFailedError]:
    """Return the code at accounts after a block; none where there is none."""
    calls = [
        Call(method="eth_getCode", parameters=(_shown_raw(account), hex(height)))
        for account in accounts
    ]
    return _each(rpc, chain, height, calls, lambda answer: raw(answer, "eth_getCode"))


def claims_of(rpc: NodeRpc, chain: SeenChain, contracts: Sequence[bytes]) -> list[AssetClaim]:
    """Return what contracts say of themselves after the last block that was seen."""
    asked = (_SYMBOL, _NAME, _DECIMALS)
    height = chain.tip.height
    calls = [
        _call(contract, selector, height, _CLAIM_GAS)
        for contract in contracts
        for selector in asked
    ]
    answers = _each(rpc, chain, height, calls, lambda answer: raw(answer, "eth_call"))
    told = [b"" if isinstance(answer, LookupFailedError) else answer for answer in answers]
    return [
        AssetClaim(contract, text_of(symbol), text_of(name), _decimals(decimals))
        for contract, symbol, name, decimals in zip(
            contracts, told[::3], told[1::3], told[2::3], strict=True
        )
    ]


def text_of(answer: bytes) -> str:
    """Return a text as contracts answer it: a string, or 32 bytes filled up with zeros.

    What can't be shown (control characters, those that turn the direction of writing) is replaced;
    nothing is returned for what is no text.
    """
    if len(answer) == _WORD:
        found = answer.rstrip(b"\0")
        if not _is_text(found):
            return ""
    else:
        start = int.from_bytes(answer[:_WORD])
        if start > len(answer) - _WORD:
            return ""
        length = int.from_bytes(answer[start : start + _WORD])
        # Cut here, before anything else is done with what may be very long.
        found = answer[start + _WORD : start + _WORD + min(length, 4 * LONGEST_TEXT)]
    shown = found.decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "�" for sign in shown)[:LONGEST_TEXT].strip()


def _is_text(found: bytes) -> bool:
    try:
        found.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decimals(answer: bytes) -> int | None:
    value = int.from_bytes(answer[:_WORD])
    return value if len(answer) >= _WORD and value <= 255 else None


def _balance_call(height: int, account: bytes, contract: bytes | None) -> Call:
    if contract is None:
        return Call(method="eth_getBalance", parameters=(_shown_raw(account), hex(height)))
    return _call(contract, _BALANCE + account.hex().rjust(2 * _WORD, "0"), height, _BALANCE_GAS)


def _call(contract: bytes, given: str, height: int, gas: str) -> Call:
    asked = {"to": _shown_raw(contract), "data": "0x" + given, "gas": gas}
    return Call(method="eth_call", parameters=(asked, hex(height)))


def _each(
    rpc: NodeRpc,
    chain: SeenChain,
    height: int,
    calls: Sequence[Call],
    read: Callable[[Json], Found],
) -> list[Found | LookupFailedError]:
    found: list[Found | LookupFailedError] = []
    for first in range(0, len(calls), _AT_ONCE):
        some = calls[first : first + _AT_ONCE]
        *answers, still = rpc.ask_all([*some, chain.still_call()])
        chain.check(still)
        found += [_one(rpc.name, height, answer, read) for answer in answers]
    return found


def _one(
    name: str, height: int, answer: Outcome, read: Callable[[Json], Found]
) -> Found | LookupFailedError:
    if isinstance(answer, RpcRefusalError):
        if answer.method != "eth_call" and answer.why is Why.ABSENT:
            accepted(answer)
        if answer.why is Why.STATE_GONE:
            return LookupFailedError(
                f"{name} has not kept the state of block {height}: name an archive node"
            )
        return LookupFailedError(f"{name} refuses: {answer.words}")
    try:
        return read(answer)
    except LookupFailedError as failure:
        return failure


def _shown(address: bytes) -> str:
    return checksummed(_shown_raw(address))


def _shown_raw(address: bytes) -> str:
    return "0x" + address.hex()
