"""Which version of its tables a casebook has, and bringing it to ours.

An empty database gets its tables when something is first written to it. One of an older version
is upgraded by a command of its own, because that cannot be undone lightly: a SQLite file is
copied first, and whoever keeps a server makes a backup. One of a newer version is refused, since
this program would not see what is written there.
"""

import sqlite3
from enum import Enum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from arien_flows.casebook.engine import make_private, reading, shown, sqlite_file, writing
from arien_flows.casebook.models import SCHEMA
from arien_flows.casebook.version import version_of
from arien_flows.errors import CasebookError, CasebookVersionError

MIGRATIONS = Path(__file__).parent / "migrations"


class State(Enum):
    """How a database's tables relate to ours."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


def state_of(version: str | None) -> State:
    """Return what a version means to this program."""
    if version is None:
        return State.EMPTY
    if version == SCHEMA:
        return State.CURRENT
    return State.OLDER if version in known_versions() else State.NEWER


def known_versions() -> list[str]:
    """Return all migrations that this program has, the first one first."""
    steps = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return [step.revision for step in steps][::-1]


def refuse(version: str | None, where: str) -> None:
    """Raise where the tables are of another version than ours; `where` is how it is called."""
    match state_of(version):
        case State.OLDER:
            raise CasebookVersionError(
                f"the casebook in {where} is of an older version of this program ({version}, "
                f"wanted {SCHEMA}): bring it up to date with `arien-flows casebook upgrade`"
            )
        case State.NEWER:
            raise CasebookVersionError(
                f"the casebook in {where} is of a newer version of this program ({version}, "
                f"known up to {SCHEMA}): install the newer version"
            )


def migrate(connection: Connection, target: str = SCHEMA) -> None:
    """Bring the tables to a version, older or newer, inside the caller's transaction."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    known, present = known_versions(), version_of(connection)
    is_newer = target != "base" and (present is None or known.index(target) > known.index(present))
    (command.upgrade if is_newer else command.downgrade)(settings, target)


def upgrade(engine: Engine) -> tuple[str | None, Path | None]:
    """Bring a casebook up to date; return the version that it had, and the copy made of it.

    A SQLite file that holds anything is copied beside itself first.
    """
    with reading(engine) as connection:
        before = version_of(connection)
    if state_of(before) is State.NEWER:
        refuse(before, shown(engine.url))
    if before == SCHEMA:
        return before, None
    copy = _copy(engine, before) if before is not None else None
    with writing(engine) as connection:
        migrate(connection)
    return before, copy


def _copy(engine: Engine, version: str) -> Path | None:
    file = sqlite_file(engine.url)
    if file is None:
        return None
    number, copy = 1, file.with_name(f"{file.name}.{version}.bak")
    while copy.exists():
        number, copy = number + 1, file.with_name(f"{file.name}.{version}.{number}.bak")
    raw = engine.raw_connection()
    make_private(copy)
    try:
        # Not inside a transaction: SQLite refuses that.
        raw.cursor().execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise CasebookError(
            f"{file} cannot be copied to {copy.name} beside it, and is not brought up to date "
            f"without a copy: {error}"
        ) from error
    finally:
        raw.close()
    return copy
