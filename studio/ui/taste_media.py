"""Tastes over HTTP: pictures to pick between, pictures somebody reacted to, and reactions while browsing."""

from __future__ import annotations

import io
from collections.abc import Callable

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image
from pydantic import BaseModel, Field

from studio.domain.taste import Reaction
from studio.studio import Studio

EDGE = 320
_AN_HOUR = {"Cache-Control": "private, max-age=3600"}
_NEVER = {"Cache-Control": "no-store"}


class Told(BaseModel):
    """A reaction as the page sends it; JSON only, which no other site's page can send."""

    picture: str = Field(max_length=64)
    reaction: Reaction
    seconds: float | None = Field(default=None, ge=0, le=86400)


def add_taste_routes(app: FastAPI, studio: Studio, owner_of: Callable[[Request], str]) -> None:
    """Add ``/media/taste/…`` to `app`; `owner_of` says whose things a request may see."""

    def owner_now(request: Request) -> str:
        return owner_of(request)

    visitor = Depends(owner_now)

    @app.post("/media/taste/react")
    def react(told: Told, owner: str = visitor) -> Response:
        said = studio.tastes.react(told.picture, told.reaction, seconds=told.seconds, owner=owner)
        return JSONResponse({"said": sorted(reaction.value for reaction in said)}, headers=_NEVER)

    @app.get("/media/taste/samples/{number}.webp")
    def sample(number: int) -> Response:
        return _webp(studio.taste_picks.sample(number))

    @app.get("/media/taste/events/{event_id}.webp")
    def event(event_id: str, owner: str = visitor) -> Response:
        return Response(studio.tastes.thumbnail(event_id, EDGE, owner), media_type="image/webp", headers=_AN_HOUR)

    @app.get("/media/taste/{handle}.json")
    def export(handle: str, owner: str = visitor) -> Response:
        profile = studio.tastes.get(handle, owner)
        headers = {**_NEVER, "Content-Disposition": f'attachment; filename="taste-{profile.id[:8]}.json"'}
        return Response(studio.tastes.export(handle, owner), media_type="application/json", headers=headers)


def _webp(data: bytes) -> Response:
    with Image.open(io.BytesIO(data)) as picture:
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=88)
    return Response(buffer.getvalue(), media_type="image/webp", headers=_AN_HOUR)
