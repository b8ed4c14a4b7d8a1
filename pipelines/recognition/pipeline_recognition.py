"""Photos of known things in, and then of any photo: what is in it, where, and what is not known.

pipeline = RecognitionPipeline.from_files(find=resolve)
known = [KnownThing(looks=pipeline.remember(photo), not_looks=pipeline.nothing()) for photo in photos]
places = pipeline.places(photo)
findings = pipeline.decide(places, known)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pipelines.features.image_encoders import ClipVisionEncoder, TinyVitEncoder
from pipelines.features.preprocessing import FloatArray
from pipelines.matting import Matting, SubjectNotFoundError
from pipelines.recognition.calibration import DEFAULT_CONFIG, load_calibration
from pipelines.recognition.colours import COLOURS, colours_of, with_colours
from pipelines.recognition.looks import MARGIN, LookEncoder, crop
from pipelines.recognition.matching import Finding, KnownThing, Matcher, assign
from pipelines.recognition.pipeline_output import Places
from pipelines.recognition.regions import WHOLE, Box, RegionProposer, SaliencyProposer, box_of, in_pixels, with_margin


class RecognitionPipeline:
    """Finds known things in photos; it holds no memory of its own, so what is known counts from one call to the next.

    Attributes:
        dim: width of a look with its colours, 1232.

    Args:
        matting: finds what stands out.
        encoder: gives the looks.
        matcher: compares them.
        proposer: finds the places of a photo; None: those where something stands out.
    """

    dim = LookEncoder.dim + COLOURS

    def __init__(
        self, matting: Matting, encoder: LookEncoder, matcher: Matcher, proposer: RegionProposer | None = None
    ) -> None:
        self.matting = matting
        self.proposer = proposer or SaliencyProposer(matting.saliency)
        self.encoder = encoder
        self.matcher = matcher

    @classmethod
    def from_files(
        cls,
        find: Callable[[str], Path],
        *,
        threads: int = 1,
        config: Path = DEFAULT_CONFIG,
        proposer: RegionProposer | None = None,
    ) -> RecognitionPipeline:
        """Open the networks.

        Args:
            find: from a model's name (u2netp, tinyvit, clip-vision) to its file.
            threads: intra-op threads of onnxruntime.
            config: the file with the calibration.
            proposer: finds the places of a photo; None: those where something stands out.
        """
        encoder = LookEncoder(
            TinyVitEncoder(find("tinyvit"), threads=threads), ClipVisionEncoder(find("clip-vision"), threads=threads)
        )
        return cls(Matting(find("u2netp"), threads=threads), encoder, Matcher(load_calibration(config)), proposer)

    def remember(self, photo: Image.Image) -> FloatArray:
        """Return the looks of the subject of a photo and of its mirror image.

        Args:
            photo: upright RGB; where nothing stands out the whole photo is taken for the subject.

        Returns:
            float32 [2, 1232], rows of length 1.
        """
        box, standing_out = self._subject(photo)
        subject = crop(photo, box)
        (colours,) = colours_of([subject], [_part(standing_out, photo, box)])
        looks = self.encoder.embed([subject, ImageOps.mirror(subject)])
        return with_colours(looks, np.stack([colours, colours]))

    def places(self, photo: Image.Image, kinds: Sequence[str] = ()) -> Places:
        """Look at the whole of an upright RGB photo and at every place in it that the proposer finds.

        Args:
            photo: what is looked at.
            kinds: class words of the known things, for a proposer that looks for some.
        """
        boxes = (WHOLE, *(box for box in self.proposer.propose(photo, kinds) if box != WHOLE))
        crops = [crop(photo, box) for box in boxes]
        standing_out = self.matting.saliency(photo)
        colours = colours_of(crops, [_part(standing_out, photo, box) for box in boxes])
        return Places(boxes=boxes, looks=with_colours(self.encoder.embed(crops), colours))

    def decide(self, places: Places, known: Sequence[KnownThing], *, among: int | None = None) -> list[Finding]:
        """Say which place shows which known thing, and which places show none; see `assign` and `Matcher.scores`."""
        return assign(places.boxes, self.matcher.scores(places.looks, known, among=among))

    def nothing(self) -> FloatArray:
        """Return no looks, [0, 1232]."""
        return np.zeros((0, self.dim), np.float32)

    def _subject(self, photo: Image.Image) -> tuple[Box, FloatArray]:
        """Return the box of the subject, and its matte, [H, W] in 0–1."""
        try:
            alpha = self.matting.matte(photo).alpha
        except SubjectNotFoundError:
            return WHOLE, np.ones((1, 1), np.float32)
        return box_of(alpha), alpha


def _part(mask: FloatArray, photo: Image.Image, box: Box) -> FloatArray:
    """Return the part of a mask of all of `photo` that belongs to the crop of a box; the mask may be smaller."""
    height, width = mask.shape
    left, top, right, bottom = in_pixels(with_margin(box, photo.size, MARGIN), (width, height))
    return mask[top:bottom, left:right]
