"""Pictures, their prompt and cut-outs of their subjects in; scores out.

meters = MeterPipeline.from_files(find=resolve)
scores = meters(pictures, "a dog wearing a crown", [[cutout, another_cutout]])
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.meters.calibration import DEFAULT_CONFIG, Calibration, load_calibration
from pipelines.meters.encoding import OnceClipVisionEncoder, content_of
from pipelines.meters.likeness import Appearance, appearance, likeness
from pipelines.meters.pipeline_output import Measured
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import TextImageConfig
from pipelines.textimage.loading import load_text_image, version_of

_CUTOUTS = 8  # of a subject at most; each costs a look, once
_KEPT = 64  # appearances of cut-outs
logger = logging.getLogger(__name__)


class MeterPipeline:
    """Measures likeness and agreement with the prompt by frozen features.

    Args:
        encoder: gives the parts of pictures.
        textimage: opens the text-image model; called for the first prompt.
        calibration: measured on individuals that nothing was trained on.
        version: of the text-image model; the prompt is not scored where the calibration is of another.
    """

    def __init__(
        self,
        encoder: OnceClipVisionEncoder,
        textimage: Callable[[], TextImageModel],
        calibration: Calibration,
        version: str,
    ) -> None:
        self.encoder = encoder
        self.calibration = calibration
        self._open = textimage
        self._appearances: OrderedDict[bytes, Appearance] = OrderedDict()
        self._lacking = calibration.lacks(version)
        if self._lacking:
            logger.warning("%s", self._lacking)

    @classmethod
    def from_files(
        cls,
        find: Callable[[str], Path],
        *,
        textimage: TextImageConfig,
        threads: int = 1,
        config: Path = DEFAULT_CONFIG,
    ) -> MeterPipeline:
        """Open the networks.

        Args:
            find: from a model's name to its place.
            textimage: which text-image model.
            threads: intra-op threads of onnxruntime.
            config: the file with the calibration.
        """
        encoder = OnceClipVisionEncoder(find("clip-vision"), threads=threads)
        chosen = textimage.model_copy(update={"threads": threads})

        def opened() -> TextImageModel:
            return load_text_image(chosen, find=find, opened={encoder.name: encoder})

        return cls(encoder, opened, load_calibration(config), version_of(textimage, find=find))

    @cached_property
    def textimage(self) -> TextImageModel:
        """The text-image model; it shares the encoder."""
        return self._open()

    def __call__(
        self, pictures: Sequence[Image.Image], prompt: str, subjects: Sequence[Sequence[Image.Image]] = ()
    ) -> list[Measured]:
        """Score pictures of one prompt.

        Args:
            pictures: RGBA or RGB.
            prompt: in words that any model knows: no names.
            subjects: of each subject its cut-outs, RGBA; of more than eight, eight are taken.
        """
        known = [[self._appearance_of(cutout) for cutout in _some(cutouts)] for cutouts in subjects if cutouts]
        words = None if self._lacking else self.textimage.embed_texts([prompt])[0]
        return [self._measure(picture, words, known) for picture in pictures]

    def appearance(self, picture: Image.Image) -> Appearance:
        """Return what a picture looks like to the likeness meter."""
        return appearance(picture, self.encoder.tokens([picture])[0])

    def _measure(
        self, picture: Image.Image, words: FloatArray | None, known: Sequence[Sequence[Appearance]]
    ) -> Measured:
        alike, agreement = None, None
        if known:
            seen = self.appearance(picture)
            least = min(likeness(subject, seen, self.calibration.parts) for subject in known)
            alike = self.calibration.likeness.score(least)
        if words is not None:
            cosine = float(np.dot(self.textimage.embed_images([picture])[0], words))
            agreement = self.calibration.prompt.score(cosine)
        return Measured(likeness=alike, prompt=agreement)

    def _appearance_of(self, cutout: Image.Image) -> Appearance:
        """Return what a cut-out looks like; those of before are remembered, for a subject is drawn again and again."""
        key = content_of(cutout)
        if key not in self._appearances:
            self._appearances[key] = self.appearance(cutout)
            while len(self._appearances) > _KEPT:
                self._appearances.popitem(last=False)
        self._appearances.move_to_end(key)
        return self._appearances[key]


def _some(cutouts: Sequence[Image.Image]) -> Sequence[Image.Image]:
    """Return at most `_CUTOUTS` of them, evenly spread."""
    if len(cutouts) <= _CUTOUTS:
        return cutouts
    return [cutouts[place * len(cutouts) // _CUTOUTS] for place in range(_CUTOUTS)]
