"""Progress on standard error: a bar on a terminal, one JSON line a step for programs.

Standard output holds results only, so that it can be piped.
"""

import json
import sys
import time
from typing import Protocol

import click

from arien_flows.cli.session import ProgressForm

BAR_CELLS = 24
SECONDS_BETWEEN_LINES = 0.2
"""A step that reports faster than this is shown this often, and at its end."""


class Progress(Protocol):
    """Where a long run says how far it is."""

    def step(self, name: str, done: int, total: int | None, unit: str) -> None:
        """Say that `done` of `total` units of a step are done; `total` may be unknown."""

    def note(self, text: str) -> None:
        """Say something that the user should know, once."""

    def end(self) -> None:
        """Close the step that is running."""


def progress_in(form: ProgressForm) -> Progress:
    """Return progress in the form that was asked for; `auto` looks whether a person watches."""
    if form == "json":
        return JsonProgress()
    return TerminalProgress() if form == "auto" and sys.stderr.isatty() else QuietProgress()


class QuietProgress:
    """Says nothing but notes."""

    def step(self, name: str, done: int, total: int | None, unit: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Write the note as a line."""
        click.echo(text, err=True)

    def end(self) -> None:
        """Do nothing."""


class JsonProgress:
    """One JSON object a line: `{"step", "done", "total", "unit"}` or `{"note"}`."""

    def step(self, name: str, done: int, total: int | None, unit: str) -> None:
        """Write the step as a line."""
        self._line({"step": name, "done": done, "total": total, "unit": unit})

    def note(self, text: str) -> None:
        """Write the note as a line."""
        self._line({"note": text})

    def end(self) -> None:
        """Do nothing: each line stands by itself."""

    def _line(self, content: dict[str, str | int | None]) -> None:
        click.echo(json.dumps(content, ensure_ascii=False), err=True)


class TerminalProgress:
    """One line that is written over: step, bar, counts, rate."""

    def __init__(self) -> None:
        self._name = ""
        self._started = self._shown = 0.0
        self._first = 0
        self._latest = ""

    def step(self, name: str, done: int, total: int | None, unit: str) -> None:
        """Redraw the line; a new name starts a new one."""
        now = time.monotonic()
        if name != self._name:
            self.end()
            self._name, self._started, self._first, self._shown = name, now, done, 0.0
        rate = (done - self._first) / (now - self._started) if now > self._started else 0.0
        self._latest = _bar_line(name, done, total, unit, rate)
        if now - self._shown >= SECONDS_BETWEEN_LINES:
            self._draw(now)

    def note(self, text: str) -> None:
        """Write the note on a line of its own."""
        self.end()
        click.echo(text, err=True)

    def end(self) -> None:
        """Draw the last state and leave the line."""
        if self._name:
            self._draw(time.monotonic())
            click.echo(err=True)
        self._name = ""

    def _draw(self, now: float) -> None:
        self._shown = now
        click.echo(f"\r\x1b[2K{self._latest}", err=True, nl=False)


def _bar_line(name: str, done: int, total: int | None, unit: str, rate: float) -> str:
    speed = f"  {rate:,.0f}/s" if rate >= 1 else ""
    if not total:
        return f"{name}: {done:,} {unit}{speed}"
    filled = min(BAR_CELLS, BAR_CELLS * done // total)
    bar = "█" * filled + "·" * (BAR_CELLS - filled)
    return f"{name}: {bar} {done:,} of {total:,} {unit}{speed}"
