"""A reference picture beside a taste: the reference gives the look, the prompt the content, and a dial says how much.

The dial is Pigeon's mask ratio (arXiv 2410.14170, module 1): the share of the reference that is hidden behind what
the history tells, 0 (the look of the reference alone) to 1 (my taste, as if there were no reference). What can be drawn
are finitely many ways, a style and a colour each. A taste says what each of them is worth, the reference says it too,
and the way of the greatest mixed worth, ratio · taste + (1 − ratio) · reference, is drawn. So it holds whatever the
person and the picture: as the ratio grows, the worth to the taste of what is chosen never falls, and its worth to the
reference never rises; at 1 the mixture is the taste's worth itself, bit by bit.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.features.preprocessing import FloatArray, has_alpha
from pipelines.lab import to_lab
from pipelines.matting import Matting, SubjectNotFoundError
from pipelines.mini.colours import COLOURS, palette
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings
from pipelines.pigeon.named_colours import COLOUR_NAMES, colour_shares
from pipelines.pigeon.samples import Contrast, Worth

MOST_COLOURS = 4
MAIN = 2.0  # standard deviations by which a reference speaks for its main colour; for the next ones by half, a third, …
LIKENESS = 3.0  # logits of a taste that the whole way from a likeness of 0 to 1 weighs as much as
_EDGE = 160  # pixels at which grounds are looked for and colours counted
_PLAIN, _RIM = 12.0, 0.85  # distance in CIELAB within which a ground is plain, and the share of the rim that is so
_LEAST_SEEN = 1 / 32  # of the subject; a colour that covers less of it is none of its palette
_LEAST_COVERED = 0.08  # of a photo; a smaller subject is a detail of a scene
_SEPARATOR = b"\n"


@dataclass(frozen=True, eq=False)
class Reference:
    """What is seen of a picture that others are to look like.

    Attributes:
        features: of the one picture.
        palette: its main colours as ``#rrggbb``, at most `MOST_COLOURS`, the main one first; a plain ground is none.
    """

    features: PictureFeatures
    palette: tuple[str, ...]

    @classmethod
    def read(cls, image: Image.Image, extractor: FeatureExtractor, matting: Matting | None = None) -> Self:
        """Look at a picture.

        Args:
            image: RGB or RGBA of any size.
            extractor: of its features.
            matting: cuts the subject out of a photo; None: all of the photo tells.
        """
        lifted = subject_of(image, matting)
        small = lifted.convert("RGBA")
        small.thumbnail((_EDGE, _EDGE), Image.Resampling.BOX)
        return cls(extractor([lifted]), palette(np.asarray(small), MOST_COLOURS, _LEAST_SEEN))

    @property
    def names(self) -> tuple[str, ...]:
        """What the colours of the palette are called."""
        return tuple(named(colour) for colour in self.palette)

    def contrast(self, settings: TasteSettings, usual: FloatArray) -> Contrast:
        """Return how the picture differs from most, in the form in which tastes say what they like.

        Args:
            settings: mean and spread of every attribute.
            usual: mean look of the pictures that ways are judged by [D].
        """
        attributes = settings.standardised(self.features.attributes)[0].astype(np.float32)
        attributes[-len(COLOUR_NAMES) :] = 0.0
        for rank, name in reversed([*enumerate(self.names)]):
            attributes[ATTRIBUTE_NAMES.index(name)] = MAIN / (rank + 1)
        return Contrast(attributes, (self.features.looks[0] - usual).astype(np.float32))

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        return " ".join(self.palette).encode() + _SEPARATOR + self.features.to_bytes()[0]

    @classmethod
    def from_bytes(cls, data: bytes, width: int) -> Self:
        """Read what `to_bytes` gave; D is `width`.

        Raises:
            ValueError: it is of other features.
        """
        colours, _, look = data.partition(_SEPARATOR)
        return cls(PictureFeatures.from_bytes([look], width), tuple(colours.decode().split()))


@dataclass(frozen=True, eq=False)
class MixedWorth:
    """What ways of drawing are worth to a taste and a reference together, and the scale of the reference's worth."""

    worth: Worth
    scale: float


@dataclass(frozen=True, eq=False)
class Beside:
    """A reference beside a taste.

    Attributes:
        reference: the picture.
        ratio: of the mask, 0 (the reference alone) to 1 (the taste alone).

    Raises:
        ValueError: the ratio lies outside of 0–1.
    """

    reference: Reference
    ratio: float

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:  # also refuses NaN
            raise ValueError(f"The ratio of the mask is {self.ratio}; it must lie between 0 and 1.")

    def ways(self, taste: Worth, reference: Worth) -> MixedWorth:
        """Mix what ways of drawing are worth, the reference's worth brought to the scale of the taste's.

        Args:
            taste: worth of each way to the taste; {}: nothing is known of one.
            reference: worth of each to the reference.
        """
        mine, theirs = (float(np.ptp([*worth.values()])) if worth else 0.0 for worth in (taste, reference))
        scale = mine / theirs if mine and theirs else 1.0
        own = taste or dict.fromkeys(reference, 0.0)
        return MixedWorth({way: self.mixed(own[way], scale * value) for way, value in reference.items()}, scale)

    def colours(self, taste: Contrast | None, reference: Contrast, scale: float) -> dict[str, float]:
        """Return the mixed worth of every colour's name, in the scale of `ways`."""
        return {
            name: self.mixed(0.0 if taste is None else taste.of_colour(name), scale * reference.of_colour(name))
            for name in COLOUR_NAMES
        }

    def mixed(self, taste: NDArray | float, reference: NDArray | float) -> Any:
        """Return ratio · taste + (1 − ratio) · reference, both of one scale; at 1 the taste bit by bit."""
        return self.ratio * taste + (1 - self.ratio) * reference

    def palette(self, colour: str, worth: Mapping[str, float]) -> tuple[str, ...]:
        """Return the colours that a way of a main colour is drawn in; none where the reference is hidden wholly.

        The main colour is the reference's own shade of it where it has one. The reference's further colours stay with
        it unless the mixture would rather do without them.

        Args:
            colour: name of the main colour.
            worth: mixed worth of each colour's name; above 0 it is rather wanted.
        """
        if self.ratio == 1:
            return ()
        own = dict(zip(reversed(self.reference.names), reversed(self.reference.palette), strict=True))
        main = own.get(colour) or shade(colour)
        named_so = zip(self.reference.names, self.reference.palette, strict=True)
        rest = [other for name, other in named_so if other != main and worth.get(name, 0.0) > 0]
        return (main, *rest)[:MOST_COLOURS]

    def likeness(self, points: FloatArray, settings: TasteSettings) -> FloatArray:
        """Return how much pictures look like the reference, −1 to 1 [N].

        Args:
            points: what pictures are clustered by [N, E], see `pipelines.pigeon.histories.embeddings`.
            settings: of the taste.
        """
        likeness: FloatArray = points @ embeddings(self.reference.features, settings=settings)[0]
        return likeness

    def preference(self, logit: FloatArray, likeness: FloatArray) -> FloatArray:
        """Return what compares drawn pictures [N]: the taste's logits, mixed with their likeness to the reference."""
        mixed: FloatArray = self.mixed(logit, LIKENESS * likeness).astype(np.float32)
        return mixed


def named(colour: str) -> str:
    """Return what a colour ``#rrggbb`` is called, one of `COLOUR_NAMES`."""
    rgb = np.array([[int(colour[place : place + 2], 16) for place in (1, 3, 5)]], np.uint8)
    return COLOUR_NAMES[int(colour_shares(rgb).argmax())]


def shade(colour: str) -> str:
    """Return the colour ``#rrggbb`` that a name of `COLOUR_NAMES` usually stands for."""
    hue, saturation, lightness = COLOURS[colour]
    rgb = colorsys.hls_to_rgb((hue or 0) / 360, lightness, saturation)
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)


def subject_of(image: Image.Image, matting: Matting | None = None) -> Image.Image:
    """Return what a picture shows without the ground that it stands on: a drawing on a white sheet is not white.

    Args:
        image: RGB or RGBA; one with transparency is without a ground already.
        matting: cuts out what stands on no plain ground; where it finds nothing large enough, all of the picture tells.
    """
    lifted = _without_plain_ground(image)
    if has_alpha(lifted) or matting is None:
        return lifted
    try:
        matte = matting.matte(image)
    except SubjectNotFoundError:
        return image
    return matting.cut_out(image, matte) if matte.coverage >= _LEAST_COVERED else image


def _without_plain_ground(image: Image.Image) -> Image.Image:
    if has_alpha(image):
        return image
    small = image.convert("RGB")
    small.thumbnail((_EDGE, _EDGE), Image.Resampling.BOX)
    lab = to_lab(np.asarray(small))
    rim = np.concatenate([lab[0], lab[-1], lab[1:-1, 0], lab[1:-1, -1]])
    plain = np.linalg.norm(lab - np.median(rim, axis=0), axis=-1) < _PLAIN
    on_rim = np.concatenate([plain[0], plain[-1], plain[1:-1, 0], plain[1:-1, -1]])
    ground = _from_the_rim(plain)
    if on_rim.mean() < _RIM or ground.all():
        return image
    mask = Image.fromarray(np.where(ground, 0, 255).astype(np.uint8))
    lifted = image.convert("RGBA")
    lifted.putalpha(mask.resize(image.size, Image.Resampling.BILINEAR))
    return lifted


def _from_the_rim(plain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what of a mask [H, W] hangs together with the rim of the picture."""
    framed = Image.fromarray(np.pad(plain, 1, constant_values=True).astype(np.uint8)).copy()
    ImageDraw.floodfill(framed, (0, 0), 2)
    return np.asarray(framed)[1:-1, 1:-1] == 2
