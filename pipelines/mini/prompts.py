"""Prompts that no training caption holds: held-out concepts, and new combinations of known parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path

import yaml

from pipelines.mini.scene import article

HOLDOUT = Path(__file__).resolve().parents[2] / "configs" / "mini" / "holdout.yaml"
# How a prompt asks for the styles of the shipped presets.
STYLES = ("soft style", "flat style", "modern style", "glossy style")
COMBINATIONS = {
    "colours": lambda subject, colour: article(f"{colour} {subject}"),
    "accessories": lambda subject, hat: f"{article(subject)} wearing {article(hat)}",
    "companions": lambda subject, other: f"{article(subject)} next to {article(other)}",
    "places": lambda subject, place: f"{article(subject)} {place}",
}


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A prompt and what a picture of it must show.

    Attributes:
        text: as the model is asked.
        caption: what is to be seen, without the style.
        kind: ``concepts``, or the sort of combination.
        style: the style's words.
        parts: what is combined: the concept's name alone, or the subject and the other word.
    """

    text: str
    caption: str
    kind: str
    style: str
    parts: tuple[str, ...]


def held_out_prompts(holdout: Path = HOLDOUT, styles: Sequence[str] = STYLES) -> tuple[Prompt, ...]:
    """Return every held-out concept and combination in every style, in the order of the file.

    Args:
        holdout: names and pairs, see ``configs/mini/holdout.yaml``.
        styles: words that ask for a style.
    """
    entries = yaml.safe_load(holdout.read_text(encoding="utf-8"))
    found: list[tuple[str, str, tuple[str, ...]]] = [
        ("concepts", article(name), (name,)) for name in entries["concepts"]
    ]
    for kind, phrase in COMBINATIONS.items():
        found += [(kind, phrase(subject, other), (subject, other)) for subject, other in entries[kind]]
    return tuple(
        Prompt(text=f"{caption}, {style}", caption=caption, kind=kind, style=style, parts=parts)
        for kind, caption, parts in found
        for style in styles
    )


def sample(prompts: Sequence[Prompt], count: int) -> tuple[Prompt, ...]:
    """Return `count` of the prompts by a fixed rule that knows no picture: kinds take turns, and so do styles."""
    styles = list(dict.fromkeys(prompt.style for prompt in prompts))
    turns = []
    for kind in dict.fromkeys(prompt.kind for prompt in prompts):
        captions = list(dict.fromkeys(prompt.caption for prompt in prompts if prompt.kind == kind))
        wanted = {caption: styles[place % len(styles)] for place, caption in enumerate(captions)}
        turns.append([p for p in prompts if p.kind == kind and wanted[p.caption] == p.style])
    taken = [prompt for prompt in chain.from_iterable(zip_longest(*turns)) if prompt is not None]
    return tuple(islice(taken, count))
