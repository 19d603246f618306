"""The application: routes, errors and the envelope, put together once per process."""

import os
import sys
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import errors, measures, pages
from api.cookies import is_https
from api.description import describe
from api.envelope import Envelope
from api.middleware.auditing import Auditing
from api.middleware.authentication import Authentication
from api.middleware.conditional import Conditional
from api.middleware.deadline import Deadline
from api.middleware.idempotency import Idempotency
from api.middleware.limiting import Limiting
from api.middleware.observing import Observing
from api.middleware.rates import SharedRates
from api.routers import (
    addresses,
    audit,
    batches,
    case_content,
    case_files,
    case_signals,
    cases,
    entities,
    exposure,
    health,
    heuristics,
    jobs,
    keys,
    listings,
    lookups,
    metrics,
    neighbours,
    networks,
    paths,
    peel_chains,
    people,
    reviews,
    risk,
    roles,
    sign_in,
    tags,
    traces,
    transactions,
    vendor_profiles,
    vendors,
    watches,
    webhooks,
)
from arien_flows.accounts.purposes import Purposes
from arien_flows.accounts.settings import authenticator_of, sign_in_of
from arien_flows.logs import write_logs
from arien_flows.settings import RUN, Settings, settings_from
from arien_flows.workspace import Workspace

SWITCH_SECONDS = 0.0005
"""How long a thread may keep others from running; measured: p99 falls by 40 % under load."""

RATE_PER_MINUTE = 6_000
"""What each caller with an account may ask where nothing else is set."""

DESCRIPTION = """\
Follow money on public chains: exactly, explained, and repeatable.

- Amounts are decimal strings of base units, with `asset` and `decimals` beside.
- Times are RFC 3339 in UTC. Transaction ids are written as people read them.
- Every answer about the chain says which block it is true for (`as_of`), whether it is complete,
  and where and why it was cut. Every statement has its `certainty`: `fact` (the chain says so),
  `inference` (a named rule says so) or `attribution` (a source says so).
- Unknown is not clean: an empty list of tags means that no loaded source names the address.
- Errors are problem documents (RFC 9457) with a stable `code`.
"""


def create_app() -> ASGIApp:
    """Return the service with the settings of the environment; uvicorn calls this."""
    settings = settings_from(os.environ)
    write_logs(settings.log)
    # Threads that work out answers would keep the one that serves everybody waiting for 5 ms each.
    sys.setswitchinterval(SWITCH_SECONDS)
    return service(settings)


def service(settings: Settings) -> ASGIApp:
    """Return the service with the given settings, inside its envelope.

    The envelope is the outermost layer, so that the answer to a bug carries its headers too.
    """
    routes = application(settings)
    workspace = routes.state.workspace
    # From the inside out.
    app: ASGIApp = Conditional(routes)
    app = Idempotency(app, workspace)
    app = Limiting(app, rates_of(settings))
    app = Authentication(app, routes.state.authenticator, is_https=is_https(settings.public_url))
    app = Deadline(app, seconds=settings.request_seconds)
    app = Auditing(app, workspace.audit)
    app = Observing(app, most=settings.concurrent_requests)
    return Envelope(
        app,
        body_bytes=settings.body_bytes,
        body_seconds=settings.body_seconds,
        longer={batches.PATH: settings.batch_bytes, case_files.PATH: settings.file_bytes},
        public_url=settings.public_url if settings.accounts else None,
        trusted_proxies=settings.trusted_proxies,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close what is open when the process is told to end."""
    yield
    await to_thread(app.state.workspace.audit.close)


def rates_of(settings: Settings) -> SharedRates | None:
    """Return what callers may ask; nothing where there is no limit."""
    per_minute = settings.rate_per_minute
    if per_minute is None:
        per_minute = RATE_PER_MINUTE if settings.accounts else 0
    return SharedRates(settings.data / RUN / "rates", per_minute) if per_minute else None


def application(settings: Settings) -> FastAPI:
    """Return the routes and error answers."""
    app = FastAPI(
        title="arien-flows",
        description=DESCRIPTION,
        version=version("arien-flows"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    workspace = app.state.workspace = Workspace(settings)
    workspace.audit.committer.watch = measures.watch_audit
    app.state.purposes = Purposes(
        workspace.casebook.cases.access, is_required=settings.is_case_required
    )
    app.state.sign_in = sign_in_of(settings, workspace.casebook)
    app.state.authenticator = authenticator_of(settings, workspace.casebook, app.state.sign_in)
    errors.install(app)
    for module in (
        health,
        networks,
        addresses,
        neighbours,
        lookups,
        transactions,
        peel_chains,
        entities,
        roles,
        exposure,
        risk,
        vendor_profiles,
        vendors,
        tags,
        reviews,
        listings,
        traces,
        batches,
        paths,
        jobs,
        heuristics,
        audit,
        metrics,
        sign_in,
        keys,
        people,
        cases,
        case_content,
        case_files,
        case_signals,
        watches,
        webhooks,
    ):
        app.include_router(module.router)
    pages.install(app)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # as the framework advises
    return app
