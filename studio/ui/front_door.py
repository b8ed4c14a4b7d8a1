"""The first answer of the server: a splash page while the rest of the studio is still being imported."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The built app, and what releases everything it holds."""

    app: FastAPI
    close: Callable[[], object]


class FrontDoor:
    """An ASGI app that is there at once and hands over to the real one when that is built.

    Until then ``/`` is the splash page, which asks ``/ready`` and reloads itself when it says yes.

    Args:
        build: makes the real app; called once, in a thread.
        splash: the page shown meanwhile; UTF-8 HTML that needs no other file.
    """

    def __init__(self, build: Callable[[], Opened], splash: bytes) -> None:
        self._build = build
        self._splash = splash
        self._app: FastAPI | None = None
        self._stopping = asyncio.Event()
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        life = asyncio.create_task(self._run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stopping.set()
        await life
        await send({"type": "lifespan.shutdown.complete"})

    async def _run(self) -> None:
        try:
            opened = await self._built()
        except Exception as error:  # noqa: BLE001 - handed to the caller of the server, who tells it
            self.failure = error
            self.on_failure()
            return
        if opened is None:
            return
        try:
            # The server only knows this door, so the start and stop of the real app are ours to call.
            async with opened.app.router.lifespan_context(opened.app):
                self._app = opened.app
                await self._stopping.wait()
        finally:
            self._app = None
            await asyncio.to_thread(opened.close)

    async def _built(self) -> Opened | None:
        """Build the app; None when the server is stopped before that is done, as nobody would wait for it."""
        built: Future[Opened] = Future()

        def build() -> None:
            try:
                built.set_result(self._build())
            except Exception as error:  # noqa: BLE001 - carried over to the waiting side
                built.set_exception(error)

        # no thread of the event loop's own: those are waited for at its end, however long they take
        threading.Thread(target=build, name="opening", daemon=True).start()
        opening = asyncio.wrap_future(built)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return await opening if opening.done() else None

    async def _answer(self, scope: Message, send: Send) -> None:
        page = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        body = self._splash if page else b"The studio is still opening.\n"
        headers = [
            (b"content-type", b"text/html; charset=utf-8" if page else b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"retry-after", b"1"),
        ]
        await send({"type": "http.response.start", "status": 200 if page else 503, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
