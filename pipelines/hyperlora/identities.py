"""Individuals seen in several views, and which of them a training step pairs.

A corpus folder holds ``identities.npy`` (uint8 [N, S, S, 4], straight alpha) and ``identities.jsonl`` with, in the
same order, ``identity``, ``view``, ``split``, ``style``, ``caption`` and, where it is known, the subject's ``box`` in
shares of the edge; where there are ``identities_sketches.npy`` and ``identities_greys.npy``, they hold the sketch of
every view in the coat of its individual and without colours.
View 0 shows the individual alone and is the reference; the others are what is to be drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter


@dataclass(frozen=True, eq=False)
class IdentityViews:
    """All views of the individuals of some splits.

    Attributes:
        pictures: uint8 [N, S, S, 4]; a memory map.
        rows: which pictures these are, in order.
        records: one per row.
        sketches: like `pictures`: what a base that draws after sketches is shown; None: there are none.
        greys: the same, the individual in it without colours; None: there are none.
    """

    pictures: NDArray[np.uint8]
    rows: tuple[int, ...]
    records: tuple[dict, ...]
    sketches: NDArray[np.uint8] | None = None
    greys: NDArray[np.uint8] | None = None

    @classmethod
    def read(cls, folder: Path, splits: Iterable[str] = ("train",), styles: Iterable[str] = ()) -> IdentityViews:
        """Read the individuals of the given splits and styles (none given: all) from a corpus folder."""
        wanted, drawn = set(splits), set(styles)
        records = map(json.loads, (folder / "identities.jsonl").read_text().splitlines())
        kept = [
            (row, record)
            for row, record in enumerate(records)
            if record["split"] in wanted and (not drawn or record["style"] in drawn)
        ]
        pictures = np.load(folder / "identities.npy", mmap_mode="r")
        shown = (folder / f"identities_{what}.npy" for what in ("sketches", "greys"))
        sketches, greys = (np.load(file, mmap_mode="r") if file.exists() else None for file in shown)
        return cls(pictures, tuple(row for row, _ in kept), tuple(record for _, record in kept), sketches, greys)

    def __len__(self) -> int:
        return len(self.rows)

    def picture(self, index: int) -> Image.Image:
        """Return one view, RGBA."""
        return Image.fromarray(np.asarray(self.pictures[self.rows[index]]))

    def names(self) -> list[str]:
        """Return the individuals' names in order of appearance."""
        return list(dict.fromkeys(record["identity"] for record in self.records))

    def references(self) -> dict[str, int]:
        """Return individual → index of its reference view."""
        return {record["identity"]: index for index, record in enumerate(self.records) if record["view"] == 0}

    def targets(self) -> dict[str, list[int]]:
        """Return individual → indices of the views that are not its reference."""
        found: dict[str, list[int]] = {}
        for index, record in enumerate(self.records):
            if record["view"]:
                found.setdefault(record["identity"], []).append(index)
        return found

    def weights(self, edge: int, outside: float) -> NDArray[np.float32]:
        """Return the loss weights [N, edge, edge]: 1 where the subject is, `outside` elsewhere.

        Where a record has no box, the opaque part of the picture counts as the subject.
        """
        found = np.empty((len(self), edge, edge), np.float32)
        for index, row in enumerate(self.rows):
            alpha = np.asarray(self.pictures[row, ..., 3], np.float32) / 255
            box = self.records[index].get("box")
            if box is not None:
                alpha = alpha * _box_mask(box, alpha.shape[0])
            cell = alpha.shape[0] // edge
            found[index] = outside + (1 - outside) * alpha.reshape(edge, cell, edge, cell).mean(axis=(1, 3))
        return found


def _box_mask(box: list[float], size: int) -> NDArray[np.float32]:
    left, top, right, bottom = (round(value * size) for value in box)
    mask = np.zeros((size, size), np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def photo_like(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a drawing as a camera might have seen it: tilted, lit from one side, a little soft and off in colour.

    Args:
        picture: RGBA.
        rng: draws the changes.
    """
    turned = picture.convert("RGBa").rotate(float(rng.uniform(-20, 20)), Image.Resampling.BICUBIC, expand=True)
    soft = turned.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.2)))).convert("RGBA")
    colour = soft.convert("RGB")
    for enhance, reach in ((ImageEnhance.Brightness, 0.15), (ImageEnhance.Contrast, 0.2), (ImageEnhance.Color, 0.25)):
        colour = enhance(colour).enhance(float(rng.uniform(1 - reach, 1 + reach)))
    values = np.asarray(colour, np.float32)
    height, width = values.shape[:2]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    across = np.linspace(-1, 1, width)[None, :] * np.cos(angle) + np.linspace(-1, 1, height)[:, None] * np.sin(angle)
    values = values * (1 + strength * across[..., None]) + rng.normal(0, 3, values.shape)
    lit = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    lit.putalpha(soft.getchannel("A"))
    return lit


@dataclass(frozen=True, eq=False)
class Pairs:
    """One batch of (references, target) pairs, as indices.

    Attributes:
        references: [B, R, 2]: (individual, version) of each reference.
        mask: bool [B, R]: which of them are there.
        targets: [B]: view to be drawn.
        captioned: bool [B]: whether the caption is given.
        greys: bool [B]: whether the sketch has no colours, so that the LoRA must carry them all.
    """

    references: NDArray[np.int64]
    mask: NDArray[np.bool_]
    targets: NDArray[np.int64]
    captioned: NDArray[np.bool_]
    greys: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PairSampler:
    """Draws batches; the batch of a step depends on seed and step alone, so a resumed run goes on as if never stopped.

    Attributes:
        targets: views to be drawn, for each individual in order.
        own: the reference view of each individual in order.
        own_share: share of rows that draw the reference view itself, upright and alone as most stickers are; only a
            photo-like version of it is then shown as the reference, so that copying does not pay. Until such a
            version is shown at all, these rows draw another view.
        versions: encoded versions of each reference.
        max_references: references per row at most.
        caption_dropout: share of rows without a caption.
        reference_dropout: share of rows without references.
        seed: of the run.
        grey_share: share of rows whose sketch has no colours.
        opens: rising, for each version the step from which on it is shown, the first 0: the curriculum from clean
            references to hard ones; (): all are shown from the start.
    """

    targets: tuple[tuple[int, ...], ...]
    own: tuple[int, ...]
    own_share: float
    versions: int
    max_references: int
    caption_dropout: float
    reference_dropout: float
    seed: int
    grey_share: float = 0.0
    opens: tuple[int, ...] = ()

    def draw(self, step: int, batch: int) -> Pairs:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        individuals = rng.permutation(len(self.targets))[:batch]
        if len(individuals) < batch:
            individuals = rng.integers(len(self.targets), size=batch)
        shown = sum(step >= opened for opened in self.opens) if self.opens else self.versions
        count = min(self.max_references, shown)
        versions = np.stack([rng.permutation(shown)[:count] for _ in range(batch)])
        references = np.stack([np.repeat(individuals[:, None], count, axis=1), versions], axis=-1)
        mask = np.arange(count) < rng.integers(1, count + 1, size=batch)[:, None]
        mask &= rng.random((batch, 1)) >= self.reference_dropout
        targets = np.array([rng.choice(self.targets[individual]) for individual in individuals])
        own = (rng.random(batch) < self.own_share) & (shown > 1)
        targets[own] = np.array(self.own)[individuals[own]]
        references[own, 0, 1] = rng.integers(min(1, shown - 1), shown, size=own.sum())
        mask[own, 1:] = False
        captioned = rng.random(batch) >= self.caption_dropout
        return Pairs(references, mask, targets, captioned, rng.random(batch) < self.grey_share)
