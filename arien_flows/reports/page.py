"""A page that can be read anywhere: one HTML file, nothing loaded, nothing run.

Everything that comes from data is escaped. Statements carry their certainty as a word beside
them, not as a colour alone, because pages are printed in black and white.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

from arien_flows.shapes import Certainty

STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #1b1f24; background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.2rem; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .9rem; }
th, td { padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #d5d9de; text-align: left;
  vertical-align: top; }
.long { overflow-wrap: anywhere; }
th { color: #5c6570; font-weight: normal; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; overflow-wrap: anywhere; }
pre { padding: .75rem; background: #f4f5f7; white-space: pre-wrap; }
img { max-width: 100%; border: 1px solid #d5d9de; }
.certainty { padding: .05rem .4rem; border: 1px solid currentcolor; border-radius: .6rem;
  font-size: .75rem; font-weight: normal; vertical-align: middle; }
.fact { color: #0b5e8a; } .inference { color: #8a5200; } .attribution { color: #5f3b96; }
.note { color: #5c6570; font-size: .9rem; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } }
"""

LONG_WORD = 24
"""Characters of the longest word that is never broken."""

_WORDS = re.compile(r"\S+|\s+")

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may load for the page: nothing but what stands in it."""


def page(title: str, parts: Iterable[str]) -> str:
    """Return the HTML of a whole page."""
    body = "\n".join(parts)
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def heading(text: str, certainty: Certainty | None = None) -> str:
    """Return a heading, with what kind of statement follows."""
    kind = f' <span class="certainty {certainty}">{certainty}</span>' if certainty else ""
    return f"<h2>{escape(text)}{kind}</h2>"


def paragraph(text: str, *, note: bool = False) -> str:
    """Return a paragraph of plain text."""
    opening = '<p class="note">' if note else "<p>"
    return f"{opening}{escape(text)}</p>"


def quotation(text: str) -> str:
    """Return text as it was found, line by line."""
    return f"<pre>{escape(text)}</pre>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and values."""
    body = "".join(
        f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in rows
    )
    return f"<table>{body}</table>"


def data_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = ()
) -> str:
    """Return a table with a header; columns named in `numeric` are aligned right."""
    right = frozenset(numeric)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = []
    for row in rows:
        cells = "".join(
            f"{'<td class=number>' if place in right else '<td>'}{_cell(cell)}</td>"
            for place, cell in enumerate(row)
        )
        lines.append(f"<tr>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(text: str) -> str:
    """Return a cell's text; only what is too long for a column may be broken inside a word."""
    return "".join(
        f'<span class="long">{escape(part)}</span>' if len(part) > LONG_WORD else escape(part)
        for part in _WORDS.findall(text)
    )


def picture(png: bytes, description: str) -> str:
    """Return a picture that stands in the page itself."""
    content = base64.b64encode(png).decode()
    return f'<p><img alt="{escape(description)}" src="data:image/png;base64,{content}"></p>'
