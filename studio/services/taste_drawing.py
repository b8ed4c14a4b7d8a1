"""Pictures in somebody's taste: several ways of drawing, the one they would like best, or the plain one after all.

A taste acts through the style, the colours and the ground that a prompt may name, through tokens beside the words
where the image engine knows some, and through the choice among what was drawn. The plain picture of the same seed is
drawn too, and it is what is shown unless the taste prefers the other one (after the acceptance rule of "Let AI
Entertain You", arXiv 2312.12457).
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from studio.domain.drawings import InTaste
from studio.domain.generation import SEED_MAX, GenerateRequest, Picture
from studio.domain.mentions import find_mentions
from studio.domain.taste import Amount, TasteProfile, TasteVariant, TasteVerdict
from studio.domain.taste_words import in_taste
from studio.engines.base import Report, TasteEngine
from studio.errors import InvalidInput
from studio.services.drawings import DrawingLog
from studio.services.generation import Drawn, GenerationService
from studio.services.jobs import Job, JobRunner, part
from studio.services.taste import TasteService

TRIES_MAX = 8
_MARGIN = 0.02  # of probability by which the personal picture has to be preferred
_JUDGING = 0.9


@dataclass(frozen=True, kw_only=True)
class TasteRequest:
    """What to draw in whose taste.

    Attributes:
        drawing: what to draw.
        taste: name of a profile.
        amount: how much the taste may change.
        tries: ways of drawing to choose among, for each picture, 1–8.
    """

    drawing: GenerateRequest
    taste: str
    amount: str = Amount.CLEAR
    tries: int = 3

    def __post_init__(self) -> None:
        if self.amount not in set(Amount):
            raise InvalidInput(f"The amount of taste is {self.amount!r}; {', '.join(Amount)} are possible.")
        object.__setattr__(self, "amount", Amount(self.amount))
        if not 1 <= self.tries <= TRIES_MAX:
            raise InvalidInput(f"tries is {self.tries}; it must lie between 1 and {TRIES_MAX}.")


@dataclass(frozen=True, kw_only=True)
class _Tried:
    drawn: Drawn
    verdict: TasteVerdict


Judge = Callable[[Sequence[Image.Image]], tuple[TasteVerdict, ...]]


class TasteDrawing:
    """Draws in a taste."""

    def __init__(
        self,
        *,
        jobs: JobRunner,
        engine: TasteEngine,
        tastes: TasteService,
        generation: GenerationService,
        log: DrawingLog,
    ) -> None:
        self._jobs = jobs
        self._log = log
        self._engine = engine
        self._tastes = tastes
        self._generation = generation

    def start(self, request: TasteRequest, *, instead_of: str | None = None) -> Job[tuple[Picture, ...]]:
        """Draw pictures with and without the taste, at the same seeds; keep the plain ones and those that won.

        Args:
            request: what to draw, and in whose taste.
            instead_of: an interrupted drawing that this one takes the place of.

        Returns:
            A job whose result has one picture for each seed: the one in the taste, whose recipe names the plain one,
            or the plain one where the taste did not prefer the other.

        Raises:
            UnknownConcept: a mention is not a concept of the owner.
            NotFound: no such taste.
            InvalidInput: the taste knows nothing yet.
            StorageFull: the disk has no room for the record; nothing is drawn.
        """
        owner = request.drawing.owner
        profile = self._tastes.get(request.taste, owner)
        judge = self._tastes.judge(request.taste, owner)
        first = secrets.randbelow(SEED_MAX + 1) if request.drawing.seed is None else request.drawing.seed
        drawing = dataclasses.replace(request.drawing, seed=first)
        self._generation.drawn(drawing)  # refuses an unknown mention before anything is begun

        def work(report: Report) -> tuple[Picture, ...]:
            report(0.0, "Thinking of your taste")
            ways = self._ways(profile, dataclasses.replace(request, drawing=drawing))
            return self._draw(drawing, profile, ways, judge, report)

        in_taste = InTaste(taste=profile.name, amount=request.amount, tries=request.tries)
        entry = self._log.enter(drawing, instead_of=instead_of, in_taste=in_taste)
        return self._jobs.start(
            f"Draw {drawing.prompt[:60]}", work, owner, job_id=entry.id, settled=lambda: self._log.settle(entry)
        )

    def resume(self, drawing_id: str, owner: str = "local") -> Job[tuple[Picture, ...]]:
        """Draw an interrupted drawing again, by the same recipe and in its taste, if any; raises as `start`."""
        drawing = self._log.find_interrupted(drawing_id, owner)
        if drawing.in_taste is None:
            return self._generation.resume(drawing_id, owner)
        told = drawing.in_taste
        request = TasteRequest(drawing=drawing.request, taste=told.taste, amount=told.amount, tries=told.tries)
        return self.start(request, instead_of=drawing_id)

    def prompts(self, request: TasteRequest) -> tuple[str, ...]:
        """Return what the taste makes of a prompt, the likeliest first; raises as `start`."""
        self._tastes.judge(request.taste, request.drawing.owner)
        ways = self._ways(self._tastes.get(request.taste, request.drawing.owner), request)
        return tuple(dict.fromkeys(prompt for prompt, _ in ways))

    def _ways(self, profile: TasteProfile, request: TasteRequest) -> tuple[tuple[str, bytes], ...]:
        """Return prompts, each with the tokens that go with it, the likeliest first."""
        drawing, version = request.drawing, self._tastes.usable(profile)
        assert version.learned is not None
        found = self._engine.variants(version.learned, version.summary.interests, version.edits, request.tries)
        mentions = bool(drawing.concept or find_mentions(drawing.prompt, ()))
        told = [
            (in_taste(drawing.prompt, variant, Amount(request.amount), mentions=mentions), variant.tokens)
            for variant in found or (TasteVariant(style="", colour=""),)
        ]
        return tuple(dict.fromkeys(told))

    def _draw(
        self,
        drawing: GenerateRequest,
        profile: TasteProfile,
        ways: Sequence[tuple[str, bytes]],
        judge: Judge,
        report: Report,
    ) -> tuple[Picture, ...]:
        plainly = (drawing.prompt, b"")
        rounds = [plainly, *(way for way in ways if way != plainly)]
        tried: list[list[_Tried]] = []
        for number, (prompt, tokens) in enumerate(rounds):
            piece = part(report, _JUDGING * number / len(rounds), _JUDGING * (number + 1) / len(rounds))
            drawn = self._generation.drawn(dataclasses.replace(drawing, prompt=prompt), taste=tokens)(piece)
            verdicts = judge([one.image for one in drawn])
            tried.append([_Tried(drawn=one, verdict=said) for one, said in zip(drawn, verdicts, strict=True)])
        report(_JUDGING, "Keeping the pictures")
        plain = tried[0]
        scored = [_scored(one) for one in plain]
        kept = self._generation.keep(scored, drawing.owner)
        shown = list(kept)
        chosen: dict[int, Drawn] = {}
        for place, one in enumerate(plain):
            best = max(
                (attempt[place] for attempt in tried[1:]), key=lambda other: other.verdict.preference, default=one
            )
            if best.verdict.probability > one.verdict.probability + _MARGIN:
                chosen[place] = _told(best, one, profile, kept[place].id)
        for place, picture in zip(chosen, self._generation.keep([*chosen.values()], drawing.owner), strict=True):
            shown[place] = picture
        return tuple(shown)


def _scored(plain: _Tried) -> Drawn:
    """Return a plain picture whose recipe says how likely the person likes it."""
    score = round(plain.verdict.probability, 4)
    return dataclasses.replace(plain.drawn, recipe=dataclasses.replace(plain.drawn.recipe, plain_score=score))


def _told(best: _Tried, plain: _Tried, profile: TasteProfile, plain_id: str) -> Drawn:
    recipe = dataclasses.replace(
        best.drawn.recipe,
        taste=profile.name,
        taste_score=round(best.verdict.probability, 4),
        plain=plain_id,
        plain_score=round(plain.verdict.probability, 4),
    )
    return dataclasses.replace(best.drawn, recipe=recipe)
