"""What λ, the weight of the L2 term on the predicted LoRA, does to likeness and to the prompt.

    python -m tests.bench.bench_regularisation --data DIR --cache DIR --runs DIR [--identities 6] [--out FILE.json]

Hypernetworks that differ in λ alone are trained from nothing, with the shipped recipe and the same batches; then each
draws the same held-out individuals from the same noise, its LoRA alone dressing the class's drawing. Printed for every
λ: how large the predicted LoRA is (mean square of its coefficients at the end of training), the diffusion error,
likeness (the studio's meter, DINOv2), and the cosine of picture and prompt in the text-image model. The plot also has
the mean of likeness and prompt, each brought to 0–1 over the sweep. Runs that are complete are not trained again.
``--plot FILE.png`` needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.training import Trainer, TrainingData
from pipelines.resolver import resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from tests.bench.bench_fidelity import PROMPTS, alignment
from tests.bench.bench_hyperlora import LORA, Bench, Row, Subjects, bench_parser

SWEEP = (0.0, 1e-4, 1e-2, 0.1, 1.0, 10.0)
Point = dict[str, float]


class Sweep:
    """Trains one hypernetwork for each λ.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._runs: Path = options.runs
        settings = TrainingConfig.read(options.config, steps=options.training_steps, batch=options.batch)
        self._config = replace(settings, warm_start="", sample_every=settings.steps, save_every=settings.steps)
        self.base = EmbeddedBase.open(options.base, resolve("minilm"))
        encoder = ClipVisionEncoder(resolve("clip-vision"))
        styles = self._config.styles
        views = IdentityViews.read(options.data, styles=styles)
        self._data = TrainingData.prepare(views, self.base, encoder, self._config, options.cache)
        heldout = IdentityViews.read(options.data, ("test",), styles)
        shown = {"steps": self._config.sample_steps, "guidance": self._config.guidance}
        self._preview = Preview.of(heldout, self.base, encoder, count=8, **shown)

    def trained(self, value: float) -> tuple[HyperLora, Point]:
        """Return the hypernetwork trained with λ = `value`, and the last line of its log."""
        folder = self._runs / f"{value:g}"
        config = replace(self._config, regularisation=value)
        if not (folder / "pipeline").is_dir():
            Trainer(self.base, self._data, config, folder, self._preview).train()
        pipeline = HyperLoraPipeline.from_pretrained(folder / "pipeline", dtype=torch.float32, local_files_only=True)
        last = json.loads((folder / "loss.jsonl").read_text().splitlines()[-1])
        return pipeline.hyperlora.eval(), {"penalty": last["penalty"], "loss": last["loss"]}


def measure(sweep: Sweep, values: Sequence[float], subjects: Subjects, options: argparse.Namespace) -> list[Point]:
    """Train and measure every λ."""
    texts = load_text_image(load_config(DEFAULT_CONFIG))
    points = []
    for value in values:
        hyperlora, point = sweep.trained(value)
        bench = Bench(sweep.base, hyperlora, subjects, options.steps, options.guidance)
        found = []
        for prompt in PROMPTS:
            pictures = bench.draw(Row(name="own LoRA", sketch=LORA), prompt)
            compared = bench.compare(pictures)
            compared["prompt"] = alignment(texts, pictures, [prompt.format(word) for word in subjects.words])
            found.append(compared)
        means = {key: round(float(np.mean([one[key] for one in found])), 4) for key in found[0]}
        points.append({"lambda": value} | point | means)
        print("  ".join(f"{key} {number:g}" for key, number in points[-1].items()), flush=True)
    return points


def together(points: Sequence[Point], likeness: str) -> list[float]:
    """Return for each point the mean of likeness and prompt, each from 0 (worst of the sweep) to 1 (best)."""
    columns = np.array([[point[likeness], point["prompt"]] for point in points])
    spread = np.ptp(columns, axis=0)
    return list(((columns - columns.min(axis=0)) / np.where(spread > 0, spread, 1)).mean(axis=1))


def plot(points: Sequence[Point], file: Path) -> None:
    """Draw likeness, prompt, and both together over λ, in the order of the points."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = [f"{point['lambda']:g}" for point in points]
    panels = {
        "likeness: the studio's meter": [point["meter"] for point in points],
        "prompt: cosine of picture and prompt": [point["prompt"] for point in points],
        "their mean, each 0–1 over the sweep": together(points, "meter"),
    }
    figure, row = pyplot.subplots(1, len(panels), figsize=(12, 3.4), dpi=110)
    for axes, (title, values) in zip(row, panels.items(), strict=True):
        axes.plot(names, values, marker="o", color="#b3132b")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("λ")
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    """Run the sweep, print its points and write them."""
    parser = bench_parser(__doc__, identities=6)
    parser.add_argument("--config", type=Path, default=Path("configs/hyperlora.yaml"))
    parser.add_argument("--cache", type=Path, required=True, help="what is frozen; computed there if missing")
    parser.add_argument("--runs", type=Path, required=True, help="folder for one run a λ")
    parser.add_argument("--values", type=float, nargs="+", default=SWEEP)
    parser.add_argument("--training-steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--plot", type=Path, help="PNG file; needs matplotlib")
    options = parser.parse_args()
    subjects = Subjects.read(options.data, options.identities, options.styles)
    points = measure(Sweep(options), options.values, subjects, options)
    if options.out is not None:
        result = {"identities": len(subjects.words), "training_steps": options.training_steps, "batch": options.batch}
        options.out.write_text(json.dumps(result | {"points": points}, indent=2) + "\n", encoding="utf-8")
    if options.plot is not None:
        plot(sorted(points, key=lambda point: point["lambda"]), options.plot)


if __name__ == "__main__":
    main()
