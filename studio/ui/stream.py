"""Keeps gradio's stream of answers open a moment longer than gradio would.

gradio ends a page's stream when no event of it is left, and the page opens another with its next event. But a page that
is busy showing an answer reads the end of its stream late. If something is pressed meanwhile, the page believes that
the stream is open, the server believes that it is closed, and that event's answer is never seen. So the end is held
back: an event that comes in the meantime is answered through the same stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from studio.ui.page import App, Message, Receive, Send

PATH = "/queue/data"
END = b'"msg":"close_stream"'
LINGER, LOOK = 0.7, 0.02  # seconds: how long an end is held back, how often is looked for a new event


class StreamMiddleware:
    """Holds the ends of streams back.

    Args:
        app: the app inside, with gradio's routes.
        waiting: says whether events of a session (by its hash) are still to be answered.
        linger: seconds.
    """

    def __init__(self, app: App, waiting: Callable[[str], bool], linger: float = LINGER) -> None:
        self._app, self._waiting, self._linger = app, waiting, linger

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request; that for a stream as often as there are new events."""
        if scope["type"] != "http" or not scope["path"].endswith(PATH):
            return await self._app(scope, receive, send)
        session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        stream = _Stream(send)
        while True:
            await self._app(scope, receive, stream.send)
            if not stream.held:
                return None
            if not await self._asked_again(session, receive):
                return await stream.end()
            stream.held.clear()

    async def _asked_again(self, session: str, receive: Receive) -> bool:
        """Wait for a new event; False where there is none in time, or where the page is gone."""
        until, gone = time.monotonic() + self._linger, asyncio.create_task(_gone(receive))
        try:
            while not self._waiting(session):
                if gone.done() or time.monotonic() > until:
                    return False
                await asyncio.wait([gone], timeout=LOOK)
            return not gone.done()
        finally:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Stream:
    """What is sent of several answers, as one; their ends are held."""

    def __init__(self, send: Send) -> None:
        self._send, self._begun = send, False
        self.held: list[Message] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._begun:
                return
            self._begun = True
        elif self.held or END in message.get("body", b""):
            self.held.append(message)
            return
        await self._send(message)

    async def end(self) -> None:
        for message in self.held:
            await self._send(message)
