"""The application: routes, errors and the envelope, put together once per process."""

import os
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import errors, pages
from api.description import describe
from api.envelope import Envelope
from api.routers import (
    addresses,
    entities,
    exposure,
    health,
    heuristics,
    listings,
    networks,
    paths,
    peel_chains,
    risk,
    roles,
    tags,
    traces,
    transactions,
    vendor_profiles,
    vendors,
)
from arien_flows.settings import Settings, settings_from
from arien_flows.workspace import Workspace

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
    return service(settings_from(os.environ))


def service(settings: Settings) -> ASGIApp:
    """Return the service with the given settings, inside its envelope.

    The envelope is the outermost layer, so that the answer to a bug carries its headers too.
    """
    return Envelope(application(settings), body_bytes=settings.body_bytes)


def application(settings: Settings) -> FastAPI:
    """Return the routes and error answers."""
    app = FastAPI(
        title="arien-flows",
        description=DESCRIPTION,
        version=version("arien-flows"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.workspace = Workspace(settings)
    errors.install(app)
    for module in (
        health,
        networks,
        addresses,
        transactions,
        peel_chains,
        entities,
        roles,
        exposure,
        risk,
        vendor_profiles,
        vendors,
        tags,
        listings,
        traces,
        paths,
        heuristics,
    ):
        app.include_router(module.router)
    pages.install(app)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # as the framework advises
    return app
