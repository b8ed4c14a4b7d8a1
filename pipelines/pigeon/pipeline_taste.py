"""A person's taste, put together: learn it from a history, score pictures, ask the next pair, say how to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import load_image_encoder
from pipelines.mini.library import DrawingLibrary
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.cold_start import next_pair
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence, gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings
from pipelines.pigeon.history import Event
from pipelines.pigeon.interests import Interests, allocate, find_interests
from pipelines.pigeon.samples import Sample, Variant, samples, variants
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
    """

    def __init__(
        self, extractor: FeatureExtractor, settings: TasteSettings, library: DrawingLibrary | None = None
    ) -> None:
        self.extractor, self.settings, self._library = extractor, settings, library

    @classmethod
    def from_files(cls, find: Callable[[str], Path], *, model: str = "mini", threads: int = 1) -> TastePipeline:
        """Load the encoder, and the drawings of a base model.

        Args:
            find: from a model's name to its place.
            model: the base; one without a library leaves `samples` empty.
            threads: of the encoder.
        """
        encoder = load_image_encoder("tinyvit", find("tinyvit"), threads=threads)
        folder = find(model) / "library"
        library = DrawingLibrary.from_pretrained(folder) if folder.is_dir() else None
        return cls(FeatureExtractor(encoder), TasteSettings.read(), library)

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
        """Drawings to pick between; none for a base without a library."""
        return samples(self._library) if self._library is not None else ([], [])

    @cached_property
    def sample_features(self) -> PictureFeatures:
        """Features of `samples`."""
        return self.features(self.samples[1])

    @property
    def _widths(self) -> tuple[int, int]:
        return len(ATTRIBUTE_NAMES), self.extractor.width

    def next_pair(self, scorer: TasteScorer | None, *, shown: Sequence[int] = (), seed: int = 0) -> tuple[int, int]:
        """Return the two samples whose comparison tells most; see `pipelines.pigeon.cold_start`."""
        return next_pair(scorer, self.sample_features, self.settings, shown=shown, seed=seed)

    def variants(
        self, scorer: TasteScorer, centres: Sequence[Sequence[float]], shares: Sequence[float], count: int,
        edits: Mapping[str, float] | None = None,
    ) -> list[Variant]:  # fmt: skip
        """Return `count` ways to draw something as a person would like it; none for a base without a library.

        Args:
            scorer: the taste.
            centres: of its interests [k, E].
            shares: of its interests, summing to 1 [k].
            count: how many.
            edits: see `TasteScorer.score`.
        """
        if not self.samples[0]:
            return []
        if not len(centres):  # nothing is liked yet; what was set by hand still tells
            centres, shares = [[0.0] * sum(self._widths)], [1.0]
        near = embeddings(self.sample_features, scorer) @ np.asarray(centres, np.float32).T
        standard = PictureFeatures(
            scorer.standardised(self.sample_features.attributes).astype(np.float32), self.sample_features.looks
        )
        return variants(self.samples[0], standard, scorer.contrast(edits), near, allocate(count, shares))
