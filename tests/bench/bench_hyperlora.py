"""Whether a predicted LoRA carries the likeness of a subject it never saw.

    python -m tests.bench.bench_hyperlora --data DIR [--identities 40] [--out FILE.json] [--sheet FILE.png]

For every held-out individual the same prompts are drawn from the same noise and in the same layout: with the LoRA that
is predicted from its own reference, with that of another individual of the same family (recoloured drawings,
characters, animated drawings, 3D objects), and with the class word alone. The sketch shows the class's drawing as it is
for the class word, without colours where the LoRA must carry them, or in the main colours of the reference (its coat).
Likeness is the cosine between a picture's DINOv2 feature, which hardly sees colours, and the mean feature of the
individual's own views that show it alone; the studio's likeness meter (0–1, parts and colours, calibrated on held-out
individuals, see `pipelines.meters`), against these views too; and the distance of mean colours in CIELAB (0 is equal,
100 black to white). The reference is never among the views it is compared with.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.features.image_encoders import ClipVisionEncoder, DinoV2Encoder
from pipelines.hyperlora.comparing import mean_colour
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.references import coat_of, reference_tokens
from pipelines.hyperlora.sampling import RowDenoiser, draw
from pipelines.lora import COAT, stacked
from pipelines.meters.calibration import load_calibration
from pipelines.meters.likeness import Appearance, appearance, likeness
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.casting import Actor
from pipelines.mini.dressing import Dresser
from pipelines.mini.sketching import FOLLOW_DRAWING, FOLLOW_PHOTO
from pipelines.resolver import resolve

PROMPTS = ("{}", "{} wearing a crown")
FAMILIES = {  # first part of an individual's name → what it is
    "identity": "recoloured drawings", "dicebear": "characters", "anim": "animated drawings", "3d": "3D objects",
}  # fmt: skip
CLASS, LORA, DRESSED, COLOURED, STANDING = "class", "LoRA", "LoRA and coat", "coat", "cut-out"
WEAKENED = "LoRA and coat, the LoRA as strong as the fidelity says"  # what a dial is without a second model
GREYS = "greys"  # the drawing has no colours: whatever adapts the base must draw them
LET_GO = {STANDING: FOLLOW_PHOTO, GREYS: 1.0}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way of drawing: its name, what dresses the sketch, whose reference, how faithful the LoRA draws after it."""

    name: str
    sketch: str
    other: bool = False
    fidelity: float = 0.0


ROWS = (
    Row(name="class word only", sketch=CLASS),
    Row(name="another's LoRA", sketch=LORA, other=True),
    Row(name="own LoRA", sketch=LORA),
    Row(name="own coat, no LoRA", sketch=COLOURED),
    Row(name="another's LoRA and coat", sketch=DRESSED, other=True, fidelity=0.7),
    Row(name="own LoRA and coat", sketch=DRESSED, fidelity=0.7),
    Row(name="own LoRA and coat, fidelity 1", sketch=DRESSED, fidelity=1.0),
    Row(name="another's reference, as it stands", sketch=STANDING, other=True),
    Row(name="own reference, as it stands", sketch=STANDING),
)


@dataclass(frozen=True, eq=False)
class Subjects:
    """Held-out individuals: families, references, class words, words of their styles, and the views that show them."""

    families: list[str]
    references: list[Image.Image]
    words: list[str]
    styles: list[str]
    views: list[list[Image.Image]]

    @classmethod
    def read(cls, folder: Path, count: int, styles: Sequence[str] = ()) -> Subjects:
        """Read at most `count` individuals of each family that have a further view of themselves alone."""
        corpus = IdentityViews.read(folder, ("test",), styles)
        references, targets = corpus.references(), corpus.targets()
        found = cls([], [], [], [], [])
        for name in corpus.names():
            record = corpus.records[references[name]]
            views = [corpus.picture(index) for index in targets[name] if corpus.records[index]["alone"]]
            family = FAMILIES[name.partition("-")[0]]
            if views and found.families.count(family) < count:
                word, _, style = record["caption"].partition(", ")
                found.families.append(family)
                found.references.append(corpus.picture(references[name]))
                found.words.append(word)
                found.styles.append(style)
                found.views.append(views)
        return found

    def others(self) -> list[int]:
        """Return for each individual the next one of its family."""
        rows: dict[str, list[int]] = {}
        for place, family in enumerate(self.families):
            rows.setdefault(family, []).append(place)
        following = {row: part[(at + 1) % len(part)] for part in rows.values() for at, row in enumerate(part)}
        return [following[row] for row in range(len(self.families))]


class Judge:
    """Compares pictures of individuals with the views that show them.

    Args:
        views: of each of N individuals.
        clip: CLIP's vision tower.
    """

    def __init__(self, views: Sequence[Sequence[Image.Image]], clip: ClipVisionEncoder) -> None:
        self._dino, self._clip = DinoV2Encoder(resolve("dinov2")), clip
        self._targets = np.stack([self._dino.embed(one).mean(axis=0) for one in views])
        self._targets /= np.linalg.norm(self._targets, axis=1, keepdims=True)
        self._meter = load_calibration()
        seen = [self._appearances(one) for one in views]
        self._known = [appearances for appearances, _ in seen]
        self._clip_targets = np.stack([features.mean(axis=0) for _, features in seen])
        self._clip_targets /= np.linalg.norm(self._clip_targets, axis=1, keepdims=True)
        self._colours = np.stack([np.mean([mean_colour(view) for view in one], axis=0) for one in views])

    def _appearances(self, pictures: Sequence[Image.Image]) -> tuple[list[Appearance], NDArray[np.float32]]:
        runs = [self._clip.embed_and_tokens(pictures[at : at + 16]) for at in range(0, len(pictures), 16)]
        tokens = [one for _, part in runs for one in part]
        found = [appearance(picture, one) for picture, one in zip(pictures, tokens, strict=True)]
        return found, np.concatenate([features for features, _ in runs])

    def compare(self, pictures: Sequence[Image.Image], whose: Sequence[int] | None = None) -> dict[str, NDArray]:
        """Return likenesses and colour distance of P pictures, each [P].

        Args:
            pictures: to compare.
            whose: number of the individual that each is compared with; None: there is one of every individual.
        """
        of = list(range(len(self._known))) if whose is None else list(whose)
        colours = np.stack([mean_colour(picture) for picture in pictures])
        appearances, features = self._appearances(pictures)
        seen = zip([self._known[one] for one in of], appearances, strict=True)
        return {
            "dino": (self._dino.embed(pictures) * self._targets[of]).sum(axis=1),
            "clip": (features * self._clip_targets[of]).sum(axis=1),
            "meter": np.array([self._meter.likeness.score(likeness(k, s, self._meter.parts)) for k, s in seen]),
            "colour distance": np.linalg.norm(colours - self._colours[of], axis=1),
        }

    def diversity(self, pictures: Sequence[Image.Image]) -> float:
        """Return how much pictures of one prompt differ: 1 less the mean cosine of their DINOv2 features by twos."""
        features = self._dino.embed(pictures)
        return float(1 - (features @ features.T)[np.triu_indices(len(pictures), 1)].mean())


class Bench:
    """Draws and compares.

    Args:
        base: the base model.
        hyperlora: predicts the LoRAs.
        subjects: whom to draw.
        steps: denoising steps.
        guidance: text guidance.
    """

    def __init__(
        self, base: EmbeddedBase, hyperlora: HyperLora, subjects: Subjects, steps: int, guidance: float
    ) -> None:
        self._base, self._steps, self._guidance, self._subjects = base, steps, guidance, subjects
        clip = ClipVisionEncoder(resolve("clip-vision"))
        started = time.perf_counter()
        tokens = torch.from_numpy(reference_tokens(subjects.references, clip))[:, None]
        self._coats = [coat_of([reference]) for reference in subjects.references]
        encoded = time.perf_counter()
        with torch.no_grad():
            parts = [hyperlora(row[None], torch.ones(1, 1)) for row in tokens]
        self.seconds = {
            "encode one reference": (encoded - started) / len(tokens),
            "predict one LoRA": (time.perf_counter() - encoded) / len(tokens),
        }
        self._loras = [
            part.row(0, base.component, {COAT: " ".join(coat)}) for part, coat in zip(parts, self._coats, strict=True)
        ]
        self._judge = Judge(subjects.views, clip)

    def draw(self, row: Row, prompt: str, guidance: Guidance | None = None) -> list[Image.Image]:
        """Draw one picture of every individual; the noise is the same for every row of the table.

        `guidance` takes the place of what the row's fidelity means.
        """
        words = self._subjects.words
        texts = [f"{prompt.format(word)}, {style}" for word, style in zip(words, self._subjects.styles, strict=True)]
        conditions = self._base.encode_text(["", *texts])
        whose = self._subjects.others() if row.other else list(range(len(words)))
        sketches = self._base.staged([self._cast(row, place) for place in whose], texts)
        config = self._base.model.config
        shape = (config.out_channels, config.sample_size, config.sample_size)
        noise = torch.randn(len(words), *shape, generator=torch.Generator().manual_seed(0))
        # what stands there shows how it looks: words must not pull it towards its class
        text = 1.0 if row.sketch == STANDING else self._guidance
        guidance = guidance or Guidance.from_fidelity(row.fidelity, text)
        found: list[Image.Image] = []
        for start in range(0, len(words), 16):
            part = slice(start, start + 16)
            shown = {name: value[1:][part] for name, value in conditions.items()}
            shown |= {name: value[part] for name, value in sketches.items()}
            empty = {name: value[:1] for name, value in conditions.items()}
            denoiser = self._denoiser(row, whose[part], shown, empty)
            found += draw(denoiser, noise[part], guidance, self._steps, LET_GO.get(row.sketch, FOLLOW_DRAWING))
        return found

    def _denoiser(
        self, row: Row, whose: Sequence[int], text: Mapping[str, Tensor], empty: Mapping[str, Tensor]
    ) -> RowDenoiser:
        """Return what draws some pictures of a row, each with the LoRA of the individual `whose` it is to have."""
        return RowDenoiser(self._base, text, empty, stacked([self._loras[place] for place in whose]))

    def _cast(self, row: Row, place: int) -> list[Actor]:
        sketch, fidelity, lora = row.sketch, row.fidelity, self._loras[place]
        if sketch == LORA:
            return [Actor(dress=Dresser(self._base.pipeline, dataclasses.replace(lora, metadata={})))]
        if sketch == DRESSED:
            return [Actor(dress=Dresser(self._base.pipeline, lora, fidelity))]
        if sketch == WEAKENED:
            return [Actor(dress=Dresser(self._base.pipeline, lora.scaled(fidelity)))]
        if sketch == GREYS:
            return [Actor(greys=True)]
        if sketch == STANDING:
            return [Actor(cutout=self._subjects.references[place])]
        return [Actor(coat=self._coats[place][:3])] if sketch == COLOURED else []

    def compare(self, pictures: Sequence[Image.Image]) -> dict[str, NDArray]:
        """See `Judge.compare`."""
        return self._judge.compare(pictures)


def measure(bench: Bench, sheet: Path | None, subjects: Subjects) -> dict[str, dict[str, dict[str, float]]]:
    """Draw all rows with all prompts; returns family → row → figures, and draws the first prompt's side by side."""
    found: dict[str, list[dict[str, NDArray]]] = {row.name: [] for row in ROWS}
    columns: dict[str, list[Image.Image]] = {}
    for prompt in PROMPTS:
        for row in ROWS:
            with torch.autocast("cpu", torch.bfloat16):  # four times as fast on cores that multiply it
                pictures = bench.draw(row, prompt)
            columns.setdefault(row.name, pictures)
            found[row.name].append(bench.compare(pictures))
    if sheet is not None:
        _write_sheet(subjects, columns, sheet)
    families = np.array(subjects.families)
    parts = {"all": np.ones(len(families), bool)} | {name: families == name for name in dict.fromkeys(families)}
    return {family: {row.name: figures(found, row, part) for row in ROWS} for family, part in parts.items()}


def figures(found: Mapping[str, list[dict[str, NDArray]]], row: Row, part: NDArray[np.bool_]) -> dict[str, float]:
    """Sum up the individuals in `part`: means over them and the prompts, and the standard error over them.

    Beside them, how often the picture is nearer than with another's reference after the same kind of sketch.
    """
    scores = {key: np.stack([one[key][part] for one in found[row.name]]) for key in found[row.name][0]}
    other = next((entry.name for entry in ROWS if entry.other and entry.sketch == row.sketch), None)
    result = {key: round(float(value.mean()), 4) for key, value in scores.items()}
    for key in ("dino", "meter"):
        result[f"{key} error"] = round(float(scores[key].mean(axis=0).std() / np.sqrt(part.sum())), 4)
    for key in ("dino", "meter") if other else ():
        mismatched = np.stack([one[key][part] for one in found[str(other)]])
        result[f"{key} above another's"] = round(float((scores[key] > mismatched).mean()), 3)
    return result


def _write_sheet(subjects: Subjects, columns: Mapping[str, list[Image.Image]], path: Path) -> None:
    drawn = list(columns.values())
    size = drawn[0][0].size
    rows = list(zip([picture.resize(size) for picture in subjects.references], *drawn, strict=True))
    contact_sheet([picture for row in rows[:: max(1, len(rows) // 24)] for picture in row], len(drawn) + 1).save(path)


def bench_parser(description: str | None, identities: int) -> argparse.ArgumentParser:
    """Return the options of a bench that draws held-out individuals; `identities` of each family is the default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with identities.npy and identities.jsonl")
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--hyperlora", type=Path, default=Path("assets/hyperlora"))
    parser.add_argument("--identities", type=int, default=identities, help="of each family, at most")
    parser.add_argument("--styles", nargs="*", default=("noto", "flat", "modern", "glossy"), help="of the individuals")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser


def opened(options: argparse.Namespace) -> tuple[Bench, Subjects]:
    """Load what the options of `bench_parser` name."""
    pipeline = HyperLoraPipeline.from_pretrained(options.hyperlora, dtype=torch.float32, local_files_only=True)
    subjects = Subjects.read(options.data, options.identities, options.styles)
    base = EmbeddedBase.open(options.base, resolve("minilm"))
    return Bench(base, pipeline.hyperlora.eval(), subjects, options.steps, options.guidance), subjects


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = bench_parser(__doc__, identities=40)
    parser.add_argument("--sheet", type=Path, help="PNG: reference and all rows for the first individuals")
    options = parser.parse_args()
    bench, subjects = opened(options)
    families = measure(bench, options.sheet, subjects)
    for family, rows in families.items():
        count = len(subjects.words) if family == "all" else subjects.families.count(family)
        print(f"\n{family}: {count} held-out individuals × {len(PROMPTS)} prompts, {options.steps} steps")
        keys = list(rows["own LoRA"])
        print(f"{'':<36}" + "".join(f"{key:>22}" for key in keys))
        for name, values in rows.items():
            print(f"{name:<36}" + "".join(f"{values.get(key, ''):>22}" for key in keys))
    for name, seconds in bench.seconds.items():
        print(f"{name}: {seconds:.3f} s")
    if options.out is not None:
        result = {"identities": len(subjects.words), "steps": options.steps, "guidance": options.guidance}
        result |= {"families": families, "seconds": bench.seconds}
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
