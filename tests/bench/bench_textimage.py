"""How well the text-image model joins words and pictures, and how long a picture takes.

    python -m tests.bench.bench_textimage --data DIR [--photos ../shared/data/dreambooth] [--out FILE.json]

Drawings: R@1 among 100 names, for concepts that training never saw. Photos: the kind of each subject of the DreamBooth
set, cut out of its photo, among the everyday kinds; nothing was trained or chosen on these photos.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import IMAGE_ENCODERS, load_image_encoder
from pipelines.matting import Matting, SubjectNotFoundError
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import DEFAULT_CONFIG, CorpusConfig, load_config
from pipelines.textimage.drawings import Corpus
from pipelines.textimage.evaluation import recall_at_one
from pipelines.textimage.loading import load_kind_recogniser, load_text_image

NAMES = 100

# Answers that mean the class of the DreamBooth list, and answers that name what the thing depicts.
SAME_CLASS: dict[str, set[str]] = {
    "backpack": {"backpack"},
    "backpack_dog": {"backpack"},
    "berry_bowl": {"bowl"},
    "candle": {"candle"},
    "cat": {"cat", "kitten"},
    "clock": {"clock", "alarm clock"},
    "colorful_sneaker": {"sneaker", "shoe"},
    "dog": {"dog", "puppy"},
    "duck_toy": {"toy", "rubber duck"},
    "fancy_boot": {"boot"},
    "grey_sloth_plushie": {"stuffed animal", "plush toy", "teddy bear"},
    "pink_sunglasses": {"glasses", "sunglasses"},
    "poop_emoji": {"toy", "poop emoji", "plush toy"},
    "rc_car": {"toy", "toy car"},
    "red_cartoon": {"cartoon character", "monster"},
    "wolf_plushie": {"stuffed animal", "plush toy", "teddy bear"},
}
SAME_CLASS |= dict.fromkeys(("dog2", "dog3", "dog5", "dog7"), SAME_CLASS["dog"])
DEPICTED: dict[str, set[str]] = {
    "backpack_dog": {"dog", "puppy", "stuffed animal", "plush toy"},
    "berry_bowl": {"blueberry"},
    "candle": {"jar"},
    "duck_toy": {"duck"},
    "grey_sloth_plushie": {"sloth"},
    "rc_car": {"car"},
    "wolf_plushie": {"wolf", "dog"},
}


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--data", type=Path, help="the corpus; left out, drawings are not measured")
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/dreambooth"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    config = load_config(options.config)
    model = load_text_image(config)
    rows: dict[str, dict[str, Any]] = {}
    if options.data is not None:
        assert config.training is not None, f"{options.config} does not say which part of the corpus is read"
        rows |= measure_drawings(model, options.data, config.training.corpus, options.seed)
    if options.photos.is_dir():
        rows |= measure_photos(model, options.photos)
        rows |= measure_time(next(options.photos.glob("*/00.jpg")))
    else:
        print(f"No photos at {options.photos}: kinds and times are left out.")
    for name, figures in rows.items():
        print(f"{name:<44}" + "  ".join(f"{key} {_show(value)}" for key, value in figures.items()))
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def measure_drawings(model: TextImageModel, data: Path, config: CorpusConfig, seed: int) -> dict[str, dict[str, Any]]:
    """R@1 of held-out concepts among 100 names, training concepts filling up; and of training concepts alone."""
    corpus = Corpus(data, config.model_copy(update={"recolours": 0, "scenes": 0}))
    splits = {drawing.concept: drawing.split for drawing in corpus.drawings}
    unseen = sorted(concept for concept, split in splits.items() if split == "test")[:NAMES]
    trained = sorted(concept for concept, split in splits.items() if split == "train")
    rng = np.random.default_rng(seed)
    fill = rng.choice(trained, size=NAMES, replace=False).tolist()
    galleries = {
        f"held-out drawings ({len(unseen)} of {NAMES} names)": (unseen, [*unseen, *fill[: NAMES - len(unseen)]]),
        f"training drawings ({NAMES} names)": (fill, fill),
    }
    rows = {}
    for title, (tried, names) in galleries.items():
        chosen = [index for index, drawing in enumerate(corpus.drawings) if drawing.concept in set(names)]
        spelling = {corpus.drawings[index].concept: corpus.drawings[index].names[0] for index in chosen}
        words = dict(zip(spelling, model.embed_texts(list(spelling.values())), strict=True))
        images = model.embed_images([corpus.picture(index) for index in chosen])
        concepts = [corpus.drawings[index].concept for index in chosen]
        recall = recall_at_one(images, concepts, words, tried=tried, seed=seed)
        rows[title] = {
            "image→text R@1": recall.image_to_text,
            "text→image R@1": recall.text_to_image,
            "drawings": recall.trials,
        }
    return rows


def measure_photos(model: TextImageModel, folder: Path) -> dict[str, dict[str, Any]]:
    """Top-1 and top-3 of the kind, cut out and whole; strictly, and with what the thing depicts counted as right."""
    matting = Matting(resolve("u2netp"))
    recogniser = load_kind_recogniser(model)
    files = sorted(file for file in folder.glob("*/*.jpg") if file.parent.name in SAME_CLASS)
    photos = [Image.open(file).convert("RGB") for file in files]
    subjects = [file.parent.name for file in files]
    cutouts, found = [], []
    for index, photo in enumerate(photos):
        try:
            cutouts.append(matting.cut_out(photo))
            found.append(index)
        except SubjectNotFoundError:
            continue
    figures = _kind_figures(recogniser.rank(model.embed_images(cutouts), top=3), [subjects[index] for index in found])
    whole = _kind_figures(recogniser.rank(model.embed_images(photos), top=3), subjects)
    return {
        f"photo kinds, cut out ({len(recogniser.kinds)} kinds)": {**figures, "no subject": len(files) - len(found)},
        f"photo kinds, whole photo ({len(recogniser.kinds)} kinds)": whole,
    }


def _kind_figures(ranked: list[tuple[tuple[str, float], ...]], subjects: list[str]) -> dict[str, float]:
    strict = [[kind in SAME_CLASS[name] for kind, _ in row] for row, name in zip(ranked, subjects, strict=True)]
    lenient = [
        [kind in SAME_CLASS[name] | DEPICTED.get(name, set()) for kind, _ in row]
        for row, name in zip(ranked, subjects, strict=True)
    ]
    return {
        "top-1": float(np.mean([row[0] for row in strict])),
        "top-3": float(np.mean([any(row) for row in strict])),
        "top-1 or depicted": float(np.mean([row[0] for row in lenient])),
        "top-3 or depicted": float(np.mean([any(row) for row in lenient])),
        "mean score of the first": float(np.mean([row[0][1] for row in ranked])),
    }


def measure_time(file: Path) -> dict[str, dict[str, Any]]:
    """Milliseconds a picture with one and two threads, the median of nine runs after one to warm up."""
    photo = Image.open(file).convert("RGB")
    rows: dict[str, dict[str, Any]] = {}
    for name in [*IMAGE_ENCODERS, "u2netp"]:
        row = {}
        for threads in (1, 2):
            if name == "u2netp":
                matting = Matting(resolve(name), threads=threads)
                row[f"ms, {threads} thread"] = _milliseconds(lambda tool=matting: tool.cut_out(photo))
            else:
                encoder = load_image_encoder(name, resolve(name), threads=threads)
                row[f"ms, {threads} thread"] = _milliseconds(lambda tool=encoder: tool.embed([photo]))
        rows[f"time of {name}" + (" with cut-out" if name == "u2netp" else "")] = row
    return rows


def _milliseconds(run: Any) -> float:
    run()
    times = []
    for _ in range(9):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000)


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if value <= 1 else f"{value:.0f}"
    return str(value)


if __name__ == "__main__":
    main()
