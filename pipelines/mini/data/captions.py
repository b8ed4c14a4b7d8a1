"""Captions in several phrasings; each says what is in the picture and nothing else."""

from __future__ import annotations

import numpy as np

from pipelines.mini.data.concepts import Concept
from pipelines.mini.scene import article


def plural(noun: str) -> str:
    """Return the plural of a regular English noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def plain_captions(concept: Concept, words: list[str]) -> list[str]:
    """Return several captions of a plain drawing; the style's words are in some of them."""
    noun = article(concept.name)
    captions = [noun, concept.name, f"a sticker of {noun}", f"{noun}, {words[0]}", f"{concept.name}, {words[-1]}"]
    captions.append(f"{concept.name} sticker in {words[0]}")
    if concept.keywords:
        captions.append(f"{concept.name}, {', '.join(concept.keywords[:4])}")
        captions.append(f"{concept.keywords[0]} {concept.name}, {words[0]}")
    return captions


def colour_captions(name: str, colours: tuple[str, ...], words: list[str]) -> list[str]:
    """Return captions of a recoloured drawing, naming its one or two colours."""
    adjective = " and ".join(colours[:2])
    noun = article(f"{adjective} {name}")
    return [noun, f"{noun}, {words[0]}", f"a sticker of {noun}", f"{name} in {adjective}, {words[0]}"]


def scene_caption(parts: list[str], words: list[str], rng: np.random.Generator) -> str:
    """Join the phrases of a composed scene; two of three captions name the style."""
    body = " ".join(parts)
    return f"{body}, {words[0]}" if rng.random() < 2 / 3 else body
