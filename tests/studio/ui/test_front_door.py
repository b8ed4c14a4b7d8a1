from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from studio.errors import StudioError
from studio.ui.front_door import FrontDoor, Opened

SPLASH = b"<p>opening</p>"


class Life:
    """The server's side of the lifespan protocol."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._to: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from: asyncio.Queue[Any] = asyncio.Queue()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._door({"type": "lifespan"}, self._to.get, self._from.put))
        await self._to.put({"type": "lifespan.startup"})
        assert (await self._from.get())["type"] == "lifespan.startup.complete"

    async def __aexit__(self, *_: object) -> None:
        await self._to.put({"type": "lifespan.shutdown"})
        assert (await self._from.get())["type"] == "lifespan.shutdown.complete"
        await self._task


def client(door: FrontDoor) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door")


def test_it_answers_before_the_app_is_built_and_hands_over_after() -> None:
    may_build, closed = threading.Event(), threading.Event()
    lived: list[str] = []

    def build() -> Opened:
        may_build.wait(30)
        app = FastAPI(on_startup=[lambda: lived.append("up")], on_shutdown=[lambda: lived.append("down")])
        app.get("/ready")(lambda: {"ready": True})
        return Opened(app=app, close=closed.set)

    async def visit() -> None:
        door = FrontDoor(build, SPLASH)
        async with client(door) as http, Life(door):
            first = await http.get("/")
            assert (first.status_code, first.content) == (200, SPLASH)
            assert (await http.get("/ready")).status_code == 503
            assert (await http.head("/")).content == b""
            may_build.set()
            while (await http.get("/ready")).status_code != 200:
                await asyncio.sleep(0.01)
            assert lived == ["up"]
        assert closed.is_set()
        assert lived == ["up", "down"]

    asyncio.run(visit())


def test_a_failure_to_build_is_kept_and_told() -> None:
    def build() -> Opened:
        raise StudioError("The disk is gone.")

    async def visit() -> FrontDoor:
        door = FrontDoor(build, SPLASH)
        told = asyncio.Event()
        door.on_failure = told.set
        async with Life(door):
            await told.wait()
        return door

    with pytest.raises(StudioError, match="disk is gone"):
        failure = asyncio.run(visit()).failure
        assert failure is not None
        raise failure


def test_stopping_does_not_wait_for_an_app_that_is_still_being_built() -> None:
    may_build = threading.Event()

    def build() -> Opened:
        may_build.wait(30)
        raise AssertionError("nobody looks at this any more")

    async def visit() -> None:
        async with Life(FrontDoor(build, SPLASH)):
            pass

    asyncio.run(asyncio.wait_for(visit(), 5))
    may_build.set()
