"""Whether the base model draws what it is asked for, and how near its drawings are to real ones.

    python -m tests.bench.bench_base --data DIR [--model assets/mini] [--out FILE.json] [--sheet FILE.png]

R@1: of 100 names the text-image model finds the picture's own the most similar. The names are those of training
concepts; for a new combination the names of its parts are among them, so that drawing one part only does not count as
right. The same measure on real held-out drawings says what the text-image model itself misses, on the sketches that
the model is shown, what those would reach by themselves, and with a library that has no held-out drawings, how far the
model gets where the sketch can only show a neighbour. Pictures are taken as decoded, before they are enlarged.

Distance: unbiased squared maximum mean discrepancy with a cubic kernel on TinyViT features (Bińkowski et al. 2018), to
the real drawings of the held-out concepts in the same styles; times 1000. Training drawings give the scale.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from pipelines.features.image_encoders import TinyVitEncoder
from pipelines.mini.contact_sheet import captioned_sheet, draw_all
from pipelines.mini.data.writer import read_corpus
from pipelines.mini.loading import load_pipeline
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.prompts import HOLDOUT, Prompt, held_out_prompts
from pipelines.mini.scene import article
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image

NAMES = 100
DATA_CONFIG = HOLDOUT.with_name("data.yaml")


@dataclass(frozen=True, eq=False)
class Drawings:
    """Real drawings with the captions that are true of them."""

    pictures: list[Image.Image]
    prompts: list[Prompt]

    @classmethod
    def read(cls, data: Path, split: str, styles: dict[str, str]) -> Drawings:
        """Read the plain drawings of a split in some styles (style → its words)."""
        [(pictures, records)] = read_corpus(data, ["index"])
        found = cls([], [])
        for picture, record in zip(pictures, records, strict=True):
            if record["split"] == split and record["style"] in styles:
                name, words = record["names"][0], styles[record["style"]]
                caption = article(name)
                prompt = Prompt(text=f"{caption}, {words}", caption=caption, kind=split, style=words, parts=(name,))
                found.pictures.append(Image.fromarray(np.array(picture)))
                found.prompts.append(prompt)
        return found

    def some(self, count: int, seed: int) -> Drawings:
        """Return a random choice."""
        rows = np.random.default_rng(seed).permutation(len(self.prompts))[:count]
        return Drawings([self.pictures[row] for row in rows], [self.prompts[row] for row in rows])


def candidates(prompt: Prompt, names: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return the prompt's caption and 99 other captions: its parts first, then names at random."""
    parts = [article(part) for part in prompt.parts if part in set(names)]
    rest = [article(names[row]) for row in rng.permutation(len(names))]
    others = dict.fromkeys(caption for caption in [*parts, *rest] if caption != prompt.caption)
    return [prompt.caption, *list(others)[: NAMES - 1]]


def hits(
    model: TextImageModel, pictures: Sequence[Image.Image], prompts: Sequence[Prompt], names: Sequence[str]
) -> NDArray[np.bool_]:
    """Say of every picture whether its caption is the most similar of 100, [N]."""
    rng = np.random.default_rng(0)
    choices = [candidates(prompt, names, rng) for prompt in prompts]
    texts = list(dict.fromkeys(caption for choice in choices for caption in choice))
    place = {text: row for row, text in enumerate(texts)}
    embedded, words = model.embed_images(pictures), model.embed_texts(texts)
    right = []
    for picture, choice in zip(embedded, choices, strict=True):
        scores = words[[place[caption] for caption in choice]] @ picture
        right.append(bool(scores[0] > scores[1:].max()))
    return np.array(right)


def kernel_distance(first: NDArray, second: NDArray) -> float:
    """Return the unbiased squared maximum mean discrepancy of features [N, D] and [M, D] with rows of length 1."""
    # rows of length 1 are of length √D here, so that the usual kernel (x·y/D + 1)³ is (cosine + 1)³
    within = [((features @ features.T) + 1) ** 3 for features in (first, second)]
    means = [(kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1)) for kernel in within]
    return float(means[0] + means[1] - 2 * (((first @ second.T) + 1) ** 3).mean())


def recall_rows(prompts: Sequence[Prompt], right: NDArray[np.bool_]) -> dict[str, dict[str, Any]]:
    """Sum up by kind, all held-out kinds together first."""
    kinds = np.array([prompt.kind for prompt in prompts])
    rows = {"held-out prompts, all": _share(right)}
    for kind in dict.fromkeys(kinds.tolist()):
        rows[f"  {kind}" if kind == "concepts" else f"  new {kind}"] = _share(right[kinds == kind])
    return rows


def sketches(pipeline: MiniPipeline, prompts: Sequence[Prompt]) -> list[Image.Image]:
    """Return the sketch that the model is shown for every prompt; the seeds are those of the pictures."""
    found = pipeline.sketch([prompt.text for prompt in prompts], list(range(len(prompts))))
    return [sketch.picture if sketch is not None else Image.new("RGBA", (1, 1)) for sketch in found]


def _share(right: NDArray[np.bool_]) -> dict[str, Any]:
    error = float(np.sqrt(right.mean() * (1 - right.mean()) / len(right)))
    return {"R@1": round(float(right.mean()), 3), "standard error": round(error, 3), "pictures": len(right)}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Draw everything and compare it; returns what is printed."""
    words = {style: entry["words"][0] for style, entry in yaml.safe_load(DATA_CONFIG.read_text())["styles"].items()}
    everything = held_out_prompts(options.holdout)
    rows = np.random.default_rng(0).permutation(len(everything))[: len(everything) // options.every]
    prompts = [everything[row] for row in sorted(rows)]
    styles = {style: text for style, text in words.items() if text in {prompt.style for prompt in everything}}
    real, known = (Drawings.read(options.data, split, styles) for split in ("test", "train"))
    names = sorted({prompt.parts[0] for prompt in known.prompts})
    real = real.some(len(real.prompts) // options.every, seed=0)
    seen = known.some(min(len(prompts), 200), seed=1)

    pipeline = load_pipeline(options.model, resolve("minilm"), device=options.device)
    began = time.perf_counter()
    drawn = draw_all(
        pipeline, [p.text for p in prompts], range(len(prompts)), options.steps, options.guidance, upscale=False
    )
    seconds = (time.perf_counter() - began) / len(prompts)
    again = [prompt.text for prompt in seen.prompts]
    redrawn = draw_all(pipeline, again, range(len(again)), options.steps, options.guidance, upscale=False)

    config = load_config(DEFAULT_CONFIG)
    if options.textimage is not None:
        config = config.model_copy(update={"model": str(options.textimage)})
    model = load_text_image(config)
    right = hits(model, drawn, prompts, names)
    recall = recall_rows(prompts, right)
    recall["training prompts"] = _share(hits(model, redrawn, seen.prompts, names))
    if pipeline.library is not None:
        shown = hits(model, sketches(pipeline, prompts), prompts, names)
        for title, concepts in (("concepts", True), ("combinations", False)):
            chosen = np.array([(prompt.kind == "concepts") == concepts for prompt in prompts])
            recall[f"sketches alone, {title}"] = _share(shown[chosen])
        unknown = [prompt for prompt in prompts if prompt.kind == "concepts"][::2]
        pipeline.library = pipeline.library.without(pipeline.library.held_out)
        texts = [prompt.text for prompt in unknown]
        alone = draw_all(pipeline, texts, range(len(texts)), options.steps, options.guidance, upscale=False)
        recall["concepts not in the library"] = _share(hits(model, alone, unknown, names))
    recall["real held-out drawings"] = _share(hits(model, real.pictures, real.prompts, names))
    recall["real training drawings"] = _share(hits(model, seen.pictures, seen.prompts, names))
    if options.sheet is not None:
        captions = [f"{'' if hit else '✗ '}{p.text}" for hit, p in zip(right, prompts, strict=True)]
        captioned_sheet(drawn, captions, columns=16).save(options.sheet)

    of_concepts = [picture for picture, prompt in zip(drawn, prompts, strict=True) if prompt.kind == "concepts"]
    encoder = TinyVitEncoder(resolve("tinyvit"))
    target = encoder.embed(real.pictures)
    groups = {
        "pictures of held-out concepts": of_concepts,
        "pictures of training prompts": redrawn,
        "real training drawings": seen.pictures,
    }
    distance = {
        name: {
            "distance ×1000": round(1000 * kernel_distance(encoder.embed(pictures), target), 2),
            "pictures": len(pictures),
        }
        for name, pictures in groups.items()
    }
    asked = {"steps": options.steps, "guidance": options.guidance, "names": NAMES, "model": str(options.model)}
    return {**asked, "seconds a picture, in batches": round(seconds, 3), "recall": recall, "distance": distance}


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    print(f"{result['model']}, {result['steps']} steps, guidance {result['guidance']}")
    for part in ("recall", "distance"):
        rows = result[part]
        print(f"\n{'':<32}" + "".join(f"{key:>18}" for key in next(iter(rows.values()))))
        for name, values in rows.items():
            print(f"{name:<32}" + "".join(f"{value:>18}" for value in values.values()))


def main() -> None:
    """Run the bench, print its tables and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the corpus")
    parser.add_argument("--model", type=Path, default=Path("assets/mini"))
    parser.add_argument("--textimage", type=Path, help="folder of another text-image model")
    parser.add_argument("--holdout", type=Path, default=HOLDOUT)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--every", type=int, default=1, help="only every so many pictures, for a quick look")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--sheet", type=Path, help="PNG with all pictures of held-out prompts, misses marked")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = measure(options)
    show(result)
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
