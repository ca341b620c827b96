"""The page of a study and the few requests it makes. Whoever has a rater's link is that rater; nobody else gets an item.

The page is three fixed files. Texts of the web and of models travel as JSON and become text nodes, never markup, and the
content policy allows no script but the page's own.
"""

import sqlite3
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from humpback_exp.annotation.items import Study
from humpback_exp.annotation.requests import body_of, judgement_of
from humpback_exp.annotation.session import Rules, Session, session, turned
from humpback_exp.annotation.store import Conflict, Store
from humpback_exp.progress import log

PAGE = Path(__file__).parent / "page"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build(study: Study, rules: Rules, store: Store, tokens: dict[str, str]) -> Starlette:
    """The application. Its handlers run one after another in one thread, which is also the store's.

    Args:
        tokens: rater -> private token.
    """
    raters = {token: rater for rater, token in tokens.items()}

    def session_of(request: Request) -> Session:
        rater = raters.get(request.path_params["token"])
        if rater is None:
            raise HTTPException(404, "This link is not known. Ask for a new one.")
        return session(study, rules, store, rater)

    async def page(request: Request) -> Response:
        session_of(request)
        return FileResponse(PAGE / "page.html")

    async def show(request: Request) -> Response:
        return JSONResponse(session_of(request).shown(request.path_params.get("item")))

    async def judge(request: Request) -> Response:
        at = session_of(request)
        item = at.find(request.path_params["item"])
        if item is None:
            raise HTTPException(409, "This item is closed now, and what was saved of it stays.")
        value, reason, seconds, seen = judgement_of(await body_of(request), at)
        swapped = study.swapped(at.rater, item)
        try:
            store.keep(at.rater, item.id, turned(value, swapped), swapped, reason, seconds, seen)
        except Conflict:
            raise HTTPException(409, "This item was judged in another window, and that judgement stays.") from None
        return JSONResponse(session(study, rules, store, at.rater).shown())

    return Starlette(
        routes=[
            Route("/r/{token}", page),
            Route("/r/{token}/item", show),
            Route("/r/{token}/item/{item}", show),
            Route("/r/{token}/item/{item}", judge, methods=["POST"]),
            *(Route(f"/{name}", _file(name)) for name in ("page.css", "page.js")),
        ],
        exception_handlers={HTTPException: _refused, sqlite3.Error: _unwritten},
        middleware=[Middleware(_guarded)],
    )


def _guarded(app: ASGIApp) -> ASGIApp:
    """Every answer with the headers above, refusals included."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, with_headers)

    return guarded


def _file(name: str) -> Any:
    async def file(_: Request) -> Response:
        return FileResponse(PAGE / name)

    return file


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _unwritten(request: Request, error: Exception) -> Response:
    """Another program holds the database, or the disk is full: the page keeps the judgement and sends it again."""
    log.warning("annotations: a judgement is not written yet (%s); the page sends it again", error)
    return JSONResponse({"error": "Not saved yet."}, 503)
