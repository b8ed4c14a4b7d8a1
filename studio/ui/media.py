"""Pictures, previews and the state of jobs over HTTP: found by record id, only for their owner.

No path and no content key ever comes from a request, so there is nothing to climb out of.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, Literal

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image

from studio.domain.concepts import Understanding
from studio.domain.generation import Picture
from studio.domain.jobs import Status
from studio.domain.loras import LoraLayout
from studio.errors import NotFound, StudioError, UnknownConcept
from studio.services.recognition import Seen
from studio.studio import Studio

SMALL, LARGE = 256, 640  # longer side of what is sent for looking at, in pixels
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_NEVER = {"Cache-Control": "no-store"}


def add_media_routes(app: FastAPI, studio: Studio, owner_of: Callable[[Request], str]) -> None:
    """Add ``/media/…`` and ``/ready`` to `app`; `owner_of` says whose things a request may see."""

    @app.exception_handler(StudioError)
    def tell(_request: Request, error: Exception) -> Response:
        missing = isinstance(error, NotFound | UnknownConcept)
        return JSONResponse({"error": str(error)}, status_code=404 if missing else 400, headers=_NEVER)

    @app.get("/ready")
    def ready() -> dict[str, bool]:
        return {"ready": True}

    def owner_now(request: Request) -> str:
        return owner_of(request)

    _add_records(app, studio, Depends(owner_now))
    _add_jobs(app, studio, Depends(owner_now))
    _add_seen(app, studio, Depends(owner_now))
    _add_chats(app, studio, Depends(owner_now))
    _add_refined(app, studio, Depends(owner_now))


def _add_records(app: FastAPI, studio: Studio, visitor: Any) -> None:
    @app.get("/media/concepts")
    def mentions(owner: str = visitor) -> Response:
        found = [
            {"handle": concept.handle, "name": concept.name, "kind": concept.kind, "aliases": concept.aliases,
             "cover": concept_cover(concept.id, concept.photos[0].id)}
            for concept in studio.concepts.list(owner=owner)
        ]  # fmt: skip
        return JSONResponse(found, headers=_NEVER)

    @app.get("/media/concepts/{concept_id}/{photo_id}.webp")
    def photo(concept_id: str, photo_id: str, owner: str = visitor, large: bool = False) -> Response:
        concept = studio.concepts.get(concept_id, owner=owner)
        for known in concept.photos:
            if known.id == photo_id:
                return _webp(
                    studio.files.thumbnail(known.cutout or known.file, edge=LARGE if large else SMALL), _FOREVER
                )
        raise NotFound(f"{concept.name} has no photo {photo_id[:40]!r}.")

    @app.get("/media/concepts/{concept_id}/lora.safetensors")
    def lora(concept_id: str, owner: str = visitor, layout: LoraLayout = "kohya") -> Response:
        studio.loras.prepare(concept_id, owner=owner).result()
        file = studio.loras.file(concept_id, layout, owner=owner)
        headers = {**_NEVER, "Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.data, media_type="application/octet-stream", headers=headers)

    @app.get("/media/styles/{style_id}.safetensors")
    def style(style_id: str, owner: str = visitor) -> Response:
        file = studio.style_loras.file(style_id, owner=owner)
        headers = {**_NEVER, "Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.data, media_type="application/octet-stream", headers=headers)

    @app.get("/media/concepts/{concept_id}/card.zip")
    def card(concept_id: str, owner: str = visitor) -> Response:
        file = studio.transfers.export(concept_id, owner=owner)
        headers = {**_NEVER, "Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.data, media_type="application/zip", headers=headers)

    @app.get("/media/pictures/{picture_id}/thumb.webp")
    def thumb(picture_id: str, owner: str = visitor) -> Response:
        picture = studio.gallery.get(picture_id, owner=owner)
        return _webp(studio.files.thumbnail(picture.file, edge=SMALL), _FOREVER)

    @app.get("/media/pictures/{picture_id}/reference.webp")
    def reference(picture_id: str, owner: str = visitor) -> Response:
        like = studio.gallery.get(picture_id, owner=owner).recipe.like
        if not like:
            raise NotFound("This picture was drawn like no other one, or like one that is deleted.")
        return _webp(studio.files.thumbnail(like, edge=SMALL), _NEVER)

    @app.get("/media/pictures/{picture_id}.{kind}")
    def picture(
        picture_id: str, kind: Literal["png", "webp"], owner: str = visitor,
        recipe: bool = True, save: bool = False,
    ) -> Response:  # fmt: skip
        data = studio.gallery.export(picture_id, kind, recipe=recipe, owner=owner)
        headers = dict(_FOREVER)
        if save:
            name = file_name(studio.gallery.get(picture_id, owner=owner), kind)
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(data, media_type=f"image/{kind}", headers=headers)


def _add_jobs(app: FastAPI, studio: Studio, visitor: Any) -> None:
    @app.get("/media/jobs/{job_id}")
    def state(job_id: str, owner: str = visitor) -> Response:
        job = studio.jobs.get(job_id, owner=owner)
        status, progress = job.status, job.progress  # the status first: a progress may be newer, never older
        answer: dict[str, Any] = {
            "status": status.value,
            "ended": status.ended,
            "share": progress.share,
            "message": progress.message,
            "seconds_left": progress.seconds_left,
            "position": progress.position,
            "preview": progress.preview is not None and f"/media/jobs/{job_id}/preview.webp?at={progress.share:.4f}",
        }
        return JSONResponse(answer, headers=_NEVER)

    @app.get("/media/jobs/{job_id}/preview.webp")
    def preview(job_id: str, owner: str = visitor) -> Response:
        picture = studio.jobs.get(job_id, owner=owner).progress.preview
        if picture is None:
            raise NotFound("There is no preview yet.")
        return _webp(picture, _NEVER)

    @app.get("/media/jobs/{job_id}/cutouts/{number}.webp")
    def cutout(job_id: str, number: int, owner: str = visitor) -> Response:
        job = studio.jobs.get(job_id, owner=owner)
        found = job.result(timeout=0) if job.status is Status.DONE else ()
        if not isinstance(found, tuple) or not 0 <= number < len(found) or not isinstance(found[number], Understanding):
            raise NotFound(f"There is no cut-out {number} here.")
        return _webp(_smaller(found[number].cutout, LARGE), _FOREVER)


def _add_refined(app: FastAPI, studio: Studio, visitor: Any) -> None:
    @app.get("/media/jobs/{job_id}/refined/{when}.webp")
    def refined(job_id: str, when: Literal["before", "after"], owner: str = visitor) -> Response:
        found = studio.refining.of(job_id, owner=owner)
        return _webp(found.before if when == "before" else found.after, _FOREVER)


def _add_seen(app: FastAPI, studio: Studio, visitor: Any) -> None:
    @app.get("/media/jobs/{job_id}/photos/{number}.jpg")
    def seen_photo(job_id: str, number: int, owner: str = visitor) -> Response:
        job = studio.jobs.get(job_id, owner=owner)
        found = job.result(timeout=0) if job.status is Status.DONE else ()
        if not isinstance(found, tuple) or not 0 <= number < len(found) or not isinstance(found[number], Seen):
            raise NotFound(f"There is no photo {number} here.")
        return Response(found[number].photo, media_type="image/jpeg", headers=_FOREVER)


def _add_chats(app: FastAPI, studio: Studio, visitor: Any) -> None:
    @app.get("/media/chats/{picture_id}.jpg")
    def chat_picture(picture_id: str, owner: str = visitor) -> Response:
        data = studio.assistant.picture(picture_id, owner=owner)
        return Response(data, media_type="image/jpeg", headers=_FOREVER)

    @app.get("/media/chats/{picture_id}/{region}.webp")
    def chat_place(picture_id: str, region: int, owner: str = visitor) -> Response:
        place = studio.assistant.crop(picture_id, region, owner=owner)
        place.thumbnail((SMALL, SMALL))
        buffer = io.BytesIO()
        place.save(buffer, "WEBP", quality=85)
        return _webp(buffer.getvalue(), _FOREVER)


def concept_cover(concept_id: str, photo_id: str) -> str:
    """Return the address of a photo's cut-out, small."""
    return f"/media/concepts/{concept_id}/{photo_id}.webp"


def file_name(picture: Picture, kind: str) -> str:
    """Return a name a person recognises in a folder of downloads: plain ASCII, at most 60 characters."""
    words = re.sub(r"[^a-z0-9]+", "-", picture.recipe.prompt.lower()).strip("-")[:36].strip("-")
    return f"{words or 'keepsake'}-{picture.recipe.seed}.{kind}"


def _webp(data: bytes, headers: dict[str, str]) -> Response:
    return Response(data, media_type="image/webp", headers=headers)


def _smaller(data: bytes, edge: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        picture.thumbnail((edge, edge))
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=85)
    return buffer.getvalue()
