"""What charts of reports share: colours, axes, and files that are the same every time.

The colours are those of Okabe and Ito, which people who confuse red and green tell apart; what
matters also differs in its hatching, for prints in black and white. The last of them is for what
nobody is known for, and no owner is ever drawn in it.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure

FILLS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#d55e00", "#f0e442", "#4d4d4d")

UNKNOWN_FILL = "#ffffff"
UNKNOWN_HATCH = "////"
EDGE = "#333333"


def save_figure(make: Callable[[], Figure], path: Path, salt: str) -> None:
    """Draw a figure and write it; the file's suffix decides: `.png` or `.svg`.

    `salt` names what is drawn: the ids inside of a drawing are made of it.
    """
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({
        "svg.hashsalt": salt,
        "svg.fonttype": "path",
        "hatch.linewidth": 0.6,
        # Names may hold dollar signs.
        "text.parse_math": False,
    }):  # fmt: skip
        make().savefig(path, dpi=150, metadata=metadata)


def drawable(text: str, longest: int) -> str:
    """Return a name on one line and not longer, a `?` for letters that the font does not have."""
    known = _letters()
    shown = "".join(letter if ord(letter) in known else "?" for letter in " ".join(text.split()))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


@cache
def _letters() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap())


def bare_axes(axes: Any, *, grid: Literal["x", "y"]) -> None:
    """Leave of the axes' frame what is needed to read values along one of them."""
    axes.grid(axis=grid, linewidth=0.4, color="#cccccc")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def titled(figure: Figure, title: str, lines: list[str]) -> None:
    """Write the title above, and below what a chart rests on."""
    figure.text(0.02, 0.94, title, fontsize=13, weight="bold")
    for i, text in enumerate(lines):
        height = 0.12 + 0.19 * (len(lines) - 1 - i)
        figure.text(0.02, height / figure.get_figheight(), text, fontsize=7, color="#555555")
