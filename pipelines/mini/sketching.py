"""Sketches for the denoiser: the scene that a prompt names, laid out from drawings of the library.

A sketch says where things are and what shapes they have. Its subject is shown in the colours that the words give, or in
those of a person's own thing (its coat), and else as the library draws it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import BertModel, PreTrainedTokenizerBase

from pipelines.mini.colours import in_greys, recolour_like, recolour_pixels
from pipelines.mini.layout import MOUNTS, PLACES, Cast, Figure, Setting, compose
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.scene import CALLED, Scene, parse
from pipelines.mini.simplified import simplified
from pipelines.mini.text import mean_features

COLOURS_LEFT = {"flat": 16, "modern": 28}  # style → colours that a cut-out keeps; the others shade as photos do
FOLLOW_PHOTO, FOLLOW_DRAWING = 0.7, 0.8  # shares of noise at which pictures are let go by sketches in full colour
TILT = 5.0  # degrees that a subject alone is turned by at most


class Sketcher:
    """Draws sketches.

    Args:
        library: the drawings.
        encoder: text encoder that the library's names were embedded with, for words that are no name in it.
        tokenizer: of the encoder.
        size: edge of a sketch in pixels.
    """

    def __init__(
        self, library: DrawingLibrary, encoder: BertModel, tokenizer: PreTrainedTokenizerBase, size: int
    ) -> None:
        self._library, self._encoder, self._tokenizer, self._size = library, encoder, tokenizer, size
        self._simple: dict[tuple[int, int | None, bool], Figure] = {}  # cut-outs are few and shown again and again

    def read(self, prompt: str) -> Scene:
        """Return what a prompt asks for."""
        words = [word for words in self._library.style_words.values() for word in words]
        return parse(prompt, self._library.has, words)

    def sketch(
        self,
        prompt: str,
        choice: int,
        *,
        subject: Image.Image | None = None,
        coat: Sequence[str] = (),
        greys: bool = False,
    ) -> Image.Image | None:
        """Lay a prompt out.

        Args:
            prompt: what to draw.
            choice: decides what the prompt leaves open: style, layout, which way things look.
            subject: a cut-out that stands for what the prompt names, RGBA; None: a drawing of the library.
            coat: main colours that a drawing of the subject is given, see `pipelines.mini.colours.palette`.
            greys: whether a drawing of the subject is shown without colours instead: a LoRA carries them.

        Returns:
            RGBA, transparent where the prompt names no place; None for a prompt without a subject.
        """
        scene = self.read(prompt)
        if not scene.subject and subject is None:
            return None
        rng = np.random.default_rng(choice)
        style = self._style(prompt, scene, choice)
        figure = self._subject(scene, style, rng, subject, coat, greys)
        cast = Cast(
            subject=figure,
            hat=self._figure(scene.hat, style),
            mount=(self._drawn(scene.mount, style), MOUNTS[scene.mount]) if scene.mount else None,
            companions=tuple(self._drawn(words, style) for words in scene.companions),
            count=scene.count,
            scale=scene.scale,
        )
        props = PLACES[scene.place].props if scene.place else ()
        setting = Setting(
            place=scene.place, ground=scene.ground, props=tuple(self._drawn(prop, style) for prop in props)
        )
        return Image.fromarray(compose(cast, setting, self._size, rng).picture, "RGBA")

    def _style(self, prompt: str, scene: Scene, choice: int) -> int:
        """Return the style asked for, or one in which the subject is drawn."""
        asked = self._library.asked_style(prompt)
        if asked is not None:
            return asked
        styles = self._library.drawn_styles(self._concept(scene.subject)) if scene.subject else [0]
        return styles[choice % len(styles)]

    def _subject(
        self,
        scene: Scene,
        style: int,
        rng: np.random.Generator,
        given: Image.Image | None,
        coat: Sequence[str],
        greys: bool,
    ) -> Figure:
        turned, tilt = bool(rng.random() < 0.5), float(rng.uniform(-TILT, TILT))
        if given is not None:
            return self._of_photo(given, style, bool(scene.colours))
        concept = self._concept(scene.subject)
        picture = np.asarray(self._library.picture(concept, style))
        if scene.colours:
            picture = recolour_pixels(picture, scene.colours)
        elif greys:
            picture = in_greys(picture)
        elif coat:
            picture = recolour_like(picture, coat)
        figure = Figure.of(picture, subject=True)
        if self._library.names[concept] not in self._library.mirrors:
            return figure
        figure = figure.mirrored() if turned else figure
        return figure.tilted(tilt) if scene.plain else figure

    def _of_photo(self, cutout: Image.Image, style: int, greys: bool) -> Figure:
        """Return a cut-out as a figure; never in the mirror, for it may have writing on it."""
        colours = COLOURS_LEFT.get(list(self._library.style_words)[style])
        key = (id(cutout), colours, greys)
        if key not in self._simple:
            simple = simplified(cutout, colours)
            shown = in_greys(np.asarray(simple)) if greys else simple
            self._simple[key] = Figure.of(shown, subject=True)
        return self._simple[key]

    def _figure(self, words: str | None, style: int) -> Figure | None:
        return self._drawn(words, style) if words else None

    def _drawn(self, words: str, style: int) -> Figure:
        return Figure.of(self._library.picture(self._concept(words), style))

    def _concept(self, words: str) -> int:
        """Return the concept of these words: by name, or else the nearest in meaning."""
        for name in (words, CALLED.get(words, words)):
            found = self._library.concept(name)
            if found is not None:
                return found
        return self._library.nearest_concept(mean_features(self._encoder, self._tokenizer, [words])[0])


def with_sketch(latents: Tensor, conditions: dict[str, Tensor]) -> Tensor:
    """Return latents [N, C, h, w] with the sketch's latents behind them, which are taken out of `conditions`."""
    sketch = conditions.pop("sketch", None)
    return latents if sketch is None else torch.cat([latents, sketch.to(latents)], dim=1)
