"""What an asset is called, and how far that name can be trusted.

Anybody can make a token that calls itself USDT. A name counts only where the program's own list
of main assets has the token's contract; every other is marked `?`, and one that looks like the
name of a listed asset is told to be none. Names are words of strangers: what hides, turns or
breaks a line is written as an escape, and what is endless is cut.

Two names look alike where they are the same after accents, the case of letters, spaces, marks,
and letters and digits that are drawn alike are set aside: `L1NK`, `U S D T`, a Cyrillic letter
among Latin ones. The table of such letters is short and made by hand: an imitation with others
passes as unverified, which it is.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView, AssetFacts
from arien_flows.amounts import Asset
from chains.ethereum.address import checksummed
from chains.ethereum.tables import MovementKind
from chains.ethereum.tokens import listed_assets

Standing = Literal["coin", "listed", "unverified", "imitation"]
"""The native coin; a token of the list of main assets; any other; one that poses as one of them."""

Standard = Literal["coin", "erc20", "erc721", "erc1155"]

LONGEST_NAME = 32
"""Characters of a name that are shown."""

MOST_DECIMALS = 77
"""A token that claims more than the digits of its largest amount has a made-up claim."""

_STANDARDS: dict[MovementKind, Standard] = {
    MovementKind.CALL: "coin",
    MovementKind.NFT: "erc721",
    MovementKind.MULTI_TOKEN: "erc1155",
}

_ALIKE = {
    ord(letter): latin
    for latin, letters in {
        "a": "\u0430\u03b1\u02514@",
        "b": "\u0432\u03b2\u02998",
        "c": "\u0441\u03f2",
        "d": "\u0501",
        "e": "\u0435\u03b53\u20ac",
        "g": "\u02619",
        "h": "\u043d\u04bb",
        "j": "\u0458\u029d",
        "k": "\u043a\u03ba",
        "l": "1i!|\u0456\u03b9\u0131\u03bb",
        "m": "\u043c",
        "n": "\u03b7\u043f",
        "o": "0\u043e\u03bf\u03c3",
        "p": "\u0440\u03c1",
        "s": "\u04555$",
        "t": "\u0442\u03c4\u20ae7",
        "u": "\u03c5\u057d\u03bc",
        "v": "\u03bd\u0475",
        "w": "\u051d\u03c9",
        "x": "\u0445\u03c7\u00d7",
        "y": "\u0443\u03b3\u04af",
        "z": "\u03b62",
    }.items()
    for letter in letters
}
"""Letters once their case is set aside (Latin, Cyrillic, Greek, Armenian, signs of currencies), by
the Latin one that they are drawn like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetLabel:
    """What an asset is called."""

    number: int
    """Ledger number."""

    symbol: str
    """As its contract or the list says, made harmless and cut; may be empty."""

    contract: str | None
    """With its checksum; nothing for the native coin."""

    standing: Standing
    standard: Standard
    imitates: str
    """Symbol of the asset that it poses as; else empty."""

    decimals: int | None
    """Digits after the point; nothing where they are not known."""

    @property
    def name(self) -> str:
        """Return what stands beside amounts: `USDT`, `USDX?`, `USDT? (not the real USDT)`."""
        if self.standing in ("coin", "listed"):
            return self.symbol
        shown = f"{self.symbol}?" if self.symbol else f"token {self.contract}?"
        return f"{shown} (not the real {self.imitates})" if self.imitates else shown

    @property
    def asset(self) -> Asset:
        """Return by what amounts are written: whole base units where decimals are not known."""
        if self.decimals is None:
            return Asset(name=f"base units of {self.name}", decimals=0)
        return Asset(name=self.name, decimals=self.decimals)


def asset_label(facts: AssetFacts, view: AccountView) -> AssetLabel:
    """Return what an asset of a view is called."""
    symbol, known = harmless(facts.symbol), _decimals(facts)
    standing: Standing = "unverified"
    imitates = ""
    if facts.number == NATIVE:
        standing = "coin"
    elif facts.is_listed:
        standing = "listed"
    else:
        imitates = imitated(facts, view)
        standing = "imitation" if imitates else "unverified"
    return AssetLabel(
        number=facts.number,
        symbol=symbol,
        contract=None if facts.contract is None else checksummed("0x" + facts.contract.hex()),
        standing=standing,
        standard=_STANDARDS.get(facts.standard, "erc20"),
        imitates=imitates,
        decimals=known,
    )


def imitated(facts: AssetFacts, view: AccountView) -> str:
    """Return the symbol of the main asset that an unlisted token poses as; empty where none."""
    real = _real_names(view.network.coin, _listed(view))
    for text in (facts.symbol, facts.name):
        found = real.get(skeleton(text)) if text else None
        if found is not None:
            return found
    return ""


def harmless(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a stranger's words on one line, nothing hidden in them, cut where they are long."""
    shown: list[str] = []
    room, marks = longest, 0
    for place, letter in enumerate(text):
        kind = unicodedata.category(letter)
        marks = marks + 1 if kind == "Mn" else 0
        hides = kind[0] == "C" or kind in ("Zl", "Zp") or marks > 1
        piece = letter.encode("unicode_escape").decode() if hides else letter
        piece = " " if kind == "Zs" else piece
        if len(piece) > room or (len(piece) == room and place + 1 < len(text)):
            return "".join(shown) + "…"
        shown.append(piece)
        room -= len(piece)
    return "".join(shown)


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """Return what is left of a name when everything is set aside that a glance overlooks."""
    plain = unicodedata.normalize("NFKD", text[: 4 * LONGEST_NAME]).casefold()
    folded = plain.translate(_ALIKE)
    return "".join(letter for letter in folded if letter.isascii() and letter.isalnum())


def _decimals(facts: AssetFacts) -> int | None:
    if facts.standard in (MovementKind.NFT, MovementKind.MULTI_TOKEN):
        return 0
    known = facts.decimals
    return known if known is not None and 0 <= known <= MOST_DECIMALS else None


def _listed(view: AccountView) -> tuple[tuple[str, str], ...]:
    """Return symbol and name of the main assets; of a private chain, those that the view lists."""
    chain_id = view.network.chain_id
    if chain_id is not None:
        return tuple((asset.symbol, asset.name) for asset in listed_assets(chain_id))
    return tuple((facts.symbol, facts.name) for facts in view.asset_facts if facts.is_listed)


@lru_cache(maxsize=16)
def _real_names(coin: str, listed: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return main assets by the skeletons of their symbols and names."""
    found = {skeleton(coin): coin, skeleton("ETH"): coin, skeleton("Ether"): coin}
    for symbol, name in listed:
        for text in (symbol, name):
            if skeleton(text):
                found.setdefault(skeleton(text), symbol)
    return found


def labels_of(view: AccountView, assets: Iterable[int]) -> dict[int, AssetLabel]:
    """Return the labels of assets by their numbers."""
    return {number: asset_label(view.asset_facts[number], view) for number in assets}
