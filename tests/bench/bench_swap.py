"""Whether two things in one picture keep their looks: exchanged in the prompt, they must exchange in the picture.

    python -m tests.bench.bench_swap --data DIR [--pairs 12] [--photos DIR] [--out FILE.json] [--sheet FILE.png]

Every pair of held-out individuals is drawn from the same noise in the same layout twice, as "A and B" and as "B and A";
in half of the rows both are called by one class word, so that nothing but their looks can tell them apart. What stands
at the left, cut out by its place in the layout, is to look more like A than like B in the one picture, and more like B
than like A in the other. It is compared with the references by TinyViT features, by mean colours in CIELAB, and by
both, each in units of how far two references are from each other. Chance is 0.5 for a side and 0.25 for an exchange.
With ``--photos`` the pairs are real subjects: folders of photos, the class word the last part of the folder's name.
Pictures are drawn in bfloat16, four times as fast on cores that multiply it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.features.image_encoders import ClipVisionEncoder, TinyVitEncoder
from pipelines.hyperlora.comparing import mean_colour
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.lora import COAT, LoraFactors
from pipelines.matting import Matting
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.loading import load_pipeline
from pipelines.mini.pipeline_mini import MiniPipeline, PersonalSubject
from pipelines.mini.scene import article
from pipelines.resolver import resolve

PROMPTS = ("{} and {}", "{} next to {} at the beach")
SEED = 2
PHOTO_EDGE = 900


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A subject: its reference, cut out, its class word, the words of its style, and its predicted LoRA."""

    cutout: Image.Image
    word: str
    style: str
    lora: LoraFactors


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way of drawing two things.

    Attributes:
        coats: whether each wears the main colours of its reference in the sketch.
        loras: ``none``, ``everywhere`` (half of each at every place), or ``regions``.
        photos: whether the cut-outs themselves stand in the sketch.
    """

    name: str
    coats: bool = True
    loras: str = "regions"
    photos: bool = False


WAYS = (
    Way(name="class words only", coats=False, loras="none"),
    Way(name="LoRAs everywhere, no coats", coats=False, loras="everywhere"),
    Way(name="LoRAs by region, no coats", coats=False),
    Way(name="coats, LoRAs everywhere", loras="everywhere"),
    Way(name="coats, LoRAs by region: drawn anew"),
    Way(name="cut-outs: as in a photo", photos=True),
)


class Judge:
    """Says which of two references a crop looks like; scales are how far references are from each other."""

    def __init__(self, encoder: TinyVitEncoder, references: Sequence[Image.Image]) -> None:
        self._encoder = encoder
        self._features, self._colours = self._seen(references)
        pairs = np.triu_indices(len(references), 1)
        self._scales = np.array(
            [
                np.median((1 - self._features @ self._features.T)[pairs]),
                np.median(np.linalg.norm(self._colours[:, None] - self._colours[None], axis=2)[pairs]),
            ]
        )

    def prefers_first(self, crop: Image.Image, first: int, second: int) -> NDArray[np.bool_]:
        """Return whether the crop is nearer to reference `first`: by features, by colours, by both, [3]."""
        feature, colour = (values[0] for values in self._seen([crop]))
        apart = np.array(
            [
                (feature @ self._features[first]) - (feature @ self._features[second]),
                np.linalg.norm(colour - self._colours[second]) - np.linalg.norm(colour - self._colours[first]),
            ]
        )
        apart = apart / self._scales
        return np.array([apart[0] > 0, apart[1] > 0, apart.sum() > 0])

    def _seen(self, pictures: Sequence[Image.Image]) -> tuple[NDArray, NDArray]:
        features = self._encoder.embed(pictures)
        features = features / np.linalg.norm(features, axis=1, keepdims=True)
        return features, np.stack([mean_colour(picture) for picture in pictures])


@dataclass(frozen=True, eq=False)
class Bench:
    """Draws pairs of things and asks the judge."""

    pipeline: MiniPipeline
    things: Sequence[Thing]
    judge: Judge
    steps: int
    fidelity: float

    def exchange(self, way: Way, left: int, right: int, alike: bool) -> tuple[NDArray[np.bool_], list[Image.Image]]:
        """Draw a pair both ways round.

        Returns:
            Whether each side is right, [prompts, 2 pictures, 2 sides, 3 measures], and the pictures.
        """
        found, pictures = [], []
        for order in ((left, right), (right, left)):
            words = [self.things[left].word] * 2 if alike else [self.things[one].word for one in order]
            prompts = [f"{prompt.format(*map(article, words))}, {self.things[left].style}" for prompt in PROMPTS]
            subjects = [self._subject(way, one, word) for one, word in zip(order, words, strict=True)]
            places = self._places(prompts, subjects)
            sharing = _everywhere(self.pipeline) if way.loras == "everywhere" else nullcontext()
            with sharing, torch.autocast(self.pipeline.device.type, torch.bfloat16):
                drawn = self.pipeline(
                    prompts, self.steps, 1.5, [SEED] * len(prompts), fidelity=self.fidelity, subjects=subjects,
                    upscale=False,
                ).images  # fmt: skip
            pictures += drawn
            other = {left: right, right: left}
            found.append(
                [
                    [
                        self.judge.prefers_first(_cut(picture, region), one, other[one])
                        for region, one in zip(regions, order, strict=True)
                    ]
                    for picture, regions in zip(drawn, places, strict=True)
                ]
            )
        return np.array(found).transpose(1, 0, 2, 3), pictures

    def _subject(self, way: Way, number: int, word: str) -> PersonalSubject:
        thing = self.things[number]
        kept = {COAT: thing.lora.metadata[COAT]} if way.coats else {}
        lora = replace(thing.lora, metadata=kept) if way.loras != "none" else None
        return PersonalSubject(words=word, lora=lora, cutouts=[thing.cutout] * len(PROMPTS) if way.photos else ())

    def _places(self, prompts: Sequence[str], subjects: Sequence[PersonalSubject]) -> list[NDArray[np.uint8]]:
        casts = [[subject.actor(row, None) for subject in subjects] for row in range(len(prompts))]
        sketches = self.pipeline.sketch(prompts, [SEED] * len(prompts), casts)
        return [sketch.regions for sketch in sketches if sketch is not None]


@contextmanager
def _everywhere(pipeline: MiniPipeline) -> Iterator[None]:
    """Let all LoRAs act at every place, each with its share, as long as the context is open."""
    kept = pipeline._regions

    def shared(sketches: Sequence, count: int) -> Tensor:
        regions = kept(sketches, count)
        return torch.full_like(regions, 1 / max(1, count))

    pipeline._regions = shared  # type: ignore[method-assign]
    try:
        yield
    finally:
        del pipeline._regions


def _cut(picture: Image.Image, region: NDArray[np.uint8]) -> Image.Image:
    """Return what stands in a region, on transparent ground."""
    mask = Image.fromarray(region)
    box = mask.getbbox() or (0, 0, *mask.size)
    alpha = np.minimum(np.asarray(picture.getchannel("A")), region)
    cut = picture.copy()
    cut.putalpha(Image.fromarray(alpha))
    return cut.crop(box)


def held_out(folder: Path, count: int, predict: Predict) -> list[Thing]:
    """Read held-out individuals; neighbours in the list are drawn in one style."""
    views = IdentityViews.read(folder, ("test",), ("noto", "flat", "modern", "glossy"))
    references = sorted(views.references().values(), key=lambda index: views.records[index]["style"])
    chosen = references[:: max(1, len(references) // count)][:count]
    things = []
    for index in chosen:
        word, _, style = views.records[index]["caption"].partition(", ")
        word = word.removeprefix("an ").removeprefix("a ")
        picture = views.picture(index)
        things.append(Thing(cutout=picture, word=word, style=style, lora=predict([picture])))
    return things


def photographed(folder: Path, count: int, predict: Predict) -> list[Thing]:
    """Read real subjects: a folder of photos each; the first photo of each is its reference."""
    matting = Matting(resolve("u2netp"))
    things = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir())[:count]:
        cutouts = []
        for file in sorted(place.glob("*.jpg"))[:2]:
            photo = Image.open(file).convert("RGB")
            photo.thumbnail((PHOTO_EDGE, PHOTO_EDGE))
            cutouts.append(matting.cut_out(photo))
        word = "".join(letter for letter in place.name.split("_")[-1] if not letter.isdigit())
        things.append(Thing(cutout=cutouts[0], word=word, style="glossy style", lora=predict(cutouts)))
    return things


class Predict:
    """Predicts LoRAs from references."""

    def __init__(self, folder: Path) -> None:
        self._pipeline = HyperLoraPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        self._encoder = ClipVisionEncoder(resolve("clip-vision"))

    def __call__(self, cutouts: Sequence[Image.Image]) -> LoraFactors:
        """Return the LoRA of the subject that these show."""
        lora: LoraFactors = self._pipeline.predict(cutouts, self._encoder)
        return lora


def measure(bench: Bench, sheet: Path | None) -> dict[str, dict[str, float]]:
    """Draw all pairs in all ways; returns way → figures."""
    rows: dict[str, dict[str, float]] = {}
    shown: list[Image.Image] = []
    pairs = [(left, left + 1) for left in range(0, len(bench.things) - 1, 2)]
    for alike in (True, False):
        for way in WAYS:
            results = []
            for left, right in pairs:
                right_ones, pictures = bench.exchange(way, left, right, alike)
                results.append(right_ones)
                shown += pictures
            name = f"{way.name}, {'one word' if alike else 'own words'}"
            rows[name] = figures(np.stack(results))
            print(f"{name:<56}" + "".join(f"{value:>18}" for value in rows[name].values()), flush=True)
    if sheet is not None:
        contact_sheet(shown, 2 * len(PROMPTS)).save(sheet)
    return rows


def figures(right: NDArray[np.bool_]) -> dict[str, float]:
    """Sum up [pairs, prompts, 2 pictures, 2 sides, 3 measures]: sides that are right, and pairs that exchange."""
    left_side = right[..., 0, :]
    exchanged = left_side.all(axis=2).reshape(-1, right.shape[-1]).mean(axis=0)
    sides = right.reshape(-1, right.shape[-1]).mean(axis=0)
    names = ("features", "colours", "both")
    found = {f"side, {name}": round(float(value), 3) for name, value in zip(names, sides, strict=True)}
    return found | {f"exchange, {name}": round(float(v), 3) for name, v in zip(names, exchanged, strict=True)}


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with identities.npy and identities.jsonl")
    parser.add_argument("--photos", type=Path, help="folder with a folder of photos for each real subject, instead")
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--hyperlora", type=Path, default=Path("assets/hyperlora"))
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--fidelity", type=float, default=0.7)
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--sheet", type=Path, help="PNG: all pictures, a pair in a row")
    options = parser.parse_args()
    predict = Predict(options.hyperlora)
    if options.photos is not None:
        things = photographed(options.photos, 2 * options.pairs, predict)
    elif options.data is not None:
        things = held_out(options.data, 2 * options.pairs, predict)
    else:
        parser.error("give --data or --photos")
    pipeline = load_pipeline(options.base, resolve("minilm"))
    pipeline.set_progress_bar_config(disable=True)
    judge = Judge(TinyVitEncoder(resolve("tinyvit")), [thing.cutout for thing in things])
    print(f"{len(things) // 2} pairs × {len(PROMPTS)} prompts, {options.steps} steps, fidelity {options.fidelity}")
    print(f"{'':<56}" + "".join(f"{name:>18}" for name in figures(np.zeros((1, 1, 2, 2, 3), bool))))
    rows = measure(Bench(pipeline, things, judge, options.steps, options.fidelity), options.sheet)
    if options.out is not None:
        result = {"pairs": len(things) // 2, "prompts": list(PROMPTS), "steps": options.steps, "rows": rows}
        result |= {"fidelity": options.fidelity, "of": "photos" if options.photos else "held-out individuals"}
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
