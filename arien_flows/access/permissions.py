"""What a route or a command lets somebody do, in words that scopes of keys use too."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that callers may be allowed to do."""

    READ_CHAIN = "chain:read"
    """Ask about addresses, transactions, entities, exposure and risk."""

    TRACE = "trace:run"
    """Follow money: traces, paths, taint."""

    READ_TAGS = "tags:read"
    PROPOSE_TAGS = "tags:propose"
    """Import tags, and withdraw one's own imports."""

    APPROVE_TAGS = "tags:approve"
    """Review what others proposed."""

    READ_LISTINGS = "listings:read"
    """Look at collected documents and the vendors that they speak of."""

    IMPORT_LISTINGS = "listings:import"
    RUN_BATCHES = "batches:run"
    READ_CASES = "cases:read"
    """Look at the cases that one may see, and at what belongs to them."""

    WRITE_CASES = "cases:write"
    """Make cases, and change the content of those that one works on."""

    ASSIGN_CASES = "cases:assign"
    """Name the members of any case, set its deadline, erase it."""

    WATCH = "watches:write"
    MANAGE_WEBHOOKS = "webhooks:manage"
    """Name receivers of one's own events."""

    READ_JOBS = "jobs:read"
    """Look at one's own jobs, those of one's cases, and cancel them."""

    MANAGE_KEYS = "keys:manage"
    """Make and revoke the keys of anybody."""

    MANAGE_USERS = "users:manage"
    READ_AUDIT = "audit:read"
    READ_METRICS = "metrics:read"


class Public:
    """Stands in the place of a permission where everybody may ask: health, the start page."""


class SignedIn:
    """Stands in the place of a permission where everybody may ask whom the service knows."""
