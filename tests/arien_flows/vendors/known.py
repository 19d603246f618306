"""Accounts and what documents show of them, made for tests of links."""

from datetime import UTC, datetime, timedelta

from arien_flows.vendors.sightings import FINGERPRINT, KeyFacts, Known, Shown, Sighting

DAY = timedelta(days=1)
START = datetime(2019, 3, 1, tzinfo=UTC)


def sighting(account, value, *, kind=FINGERPRINT, document="d0", day=0, rule="key-block"):
    shown = Shown(
        document_sha256=document, begin=10, end=20, rule=rule, captured_at=START + day * DAY
    )
    return Sighting(account=account, kind=kind, value=value, shown=shown)


def known(sightings, *, statements=(), created=None, accounts=(), activity=None):
    """All that is known, with activity at every capture unless other is given."""
    names = {each.account for each in sightings} | set(accounts)
    seen = {
        name: sorted({e.shown.captured_at for e in sightings if e.account == name})
        for name in names
    }
    fingerprints = {each.value for each in sightings if each.kind == FINGERPRINT}
    return Known(
        accounts=frozenset(names),
        sightings=tuple(sightings),
        statements=tuple(statements),
        keys={each: KeyFacts(created_at=created) for each in fingerprints},
        activity=seen if activity is None else activity,
    )
