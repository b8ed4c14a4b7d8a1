"""What the dial between prompt and subject does: likeness against prompt, hybrid guidance beside plain guidance.

    python -m tests.bench.bench_fidelity --data DIR [--identities 24] [--out FILE.json] [--plot FILE.png]

Every held-out individual is drawn by several prompts from the same noise over the whole dial: with the hybrid-model
guidance of the studio (nested, subject first, base last), whose drawings go from the look of the class to that of the
individual; with the nested and matched forms at a steady pull after the same drawings; and with plain guidance of one
model whose LoRA has the strength that the dial says, in the dressing of the drawings too. Likeness: the studio's meter
(0–1) against the individual's own views that show it alone. Prompt: cosine of picture and prompt in the text-image
model. One form dominates another where its curve lies above and to the right. Seconds: drawing of one picture, the
dressing with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.hyperlora.guidance import Guidance
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from tests.bench.bench_hyperlora import CLASS, DRESSED, WEAKENED, Bench, Row, Subjects, bench_parser, opened

DIAL = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PLAIN = "plain, the LoRA's strength"
PROMPTS = ("{}", "{} wearing a crown", "{} next to a balloon", "{} at the beach")
WAYS: dict[str, Callable[[float, float], Guidance]] = {
    "hybrid, the studio's dial": Guidance.from_fidelity,
    "hybrid nested, steady": lambda dial, text: Guidance.steady(dial, text, "nested"),
    "hybrid matched, steady": lambda dial, text: Guidance.steady(dial, text, "matched"),
    PLAIN: lambda dial, text: Guidance.steady(dial, text, "plain"),
}
Curve = list[dict[str, float]]


def alignment(model: TextImageModel, pictures: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the cosine of each picture and its text, [N]."""
    return (model.embed_images(pictures) * model.embed_texts(texts)).sum(axis=1)


def measure(bench: Bench, subjects: Subjects, text_guidance: float) -> dict[str, Curve]:
    """Return for every way of guidance one point a position of the dial."""
    model = load_text_image(load_config(DEFAULT_CONFIG))
    curves: dict[str, Curve] = {}
    for name, way in WAYS.items():
        for dial in DIAL:
            likeness, prompted, seconds = [], [], []
            for prompt in PROMPTS:
                sketch = (WEAKENED if name == PLAIN else DRESSED) if dial else CLASS
                row = Row(name=name, sketch=sketch, fidelity=dial)
                started = time.perf_counter()
                pictures = bench.draw(row, prompt, way(dial, text_guidance))
                seconds.append((time.perf_counter() - started) / len(pictures))
                likeness.append(bench.compare(pictures)["meter"])
                prompted.append(alignment(model, pictures, [prompt.format(word) for word in subjects.words]))
            point = {"dial": dial, "likeness": np.mean(likeness), "prompt": np.mean(prompted)}
            point["seconds"] = np.median(seconds)
            curves.setdefault(name, []).append({key: round(float(value), 4) for key, value in point.items()})
            print(f"{name:<28}{dial:>5}  likeness {point['likeness']:.4f}  prompt {point['prompt']:.4f}", flush=True)
    return curves


def plot(curves: dict[str, Curve], file: Path) -> None:
    """Draw likeness against prompt, a curve a way of guidance."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5), dpi=150)
    for name, curve in curves.items():
        axes.plot([point["prompt"] for point in curve], [point["likeness"] for point in curve], marker="o", label=name)
        for point in curve:
            axes.annotate(f"{point['dial']:g}", (point["prompt"], point["likeness"]), fontsize=7, alpha=0.7)
    axes.set_xlabel("prompt: cosine of picture and prompt")
    axes.set_ylabel("likeness: the studio's meter")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    """Run the bench, print its curves and write them."""
    parser = bench_parser(__doc__, identities=8)
    parser.add_argument("--plot", type=Path, help="PNG file; needs matplotlib")
    options = parser.parse_args()
    bench, subjects = opened(options)
    curves = measure(bench, subjects, options.guidance)
    if options.out is not None:
        result = {"identities": len(subjects.words), "prompts": PROMPTS, "curves": curves}
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if options.plot is not None:
        plot(curves, options.plot)


if __name__ == "__main__":
    main()
