"""What every answer carries, and what gradio's index page becomes on its way out."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# gradio builds its pages with inline scripts and evaluates html templates, so those two have to be allowed;
# what matters here is the rest: nothing is ever fetched from another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_PREVIEW_CARDS = re.compile(rb"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>\s*")
_HEAD = """<head data-start="{start}">
<meta name="description" content="Photos of your things become pictures and stickers of them, on this machine.">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/look/favicon.svg" type="image/svg+xml">
<link rel="preload" href="/look/fonts/young-serif-latin-400-normal.woff2" as="font" type="font/woff2" crossorigin>
<link rel="preload" href="/look/fonts/instrument-sans-latin-wght-normal.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="/look/tokens.css">
<link rel="stylesheet" href="/look/controls.css">
<link rel="stylesheet" href="/look/pages.css">
<link rel="stylesheet" href="/look/card.css">
<link rel="stylesheet" href="/look/recognise.css">
<link rel="stylesheet" href="/look/assistant.css">
<link rel="stylesheet" href="/look/crafts.css">
<link rel="stylesheet" href="/look/taste.css">
<link rel="stylesheet" href="/look/style-loras.css">
<link rel="stylesheet" href="/look/like.css">
<script src="/look/keepsake.js"></script>
<script src="/look/taste.js"></script>
"""


class PageMiddleware:
    """Adds the security headers to every answer, and our head to the index page.

    gradio adds a given ``head`` only after its own scripts have run; a page that is to look right at its
    first paint needs its styles in the HTML itself.

    Args:
        app: the app inside.
        start_tab: says at which tab a visitor without a link begins.
    """

    def __init__(self, app: App, start_tab: Callable[[], str]) -> None:
        self._app = app
        self._start_tab = start_tab

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/" and scope["method"] == "GET":
            await self._index(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    async def _index(self, scope: Message, receive: Receive, send: Send) -> None:
        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]  # the text has to be readable
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                page = dress(bytes(body), self._start_tab())
                kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
                start["headers"] = [*kept, *_HEADERS, (b"content-length", str(len(page)).encode())]
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self._app({**scope, "headers": plain}, receive, collect)


def dress(page: bytes, start_tab: str) -> bytes:
    """Return gradio's index page with our head, and without its cards for social networks."""
    head = _HEAD.format(start=html.escape(start_tab, quote=True)).encode()
    return _PREVIEW_CARDS.sub(b"", page).replace(b"<head>", head, 1)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_HEADERS]
        await send(message)

    return send_with_headers
