"""Looking after child processes: they are started, started again when they die, and stopped.

The process that does this loads no library and holds nothing but the listening socket, so that
memory or a broken extension takes a child and never it. Each child has a pipe for its standard
input, by which it learns of this process' end (`lifeline`), and a process group of its own: Ctrl-C
in a terminal reaches this process only, which then stops the children in order.

A child that dies is started again, the sooner the longer it has lived. One that says by its exit
code that its settings are wrong would say so for ever; then everything is stopped.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import arien_flows

USELESS = 2
"""Exit code of a child that was asked for what cannot be."""

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 30.0
_SETTLED_SECONDS = 60.0
"""A child that lived for so long did not die of how it was started."""

_LOOK_SECONDS = 0.1
_KILL_SECONDS = 5.0
"""How long after its grace a child may take to end before it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Something that one child at a time does."""

    title: str
    """How people call it, as `worker 1`."""

    command: Callable[[str, str | None], Sequence[str]]
    """Returns what to run, given a name for the child and the name of the dead one before it."""

    descriptors: tuple[int, ...] = ()
    """Open files that the child inherits."""


@dataclass(slots=True, kw_only=True)
class _Child:
    role: Role
    place: int
    process: "subprocess.Popen[bytes] | None" = None
    """Nothing before its first start, and while the next one is waited for."""

    generation: int = 0
    started_at: float = 0.0
    next_start: float = 0.0
    wait: float = _FIRST_WAIT

    def name(self) -> str:
        """Return a name that no other child anywhere has."""
        return f"{os.uname().nodename}:{os.getpid()}:{self.place}.{self.generation}"


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Keeps one child for each role."""

    roles: Sequence[Role]
    environment: Mapping[str, str]
    grace_seconds: float
    tell: Callable[[str], None]
    """Is told, in a line, of each child that died."""

    release: Callable[[], None] = lambda: None
    """Called when children are told to stop: lets go of what would keep callers waiting."""

    _stop: Event = field(default_factory=Event)
    _children: list[_Child] = field(default_factory=list)

    def stop(self) -> None:
        """End soon; signal handlers call this."""
        self._stop.set()

    def run(self) -> int:
        """Keep the children until told to stop; return the exit code that this means."""
        self._children = [_Child(role=role, place=at) for at, role in enumerate(self.roles)]
        code = 0
        try:
            while not self._stop.is_set():
                if any(self._look_after(child) == USELESS for child in self._children):
                    code = USELESS
                    break
                self._stop.wait(_LOOK_SECONDS)
        finally:
            self.release()
            self._stop_all()
        return code

    def _look_after(self, child: _Child) -> int | None:
        """Start a child where it is time to; return the exit code of one that just died."""
        now, ended = time.monotonic(), None
        if child.process is not None:
            ended = child.process.poll()
            if ended is None:
                return None
            self._mourn(child, ended, now)
        if child.process is None and now >= child.next_start:
            self._start(child, now)
        return ended

    def _mourn(self, child: _Child, code: int, now: float) -> None:
        if child.process is not None:
            _close(child.process)
        child.process = None
        if code == USELESS:
            child.next_start = float("inf")
            return
        if now - child.started_at >= _SETTLED_SECONDS:
            child.wait = _FIRST_WAIT
        child.next_start = now + child.wait
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.tell(f"{child.role.title} ended ({how}); it is started again in {child.wait:g} s")
        child.wait = min(2 * child.wait, _LONGEST_WAIT)

    def _start(self, child: _Child, now: float) -> None:
        before = child.name() if child.generation else None
        child.generation += 1
        child.process = subprocess.Popen(  # noqa: S603 our own modules
            child.role.command(child.name(), before),
            stdin=subprocess.PIPE,
            env=dict(self.environment),
            pass_fds=child.role.descriptors,
            process_group=0,
        )
        child.started_at = now

    def _stop_all(self) -> None:
        """Tell the children to stop; kill those that take too long."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace_seconds + _KILL_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)


def child_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this program in a process of its own.

    With `-P` the folder that the program was started in, which may hold anything, is not where the
    child looks for modules.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment(environment: Mapping[str, str], **changed: str) -> dict[str, str]:
    """Return the environment of a child, which finds the very modules that this process uses."""
    root = str(Path(arien_flows.__file__).parents[1])
    known = environment.get("PYTHONPATH", "")
    places = [root, *(place for place in known.split(os.pathsep) if place and place != root)]
    return {**environment, **changed, "PYTHONPATH": os.pathsep.join(places)}


def _close(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
