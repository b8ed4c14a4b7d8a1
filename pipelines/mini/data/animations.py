"""Animated drawings: each subject is one individual, its clearly different frames are the views."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from pipelines.mini.data.concepts import Concept, base_code
from pipelines.mini.data.individuals import Individual, fit_views
from pipelines.mini.data.packages import Package, members

_SHA256 = (
    "4c03ac178c1eabf2e2a16dd498f3cc2b92dc30ec3466ae38fdc497d4774c99ea",
    "e431da8172e394036c330faa77648d6fbbae1fd3b0be95637c4497c9075019c0",
    "3624d0c34c819c1794b74ccf6ae9034adff7c4cb6318dd2a645145f0196feb43",
    "3d4c08f1e321f70808ef4996aba0ab575a9d97b6c56ffffc92cf6161a7836aa3",
)
PACKAGES = tuple(
    Package(
        name=f"@lobehub/fluent-emoji-anim-{number}",
        version="1.0.0",
        licence="MIT",
        credit="Fluent Emoji (animated), Microsoft Corporation",
        sha256=digest,
    )
    for number, digest in enumerate(_SHA256, start=1)
)
STYLE = "glossy"
MOST, LEAST = 6, 3
_DISTANCE = 0.05
# Their frames show different things: a bomb and then its blast.
_LEFT_OUT = frozenset({"bomb", "exploding head", "paw prints"})
_COARSE = 32
_LOOKED_AT = 20  # frames of a subject, taken evenly: neighbours are alike


def read_animations(
    archives: Sequence[Path], concepts: dict[str, Concept], size: int, distance: float = _DISTANCE
) -> Iterator[Individual]:
    """Yield an individual for each animated subject that moves enough; held-out concepts are left out.

    Args:
        archives: the fetched `PACKAGES`; files in them are animated WebP named after codepoints.
        concepts: base codepoint → concept, see `pipelines.mini.data.concepts.read_concepts`.
        size: edge of the pictures in pixels.
        distance: how far a further frame must lie from all chosen ones, see `pick_frames`.
    """
    seen: set[str] = set()
    for archive in archives:
        for path, content in members(archive, ".webp"):
            concept = concepts.get(base_code(Path(path).stem))
            if concept is None or concept.split != "train" or concept.code in seen or concept.name in _LEFT_OUT:
                continue
            frames = whole_frames(content)
            if len(frames) < LEAST:
                continue
            pictures = pick_frames(fit_views(frames, size), distance)
            if len(pictures) >= LEAST:
                seen.add(concept.code)
                yield _individual(concept, pictures, archive.name)


def _individual(concept: Concept, pictures: tuple[np.ndarray, ...], archive: str) -> Individual:
    kind = concept.name.removesuffix(" face") if concept.group == "animals" else concept.name
    return Individual(
        name=f"anim-{concept.code}",
        kind=kind,
        style=STYLE,
        pictures=pictures,
        views=("",) * len(pictures),
        source=next((f"{p.name}@{p.version}" for p in PACKAGES if p.archive_name == archive), archive),
    )


def whole_frames(content: bytes) -> list[np.ndarray]:
    """Return the frames, uint8 [H, W, 4], in which the subject is whole.

    Some subjects grow out of nothing or leave the picture: frames that cover much less than most are left out.
    """
    picture = Image.open(io.BytesIO(content))
    count = getattr(picture, "n_frames", 1)
    if count < LEAST:
        return []
    step = -(-count // _LOOKED_AT)
    frames = [np.asarray(frame.convert("RGBA")) for frame in islice(ImageSequence.Iterator(picture), 0, None, step)]
    areas = [float(frame[..., 3].mean()) for frame in frames]
    usual = float(np.median(areas))
    return [frame for frame, area in zip(frames, areas, strict=True) if area > 0.75 * usual > 0]


def pick_frames(frames: Sequence[np.ndarray], distance: float) -> tuple[np.ndarray, ...]:
    """Return up to `MOST` frames, the first one and then always the one farthest from those chosen.

    The distance of two frames is the mean difference of their premultiplied pixels, as a share of full scale, over the
    area that the subject covers. Frames nearer than `distance` to a chosen one say nothing new.
    """
    coarse = np.stack([_coarse(frame) for frame in frames])
    cover = max(float(coarse[..., 3].mean()), 1e-6)
    chosen = [0]
    while len(chosen) < min(MOST, len(frames)):
        away = np.min([np.abs(coarse - coarse[i]).mean(axis=(1, 2, 3)) for i in chosen], axis=0) / cover
        farthest = int(np.argmax(away))
        if away[farthest] < distance:
            break
        chosen.append(farthest)
    return tuple(frames[i] for i in chosen)


def _coarse(frame: np.ndarray) -> np.ndarray:
    small = Image.fromarray(frame).convert("RGBa").resize((_COARSE, _COARSE), Image.Resampling.BOX)
    # PIL gives no array of "RGBa" itself; its bytes are the premultiplied pixels.
    return np.frombuffer(small.tobytes(), np.uint8).reshape(_COARSE, _COARSE, 4).astype(np.float32) / 255
