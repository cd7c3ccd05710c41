"""The HTTP API: GOV.UK Notify's v2 contract, with `/v2/notifications/line` and the field `language` as our own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gdcc.errors import GdccError
from gdcc.model.template import Channel, Template
from gdcc.notify.acceptance import Acceptance, words
from gdcc.notify.asking import LARGEST_REQUEST, as_object, ask, filling, identifier
from gdcc.notify.bindings import Caller
from gdcc.notify.identity import Identity
from gdcc.notify.log import event, failure
from gdcc.notify.metrics import Metrics
from gdcc.notify.refusal import Refusal, invalid, not_found
from gdcc.notify.rendering import render
from gdcc.notify.settings import Mounted, Settings
from gdcc.notify.store import PAGE, Store
from gdcc.notify.views import Views, template, wanted

REFRESH_SECONDS = 2.0
_CHANNELS: tuple[Channel, ...] = ("email", "sms", "line")
Handler = Callable[[Request, Caller], Awaitable[Response]]


class Api:
    """The routes, and what they share."""

    def __init__(self, settings: Settings, mounted: Mounted) -> None:
        self._url = settings.public_url
        self._mounted = mounted
        self._store = Store(settings.database_url)
        self._identity = Identity(
            mounted.keyring, lambda: mounted.bindings, settings.issuer, settings.audience, settings.jwks_url
        )
        self._acceptance = Acceptance(self._store, mounted.keyring, mounted.providers.senders(), self._url)
        self._metrics = Metrics()
        self._views = Views(mounted.keyring, self._url)

    def app(self) -> Starlette:
        """The application."""
        get, post = ["GET"], ["POST"]
        sends = [Route(f"/v2/notifications/{one}", self._guarded(self._send(one)), methods=post) for one in _CHANNELS]
        return Starlette(
            routes=[
                *sends,
                Route("/v2/notifications/letter", self._guarded(_no_letters), methods=post),
                Route("/v2/notifications", self._guarded(self._list), methods=get),
                Route("/v2/notifications/{id}", self._guarded(self._one), methods=get),
                Route("/v2/notifications/{id}/pdf", self._guarded(_no_letters), methods=get),
                Route("/v2/templates", self._guarded(self._templates), methods=get),
                Route("/v2/template/{id}", self._guarded(self._template), methods=get),
                Route("/v2/template/{id}/version/{version}", self._guarded(self._template), methods=get),
                Route("/v2/template/{id}/preview", self._guarded(self._preview), methods=post),
                Route("/v2/received-text-messages", self._guarded(self._received), methods=get),
                Route("/healthz", _alive, methods=get),
                Route("/readyz", self._ready, methods=get),
                Route("/metrics", self._measured, methods=get),
            ],
            exception_handlers={HTTPException: _http_error, Refusal: _refused},
            lifespan=self._lifespan,
        )

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Authenticates, answers refusals in the contract's shape, and counts."""

        async def endpoint(request: Request) -> Response:
            began = time.perf_counter()
            caller = None
            try:
                caller = await self._identity.caller(request.headers.get("authorization", ""))
                response = await handler(request, caller)
            except Refusal as refusal:
                response = refusal.response()
                who = {"agency": caller.binding.agency, "kind": caller.kind} if caller else {}
                event("refused", level="warning", code=refusal.status, problem=refusal.error, **who)
            except ClientDisconnect:
                response = Response(status_code=499)
            except Exception as error:  # its words must reach neither caller nor log
                failure("failed", error)
                response = Refusal(500, "Exception", "Internal server error").response()
            self._metrics.answered(request.method, response.status_code, time.perf_counter() - began)
            return response

        return endpoint

    def _send(self, channel: Channel) -> Handler:
        async def handler(request: Request, caller: Caller) -> Response:
            await self._acceptance.throttle(caller)
            asked = ask(channel, as_object(await _content(request)))
            answer, new = await self._acceptance.accept(caller, asked, self._mounted.library)
            self._metrics.accepted(channel, caller.kind, new=new)
            return JSONResponse(answer, 201)

        return handler

    async def _one(self, request: Request, caller: Caller) -> Response:
        identity = identifier(request.path_params["id"], "id")
        found = await self._store.find(caller.service, caller.kind, identity)
        if found is None:
            raise not_found()
        return JSONResponse(self._views.notification(found))

    async def _list(self, request: Request, caller: Caller) -> Response:
        query = request.query_params
        statuses, channels = wanted(query.getlist("status"), query.getlist("template_type"))
        older = identifier(query["older_than"], "older_than") if "older_than" in query else None
        found = await self._store.page(caller.service, caller.kind, statuses, channels, query.get("reference"), older)
        here = request.url.remove_query_params("older_than").query
        address = f"{self._url}/v2/notifications"
        links = {"current": f"{address}?{request.url.query}" if request.url.query else address}
        # The contract's clients look for the id in `next` as long as a page is not empty.
        if found:
            links["next"] = (
                f"{address}?{here}{'&' if here else ''}older_than={found[-1].id}" if len(found) == PAGE else ""
            )
        return JSONResponse({"notifications": [self._views.notification(one) for one in found], "links": links})

    async def _templates(self, request: Request, caller: Caller) -> Response:
        kind = request.query_params.get("type")
        if kind is not None and kind not in _CHANNELS:
            raise invalid(f"type {kind[:50]} is not one of [{', '.join(_CHANNELS)}]")
        mine = self._mounted.library.of(caller.binding.agency)
        shown = [template(one, one.newest) for one in mine if kind in (None, one.type)]
        return JSONResponse({"templates": shown})

    async def _template(self, request: Request, caller: Caller) -> Response:
        mine = self._own(request, caller)
        number = request.path_params.get("version", str(mine.newest.version))
        version = mine.version(int(number)) if number.isdecimal() and len(number) < 10 else None
        if version is None:
            raise not_found()
        return JSONResponse(template(mine, version))

    async def _preview(self, request: Request, caller: Caller) -> Response:
        mine = self._own(request, caller)
        data = as_object(await _content(request))
        wrong: list[str] = []
        personalisation = filling(data, wrong)
        language = data.get("language")
        if language not in (None, "th", "en"):
            wrong.append("language is not one of [th, en]")
        if wrong:
            raise invalid(*wrong)
        text = words(mine.newest, "en" if language == "en" else "th" if language == "th" else None)
        rendered = render(text.subject, text.body, personalisation, mine.type)
        return JSONResponse(
            {
                "id": mine.id,
                "type": mine.type,
                "version": mine.newest.version,
                "subject": rendered.subject,
                "body": rendered.body,
                "html": rendered.html() if mine.type == "email" else None,
                "postage": None,
            }
        )

    async def _received(self, request: Request, caller: Caller) -> Response:
        """Nothing is received: numbers of this service are for sending only."""
        address = f"{self._url}/v2/received-text-messages"
        return JSONResponse({"received_text_messages": [], "links": {"current": address}})

    def _own(self, request: Request, caller: Caller) -> Template:
        identity = identifier(request.path_params["id"], "id")
        found = self._mounted.library.find(caller.binding.agency, identity)
        if found is None:
            raise not_found()
        return found

    async def _ready(self, request: Request) -> Response:
        try:
            if await self._store.alive():
                return PlainTextResponse("ready\n")
            return PlainTextResponse("the database has no tables yet: run migrate\n", 503)
        except Refusal:
            return PlainTextResponse("the database is out of reach\n", 503)

    async def _measured(self, request: Request) -> Response:
        try:
            waiting = await self._store.waiting()
        except Refusal:
            waiting = None
        return PlainTextResponse(self._metrics.text(waiting), media_type="text/plain; version=0.0.4")

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await self._store.start()
        watch = asyncio.create_task(self._watch())
        event("started", address=self._url)
        try:
            yield
        finally:
            watch.cancel()
            await self._store.stop()
            event("stopped")

    async def _watch(self) -> None:
        """Takes in changed bindings and templates."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                if await asyncio.to_thread(self._mounted.refresh):
                    event("reloaded", count=len(self._mounted.bindings.bindings))
            except GdccError as error:
                event("reload refused", level="error", problems=error.message.splitlines())


async def _no_letters(request: Request, caller: Caller) -> Response:
    raise Refusal(400, "BadRequestError", "Letters are not available: this service sends e-mail, SMS and LINE messages")


async def _alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _content(request: Request) -> bytes:
    """The body, as far as it is allowed to be long."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_REQUEST:
            raise Refusal(413, "BadRequestError", f"The request is larger than {LARGEST_REQUEST // 1024} KiB")
    return bytes(content)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: ("NoResultFound", "No result found"), 405: ("BadRequestError", "Method not allowed")}
    return Refusal(status, *words.get(status, ("BadRequestError", "The request is not understood"))).response()


async def _refused(request: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, Refusal) else Response(status_code=500)
