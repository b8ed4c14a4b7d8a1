"""Whether a picture shows what its own prompt asks for rather than what another does, whatever the thing looks like.

    python -m tests.bench.prompt_score [--base FOLDER] [--sheet FILE.png]

The cosine of a picture and "a dog wearing a crown" in a text-image model rewards the usual look of dogs: the more a dog
becomes somebody's own, the lower it is, and a method that changes nothing has the highest. So here the texts do not
name the class: they ask for "something wearing a crown". All prompts of one thing are drawn from one seed; every
picture is held against every text, and what belongs to a picture whatever the text says, and to a text whatever the
picture shows, is taken away (the matrix of cosines is centred by rows and columns). A picture is right if its own text
is the nearest, the prompt that asks for nothing further counting among the others and not itself. Beside this share
stands the margin: by how much the own text is nearer than the nearest other. Pictures that are all alike have a margin
below 0 and are right by chance.

The command asks whether the text-image model can tell the prompts apart at all: it draws everyday things with the base
model alone and prints share and margin of every prompt. The prompts of `bench_personalization` were chosen by it,
before any personal picture was scored.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.mini.alpha import contact_sheet
from pipelines.mini.loading import load_pipeline
from pipelines.mini.scene import article
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image

ANYTHING = "something"
PLAIN = "{}"
PROMPTS = (
    PLAIN,
    "{} wearing a crown",
    "{} next to a balloon",
    "{} riding a skateboard",
    "{} in the snow",
    "{} on the beach",
)
CANDIDATES = (
    *PROMPTS, "{} wearing a top hat", "{} wearing a graduation cap", "{} with a birthday cake", "{} next to a rocket",
    "{} next to a sunflower", "{} in the jungle", "{} at night", "{} in space",
)  # fmt: skip
EVERYDAY = (
    "dog", "cat", "owl", "mug", "backpack", "bowl", "candle", "clock", "sneaker", "boot", "toy", "teapot", "car",
    "robot", "flower", "fish", "chair", "guitar", "house", "horse",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PromptScore:
    """Which of K prompts are shown: whether each is right [K], and its margin [K]; NaN for the plain prompt."""

    right: NDArray[np.float64]
    margins: NDArray[np.float64]

    @property
    def share(self) -> float:
        """Share of the prompts that ask for something whose pictures are right, 0–1."""
        return float(np.nanmean(self.right))

    @property
    def margin(self) -> float:
        """Their mean margin, a difference of cosines."""
        return float(np.nanmean(self.margins))


def score_prompts(seen: NDArray, prompts: Sequence[str], texts: TextImageModel) -> PromptScore:
    """Score embedded pictures [K, D] of one thing, the k-th drawn by the k-th prompt, all from one seed."""
    words = texts.embed_texts([prompt.format(ANYTHING) for prompt in prompts])
    return score_cosines(seen @ words.T, [prompt != PLAIN for prompt in prompts])


def score_cosines(cosines: NDArray, asks: Sequence[bool]) -> PromptScore:
    """Score cosines [K pictures, K texts]; `asks` says which prompts ask for something."""
    rows, columns = cosines.mean(axis=1, keepdims=True), cosines.mean(axis=0, keepdims=True)
    centred = cosines - rows - columns + cosines.mean()
    own = np.diagonal(centred)
    others = np.where(np.eye(len(centred), dtype=bool), -np.inf, centred).max(axis=1)
    margins = np.where(asks, own - others, np.nan)
    return PromptScore(np.where(asks, margins > 0, np.nan), margins)


def main() -> None:
    """Draw everyday things by all candidates and print which prompts the text-image model can tell apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--sheet", type=Path, help="PNG: a thing a row, a prompt a column")
    options = parser.parse_args()
    pipeline = load_pipeline(options.base, resolve("minilm"))
    pipeline.set_progress_bar_config(disable=True)
    texts = load_text_image(load_config(DEFAULT_CONFIG))
    drawn = []
    for number, word in enumerate(EVERYDAY):
        asked = [f"{prompt.format(article(word))}, soft style" for prompt in CANDIDATES]
        drawn.append(pipeline(asked, options.steps, seeds=[number] * len(asked), upscale=False).images)
    seen = [texts.embed_images(pictures) for pictures in drawn]
    for prompts in (CANDIDATES, PROMPTS):
        places = [CANDIDATES.index(prompt) for prompt in prompts]
        scores = [score_prompts(one[places], prompts, texts) for one in seen]
        rights, margins = ([getattr(score, part) for score in scores] for part in ("right", "margins"))
        print(f"\n{len(drawn)} things, {len(prompts)} prompts: share {np.nanmean(rights):.3f}")
        for prompt, right, margin in zip(prompts, np.mean(rights, axis=0), np.mean(margins, axis=0), strict=True):
            print(f"{prompt:<32}{right:>8.2f}{margin:>9.3f}")
    if options.sheet is not None:
        contact_sheet([picture for pictures in drawn for picture in pictures], len(CANDIDATES)).save(options.sheet)


if __name__ == "__main__":
    main()
