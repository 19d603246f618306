"""The start page: static files, no build step, nothing loaded from elsewhere."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from api.callers import allow
from arien_flows.access.permissions import Public

WEB = Path(__file__).parent / "web"


def install(app: FastAPI) -> None:
    """Serve the start page at `/` and its files below `/web`."""

    @app.get("/", include_in_schema=False, dependencies=[allow(Public)])
    def start() -> FileResponse:
        return FileResponse(WEB / "index.html", media_type="text/html; charset=utf-8")

    app.mount("/web", StaticFiles(directory=WEB), name="web")
