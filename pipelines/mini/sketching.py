"""Sketches for the denoiser: the scene that a prompt names, laid out from drawings of the library.

A sketch says where things are and what shapes they have. Its subject is shown in the colours that the words give, or in
those of a person's own thing (its coat), and else as the library draws it. Several own things stand side by side in
the order of their names, each in its own coat, and the sketch says where each of them is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from transformers import BertModel, PreTrainedTokenizerBase

from pipelines.mini.alike import Look
from pipelines.mini.casting import Actor, Role, cast
from pipelines.mini.colours import in_greys, recolour_like, recolour_pixels
from pipelines.mini.layout import MOUNTS, PLACES, Cast, Figure, Setting, compose
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.scene import CALLED, Scene, article, parse
from pipelines.mini.simplified import simplified
from pipelines.mini.text import mean_features

COLOURS_LEFT = {"flat": 16, "modern": 28}  # style → colours that a cut-out keeps; the others shade as photos do
FOLLOW_PHOTO, FOLLOW_DRAWING = 0.7, 0.8  # shares of noise at which pictures are let go by sketches in full colour
TILT = 5.0  # degrees that a subject alone is turned by at most
REACH = 0.035  # share of the edge by which a region goes beyond its figure
_ANY = Actor()
HeadShares = tuple[float, float, float]
FindHead = Callable[[Image.Image], HeadShares | None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sketch:
    """A prompt laid out.

    Attributes:
        picture: RGBA, transparent where the prompt names no place.
        regions: uint8 [K, S, S], where each of the actors is, a little beyond its outline; 255 everywhere for one that
            has the picture to itself.
        given: of each actor, whether it is shown by a cut-out.
        shown: of each actor, whether that cut-out shows what colours it has; the prompt may ask for others.
    """

    picture: Image.Image
    regions: NDArray[np.uint8]
    given: tuple[bool, ...] = ()
    shown: tuple[bool, ...] = ()

    @property
    def shows_photos(self) -> bool:
        """Whether a cut-out stands in it, and none that waits for its colours."""
        return any(self.shown) and self.given == self.shown

    @property
    def let_go(self) -> float:
        """Share of noise, 0–1, down to which a picture simply follows this sketch with noise on it.

        What a sketch shows in its colours need not be guessed anew from pure noise, where colours are blotchy (Meng et
        al. 2022, SDEdit). A photo in greys, whose colours the words give, has to be: 1 lets go at once.
        """
        if any(self.given):
            return FOLLOW_PHOTO if self.shows_photos else 1.0
        return FOLLOW_DRAWING


class Sketcher:
    """Draws sketches.

    Args:
        library: the drawings.
        encoder: text encoder that the library's names were embedded with, for words that are no name in it.
        tokenizer: of the encoder.
        size: edge of a sketch in pixels.
        heads: finds the head on a cut-out that is to wear a hat, see `pipelines.mini.heads`; None: its outline tells.
    """

    def __init__(
        self,
        library: DrawingLibrary,
        encoder: BertModel,
        tokenizer: PreTrainedTokenizerBase,
        size: int,
        heads: FindHead | None = None,
    ) -> None:
        self._library, self._encoder, self._tokenizer, self._size = library, encoder, tokenizer, size
        self._heads = heads
        self._simple: dict[
            tuple[int, int | None, bool, HeadShares | None], Figure
        ] = {}  # cut-outs are few and shown again and again

    def read(self, prompt: str) -> Scene:
        """Return what a prompt asks for."""
        words = [word for words in self._library.style_words.values() for word in words]
        return parse(prompt, self._library.has, words)

    def sketch(self, prompt: str, choice: int, actors: Sequence[Actor] = ()) -> Sketch | None:
        """Lay a prompt out.

        Args:
            prompt: what to draw.
            choice: decides what the prompt leaves open: style, layout, which way things look.
            actors: a person's own things, in the order in which the prompt names them.

        Returns:
            None for a prompt without a subject.
        """
        scene = self.read(prompt)
        if not (scene.subject or any(actor.words or actor.cutout for actor in actors)):
            return None
        rng = np.random.default_rng(choice)
        parts = cast(scene, [actor.words for actor in actors], self.read)
        style = self._style(prompt, parts.lead, actors, choice)
        plain = scene.plain and not parts.peers
        hatted = parts.lead if scene.hat is not None else None
        figures = [
            self._own(role, actors, style, rng, plain, wears_hat=role is hatted) for role in (parts.lead, *parts.peers)
        ]
        figures += [self._drawn(role.words, style) for role in parts.companions]
        others = range(len(actors), len(actors) + len(figures))
        numbers = [other if role.actor is None else role.actor for role, other in zip(parts.roles, others, strict=True)]
        lead, *rest = (figure.asked_for(number) for figure, number in zip(figures, numbers, strict=True))
        scene_cast = Cast(
            subject=lead,
            peers=tuple(rest[: len(parts.peers)]),
            hat=self._figure(scene.hat, style),
            mount=(self._drawn(scene.mount, style), MOUNTS[scene.mount]) if scene.mount else None,
            companions=tuple(rest[len(parts.peers) :]),
            count=scene.count,
            scale=scene.scale,
        )
        props = PLACES[scene.place].props if scene.place else ()
        setting = Setting(
            place=scene.place, ground=scene.ground, props=tuple(self._drawn(prop, style) for prop in props)
        )
        layered = compose(scene_cast, setting, self._size, rng)
        coloured = {role.actor for role in parts.roles if role.colours}
        given = tuple(actor.cutout is not None for actor in actors)
        return Sketch(
            picture=Image.fromarray(layered.picture, "RGBA"),
            regions=_regions(layered.masks, len(actors), self._size),
            given=given,
            shown=tuple(there and number not in coloured for number, there in enumerate(given)),
        )

    def _style(self, prompt: str, lead: Role, actors: Sequence[Actor], choice: int) -> int:
        """Return the style asked for, or one in which the subject is drawn."""
        asked = self._library.asked_style(prompt)
        if asked is not None:
            return asked
        actor = actors[lead.actor] if lead.actor is not None else _ANY
        styles = self._library.drawn_styles(self._concept(lead.words, actor.look)) if lead.words else [0]
        return styles[choice % len(styles)]

    def _own(
        self,
        role: Role,
        actors: Sequence[Actor],
        style: int,
        rng: np.random.Generator,
        may_tilt: bool,
        *,
        wears_hat: bool,
    ) -> Figure:
        """Return what stands at a place, as an actor looks or, if none has it, as the library draws it."""
        turned, tilt = bool(rng.random() < 0.5), float(rng.uniform(-TILT, TILT))
        actor = actors[role.actor] if role.actor is not None else _ANY
        if actor.cutout is not None:
            head = self._heads(actor.cutout) if wears_hat and self._heads is not None else None
            return self._of_photo(actor.cutout, style, bool(role.colours), head)
        concept = self._concept(role.words, actor.look)
        picture = np.asarray(self._library.picture(concept, style))
        if role.colours:
            picture = recolour_pixels(picture, role.colours)
        elif actor.greys:
            picture = in_greys(picture)
        elif actor.dress is not None:
            words = f"{article(self._library.names[concept])}, {list(self._library.style_words.values())[style][0]}"
            picture = actor.dress(picture, words)
        elif actor.coat:
            picture = recolour_like(picture, actor.coat)
        figure = Figure.of(picture, head=self._library.head(concept, style))
        if self._library.names[concept] not in self._library.mirrors:
            return figure
        figure = figure.mirrored() if turned else figure
        return figure.tilted(tilt) if may_tilt else figure

    def _of_photo(self, cutout: Image.Image, style: int, greys: bool, head: HeadShares | None) -> Figure:
        """Return a cut-out as a figure; never in the mirror, for it may have writing on it."""
        colours = COLOURS_LEFT.get(list(self._library.style_words)[style])
        key = (id(cutout), colours, greys, head)
        if key not in self._simple:
            simple = simplified(cutout, colours)
            shown = in_greys(np.asarray(simple)) if greys else simple
            self._simple[key] = Figure.of(shown, head=head)
        return self._simple[key]

    def _figure(self, words: str | None, style: int) -> Figure | None:
        return self._drawn(words, style) if words else None

    def _drawn(self, words: str, style: int) -> Figure:
        return Figure.of(self._library.picture(self._concept(words), style))

    def _concept(self, words: str, look: Look | None = None) -> int:
        """Return the concept of these words: by name, or else the nearest in meaning, of a thing of some look by it."""
        for name in (words, CALLED.get(words, words)):
            found = self._library.concept(name)
            if found is not None:
                return found
        return self._library.nearest_concept(mean_features(self._encoder, self._tokenizer, [words])[0], look)


def _regions(masks: Mapping[int, NDArray[np.uint8]], count: int, size: int) -> NDArray[np.uint8]:
    """Return the regions of the first `count` numbers: they grow into the ground, shared where they meet there."""
    if count == len(masks) == 1:
        return np.full((1, size, size), 255, np.uint8)
    grow = ImageFilter.MaxFilter(2 * max(1, round(REACH * size)) + 1)
    regions = np.zeros((count, size, size), np.uint8)
    for number in range(count):
        others = np.max([mask for other, mask in masks.items() if other != number], axis=0)
        regions[number] = np.minimum(np.asarray(Image.fromarray(masks[number]).filter(grow)), 255 - others)
    total = np.maximum(regions.sum(axis=0, dtype=np.uint32), 255)
    return (regions.astype(np.uint32) * 255 // total).astype(np.uint8)


def with_sketch(latents: Tensor, conditions: dict[str, Tensor]) -> Tensor:
    """Return latents [N, C, h, w] with the sketch's latents behind them, which are taken out of `conditions`."""
    sketch = conditions.pop("sketch", None)
    return latents if sketch is None else torch.cat([latents, sketch.to(latents)], dim=1)
