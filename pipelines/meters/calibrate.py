"""Measures the calibration of the meters on individuals that nothing was trained on, and writes configs/meters.yaml.

    python -m pipelines.meters.calibrate --data runs/data [--out configs/meters.yaml] [--individuals 100]

The corpus is that of `python -m pipelines.mini.data`; its test individuals are used. What is right: another view of the
same individual, in scenes and beside companions, against its reference as a camera might have seen it; and a view
against its own caption. What is wrong: views against references of individuals of other classes, of other individuals
of the same class, and of the same drawing in other colours, a third of the weight each; and views against captions of
other things. Half of the individuals set the numbers, the other half is what the figures are of.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.hyperlora.identities import IdentityViews, photo_like
from pipelines.meters.calibration import DEFAULT_CONFIG
from pipelines.meters.encoding import OnceClipVisionEncoder
from pipelines.meters.likeness import Appearance, Part, Parts, appearance, compare
from pipelines.meters.scale import Scale, calibrate, told_apart
from pipelines.mini.colours import COLOURS, raster_groups, recolour_pixels
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import load_config
from pipelines.textimage.loading import load_text_image, version_of

FAIR, GOOD = 0.1, 0.01  # shares of what is wrong that may be called fair or better, and good
WRONG = ("other class", "same class", "other colours")
_OTHERS = 4
_SEED = 0
logger = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class View:
    """A view of an individual as the meters see it."""

    individual: str
    kind: str
    caption: str
    look: Appearance
    embedding: FloatArray


@dataclass(eq=False, kw_only=True)
class Gallery:
    """Views of the test individuals, and references: of themselves, of others of their class, in other colours."""

    views: list[View] = field(default_factory=list)
    own: dict[str, Appearance] = field(default_factory=dict)
    recoloured: dict[str, Appearance] = field(default_factory=dict)
    alike: dict[str, list[Appearance]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def pairs(self, individuals: Sequence[str], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return measured (parts, colours) by what they are of, each [N, 2]: ``right`` and the three of `WRONG`."""
        wanted = set(individuals)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("right", *WRONG)}
        for view in self.views:
            if view.individual not in wanted:
                continue
            others = [name for name in individuals if self.kinds[name] != view.kind]
            strangers = [self.own[str(name)] for name in rng.choice(others, min(_OTHERS, len(others)), replace=False)]
            found["right"].append(compare(self.own[view.individual], view.look))
            found["other class"] += [compare(stranger, view.look) for stranger in strangers]
            found["same class"] += [compare(one, view.look) for one in self.alike.get(view.kind, ())]
            if view.individual in self.recoloured:
                found["other colours"].append(compare(self.recoloured[view.individual], view.look))
        return {name: np.array(values).reshape(-1, 2) for name, values in found.items()}

    def captions(self, individuals: Sequence[str], textimage: TextImageModel) -> tuple[FloatArray, FloatArray]:
        """Return the cosines of views with their own captions, and with captions of other things."""
        views = [view for view in self.views if view.individual in set(individuals)]
        cosines = np.stack([v.embedding for v in views]) @ textimage.embed_texts([v.caption for v in views]).T
        kinds = np.array([view.kind for view in views])
        return np.diag(cosines).copy(), cosines[kinds[:, None] != kinds[None]]


def look_at(folder: Path, count: int, measure: Callable[[Image.Image], tuple[Appearance, FloatArray]]) -> Gallery:
    """Read and measure the first `count` test individuals of a corpus, and the training ones of the same classes."""
    rng = np.random.default_rng(_SEED)
    test, train = IdentityViews.read(folder, ("test",)), IdentityViews.read(folder, ("train",))
    gallery = Gallery()
    chosen = test.names()[:count]
    for index, record in enumerate(test.records):
        name = record["identity"]
        if name not in chosen:
            continue
        picture = test.picture(index)
        if record["view"]:
            look, embedding = measure(picture)
            gallery.views.append(
                View(individual=name, kind=record["kind"], caption=record["caption"], look=look, embedding=embedding)
            )
            continue
        gallery.kinds[name] = record["kind"]
        gallery.own[name] = measure(photo_like(picture, rng))[0]
        other = _in_other_colours(picture, record.get("colours", ()), rng)
        if other is not None:
            gallery.recoloured[name] = measure(photo_like(other, rng))[0]
    for index in train.references().values():
        kind = train.records[index]["kind"]
        if kind in gallery.kinds.values():
            gallery.alike.setdefault(kind, []).append(measure(photo_like(train.picture(index), rng))[0])
    logger.info("%d views of %d individuals", len(gallery.views), len(gallery.own))
    return gallery


def _in_other_colours(picture: Image.Image, its: Sequence[str], rng: np.random.Generator) -> Image.Image | None:
    pixels = np.asarray(picture)
    groups = raster_groups(pixels)
    others = [name for name in COLOURS if name not in its]
    if not groups or len(others) < len(groups):
        return None
    colours = tuple(str(name) for name in rng.choice(others, len(groups), replace=False))
    return Image.fromarray(recolour_pixels(pixels, colours, groups))


def calibrated_likeness(pairs: dict[str, np.ndarray], proof: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return scale and parts by `pairs`, and figures of `proof`."""
    shape, colour = (_part(pairs["right"][:, column]) for column in (0, 1))
    parts = Parts(shape=shape, colour=colour)
    scale = calibrate(_equally([_joined(parts, pairs[name]) for name in WRONG]), fair=FAIR, good=GOOD)
    found = {name: _joined(parts, values) for name, values in proof.items()}
    return {
        "fair": round(scale.fair, 4),
        "good": round(scale.good, 4),
        "shape": {"mean": round(shape.mean, 4), "deviation": round(shape.deviation, 4)},
        "colour": {"mean": round(colour.mean, 4), "deviation": round(colour.deviation, 4)},
        "figures": {
            "pairs": {name: len(values) for name, values in found.items()},
            "words": {name: words(values, scale) for name, values in found.items()},
            "right above wrong": {name: _rounded(told_apart(found["right"], found[name])) for name in WRONG},
            "by parts alone": _alone(proof, 0),
            "by colours alone": _alone(proof, 1),
        },
    }


def calibrated_prompt(
    fitted: tuple[FloatArray, FloatArray], proof: tuple[FloatArray, FloatArray], version: str
) -> dict[str, Any]:
    """Return the scale by `fitted` (right, wrong) cosines, and figures of `proof`."""
    scale = calibrate(fitted[1], fair=FAIR, good=GOOD)
    right, wrong = proof
    return {
        "textimage": version,
        "fair": round(scale.fair, 4),
        "good": round(scale.good, 4),
        "figures": {
            "pairs": {"own caption": len(right), "caption of another thing": len(wrong)},
            "words": {"own caption": words(right, scale), "caption of another thing": words(wrong, scale)},
            "right above wrong": _rounded(told_apart(right, wrong)),
        },
    }


def words(measured: FloatArray, scale: Scale) -> dict[str, float]:
    """Return the shares of measurements that are called low, fair and good."""
    low, good = float((measured < scale.fair).mean()), float((measured >= scale.good).mean())
    return {"low": _rounded(low), "fair": _rounded(1 - low - good), "good": _rounded(good)}


def _joined(parts: Parts, values: np.ndarray) -> FloatArray:
    return np.array([parts.joined(shape, colour) for shape, colour in values], np.float64)


def _part(values: np.ndarray) -> Part:
    return Part(mean=float(values.mean()), deviation=float(values.std()))


def _equally(sets: Sequence[FloatArray]) -> FloatArray:
    """Join sets so that each has the same weight: every one is repeated, in order, up to the size of the largest."""
    filled = [values for values in sets if len(values)]
    size = max(map(len, filled))
    return np.concatenate([np.resize(np.sort(values), (size // len(values)) * len(values)) for values in filled])


def _alone(proof: dict[str, np.ndarray], column: int) -> dict[str, float]:
    right = proof["right"][:, column]
    return {name: _rounded(told_apart(right, proof[name][:, column])) for name in WRONG}


def _rounded(value: float) -> float:
    return round(float(value), 3)


def write(values: dict[str, Any], file: Path, individuals: int) -> None:
    """Write a calibration with where it comes from."""
    head = (
        "# From measurements to the meters' words; written by\n"
        "#   python -m pipelines.meters.calibrate --data runs/data\n"
        f"# on {individuals} individuals that nothing was trained on. One in ten of what is wrong is called fair or\n"
        "# better, one in a hundred good: for likeness, views of other individuals (of another class, of the same\n"
        "# class, or the same drawing in other colours, a third each); for the prompt, captions of other things.\n"
        "# Half of the individuals set the numbers, the figures are of the other half. Parts and colours are joined\n"
        "# in units of their deviation over views of the same individual.\n"
    )
    file.write_text(head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with identities.npy and identities.jsonl")
    parser.add_argument("--out", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--individuals", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    encoder = OnceClipVisionEncoder(resolve("clip-vision"), threads=options.threads)
    config = load_config()
    textimage = load_text_image(config, opened={encoder.name: encoder})

    def measure(picture: Image.Image) -> tuple[Appearance, FloatArray]:
        return appearance(picture, encoder.tokens([picture])[0]), textimage.embed_images([picture])[0]

    gallery = look_at(options.data, options.individuals, measure)
    fitted, proof = list(gallery.own)[::2], list(gallery.own)[1::2]
    rng = np.random.default_rng(_SEED)
    values = {
        "likeness": calibrated_likeness(gallery.pairs(fitted, rng), gallery.pairs(proof, rng)),
        "prompt": calibrated_prompt(
            gallery.captions(fitted, textimage), gallery.captions(proof, textimage), version_of(config)
        ),
    }
    write(values, options.out, len(gallery.own))
    logger.info("%s", yaml.safe_dump(values, sort_keys=False))


if __name__ == "__main__":
    main()
