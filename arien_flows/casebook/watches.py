"""Watches and alerts in the casebook: offered by it as `casebook.watches`.

Every method is one transaction, and a short one.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, delete, select

from arien_flows.casebook import alerts, watch_rows
from arien_flows.casebook.tag_lists import Read
from arien_flows.casebook.watch_records import (
    Alert,
    Found,
    Lane,
    LaneStep,
    NewWatch,
    Raised,
    Watch,
    WatchChange,
)
from arien_flows.casebook.watch_tables import alert_acts, watches
from arien_flows.casebook.watch_tables import alerts as alert_table
from arien_flows.errors import ConflictError

MOST_OF_OWNER = 100_000
"""Watches of one caller that may be open at a time."""


class Watches:
    """The watches of one casebook, and what they raised."""

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    def add(
        self, new: Sequence[NewWatch], *, owner: str, case_id: str | None, now: datetime
    ) -> list[Watch]:
        """Keep watches, all or none; `ConflictError` where their owner has too many."""
        with self._writing() as connection:
            if watch_rows.count_open(connection, owner) + len(new) > MOST_OF_OWNER:
                raise ConflictError(
                    f"{owner} would have more than {MOST_OF_OWNER:,} watches: end some first"
                )
            return watch_rows.add(connection, new, owner=owner, case_id=case_id, now=now)

    def read(self, name: str) -> Watch:
        """Return a watch, ended ones included; `NotFoundError` where there is none."""
        found = self._read(lambda connection: watch_rows.read(connection, name), None)
        if found is None:
            raise watch_rows.no_such(name)
        return found

    def page(
        self,
        *,
        owner: str | None,
        cases: Collection[str] | None,
        before: str | None,
        limit: int,
        list_name: str | None = None,
        case_id: str | None = None,
        with_ended: bool = False,
    ) -> list[Watch]:
        """Return an owner's watches and those of some cases, or with neither all, newest first."""
        return self._read(
            lambda connection: watch_rows.page(
                connection,
                owner=owner,
                cases=cases,
                before=before,
                limit=limit,
                list_name=list_name,
                case_id=case_id,
                with_ended=with_ended,
            ),
            [],
        )

    def cases(self) -> list[str]:
        """Return the cases that any watch belongs to."""
        return self._read(watch_rows.cases_named, [])

    def change(self, name: str, version: int, wanted: WatchChange) -> Watch:
        """Change a watch that is still of a version; `LostUpdateError` where it is not."""
        with self._writing() as connection:
            return watch_rows.change(connection, name, version, wanted)

    def end(self, names: Sequence[str], *, by: str | None, now: datetime) -> None:
        """End watches; what they raised stays."""
        with self._writing() as connection:
            for first in range(0, len(names), 500):
                watch_rows.end(connection, names[first : first + 500], by, now)

    # --- alerts

    def alert(self, name: str) -> Alert:
        """Return an alert with all that happened to it; `NotFoundError` where there is none."""
        found = self._read(lambda connection: alerts.read(connection, name), None)
        if found is None:
            raise watch_rows.no_such(name)
        return found

    def alerts(
        self,
        *,
        owner: str | None,
        cases: Collection[str] | None,
        watch_id: str | None,
        before: str | None,
        limit: int,
        unseen_only: bool = False,
    ) -> list[Alert]:
        """Return alerts of an owner's watches and those of some cases, newest first."""
        return self._read(
            lambda connection: alerts.page(
                connection,
                owner=owner,
                cases=cases,
                watch_id=watch_id,
                before=before,
                limit=limit,
                unseen_only=unseen_only,
            ),
            [],
        )

    def acknowledge(self, name: str, *, by: str, note: str, now: datetime) -> Alert:
        """Note that somebody has seen an alert; `ConflictError` where somebody did before."""
        with self._writing() as connection:
            return alerts.acknowledge(connection, name, by, note, now)

    # --- lanes, for those who follow a ledger

    def open_lanes(self) -> list[tuple[str, str]]:
        """Return network and name of each lane with watches that have not ended."""
        return self._read(watch_rows.open_lanes, [])

    def lane(self, network: str, name: str) -> Lane:
        """Return how far a lane was judged."""
        empty = Lane(network=network, name=name, clustering=None, settled_height=None, blocks=())
        return self._read(lambda it: watch_rows.read_lane(it, network, name), empty)

    def going_with(self, lane: Lane) -> list[Watch]:
        """Return the watches that are judged with their lane."""
        return self._read(
            lambda it: watch_rows.open_watches(it, lane.network, lane.name, behind=False), []
        )

    def behind(self, lane: Lane, limit: int) -> list[Watch]:
        """Return the oldest watches that have yet to meet their lane."""
        return self._read(
            lambda it: watch_rows.open_watches(
                it, lane.network, lane.name, behind=True, limit=limit
            ),
            [],
        )

    def standing(self, lane: Lane, above: int) -> list[Raised]:
        """Return alerts of a lane in blocks above a height that were not withdrawn."""
        return self._read(lambda connection: alerts.standing(connection, lane, above), [])

    def raise_alerts(self, found: Sequence[Found], now: datetime) -> int:
        """Raise alerts and their events, each once; return how many are new."""
        with self._writing() as connection:
            return alerts.write(connection, found, now)

    def advance(
        self,
        lane: Lane,
        step: LaneStep,
        now: datetime,
        *,
        found: Sequence[Found] = (),
        gone: Sequence[Raised] = (),
        met: Sequence[str] = (),
    ) -> bool:
        """Write all that came of judging blocks; tell whether the lane was still where it was.

        `found` are raised and `gone` withdrawn; watches in `met` go with the lane from now on.
        """
        with self._writing() as connection:
            if not watch_rows.is_at(connection, lane):
                return False
            alerts.write(connection, found, now)
            alerts.withdraw(connection, gone, now)
            watch_rows.move_lane(connection, lane, step)
            for first in range(0, len(met), 500):
                watch_rows.catch_up(connection, met[first : first + 500])
            return True

    @staticmethod
    def erase(connection: Connection, case_id: str) -> None:
        """Delete the watches of a case and their alerts, in the caller's act."""
        of_case = select(watches.c.id).where(watches.c.case_id == case_id)
        raised = select(alert_table.c.id).where(alert_table.c.watch_id.in_(of_case))
        connection.execute(delete(alert_acts).where(alert_acts.c.alert_id.in_(raised)))
        connection.execute(delete(alert_table).where(alert_table.c.watch_id.in_(of_case)))
        connection.execute(delete(watches).where(watches.c.case_id == case_id))
