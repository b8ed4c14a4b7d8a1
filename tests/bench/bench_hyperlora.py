"""Whether a predicted LoRA carries the likeness of a subject it never saw.

    python -m tests.bench.bench_hyperlora --data DIR [--identities 48] [--out FILE.json] [--sheet FILE.png]

For every held-out individual the same prompts are drawn from the same noise and in the same layout after its own
reference (the main colours of it in the sketch, and the LoRA that is predicted from it), after that of another
individual, after either half alone, and after the class word alone. A picture's likeness is the cosine between its
DINOv2 feature and the mean feature of the individual's own views that show it alone; the colour distance is that of
mean colours in CIELAB (0 is equal, 100 black to white). The reference is never among the views it is compared with.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pipelines.features.image_encoders import ClipVisionEncoder, DinoV2Encoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.references import coat_of, reference_tokens
from pipelines.hyperlora.sampling import RowDenoiser, draw
from pipelines.lora import Factor
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.sketching import FOLLOW_DRAWING
from pipelines.resolver import resolve

PROMPTS = ("{}", "{} wearing a crown")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way of drawing: its name, whose reference (0 its own, 1 another's), how faithful, whether in its coat."""

    name: str
    roll: int
    fidelity: float
    coat: bool = True


ROWS = (
    Row(name="class word only", roll=0, fidelity=0.0, coat=False),
    Row(name="its own coat, no LoRA", roll=0, fidelity=0.0),
    Row(name="its own LoRA, no coat, fidelity 1", roll=0, fidelity=1.0, coat=False),
    Row(name="another's reference, fidelity 0.7", roll=1, fidelity=0.7),
    Row(name="own reference, fidelity 0.3", roll=0, fidelity=0.3),
    Row(name="own reference, fidelity 0.7", roll=0, fidelity=0.7),
    Row(name="own reference, fidelity 1", roll=0, fidelity=1.0),
)


@dataclass(frozen=True, eq=False)
class Subjects:
    """Held-out individuals: references, class words, words of their styles, and the views that show them."""

    references: list[Image.Image]
    words: list[str]
    styles: list[str]
    views: list[list[Image.Image]]

    @classmethod
    def read(cls, folder: Path, count: int, styles: Sequence[str] = ()) -> Subjects:
        """Read individuals that have at least one further view of themselves alone on transparent ground."""
        corpus = IdentityViews.read(folder, ("test",), styles)
        references, targets = corpus.references(), corpus.targets()
        found = cls([], [], [], [])
        for name in corpus.names():
            word, _, style = corpus.records[references[name]]["caption"].partition(", ")
            alone = [index for index in targets[name] if corpus.records[index]["caption"].split(",")[0] == word]
            views = [corpus.picture(index) for index in alone]
            if views and len(found.words) < count:
                found.references.append(corpus.picture(references[name]))
                found.words.append(word)
                found.styles.append(style)
                found.views.append(views)
        return found


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
        self._dino = DinoV2Encoder(resolve("dinov2"))
        encoder = ClipVisionEncoder(resolve("clip-vision"))
        started = time.perf_counter()
        tokens = torch.from_numpy(reference_tokens(subjects.references, encoder))[:, None]
        self._coats = [coat_of([reference]) for reference in subjects.references]
        encoded = time.perf_counter()
        with torch.no_grad():
            parts = [hyperlora(row[None], torch.ones(1, 1)).layers for row in tokens]
        self.seconds = {
            "encode one reference": (encoded - started) / len(tokens),
            "predict one LoRA": (time.perf_counter() - encoded) / len(tokens),
        }
        self._layers = {
            name: Factor(torch.cat([part[name].down for part in parts]), torch.cat([part[name].up for part in parts]))
            for name in parts[0]
        }
        self._targets = np.stack([self._dino.embed(views).mean(axis=0) for views in subjects.views])
        self._targets /= np.linalg.norm(self._targets, axis=1, keepdims=True)
        self._colours = np.stack([np.mean([mean_colour(view) for view in views], axis=0) for views in subjects.views])

    def draw(self, row: Row, prompt: str) -> list[Image.Image]:
        """Draw one picture of every individual; the noise is the same for every row of the table."""
        words = self._subjects.words
        texts = [f"{prompt.format(word)}, {style}" for word, style in zip(words, self._subjects.styles, strict=True)]
        conditions = self._base.encode_text(["", *texts])
        coats = [*self._coats[-row.roll :], *self._coats[: -row.roll]] if row.roll else self._coats
        sketches = self._base.sketch(texts, coats if row.coat else None)
        layers = {name: Factor(f.down.roll(row.roll, 0), f.up.roll(row.roll, 0)) for name, f in self._layers.items()}
        config = self._base.model.config
        shape = (config.out_channels, config.sample_size, config.sample_size)
        noise = torch.randn(len(words), *shape, generator=torch.Generator().manual_seed(0))
        guidance = Guidance.from_fidelity(row.fidelity, self._guidance)
        found: list[Image.Image] = []
        for start in range(0, len(words), 16):
            part = slice(start, start + 16)
            denoiser = RowDenoiser(
                self._base,
                {name: value[1:][part] for name, value in conditions.items()}
                | {name: value[part] for name, value in sketches.items()},
                {name: value[:1] for name, value in conditions.items()},
                {name: Factor(f.down[part], f.up[part]) for name, f in layers.items()},
            )
            found += draw(denoiser, noise[part], guidance, self._steps, FOLLOW_DRAWING)
        return found

    def compare(self, pictures: Sequence[Image.Image]) -> tuple[NDArray, NDArray]:
        """Return likeness and colour distance of pictures of every individual, each [N]."""
        likeness = (self._dino.embed(pictures) * self._targets).sum(axis=1)
        colours = np.stack([mean_colour(picture) for picture in pictures])
        return likeness, np.linalg.norm(colours - self._colours, axis=1)


def mean_colour(picture: Image.Image) -> NDArray[np.float64]:
    """Return the mean CIELAB colour of what is opaque; mid-grey where nothing is."""
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    converted = ImageCms.applyTransform(picture.convert("RGB"), to_lab)
    assert converted is not None
    lab = np.asarray(converted).astype(np.float64)
    lab[..., 0] *= 100 / 255
    lab[..., 1:] = np.asarray(converted)[..., 1:].astype(np.int8)
    weights = np.asarray(picture.convert("RGBA"), np.float64)[..., 3]
    if weights.sum() < 1:
        return np.array([50.0, 0.0, 0.0])
    mean: NDArray[np.float64] = (lab * weights[..., None]).sum(axis=(0, 1)) / weights.sum()
    return mean


def measure(bench: Bench, sheet: Path | None, subjects: Subjects) -> dict[str, dict[str, float]]:
    """Draw all rows with all prompts; returns row → figures, and draws the first prompt's pictures side by side."""
    likeness: dict[str, list[NDArray]] = {row.name: [] for row in ROWS}
    colour: dict[str, list[NDArray]] = {row.name: [] for row in ROWS}
    columns: dict[str, list[Image.Image]] = {}
    for prompt in PROMPTS:
        for row in ROWS:
            pictures = bench.draw(row, prompt)
            columns.setdefault(row.name, pictures)
            found = bench.compare(pictures)
            likeness[row.name].append(found[0])
            colour[row.name].append(found[1])
    if sheet is not None:
        _write_sheet(subjects, columns, sheet)
    other = next(row for row in ROWS if row.roll)
    return {row.name: figures(likeness[row.name], likeness[other.name], colour[row.name]) for row in ROWS}


def figures(likeness: list[NDArray], mismatched: list[NDArray], colour: list[NDArray]) -> dict[str, float]:
    """Sum up: means, the standard error over individuals, and how often the picture beats the mismatched one."""
    per_subject = np.mean(likeness, axis=0)
    return {
        "dino": round(float(per_subject.mean()), 4),
        "standard error": round(float(per_subject.std() / np.sqrt(len(per_subject))), 4),
        "closer than mismatched": round(float((np.stack(likeness) > np.stack(mismatched)).mean()), 3),
        "colour distance": round(float(np.mean(colour)), 2),
    }


def _write_sheet(subjects: Subjects, columns: Mapping[str, list[Image.Image]], path: Path) -> None:
    drawn = list(columns.values())
    size = drawn[0][0].size
    rows = zip([picture.resize(size) for picture in subjects.references], *drawn, strict=True)
    contact_sheet([picture for row in list(rows)[:24] for picture in row], len(drawn) + 1).save(path)


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with identities.npy and identities.jsonl")
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--hyperlora", type=Path, default=Path("assets/hyperlora"))
    parser.add_argument("--identities", type=int, default=48)
    parser.add_argument("--styles", nargs="*", default=("noto", "flat", "modern", "glossy"), help="of the individuals")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--sheet", type=Path, help="PNG: reference and all rows for the first individuals")
    options = parser.parse_args()
    pipeline = HyperLoraPipeline.from_pretrained(options.hyperlora, dtype=torch.float32, local_files_only=True)
    subjects = Subjects.read(options.data, options.identities, options.styles)
    base = EmbeddedBase.open(options.base, resolve("minilm"))
    bench = Bench(base, pipeline.hyperlora.eval(), subjects, options.steps, options.guidance)
    rows = measure(bench, options.sheet, subjects)
    print(f"{len(subjects.words)} held-out individuals × {len(PROMPTS)} prompts, {options.steps} steps")
    print(f"{'':<36}" + "".join(f"{key:>24}" for key in next(iter(rows.values()))))
    for name, values in rows.items():
        print(f"{name:<36}" + "".join(f"{value:>24}" for value in values.values()))
    for name, seconds in bench.seconds.items():
        print(f"{name}: {seconds:.3f} s")
    if options.out is not None:
        result = {"identities": len(subjects.words), "steps": options.steps, "guidance": options.guidance}
        result |= {"rows": rows, "seconds": bench.seconds}
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
