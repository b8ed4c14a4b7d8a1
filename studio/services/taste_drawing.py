"""Pictures in somebody's taste, or like another picture: several ways of drawing, the best of them, or the plain one.

A taste acts through the style, the colours and the ground that a prompt may name, through tokens beside the words
where the image engine knows some, and through the choice among what was drawn. The plain picture of the same seed is
drawn too, and it is what is shown unless the taste prefers the other one (after the acceptance rule of "Let AI
Entertain You", arXiv 2312.12457). A reference acts in the same ways, beside the taste or without one: a dial says how
much of the look is the taste's, and at 1 everything is as without the reference. See `pipelines.pigeon.reference`.
"""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from studio.domain.drawings import InTaste
from studio.domain.generation import SEED_MAX, GenerateRequest, Picture
from studio.domain.mentions import find_mentions
from studio.domain.taste import Amount, BesideTaste, TasteProfile, TasteVariant, TasteVerdict, TasteVersion
from studio.domain.taste_words import in_palette, in_taste
from studio.engines.base import Report, TasteEngine
from studio.errors import InvalidInput, NotFound
from studio.services.drawings import DrawingLog
from studio.services.gallery import GalleryService
from studio.services.generation import Drawn, GenerationService
from studio.services.jobs import Job, JobRunner, part
from studio.services.taste import TasteService, picture_for_keeping, read_kept
from studio.storage.files import FileStore

TRIES_MAX = 8
SHARE = 0.5  # of a taste beside a reference, where nothing else is said
_MARGIN = 0.02  # of probability by which the personal picture has to be preferred
_JUDGING = 0.9


@dataclass(frozen=True, kw_only=True)
class TasteRequest:
    """What to draw in whose taste, or like which picture; one of them at least.

    Attributes:
        drawing: what to draw.
        taste: name of a profile; "": nobody's.
        amount: how much may be changed.
        tries: ways of drawing to choose among, for each picture, 1–8.
        like: a picture file whose look the pictures are to have; None: none.
        like_picture: id of a picture of the gallery instead of a file; "": none.
        taste_share: how much of the look is the taste's beside that picture, 0 (the picture's look alone) to 1 (the
            taste alone); None: a half, or nothing where there is no taste.
    """

    drawing: GenerateRequest
    taste: str = ""
    amount: str = Amount.CLEAR
    tries: int = 3
    like: bytes | None = None
    like_picture: str = ""
    taste_share: float | None = None

    def __post_init__(self) -> None:
        if self.amount not in set(Amount):
            raise InvalidInput(f"The amount of taste is {self.amount!r}; {', '.join(Amount)} are possible.")
        object.__setattr__(self, "amount", Amount(self.amount))
        if not 1 <= self.tries <= TRIES_MAX:
            raise InvalidInput(f"tries is {self.tries}; it must lie between 1 and {TRIES_MAX}.")
        if not (self.taste or self._referred):
            raise InvalidInput("There is neither a taste nor a picture to draw like. Name one of them.")
        if self.taste_share is not None:
            self._check_share(self.taste_share)

    def _check_share(self, share: float) -> None:
        if not 0 <= share <= 1:  # also refuses NaN
            raise InvalidInput(f"The share of the taste is {share}; it must lie between 0 (the picture) and 1 (taste).")
        if not self._referred:
            raise InvalidInput("A share of the taste needs a picture to share with. Choose a picture to draw like.")
        if share > 0 and not self.taste:
            raise InvalidInput(
                f"The share of the taste is {share:g}, but no taste is named. Name one, or leave the share out: "
                "the look is then the picture's alone."
            )

    @property
    def told(self) -> InTaste:
        """What is put on record of it, apart from the picture."""
        share = self.taste_share
        if share is None:
            share = (SHARE if self.taste else 0.0) if self._referred else 1.0
        return InTaste(taste=self.taste, amount=self.amount, tries=self.tries, share=share)

    @property
    def _referred(self) -> bool:
        return self.like is not None or bool(self.like_picture)


@dataclass(frozen=True, kw_only=True)
class _Way:
    prompt: str
    palette: tuple[str, ...] = ()
    tokens: bytes = b""


@dataclass(frozen=True, kw_only=True)
class _Tried:
    drawn: Drawn
    verdict: TasteVerdict


@dataclass(frozen=True, kw_only=True)
class _Guide:
    """What a drawing goes by: a version of a taste (of nobody's: of somebody who has said nothing), and a reference."""

    told: InTaste
    version: TasteVersion
    profile: TasteProfile | None = None
    beside: BesideTaste | None = None

    @property
    def taste(self) -> str:
        """Whose taste has a share; nobody's where it has none."""
        return self.told.taste if self.told.share else ""

    def worth(self, verdict: TasteVerdict) -> float:
        """Return what a picture is worth in the end, in probability; beside a reference likeness counts, too."""
        if self.beside is None or verdict.likeness is None:
            return verdict.probability
        return self.beside.mixed(verdict.probability, verdict.likeness)

    def scored(self, one: _Tried, **more: Any) -> Drawn:
        """Return a drawn picture whose recipe says what was found of it."""
        if one.verdict.likeness is not None:
            more["like_score"] = round(one.verdict.likeness, 4)
        return dataclasses.replace(one.drawn, recipe=dataclasses.replace(one.drawn.recipe, **more))

    def told_of(self, best: _Tried, plain: _Tried, plain_id: str) -> Drawn:
        """Return a picture that was preferred to the plain one."""
        share = None if self.beside is None else self.beside.share
        return self.scored(
            best,
            like=self.told.like,
            taste_share=share,
            taste=self.taste,
            taste_score=self._liking(best),
            plain=plain_id,
            plain_score=self._liking(plain),
        )

    def told_of_plain(self, plain: _Tried) -> Drawn:
        """Return the plain picture, which was drawn in no taste and like nothing."""
        return self.scored(plain, plain_score=self._liking(plain))

    def _liking(self, one: _Tried) -> float | None:
        return round(one.verdict.probability, 4) if self.taste else None


class TasteDrawing:
    """Draws in a taste, or like a picture."""

    def __init__(  # noqa: PLR0913 - the parts of the studio that such a picture needs
        self,
        *,
        jobs: JobRunner,
        engine: TasteEngine,
        tastes: TasteService,
        generation: GenerationService,
        gallery: GalleryService,
        files: FileStore,
        log: DrawingLog,
    ) -> None:
        self._jobs = jobs
        self._log = log
        self._engine = engine
        self._tastes = tastes
        self._generation = generation
        self._gallery = gallery
        self._files = files

    def start(self, request: TasteRequest) -> Job[tuple[Picture, ...]]:
        """Draw pictures with and without the taste, at the same seeds; keep the plain ones and those that won.

        Returns:
            A job whose result has one picture for each seed: the one in the taste, whose recipe names the plain one,
            or the plain one where the taste did not prefer the other.

        Raises:
            UnknownConcept: a mention is not a concept of the owner.
            NotFound: no such taste, or no such picture.
            InvalidInput: the taste knows nothing yet.
            InvalidPhoto: the file to draw like is no picture.
            StorageFull: the disk has no room for the record; nothing is drawn.
        """
        owner = request.drawing.owner
        like = self._gallery.get(request.like_picture, owner).file if request.like_picture else ""
        data = None if request.like is None else picture_for_keeping(request.like)
        return self._start(request.drawing, dataclasses.replace(request.told, like=like), data)

    def resume(self, drawing_id: str, owner: str = "local") -> Job[tuple[Picture, ...]]:
        """Draw an interrupted drawing again, by the same recipe and in its taste, if any; raises as `start`.

        Raises:
            NotFound: as `start`, or the picture that it was to look like is deleted since.
        """
        drawing = self._log.find_interrupted(drawing_id, owner)
        told = drawing.in_taste
        if told is None:
            return self._generation.resume(drawing_id, owner)
        if told.share < 1 and not told.like:
            raise NotFound("The picture that this was to look like is deleted. Choose another, and draw it anew.")
        return self._start(drawing.request, told, instead_of=drawing_id)

    def prompts(self, request: TasteRequest) -> tuple[str, ...]:
        """Return what a taste makes of a prompt, the likeliest first; raises as `start`. No reference is looked at."""
        guide = self._guide(request.told, request.drawing.owner)
        return tuple(dict.fromkeys(way.prompt for way in self._ways(guide, request.drawing)))

    def _start(
        self, drawing: GenerateRequest, told: InTaste, reference: bytes | None = None, *, instead_of: str | None = None
    ) -> Job[tuple[Picture, ...]]:
        guide = self._guide(told, drawing.owner)
        first = secrets.randbelow(SEED_MAX + 1) if drawing.seed is None else drawing.seed
        drawing = dataclasses.replace(drawing, seed=first)
        self._generation.drawn(drawing)  # refuses an unknown mention before anything is begun
        entry = self._log.enter(drawing, instead_of=instead_of, in_taste=told, reference=reference)
        assert entry.in_taste is not None
        kept = entry.in_taste  # with the reference's place in the store

        def work(report: Report) -> tuple[Picture, ...]:
            report(0.0, "Looking at your picture" if kept.like else "Thinking of your taste")
            complete = dataclasses.replace(guide, told=kept, beside=self._beside(kept))
            return self._draw(drawing, complete, report)

        return self._jobs.start(
            f"Draw {drawing.prompt[:60]}", work, drawing.owner, job_id=entry.id, settled=lambda: self._log.settle(entry)
        )

    def _guide(self, told: InTaste, owner: str) -> _Guide:
        """Return what is known of the taste, of nobody's where it has no share; a reference is not looked at yet."""
        if told.taste:
            profile = self._tastes.get(told.taste, owner)
            if told.share:
                return _Guide(told=told, version=self._tastes.usable(profile), profile=profile)
        now = datetime.now(UTC)
        nobody = TasteVersion(number=0, made_at=now, why="", learned=self._engine.learn([], now).data)
        return _Guide(told=told, version=nobody)

    def _beside(self, told: InTaste) -> BesideTaste | None:
        if not told.like:
            return None
        return BesideTaste(look=self._engine.reference(read_kept(self._files.get(told.like))), share=told.share)

    def _ways(self, guide: _Guide, drawing: GenerateRequest) -> tuple[_Way, ...]:
        """Return ways to draw, the likeliest first."""
        version, told = guide.version, guide.told
        assert version.learned is not None
        found = self._engine.variants(
            version.learned, version.summary.interests, version.edits, told.tries, guide.beside
        )
        mentions = bool(drawing.concept or find_mentions(drawing.prompt, ()))
        palettes = self._generation.capabilities().palettes
        amount = Amount(told.amount)
        ways = [
            _Way(
                prompt=in_taste(drawing.prompt, variant, amount, mentions=mentions, palettes=palettes),
                palette=in_palette(drawing.prompt, variant, amount, mentions=mentions) if palettes else (),
                tokens=variant.tokens,
            )
            for variant in found or (TasteVariant(style="", colour=""),)
        ]
        return tuple(dict.fromkeys(ways))

    def _tried(self, drawing: GenerateRequest, way: _Way, guide: _Guide, report: Report) -> list[_Tried]:
        asked = dataclasses.replace(drawing, prompt=way.prompt, palette=way.palette or drawing.palette)
        drawn = self._generation.drawn(asked, taste=way.tokens)(report)
        verdicts = self._tastes.verdicts([one.image for one in drawn], guide.version, guide.profile, guide.beside)
        return [_Tried(drawn=one, verdict=said) for one, said in zip(drawn, verdicts, strict=True)]

    def _draw(self, drawing: GenerateRequest, guide: _Guide, report: Report) -> tuple[Picture, ...]:
        plainly = _Way(prompt=drawing.prompt)
        rounds = [plainly, *(way for way in self._ways(guide, drawing) if way != plainly)]
        tried = [
            self._tried(drawing, way, guide, part(report, _JUDGING * n / len(rounds), _JUDGING * (n + 1) / len(rounds)))
            for n, way in enumerate(rounds)
        ]
        report(_JUDGING, "Keeping the pictures")
        plain = tried[0]
        kept = self._generation.keep([guide.told_of_plain(one) for one in plain], drawing.owner)
        shown = list(kept)
        chosen: dict[int, Drawn] = {}
        for place, one in enumerate(plain):
            best = max(
                (attempt[place] for attempt in tried[1:]), key=lambda other: other.verdict.preference, default=one
            )
            if guide.worth(best.verdict) > guide.worth(one.verdict) + _MARGIN:
                chosen[place] = guide.told_of(best, one, kept[place].id)
        for place, picture in zip(chosen, self._generation.keep([*chosen.values()], drawing.owner), strict=True):
            shown[place] = picture
        return tuple(shown)
