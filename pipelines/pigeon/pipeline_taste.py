"""A person's taste, put together: learn it from a history, score pictures, ask the next pair, say how to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import load_image_encoder
from pipelines.features.preprocessing import FloatArray
from pipelines.matting import Matting
from pipelines.mini.library import DrawingLibrary
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.cold_start import next_pair
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence, gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings
from pipelines.pigeon.history import Event
from pipelines.pigeon.interests import Interests, allocate, find_interests
from pipelines.pigeon.reference import Beside, Reference
from pipelines.pigeon.samples import OFFERED, Contrast, Sample, Variant, Worth, dealt, samples, worth_of_ways
from pipelines.pigeon.scorer import TasteScorer


@dataclass(frozen=True, eq=False)
class LearnedTaste:
    """What was learned of a person.

    Attributes:
        scorer: says how likely they like a picture.
        evidence: what it was learned from.
        liked: indices of the liked pictures, as the evidence has them.
        interests: the mixture over them; None where nothing is liked yet.
    """

    scorer: TasteScorer
    evidence: Evidence
    liked: tuple[int, ...]
    interests: Interests | None


class TastePipeline:
    """Learns and applies tastes.

    Args:
        extractor: makes features of pictures.
        settings: the prior.
        library: drawings to pick between and to try tastes on; None: neither is possible.
        matting: opens what cuts the subject out of a photo that others are to look like; None: all of it tells.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        settings: TasteSettings,
        library: DrawingLibrary | None = None,
        matting: Callable[[], Matting] | None = None,
    ) -> None:
        self.extractor, self.settings, self._library, self._open_matting = extractor, settings, library, matting

    @classmethod
    def from_files(cls, find: Callable[[str], Path], *, model: str = "mini", threads: int = 1) -> TastePipeline:
        """Load the encoder, and the drawings of a base model.

        Args:
            find: from a model's name to its place; of what cuts out it is asked when there is something to cut out.
            model: the base; one without a library leaves `samples` empty.
            threads: of the encoder.
        """
        encoder = load_image_encoder("tinyvit", find("tinyvit"), threads=threads)
        folder = find(model) / "library"
        library = DrawingLibrary.from_pretrained(folder) if folder.is_dir() else None
        return cls(
            FeatureExtractor(encoder), TasteSettings.read(), library, lambda: Matting(find("u2netp"), threads=threads)
        )

    def features(self, images: Sequence[Image.Image]) -> PictureFeatures:
        """Return the features of pictures."""
        return self.extractor(images)

    def learn(self, features: PictureFeatures, events: Sequence[Event], *, now: float) -> LearnedTaste:
        """Learn from what a person did with pictures; see `pipelines.pigeon.evidence.gather`."""
        evidence = gather(events, now=now)
        scorer = TasteScorer.learn(features, evidence, self.settings)
        liked = evidence.liked
        weights = {row.picture: row.weight for row in reversed(evidence.rows) if row.liked}
        interests = None
        if liked:
            points = embeddings(features[np.array(liked)], scorer)
            interests = find_interests(points, np.array([weights[place] for place in liked], np.float32))
        return LearnedTaste(scorer=scorer, evidence=evidence, liked=liked, interests=interests)

    def typical(self, taste: LearnedTaste, features: PictureFeatures, interest: int) -> dict[str, float]:
        """Return in standard deviations how the liked pictures of an interest differ from most pictures."""
        assert taste.interests is not None
        places = np.array(taste.liked)[taste.interests.members == interest]
        means = taste.scorer.standardised(features.attributes[places]).mean(axis=0)
        return {name: float(value) for name, value in zip(ATTRIBUTE_NAMES, means, strict=True)}

    @cached_property
    def samples(self) -> tuple[list[Sample], list[Image.Image]]:
        """Drawings by which ways of drawing are judged; none for a base without a library."""
        return samples(self._library) if self._library is not None else ([], [])

    @cached_property
    def offered(self) -> list[Image.Image]:
        """Drawings of everyday things to pick between; none for a base without a library."""
        return samples(self._library, OFFERED)[1] if self._library is not None else []

    @cached_property
    def offered_features(self) -> PictureFeatures:
        """Features of `offered`."""
        return self.features(self.offered)

    @cached_property
    def sample_features(self) -> PictureFeatures:
        """Features of `samples`."""
        return self.features(self.samples[1])

    @property
    def _widths(self) -> tuple[int, int]:
        return len(ATTRIBUTE_NAMES), self.extractor.width

    def next_pair(self, scorer: TasteScorer | None, *, shown: Sequence[int] = (), seed: int = 0) -> tuple[int, int]:
        """Return the two of `offered` whose comparison tells most; see `pipelines.pigeon.cold_start`."""
        return next_pair(scorer, self.offered_features, self.settings, shown=shown, seed=seed)

    def reference(self, image: Image.Image) -> Reference:
        """Return what is seen of a picture that others are to look like: of a photo, the look of its subject."""
        return Reference.read(image, self.extractor, self._matting)

    @cached_property
    def _matting(self) -> Matting | None:
        return self._open_matting() if self._open_matting is not None else None

    def variants(
        self, scorer: TasteScorer | None, centres: Sequence[Sequence[float]], shares: Sequence[float], count: int,
        edits: Mapping[str, float] | None = None, beside: Beside | None = None,
    ) -> list[Variant]:  # fmt: skip
        """Return `count` ways to draw something as a person would like it; none for a base without a library.

        Args:
            scorer: the taste; None: nobody's, the reference alone tells.
            centres: of its interests [k, E].
            shares: of its interests, summing to 1 [k].
            count: how many.
            edits: see `TasteScorer.score`.
            beside: a reference, and how much of it is hidden; None: none.

        Raises:
            ValueError: neither a taste nor a reference, or nobody's taste is to have a share.
        """
        if scorer is None and (beside is None or beside.ratio > 0):
            raise ValueError("Without a taste there has to be a reference, of which nothing is hidden (ratio 0).")
        if not self.samples[0]:
            return []
        if not len(centres):  # nothing is liked yet; what was set by hand still tells
            centres, shares = [[0.0] * sum(self._widths)], [1.0]
        counts = allocate(count, shares)
        contrast = None if scorer is None else scorer.contrast(edits)
        own = []
        if contrast is not None:
            near = self._sample_points @ np.asarray(centres, np.float32).T
            own = [self._worth(contrast, near[:, interest]) for interest in range(len(centres))]
        if beside is None:
            return dealt(own, counts)
        look = beside.reference.contrast(self.settings, self.sample_features.looks.mean(axis=0))
        wanted = self._worth(look, beside.likeness(self._sample_points, self.settings))
        ways = [beside.ways(worth, wanted) for worth in own or [{}] * len(counts)]
        return [
            replace(way, palette=beside.palette(way.colour, beside.colours(contrast, look, ways[way.interest].scale)))
            for way in dealt([one.worth for one in ways], counts)
        ]

    def points(self, features: PictureFeatures) -> FloatArray:
        """Return what pictures are clustered by, of length 1 [N, E]; see `pipelines.pigeon.histories`."""
        return embeddings(features, settings=self.settings)

    @cached_property
    def _sample_points(self) -> FloatArray:
        return self.points(self.sample_features)

    def _worth(self, contrast: Contrast, near: FloatArray) -> Worth:
        standard = self.settings.standardised(self.sample_features.attributes).astype(np.float32)
        return worth_of_ways(self.samples[0], PictureFeatures(standard, self.sample_features.looks), contrast, near)
