"""Watches and alerts as answers."""

import json
from collections.abc import Sequence
from typing import cast

from arien_flows.answers.watch_shapes import (
    AlertActAnswer,
    AlertAnswer,
    AlertDetail,
    AlertPage,
    NewWatches,
    WatchAnswer,
    WatchPage,
)
from arien_flows.casebook.watch_records import ADDRESSES, Alert, MoveDirection, Watch
from arien_flows.shapes import Certainty, shaped


def watch_answer(watch: Watch) -> WatchAnswer:
    """Return a watch as answers show it."""
    is_address = watch.lane == ADDRESSES
    return WatchAnswer(
        id=watch.id,
        network=watch.network,
        kind="address" if is_address else "entity",
        subject=watch.subject,
        profile=None if is_address else watch.lane,
        direction=watch.direction,
        min_value=str(watch.min_value),
        asset=watch.asset,
        list=watch.list_name,
        owner=watch.owner,
        case_id=watch.case_id,
        begins_at=watch.begins_at,
        until=watch.until,
        created_at=watch.created_at,
        ended_at=watch.ended_at,
        version=watch.version,
    )


def new_watches(made: Sequence[Watch]) -> NewWatches:
    """Return watches that were made."""
    return NewWatches(items=tuple(watch_answer(it) for it in made))


def watch_page(found: Sequence[Watch], limit: int) -> WatchPage:
    """Return a page of watches; one more than the limit was looked for."""
    shown = found[:limit]
    more = len(found) > limit
    return WatchPage(
        items=tuple(watch_answer(it) for it in shown), next_cursor=shown[-1].id if more else None
    )


def alert_answer(alert: Alert) -> AlertAnswer:
    """Return an alert as answers show it."""
    watch = alert.watch
    return AlertAnswer(
        id=alert.id,
        watch_id=watch.id,
        network=watch.network,
        subject=watch.subject,
        profile=None if watch.lane == ADDRESSES else watch.lane,
        case_id=watch.case_id,
        txid=alert.txid,
        height=alert.height,
        block_hash=alert.block_hash,
        time=alert.block_time,
        direction=cast("MoveDirection", alert.direction),
        certainty=cast("Certainty", alert.certainty),
        detail=shaped(AlertDetail, json.loads(alert.detail)),
        created_at=alert.created_at,
        withdrawn_at=alert.withdrawn_at,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by,
        acts=tuple(
            AlertActAnswer(
                kind=act.kind.value,
                at=act.at,
                by=act.by,
                height=act.height,
                block_hash=act.block_hash,
                why=act.why,
            )
            for act in alert.acts
        ),
    )


def alert_page(found: Sequence[Alert], limit: int) -> AlertPage:
    """Return a page of alerts; one more than the limit was looked for."""
    shown = found[:limit]
    more = len(found) > limit
    return AlertPage(
        items=tuple(alert_answer(it) for it in shown), next_cursor=shown[-1].id if more else None
    )
