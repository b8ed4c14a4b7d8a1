"""What the small VLM gets of a picture: frozen image tokens, and tags, words that frozen models read off it.

A small language model copies a word more surely than it names what lies in a vector. So a picture comes with tags, as
in Tag2Text (arXiv 2303.05657): the kinds whose words lie nearest to it in the space of the text-image model, and the
colours measured where it stands out. The tokens carry the rest, and which of the kinds it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import nn

from pipelines.colour_words import plain_colours
from pipelines.features.image_encoders import ImageEncoder
from pipelines.features.preprocessing import FloatArray
from pipelines.textimage.kinds import KindRecogniser
from pipelines.textimage.mini_clip import MiniClipTextImage

COLOURS_MOST = 2
_STANDS_OUT = 0.5  # saliency from which a pixel counts as the subject's


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Words read off a picture: likely kinds, the likeliest first, and colours, the one that covers most first."""

    kinds: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()

    def told(self) -> str:
        """Return them as they stand in a prompt, behind the picture."""
        if not self.kinds:
            return ""
        return f"Looks like: {', '.join(self.kinds)}. Colours: {', '.join(self.colours) or 'not clear'}.\n"

    def after(self, known: Sequence[str]) -> Tags:
        """Return them with the kinds that cards tell, which are surer than a look, in front; as many as before."""
        kinds = tuple(dict.fromkeys((*known, *self.kinds)))[: len(self.kinds)]
        return Tags(kinds=kinds, colours=self.colours)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A picture as the small VLM gets it: image tokens [T, F] and tags."""

    tokens: FloatArray
    tags: Tags


class Eyes(Protocol):
    """Gives sights of pictures."""

    def see(self, picture: Image.Image, alpha: Image.Image | None = None) -> Sight:
        """Return the sight of an RGB picture.

        Args:
            picture: to look at.
            alpha: its subject, where that is known already; otherwise it is what stands out.
        """


class TaggingEyes:
    """Frozen image tokens of the text-image model's first encoder, kinds by that model, colours by saliency.

    Args:
        textimage: our own model, for its encoders.
        kinds: those that a picture may be tagged with.
        saliency: float [S, S] in 0–1 of a picture.
        count: of image tokens, a square number.
        most: kinds in the tags.
    """

    def __init__(
        self,
        textimage: MiniClipTextImage,
        kinds: Sequence[str],
        saliency: Callable[[Image.Image], FloatArray],
        *,
        count: int,
        most: int,
    ) -> None:
        self._textimage, self._saliency, self._count, self._most = textimage, saliency, count, most
        scale = textimage.heads.config.kind_scale
        self._kinds = KindRecogniser(textimage, kinds, scale=scale) if most else None

    def see(self, picture: Image.Image, alpha: Image.Image | None = None) -> Sight:
        """See `Eyes.see`."""
        first, *others = self._textimage.image_encoders
        pooled, patches = first.embed_and_tokens([picture])
        tokens = on_grid(patches, self._count)[0]
        if self._kinds is None:
            return Sight(tokens=tokens, tags=Tags())
        joined = self._textimage.project_features([pooled, *(encoder.embed([picture]) for encoder in others)])
        (ranked,) = self._kinds.rank(joined, top=self._most)
        kinds = tuple(kind for kind, _ in ranked)
        return Sight(tokens=tokens, tags=Tags(kinds=kinds, colours=self._colours(picture, alpha, kinds[0])))

    def _colours(self, picture: Image.Image, alpha: Image.Image | None, kind: str) -> tuple[str, ...]:
        cutout = picture.convert("RGB")
        if alpha is None:
            stands_out = self._saliency(picture) > _STANDS_OUT
            alpha = Image.fromarray(np.uint8(255) * stands_out.astype(np.uint8)).resize(picture.size)
        cutout.putalpha(alpha)
        return plain_colours(cutout, kind, most=COLOURS_MOST)


def image_tokens(pictures: Sequence[Image.Image], encoder: ImageEncoder, count: int) -> FloatArray:
    """Return the frozen tokens of pictures, [P, count, F]; see `on_grid`."""
    return on_grid(encoder.tokens(pictures), count)


def on_grid(patches: FloatArray, count: int) -> FloatArray:
    """Return an encoder's patches [P, N, F], without its class token, averaged over a square grid.

    Returns:
        float32 [P, count, F].
    """
    side = int(patches.shape[1] ** 0.5)
    patches = patches[:, -(side * side) :]
    grid = torch.from_numpy(np.ascontiguousarray(patches)).unflatten(1, (side, side)).permute(0, 3, 1, 2)
    pooled = nn.functional.adaptive_avg_pool2d(grid, round(count**0.5))
    found: FloatArray = pooled.flatten(2).transpose(1, 2).contiguous().numpy()
    return found
