"""Stickers, packs and posters over HTTP: pictures of the gallery, made up as the address says, only for their owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Request, Response

from studio.domain.posters import PosterSize, PosterWords, size_of
from studio.domain.stickers import Messenger, StickerLook
from studio.errors import NotFound
from studio.packs.files import archives
from studio.services.stickers import identifier
from studio.studio import Studio

_AN_HOUR = {"Cache-Control": "private, max-age=3600"}
_NEVER = {"Cache-Control": "no-store"}
_IN_PACK_MAX = 200
_POSTER_TYPES = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}


def add_craft_routes(app: FastAPI, studio: Studio, owner_of: Callable[[Request], str]) -> None:
    """Add ``/media/stickers/…``, ``packs/…`` and ``posters/…`` to `app`; `owner_of` says whose things may be seen."""

    def owner_now(request: Request) -> str:
        return owner_of(request)

    _add_stickers(app, studio, Depends(owner_now))
    _add_posters(app, studio, Depends(owner_now))


def _add_stickers(app: FastAPI, studio: Studio, visitor: Any) -> None:
    def look_now(
        outline: bool = True, shadow: bool = True, caption: str = "", own_words: bool = False, motion: str = "none"
    ) -> StickerLook:
        return StickerLook(outline=outline, shadow=shadow, caption=caption, own_words=own_words, motion=motion)

    asked = Depends(look_now)

    @app.get("/media/stickers/{picture_id}.webp")
    def sticker(picture_id: str, look: StickerLook = asked, owner: str = visitor) -> Response:
        data = studio.stickers.preview(picture_id, look, owner)
        return Response(data, media_type="image/webp", headers=_AN_HOUR)

    @app.get("/media/packs/{messenger}.{kind}")
    def pack(
        messenger: Messenger,
        kind: Literal["zip", "wastickers"],
        picture: Annotated[list[str], Query(max_length=_IN_PACK_MAX)],
        title: str,
        look: StickerLook = asked,
        owner: str = visitor,
    ) -> Response:
        built = studio.stickers.pack(picture, messenger, look, title=title, owner=owner)
        made = archives(built)
        if f".{kind}" not in made:
            raise NotFound(f"A pack for {messenger} does not come as .{kind}.")
        headers = {**_NEVER, "Content-Disposition": f'attachment; filename="{built.name}.{kind}"'}
        return Response(made[f".{kind}"], media_type="application/zip", headers=headers)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A poster as an address asks for it."""

    words: PosterWords
    template: str
    size: PosterSize


def _asked(template: str, size: str, title: str, line: str = "", credits: str = "") -> _Asked:
    return _Asked(words=PosterWords(title=title, line=line, credits=credits), template=template, size=size_of(size))


def _add_posters(app: FastAPI, studio: Studio, visitor: Any) -> None:
    @app.get("/media/posters/{picture_id}.{kind}")
    def poster(
        picture_id: str,
        kind: Literal["pdf", "svg", "png"],
        asked: Annotated[_Asked, Depends(_asked)],
        owner: str = visitor,
    ) -> Response:
        made = studio.posters.make(picture_id, asked.words, template=asked.template, size=asked.size, owner=owner)
        name = f"{identifier(asked.words.title)}-{made.size.name.lower()}.{kind}"
        headers = {**_NEVER, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(studio.posters.file(made, kind), media_type=_POSTER_TYPES[kind], headers=headers)
