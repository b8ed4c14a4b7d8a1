"""Known things in photos by what they look like; see `pipelines/recognition`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.engines.base import LookVectors, PhotoPlaces, Remembered, Sighting
from studio.engines.quiet import quieten_libraries
from studio.engines.reading import chosen_device
from studio.errors import InvalidInput, ModelMissing

if TYPE_CHECKING:
    from pipelines.recognition.pipeline_recognition import RecognitionPipeline
    from pipelines.recognition.regions import RegionProposer

# Looks are kept in half precision: their cosines move by less than 0.001.
_KEPT_AS = "float16"
_ROUNDING = 0.002
# Goes up whenever looks of before cannot be compared with those of now.
_VERSION = 2


class LooksRecognitionEngine:
    """Finds places by saliency, or by a detector, and compares their colours and what TinyViT and CLIP see.

    Networks are loaded when they are first needed; importing this module loads nothing.

    Args:
        threads: of the networks; a page is served beside them.
        detector: a folder or a hub id of an open-vocabulary detector, for example
            ``google/owlv2-base-patch16-ensemble``; empty: places are found by saliency.
        revision: of the detector's hub id; a full commit pins it.
        threshold: least score of a detector's box, 0–1; each model has a scale of its own.
        device: of the detector; ``auto`` takes the GPU where there is one.
        dtype: what the detector runs in; ``auto`` is what its weights are stored in.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(  # noqa: PLR0913  (the options of a configuration)
        self,
        *,
        threads: int = 2,
        detector: str = "",
        revision: str | None = None,
        threshold: float = 0.2,
        device: str = "auto",
        dtype: str = "auto",
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        if not 0 < threshold < 1:
            raise InvalidInput(f"The detector's threshold is {threshold}; it must lie between 0 and 1.")
        self._threads = threads
        self._detector, self._revision, self._threshold = detector, revision, threshold
        self._device, self._dtype = device, dtype
        self._models = Path(models) if models is not None else None
        self._find = find

    def model(self) -> str:
        """Name and version of the looks."""
        return f"tinyvit+clip-vision@{_VERSION}"

    def remember(self, photo: Image.Image) -> bytes:
        """Return the looks of the subject of an upright RGB photo, float16 [2, 1232].

        Raises:
            ModelMissing: a model could not be had.
        """
        return self._kept(self._pipeline.remember(photo))

    def places(self, photo: Image.Image, kinds: Sequence[str] = ()) -> PhotoPlaces:
        """Find the places of an upright RGB photo; the first is the whole of it.

        A detector looks for things of these kinds and a few general ones; saliency needs none.

        Raises:
            ModelMissing: a model could not be had.
        """
        found = self._pipeline.places(photo, kinds)
        return PhotoPlaces(boxes=found.boxes, looks=tuple(self._kept(look) for look in found.looks))

    def vectors(self) -> LookVectors:
        """Say how looks can be compared without it.

        Likeness is a mean of the inner products with the looks of a thing, however sharp; so it is at most the largest.
        """
        least = self._pipeline.matcher.calibration.threshold - _ROUNDING
        return LookVectors(width=self._pipeline.dim, least=least)

    def decide(
        self, places: PhotoPlaces, known: Sequence[Remembered], *, among: int | None = None
    ) -> tuple[Sighting, ...]:
        """Say what each place shows; see `pipelines.recognition.matching.assign`."""
        from pipelines.recognition.matching import KnownThing
        from pipelines.recognition.pipeline_output import Places

        seen = Places(boxes=places.boxes, looks=self._rows(places.looks))
        things = [KnownThing(looks=self._rows(one.looks), not_looks=self._rows(one.not_looks)) for one in known]
        return tuple(
            Sighting(place=finding.region, known=finding.known, score=finding.score)
            for finding in self._pipeline.decide(seen, things, among=among)
        )

    @cached_property
    def _pipeline(self) -> RecognitionPipeline:
        from pipelines.recognition.pipeline_recognition import RecognitionPipeline
        from pipelines.resolver import ResolverError

        proposer = self._open_detector() if self._detector else None
        try:
            return RecognitionPipeline.from_files(self._place, threads=self._threads, proposer=proposer)
        except ResolverError as error:
            raise ModelMissing(str(error)) from error

    def _open_detector(self) -> RegionProposer:
        quieten_libraries()
        from pipelines.recognition.detecting import DetectorError, OpenVocabularyProposer

        try:
            return OpenVocabularyProposer.open(
                self._detector,
                revision=self._revision,
                device=chosen_device(self._device),
                dtype=self._dtype,
                threshold=self._threshold,
            )
        except DetectorError as error:
            raise ModelMissing(str(error)) from error

    def _place(self, name: str) -> Path:
        from pipelines.resolver import DEFAULT_CATALOGUE, resolve

        return self._find(name) if self._find is not None else resolve(name, config=self._models or DEFAULT_CATALOGUE)

    @staticmethod
    def _kept(looks: Any) -> bytes:
        data: bytes = looks.astype(_KEPT_AS).tobytes()
        return data

    def _rows(self, kept: Sequence[bytes]) -> Any:
        import numpy as np

        from pipelines.features.preprocessing import normalise_rows

        rows = np.frombuffer(b"".join(kept), dtype=_KEPT_AS).reshape(-1, self._pipeline.dim)
        return normalise_rows(rows.astype(np.float32))
