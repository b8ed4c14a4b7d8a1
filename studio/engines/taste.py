"""Tastes by named attributes and looks; see `pipelines/pigeon`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.domain.taste import (
    BesideTaste,
    TasteAttribute,
    TasteEvent,
    TasteHelp,
    TasteInterest,
    TasteReason,
    TasteSummary,
    TasteVariant,
    TasteVerdict,
)
from studio.domain.taste_words import describe
from studio.engines.base import HelpedTaste, LearnedTaste
from studio.errors import ModelMissing

if TYPE_CHECKING:
    from pipelines.pigeon.configuration_taste import TasteSettings
    from pipelines.pigeon.pipeline_pigeon import TasteTokens
    from pipelines.pigeon.pipeline_taste import TastePipeline
    from pipelines.pigeon.reference import Beside

WEIGHTS = "pigeon"  # name of the trained encoder, and of the layers that read its tokens
_VERSION = 1  # goes up whenever looks or learned tastes of before cannot be read by those of now
_REASONS = 4
_CLEAR = 0.05  # logits below which a reason is none
_SHOWN = 12  # pictures of an interest


class PigeonTasteEngine:
    """Learns tastes from measured attributes and what TinyViT sees.

    Networks are loaded when they are first needed; importing this module loads nothing.

    Args:
        model: the base whose drawings are picked between.
        threads: of the encoder; a page is served beside it.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(
        self,
        *,
        model: str = "mini",
        threads: int = 2,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        self._base, self._threads = model, threads
        self._models = Path(models) if models is not None else None
        self._find = find

    def model(self) -> str:
        """Name and version of what makes the looks."""
        return f"tinyvit+attributes@{_VERSION}"

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        return "tinyvit", "u2netp", self._base

    def attributes(self) -> tuple[TasteAttribute, ...]:
        """Return what pictures are measured by."""
        return self._attributes

    @cached_property
    def _attributes(self) -> tuple[TasteAttribute, ...]:
        from pipelines.pigeon.attributes import ATTRIBUTES

        return tuple(
            TasteAttribute(name=one.name, low=one.low, high=one.high, measured=one.measured) for one in ATTRIBUTES
        )

    def look(self, picture: Image.Image) -> bytes:
        """Measure and encode a picture, RGB or RGBA.

        Raises:
            ModelMissing: a model could not be had.
        """
        return self._pipeline.features([picture]).to_bytes()[0]

    def learn(self, events: Sequence[TasteEvent], now: datetime) -> LearnedTaste:
        """Learn from events whose pictures were looked at; see `pipelines.pigeon.pipeline_taste`."""
        import numpy as np

        from pipelines.pigeon.history import Event, Reaction

        files = {event.file: event.look for event in events if event.look is not None}
        order = list(files)
        places = {file: place for place, file in enumerate(order)}
        features = self._features([look for look in files.values() if look is not None])
        taste = self._pipeline.learn(
            features,
            [
                Event(
                    picture=places[event.file], reaction=Reaction(event.reaction.value), at=event.at.timestamp(),
                    seconds=event.seconds, deliberate=event.deliberate, pair=event.pair,
                )
                for event in events
                if event.file in places
            ],
            now=now.timestamp(),
        )  # fmt: skip
        rows = taste.evidence.rows
        single = [row for row in rows if row.other is None]
        interests = []
        for number in range(len(taste.interests) if taste.interests else 0):
            assert taste.interests is not None
            members = np.flatnonzero(taste.interests.members == number)
            typical = self._pipeline.typical(taste, features, number)
            interests.append(
                TasteInterest(
                    share=float(taste.interests.shares[number]),
                    files=tuple(order[taste.liked[place]] for place in members[:_SHOWN]),
                    words=tuple(describe(typical, self.attributes(), least=0.4, most=3)),
                    centre=tuple(round(float(value), 4) for value in taste.interests.centres[number]),
                )
            )
        # The learned taste names pictures by place: where each stands is kept beside it.
        named = sorted({place for row in rows for place in (row.picture, row.other) if place is not None})
        summary = TasteSummary(
            liked=sum(row.liked for row in single),
            others=sum(not row.liked for row in single),
            picks=len(rows) - len(single),
            leanings=taste.scorer.leanings,
            interests=tuple(interests),
            contradictions=len(taste.evidence.contradictions),
            undecided=len(taste.evidence.undecided),
            dropped=taste.evidence.dropped,
        )
        return LearnedTaste(data=taste.scorer.to_bytes(), summary=summary, files=tuple(order[place] for place in named))

    def reference(self, picture: Image.Image) -> bytes:
        """Look at a picture that others are to look like; see `pipelines.pigeon.reference`.

        Raises:
            ModelMissing: a model could not be had.
        """
        from pipelines.resolver import ResolverError

        try:
            return self._pipeline.reference(picture).to_bytes()
        except ResolverError as error:
            raise ModelMissing(str(error)) from error

    def score(
        self, learned: bytes, looks: Sequence[bytes], edits: Mapping[str, float], beside: BesideTaste | None = None
    ) -> tuple[TasteVerdict, ...]:
        """Say what a taste thinks of pictures; `like` holds the place of a picture of the evidence, as a text."""
        if not looks:
            return ()
        features, scorer = self._features(looks), self._scorer(learned)
        scores = scorer.score(features, edits)
        preference, likeness = scores.logit, None
        if (reference := self._beside(beside)) is not None:
            likeness = reference.likeness(self._pipeline.points(features), self._pipeline.settings)
            preference = reference.preference(scores.logit, likeness)
        return tuple(
            TasteVerdict(
                probability=float(scores.probability[row]),
                preference=float(preference[row]),
                reasons=self._reasons(scores.reasons[row], scorer, looks[row]),
                like=str(scores.nearest[row]) if scores.nearest[row] >= 0 else None,
                likeness=None if likeness is None else float(likeness[row]),
            )
            for row in range(len(looks))
        )

    def lend(self, learned: bytes, edits: Mapping[str, float]) -> Mapping[str, float]:
        """Return the weights of the attributes; see `pipelines.pigeon.minds`."""
        from pipelines.pigeon.minds import lent_weights

        return lent_weights(self._scorer(learned), edits)

    def borrow(self, learned: bytes, crowd: Sequence[Sequence[Mapping[str, float]]]) -> HelpedTaste:
        """Return a taste that expects what like-minded people's weights say; see `pipelines.pigeon.minds`."""
        from pipelines.pigeon.minds import keep_company

        own = self._scorer(learned)
        company = keep_company(own, crowd)
        if not company.lean.any():
            return HelpedTaste(data=learned, help=TasteHelp(sharing=len(crowd)))
        helped = own.again(lean=company.lean)
        moved = {name: leaning - own.leanings[name] for name, leaning in helped.leanings.items()}
        return HelpedTaste(
            data=helped.to_bytes(),
            help=TasteHelp(people=company.like_minded, sharing=len(crowd), leanings=moved),
        )

    def samples(self) -> tuple[Image.Image, ...]:
        """Return drawings to pick between; none where the base has no library."""
        return tuple(self._pipeline.offered)

    def next_pair(self, learned: bytes | None, shown: Sequence[int], seed: int) -> tuple[int, int]:
        """Return the two samples whose comparison tells most."""
        scorer = None if learned is None else self._scorer(learned)
        return self._pipeline.next_pair(scorer, shown=shown, seed=seed)

    def variants(
        self,
        learned: bytes,
        interests: Sequence[TasteInterest],
        edits: Mapping[str, float],
        count: int,
        beside: BesideTaste | None = None,
    ) -> tuple[TasteVariant, ...]:
        """Return ways to draw something as this person would like it, dealt out to their interests."""
        centres, shares = [one.centre for one in interests], [one.share for one in interests]
        reference = self._beside(beside)
        found = self._pipeline.variants(self._scorer(learned), centres, shares, count, edits, reference)
        strength = self._pipeline.settings.strength * (1.0 if reference is None else reference.ratio)
        return tuple(
            TasteVariant(
                style=one.style, colour=one.colour, palette=one.palette,
                tokens=self._tokens(learned, centres, one.interest, strength),
            )
            for one in found
        )  # fmt: skip

    def _beside(self, beside: BesideTaste | None) -> Beside | None:
        from pipelines.pigeon.reference import Beside, Reference

        if beside is None:
            return None
        return Beside(Reference.from_bytes(beside.look, self._pipeline.extractor.width), beside.share)

    def _tokens(self, learned: bytes, centres: Sequence[Sequence[float]], interest: int, strength: float) -> bytes:
        """Return what a denoiser is told of an interest; nothing where the settings say so, or nothing is liked."""
        if not strength or not centres:
            return b""
        from safetensors.torch import save

        tokens = self._encoder.of_scorer(self._scorer(learned), (centres, interest))
        data: bytes = save({"tokens": (tokens * strength).half().contiguous()})
        return data

    @cached_property
    def _encoder(self) -> TasteTokens:
        from pipelines.pigeon.pipeline_pigeon import TasteTokens
        from pipelines.resolver import ResolverError

        try:
            return TasteTokens.from_pretrained(self._place(WEIGHTS))
        except ResolverError as error:
            raise ModelMissing(str(error)) from error

    def _reasons(self, weights: Any, scorer: Any, look: bytes) -> tuple[TasteReason, ...]:
        standard = scorer.standardised(self._features([look]).attributes)[0]
        order = abs(weights).argsort()[::-1][:_REASONS]
        return tuple(
            TasteReason(
                words=self._attributes[place].high if standard[place] > 0 else self._attributes[place].low,
                weight=round(float(weights[place]), 3),
            )
            for place in order
            if abs(weights[place]) >= _CLEAR
        )

    def _scorer(self, learned: bytes) -> Any:
        from pipelines.pigeon.scorer import TasteScorer

        return TasteScorer.from_bytes(learned, self._settings)

    def _features(self, looks: Sequence[bytes]) -> Any:
        from pipelines.pigeon.features import PictureFeatures

        return PictureFeatures.from_bytes(looks, self._pipeline.extractor.width)

    @cached_property
    def _settings(self) -> TasteSettings:
        from pipelines.pigeon.configuration_taste import TasteSettings

        return TasteSettings.read()  # the pipeline's too, which would load an encoder

    @cached_property
    def _pipeline(self) -> TastePipeline:
        from pipelines.pigeon.pipeline_taste import TastePipeline
        from pipelines.resolver import ResolverError

        try:
            return TastePipeline.from_files(self._place, model=self._base, threads=self._threads)
        except ResolverError as error:
            raise ModelMissing(str(error)) from error

    def _place(self, name: str) -> Path:
        from pipelines.resolver import DEFAULT_CATALOGUE, resolve

        return self._find(name) if self._find is not None else resolve(name, config=self._models or DEFAULT_CATALOGUE)
