"""The HTTP server, and how it ends: soon and quietly."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

GRACE = 0.4  # seconds for answers that are under way


class Server(uvicorn.Server):
    """uvicorn for one studio, for which a signal is the ordinary end.

    uvicorn raises the signal once more when it has ended, so that nothing after `run` would happen. And it waits for
    open streams, of which a page keeps one for as long as it is looked at.

    Args:
        app: an ASGI app.
        started: called when it listens and knows what to do on a signal.
    """

    def __init__(self, app: Any, started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1, ws="none")
        )
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and tell it."""
        await super().startup(sockets)
        if self.started:
            self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up after a moment of grace, then end the app."""
        asyncio.get_running_loop().call_later(GRACE, self._hang_up)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End; the second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def _hang_up(self) -> None:
        # To the app it is as if the browser had gone, which ends a stream without an error.
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.close()
