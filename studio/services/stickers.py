"""Stickers: a set of pictures of one thing, each finished, all packed for a messenger."""

from __future__ import annotations

import dataclasses
import functools
import io
import re
import secrets
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence

from PIL import Image

from studio.domain.generation import SEED_MAX, GenerateRequest, Picture, Pose
from studio.domain.stickers import (
    EMOJIS_OTHERWISE,
    FITTING,
    BuiltPack,
    Feeling,
    Messenger,
    Motion,
    PackItem,
    PackLabel,
    Scene,
    Sticker,
    StickerLook,
    StickersRequest,
)
from studio.engines.base import Report
from studio.errors import InvalidInput
from studio.packs import animation, video
from studio.packs.building import Finished, Ready, build_ready, ready
from studio.packs.encoding import preview
from studio.packs.finishing import Layers, at_size, check_caption, layered
from studio.packs.motion import Moving
from studio.packs.rules import RULES, check_motion
from studio.services.concepts import ConceptService
from studio.services.gallery import GalleryService
from studio.services.generation import GenerationService
from studio.services.jobs import Job, JobRunner, part
from studio.storage.files import FileStore

_FINISHED_KEPT = 96  # stickers; about 0.1 MB each
_PACKS_KEPT = 3
_PREVIEW_EDGE = 384  # pixels
_MOVING_EDGE, _MOVING_RATE = 256, 15  # pixels and frames a second of what moves on the page
_SAYS_MAX = 125
_NAME_MAX = 40


class StickerService:
    """Draws sets, finishes pictures and packs them; a set is nothing but pictures of the gallery."""

    def __init__(
        self,
        *,
        scenes: Sequence[Scene],
        files: FileStore,
        jobs: JobRunner,
        concepts: ConceptService,
        generation: GenerationService,
        gallery: GalleryService,
    ) -> None:
        self.scenes = tuple(scenes)
        self._files = files
        self._jobs = jobs
        self._concepts = concepts
        self._generation = generation
        self._gallery = gallery
        self._finished = functools.lru_cache(maxsize=_FINISHED_KEPT)(self._finish)
        self._moving = functools.lru_cache(maxsize=_FINISHED_KEPT)(self._move)
        self._packs: OrderedDict[object, BuiltPack] = OrderedDict()

    def start(self, request: StickersRequest) -> Job[tuple[Picture, ...]]:
        """Draw one picture for each of the first `request.count` scenes; they are kept in the gallery.

        Raises:
            InvalidInput: there are not so many scenes.
            UnknownConcept: nothing of that name is known.
        """
        scenes = sorted(self.scenes, key=lambda scene: scene.set is not request.about)
        if not 1 <= request.count <= len(scenes):
            raise InvalidInput(f"count is {request.count}; it must lie between 1 and {len(scenes)}.")
        concept = self._concepts.get(request.concept, request.owner)
        first = secrets.randbelow(SEED_MAX + 1) if request.seed is None else request.seed
        works = [
            self._generation.work(
                GenerateRequest(
                    prompt=scene.prompt_for(f"@{concept.handle}"),
                    seed=(first + number) % (SEED_MAX + 1),
                    owner=request.owner,
                    pose=Pose.PHOTO,  # nearest to the thing itself; its photos take turns
                )
            )
            for number, scene in enumerate(scenes[: request.count])
        ]

        def draw(report: Report) -> tuple[Picture, ...]:
            pictures: list[Picture] = []
            for number, work in enumerate(works):
                pictures += work(_counted(report, number, len(works)))
            return tuple(pictures)

        return self._jobs.start(f"Draw {request.count} stickers of {concept.name}", draw, request.owner)

    def check_caption(self, caption: str) -> None:
        """Raise `InvalidInput` unless `caption` can be written under a sticker; for before the drawing."""
        check_caption(caption)

    def of(self, picture_ids: Sequence[str], owner: str = "local") -> tuple[Sticker, ...]:
        """Return pictures of the gallery as stickers, in this order; raises `NotFound` as the gallery."""
        return tuple(self._sticker(self._gallery.get(picture_id, owner)) for picture_id in picture_ids)

    def check_motion(self, messenger: Messenger, look: StickerLook) -> None:
        """Raise `InvalidInput` where moving stickers cannot be packed for `messenger` here; for before the drawing."""
        if look.motion == Motion.NONE:
            return
        check_motion(messenger)
        if messenger is Messenger.TELEGRAM:
            video.check_available()

    def image(self, picture_id: str, look: StickerLook, owner: str = "local") -> Image.Image:
        """Return the finished sticker of a picture at rest, RGBA, 512 × 512.

        Raises:
            NotFound: the owner has no such picture.
            InvalidInput: the picture is empty, or the caption cannot be written.
        """
        (sticker,) = self.of([picture_id], owner)
        return self._at_rest(sticker, look)

    def preview(self, picture_id: str, look: StickerLook, owner: str = "local") -> bytes:
        """Return the finished sticker for looking at, WebP: 384 pixels, or moving in 256; raises as `image`."""
        (sticker,) = self.of([picture_id], owner)
        motion, still = _motion(look, sticker), _still(look, sticker)
        if motion is not Motion.NONE:
            return self._moving(sticker.picture.file, still, sticker.feeling, motion)
        return preview(self._finished(sticker.picture.file, still, sticker.feeling), _PREVIEW_EDGE)

    def start_pack(
        self, picture_ids: Sequence[str], messenger: Messenger, look: StickerLook, *, title: str, owner: str = "local"
    ) -> Job[BuiltPack]:
        """Make a pack as a job, as moving stickers take a while; arguments and errors as `pack`."""
        stickers, label = self._to_pack(picture_ids, messenger, look, title, owner)
        return self._jobs.start(
            f"Pack {label.title} for {messenger}", lambda report: self._pack(stickers, messenger, look, label, report),
            owner,
        )  # fmt: skip

    def pack(
        self, picture_ids: Sequence[str], messenger: Messenger, look: StickerLook, *, title: str, owner: str = "local"
    ) -> BuiltPack:
        """Return the pack of these pictures; it keeps every rule of the messenger.

        Args:
            picture_ids: in the order of the pack.
            messenger: where it is for.
            look: how the stickers are finished, and whether they move.
            title: of the pack, 1–64 characters; its files are named after it.
            owner: whose pictures.

        Raises:
            NotFound: the owner has no such picture.
            InvalidInput: a rule cannot be kept; the message says which.
        """
        stickers, label = self._to_pack(picture_ids, messenger, look, title, owner)
        return self._pack(stickers, messenger, look, label, _unheard)

    def _to_pack(
        self, picture_ids: Sequence[str], messenger: Messenger, look: StickerLook, title: str, owner: str
    ) -> tuple[tuple[Sticker, ...], PackLabel]:
        self.check_motion(messenger, look)
        return self.of(picture_ids, owner), PackLabel(identifier=identifier(title), title=title)

    def _sticker(self, picture: Picture) -> Sticker:
        scene = self._scene_of(picture)
        name = (picture.recipe.concept_names or ("Keepsake",))[0]
        if scene is None:
            words = picture.recipe.prompt.replace("@", "")
            return Sticker(picture=picture, emojis=EMOJIS_OTHERWISE, words="", says=words[:_SAYS_MAX])
        return Sticker(
            picture=picture, emojis=scene.emojis, words=scene.words, says=f"{name} {scene.says}"[:_SAYS_MAX],
            motion=scene.motion, feeling=scene.feeling,
        )  # fmt: skip

    def _scene_of(self, picture: Picture) -> Scene | None:
        """Return the scene that a prompt asks for; styles and the like after a comma change nothing about it."""
        asked = picture.recipe.prompt.partition(",")[0].strip()
        for scene in self.scenes:
            before, _, after = scene.prompt.partition("{it}")
            if re.fullmatch(rf"{re.escape(before)}@[\w-]+{re.escape(after)}", asked):
                return scene
        return None

    def _finish(self, key: str, look: StickerLook, feeling: Feeling) -> Image.Image:
        return at_size(self._large(key, look, feeling))

    def _move(self, key: str, look: StickerLook, feeling: Feeling, motion: Motion) -> bytes:
        return animation.preview(Moving(self._finished(key, look, feeling), motion, _MOVING_EDGE), _MOVING_RATE)

    def _pack(
        self,
        stickers: tuple[Sticker, ...],
        messenger: Messenger,
        look: StickerLook,
        label: PackLabel,
        report: Report,
    ) -> BuiltPack:
        key = (stickers, messenger, look, label)
        if key not in self._packs:
            made: list[Ready] = []
            for number, sticker in enumerate(stickers):
                report(number / len(stickers), f"Sticker {number + 1} of {len(stickers)}")
                made.append(self._ready(number + 1, sticker, messenger, look))
            cover = self._at_rest(stickers[0], look) if stickers else None
            self._packs[key] = build_ready(messenger, label, made, cover)
        self._packs.move_to_end(key)
        while len(self._packs) > _PACKS_KEPT:
            self._packs.popitem(last=False)
        return self._packs[key]

    def _ready(self, number: int, sticker: Sticker, messenger: Messenger, look: StickerLook) -> Ready:
        item = PackItem(
            name=f"{number:02d}-{identifier(sticker.words or sticker.says)}",
            emojis=sticker.emojis[: RULES[messenger].emojis[1]],
            says=sticker.says,
        )
        try:
            return ready(messenger, item, self._whole(sticker, messenger, look))
        except InvalidInput as error:
            raise InvalidInput(f"Sticker {number}: {error}") from error

    def _whole(self, sticker: Sticker, messenger: Messenger, look: StickerLook) -> Finished:
        """Return the sticker as it is packed: at rest, in layers, or moving, made from the large still."""
        motion, still = _motion(look, sticker), _still(look, sticker)
        if messenger is Messenger.SVG:
            return self._layers(sticker.picture.file, still, sticker.feeling)
        if motion is Motion.NONE:
            return self._at_rest(sticker, look)
        return Moving(self._large(sticker.picture.file, still, sticker.feeling), motion)

    def _at_rest(self, sticker: Sticker, look: StickerLook) -> Image.Image:
        return self._finished(sticker.picture.file, _still(look, sticker), sticker.feeling)

    def _large(self, key: str, look: StickerLook, feeling: Feeling) -> Image.Image:
        return self._layers(key, look, feeling).flat()

    def _layers(self, key: str, look: StickerLook, feeling: Feeling) -> Layers:
        with Image.open(io.BytesIO(self._files.get(key))) as picture:
            return layered(picture, outline=look.outline, shadow=look.shadow, caption=look.caption, feeling=feeling)


def _motion(look: StickerLook, sticker: Sticker) -> Motion:
    return sticker.motion if look.motion == FITTING else Motion(look.motion)


def _still(look: StickerLook, sticker: Sticker) -> StickerLook:
    """Return the look of a sticker at rest with its caption decided, so that equal stickers are finished once."""
    caption = sticker.words if look.own_words else look.caption
    return dataclasses.replace(look, caption=caption, own_words=False, motion=Motion.NONE)


def _unheard(share: float, message: str = "", preview: Image.Image | None = None) -> None:
    """Take a report of which nobody hears."""


def identifier(text: str) -> str:
    """Return `text` as lower-case ASCII letters, digits and hyphens, at most 40."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:_NAME_MAX].strip("-") or "keepsake"


def _counted(report: Report, number: int, total: int) -> Report:
    piece = part(report, number / total, (number + 1) / total)

    def report_piece(share: float, message: str = "", preview: Image.Image | None = None) -> None:
        piece(share, f"Sticker {number + 1} of {total}", preview)

    return report_piece
