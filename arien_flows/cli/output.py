"""How answers look on a terminal: JSON, or aligned text that can be read aloud."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from arien_flows.cli.session import Session
from arien_flows.shapes import AsOf, ChainAnswer, json_text, shown_time

A = TypeVar("A")

NOTHING = "-"

_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Controls of a terminal, breaks of a line, and what turns the direction of writing."""


def emit(session: Session, answer: A, render: Callable[[A], Iterable[str]]) -> None:
    """Print an answer to standard output, in the form that was asked for."""
    if session.as_json:
        click.echo(json_text(answer, indent=2))
        return
    for line in render(answer):
        click.echo(plain(line))


def plain(line: str) -> str:
    """Return a line in which what could move, colour or forge others is written as an escape.

    Labels, sources and names of files are the words of whoever wrote a document.
    """
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


def pairs(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return `name   value` lines with the values aligned."""
    listed = list(rows)
    width = max((len(name) for name, _ in listed), default=0)
    return [f"{name:<{width}}  {value}" for name, value in listed]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table; columns whose cells all look like numbers are aligned right."""
    body = [list(row) for row in rows]
    columns = list(zip(header, *body, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    numeric = [bool(body) and all(_is_number(cell) for cell in column[1:]) for column in columns]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in (list(header), *body)
    ]


def _is_number(cell: str) -> bool:
    return (
        cell == NOTHING
        or cell.replace(",", "").split(" ")[0].lstrip("-").replace(".", "", 1).isdigit()
    )


def closing(answer: ChainAnswer) -> list[str]:
    """Return the last lines of every answer about the chain: its state, and what was left out."""
    cuts = [
        f"Left out: {cut.where} ({cut.reason}). {cut.detail}".rstrip() for cut in answer.truncations
    ]
    return ["", *cuts, state(answer.as_of)]


def state(as_of: AsOf) -> str:
    """Return the sentence that says for which block an answer is true."""
    return (
        f"True as of block {as_of.height:,} of {as_of.network} "
        f"({as_of.block_hash}, {shown_time(as_of.time)})."
    )
