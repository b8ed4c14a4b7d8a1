"""The hypernetwork's LoRA beside image tokens in the manner of IP-Adapter, trained on the same batches.

    python -m tests.bench.bench_image_conditioning --data DIR --adapter DIR [--identities 8] [--out FILE.json]
        [--sheet FILE.png]

Held-out individuals, prompts, noise, layouts and measures are those of `tests.bench.bench_hyperlora`, and so is the
dressing of drawings by E[x₀] at pure noise. Only what adapts the base is another: a LoRA, or 16 tokens that its
cross-attention reads, each of the individual itself or of the next one of its family. Besides, pictures are drawn out
from pure noise after drawings without colours, with plain guidance of the adapted model. Prompt: cosine of picture and
prompt in the text-image model. Differences are paired: the same individual, prompt and noise.

The diffusion error is that of training, on individuals that were not trained on, shown without their colours.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.references import reference_tokens
from pipelines.hyperlora.sampling import RowDenoiser
from pipelines.hyperlora.training import Batch, Trainer, TrainingData
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.casting import Actor
from pipelines.mini.dressing import AdaptedDresser
from pipelines.resolver import resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from tests.bench.baselines.image_conditioning import AdapterDenoiser, ImageConditioning
from tests.bench.baselines.train_image_conditioning import AdapterTrainer
from tests.bench.bench_fidelity import alignment
from tests.bench.bench_hyperlora import (
    CLASS,
    DRESSED,
    GREYS,
    LORA,
    PROMPTS,
    Bench,
    Row,
    Subjects,
    bench_parser,
)

BATCHES = 8  # of which the diffusion error is the mean


@dataclass(frozen=True, kw_only=True)
class Way(Row):
    """One way of drawing: a row of `bench_hyperlora`, where `tokens` with image tokens in the place of the LoRA.

    After drawings without colours (`GREYS`) a picture is drawn with plain guidance, `strength` 1 of the adapted model.
    """

    tokens: bool = False
    strength: float = 1.0


WAYS = (
    Way(name="class word only", sketch=CLASS),
    Way(name="another's tokens", sketch=LORA, tokens=True, other=True),
    Way(name="own tokens", sketch=LORA, tokens=True),
    Way(name="another's LoRA", sketch=LORA, other=True),
    Way(name="own LoRA", sketch=LORA),
    Way(name="drawn out: class word", sketch=GREYS, strength=0.0),
    Way(name="drawn out: another's tokens", sketch=GREYS, tokens=True, other=True),
    Way(name="drawn out: own tokens", sketch=GREYS, tokens=True),
    Way(name="drawn out: another's LoRA", sketch=GREYS, other=True),
    Way(name="drawn out: own LoRA", sketch=GREYS),
    Way(name="own tokens and coat", sketch=DRESSED, tokens=True, fidelity=0.7),
    Way(name="own LoRA and coat", sketch=DRESSED, fidelity=0.7),
)
PAIRS = (
    ("own LoRA", "own tokens"),
    ("own LoRA", "another's LoRA"),
    ("own tokens", "another's tokens"),
    ("own tokens", "class word only"),
    ("own LoRA and coat", "own tokens and coat"),
    ("drawn out: own LoRA", "drawn out: own tokens"),
    ("drawn out: own LoRA", "drawn out: another's LoRA"),
    ("drawn out: own tokens", "drawn out: another's tokens"),
)
Scores = dict[str, NDArray]
"""Measure → [prompts, individuals]."""


class TokenBench(Bench):
    """`Bench` that can also draw with image tokens.

    Args:
        base: the base model.
        hyperlora: predicts the LoRAs.
        subjects: whom to draw.
        steps: denoising steps.
        guidance: text guidance.
    """

    def use(self, adapter: ImageConditioning) -> None:
        """Read the references of all individuals with a trained adapter."""
        references = reference_tokens(self._subjects.references, ClipVisionEncoder(resolve("clip-vision")))
        with torch.no_grad():
            self._tokens = adapter(torch.from_numpy(references)[:, None], torch.ones(len(references), 1))
        self._adapter = adapter

    def drawn(self, way: Way, prompt: str) -> list[Image.Image]:
        """Draw one picture of every individual."""
        plain = Guidance.steady(way.strength, self._guidance) if way.sketch == GREYS else None
        return self.draw(way, prompt, plain)

    def _denoiser(
        self, row: Row, whose: Sequence[int], text: Mapping[str, Tensor], empty: Mapping[str, Tensor]
    ) -> RowDenoiser:
        if not (isinstance(row, Way) and row.tokens):
            return super()._denoiser(row, whose, text, empty)
        return AdapterDenoiser(self._base, text, empty, {}, self._adapter, self._tokens[list(whose)])

    def _cast(self, row: Row, place: int) -> list[Actor]:
        if not (isinstance(row, Way) and row.tokens and row.sketch in (LORA, DRESSED)):
            return super()._cast(row, place)
        coat, fidelity = (self._coats[place], row.fidelity) if row.sketch == DRESSED else ((), 1.0)
        adapted = self._adapter.adapted(self._base.model, self._tokens[place])
        return [Actor(dress=AdaptedDresser(self._base.pipeline, adapted, coat, fidelity))]


def measure(bench: TokenBench, subjects: Subjects, sheet: Path | None) -> dict[str, Scores]:
    """Draw all ways with all prompts; returns the scores of each way, and draws the first prompt's side by side."""
    model = load_text_image(load_config(DEFAULT_CONFIG))
    found: dict[str, Scores] = {}
    columns: list[list[Image.Image]] = []
    for way in WAYS:
        parts = []
        for prompt in PROMPTS:
            pictures = bench.drawn(way, prompt)
            texts = [prompt.format(word) for word in subjects.words]
            parts.append(bench.compare(pictures) | {"prompt": alignment(model, pictures, texts)})
            if prompt == PROMPTS[0]:
                columns.append(pictures)
        found[way.name] = {key: np.stack([part[key] for part in parts]) for key in parts[0]}
        print(_line(way.name, {key: _figures(value) for key, value in found[way.name].items()}), flush=True)
    if sheet is not None:
        size = columns[0][0].size
        rows = zip([picture.resize(size) for picture in subjects.references], *columns, strict=True)
        contact_sheet([picture for row in rows for picture in row], len(columns) + 1).save(sheet)
    return found


def differences(found: Mapping[str, Scores]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return for every pair of ways how much more the first one scores: mean, and its standard error."""
    return {
        f"{one} − {other}": {key: _figures(found[one][key] - found[other][key]) for key in found[one]}
        for one, other in PAIRS
    }


def _figures(scores: NDArray) -> tuple[float, float]:
    """Return the mean over prompts and individuals, and its standard error over individuals."""
    individual = scores.mean(axis=0)
    return round(float(individual.mean()), 4), round(float(individual.std(ddof=1) / np.sqrt(len(individual))), 4)


def _line(name: str, figures: Mapping[str, tuple[float, float]]) -> str:
    return f"{name:<52}" + "".join(f"{key:>17} {mean:8.4f} ± {error:.4f}" for key, (mean, error) in figures.items())


class Errors:
    """Measures the diffusion error of held-out individuals who are shown without their colours.

    Args:
        base: the base model.
        data: folder of the corpus.
        config: of the training.
        folder: to work in.
    """

    def __init__(self, base: EmbeddedBase, data: Path, config: TrainingConfig, folder: Path) -> None:
        encoder = ClipVisionEncoder(resolve("clip-vision"))
        views = IdentityViews.read(data, ("test",), config.styles)
        self._base, self._folder = base, folder
        self._config = dataclasses.replace(config, warm_start="", grey_share=1.0, reference_dropout=0.0)
        self._data = TrainingData.prepare(views, base, encoder, self._config, folder / "cache")
        self._preview = Preview.of(views, base, encoder, steps=1, guidance=1.0, count=1)

    @torch.no_grad()
    def of(self, kind: type[Trainer], model: HyperLora | ImageConditioning) -> dict[str, float]:
        """Return the error with the own references, and with those of another row of the batch."""
        run = kind(self._base, self._data, self._config, self._folder, self._preview)
        run.model.load_state_dict(model.state_dict())
        run.model.eval()
        own = [float(run.loss(batch)[0]) for batch in self._batches(run)]
        other = [
            float(run.loss(dataclasses.replace(batch, tokens=batch.tokens.roll(1, 0), mask=batch.mask.roll(1, 0)))[0])
            for batch in self._batches(run)
        ]
        return {"own": round(float(np.mean(own)), 5), "another's": round(float(np.mean(other)), 5)}

    def _batches(self, run: Trainer) -> Iterator[Batch]:
        return (run.batch(step) for step in range(BATCHES))


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = bench_parser(__doc__, identities=8)
    parser.add_argument("--adapter", type=Path, required=True, help="folder that train_image_conditioning wrote")
    parser.add_argument("--config", type=Path, default=Path("configs/hyperlora.yaml"))
    parser.add_argument("--sheet", type=Path, help="PNG: reference and all ways")
    options = parser.parse_args()
    adapter = ImageConditioning.from_pretrained(options.adapter, dtype=torch.float32).eval()
    pipeline = HyperLoraPipeline.from_pretrained(options.hyperlora, dtype=torch.float32, local_files_only=True)
    subjects = Subjects.read(options.data, options.identities, options.styles)
    base = EmbeddedBase.open(options.base, resolve("minilm"))
    bench = TokenBench(base, pipeline.hyperlora.eval(), subjects, options.steps, options.guidance)
    bench.use(adapter)
    found = measure(bench, subjects, options.sheet)
    compared = differences(found)
    for name, figures in compared.items():
        print(_line(name, figures), flush=True)
    result = errors(options, adapter)
    for name, values in result.items():
        print(f"diffusion error, {name}: {values}", flush=True)
    if options.out is not None:
        written = {
            "identities": len(subjects.words),
            "steps": options.steps,
            "guidance": options.guidance,
            "diffusion error": result,
            "families": _by_family(found, subjects.families),
            "differences": compared,
        }
        options.out.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def errors(options: argparse.Namespace, adapter: ImageConditioning) -> dict[str, dict[str, float]]:
    """Return the diffusion errors of the base, the hypernetwork and the adapter."""
    base = EmbeddedBase.open(options.base, resolve("minilm"))
    hyperlora = HyperLora.from_pretrained(options.hyperlora / "hyperlora", dtype=torch.float32)
    untrained = ImageConditioning.from_config(adapter.config)  # is the base: its values are zeros
    with tempfile.TemporaryDirectory() as folder:
        measured = Errors(base, options.data, TrainingConfig.read(options.config), Path(folder))
        return {
            "base": measured.of(AdapterTrainer, untrained),
            "hypernetwork": measured.of(Trainer, hyperlora),
            "image tokens": measured.of(AdapterTrainer, adapter),
        }


def _by_family(found: Mapping[str, Scores], families: Sequence[str]) -> dict[str, dict[str, dict]]:
    places = {"all": np.ones(len(families), bool)}
    places |= {name: np.array(families) == name for name in dict.fromkeys(families)}
    return {
        family: {way: {key: _figures(value[:, part]) for key, value in scores.items()} for way, scores in found.items()}
        for family, part in places.items()
    }


if __name__ == "__main__":
    main()
