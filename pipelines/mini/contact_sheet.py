"""Draws the contact sheet: ``python -m pipelines.mini.contact_sheet --model assets/mini --out sheet.png``.

Its prompts are held out and taken by a fixed rule, one picture each with the seeds 0, 1, 2 …: nothing is picked.
"""

from __future__ import annotations

import argparse
import logging
import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipelines.mini.alpha import on_ground
from pipelines.mini.loading import load_pipeline
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.prompts import HOLDOUT, Prompt, held_out_prompts, sample
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)

EDGE = 168
CAPTION = 34
GROUND = (244, 243, 239)
INK = (58, 54, 48)
FONT_SIZE = 12
LETTERS = 27  # in a line of the caption


def draw_all(  # noqa: PLR0913 - they are the pipeline's
    pipeline: MiniPipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    steps: int,
    guidance: float,
    *,
    batch: int = 16,
    upscale: bool = True,
) -> list[Image.Image]:
    """Draw one picture of every prompt, a batch at a time; a picture does not depend on its batch."""
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), batch):
        part = slice(start, start + batch)
        pictures += pipeline(
            list(prompts[part]),
            num_inference_steps=steps,
            guidance_scale=guidance,
            seeds=list(seeds[part]),
            upscale=upscale,
        ).images
        logger.info("%d of %d pictures", len(pictures), len(prompts))
    return pictures


def captioned_sheet(pictures: Sequence[Image.Image], captions: Sequence[str], columns: int = 8) -> Image.Image:
    """Return the pictures in rows, each with its caption beneath, on a plain ground."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * EDGE, rows * (EDGE + CAPTION)), GROUND)
    brush, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for place, (picture, caption) in enumerate(zip(on_ground(pictures, GROUND), captions, strict=True)):
        x, y = place % columns * EDGE, place // columns * (EDGE + CAPTION)
        sheet.paste(picture.resize((EDGE, EDGE), Image.Resampling.LANCZOS), (x, y))
        for line, text in enumerate(textwrap.wrap(caption, LETTERS)[:2]):
            brush.text((x + EDGE / 2, y + EDGE + 2 + line * (FONT_SIZE + 2)), text, INK, font, anchor="ma")
    return sheet


def sheet_of(pipeline: MiniPipeline, prompts: Sequence[Prompt], steps: int, guidance: float) -> Image.Image:
    """Draw prompt i with seed i, and lay the pictures out."""
    texts = [prompt.text for prompt in prompts]
    return captioned_sheet(draw_all(pipeline, texts, range(len(texts)), steps, guidance), texts)


def main() -> None:
    """Parse the arguments and write one sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("assets/mini"))
    parser.add_argument("--holdout", type=Path, default=HOLDOUT)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pipeline = load_pipeline(arguments.model, resolve("minilm"), device=arguments.device)
    prompts = sample(held_out_prompts(arguments.holdout), arguments.count)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    sheet_of(pipeline, prompts, arguments.steps, arguments.guidance).save(arguments.out)
    logger.info("%s: %d pictures", arguments.out, len(prompts))


if __name__ == "__main__":
    main()
