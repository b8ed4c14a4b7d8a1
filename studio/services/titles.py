"""Titles for posters, suggested by the language model of the assistant; nothing is ever filled in by itself."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from studio import fonts
from studio.domain.generation import Picture
from studio.domain.titles import TitleRequest, tones_of
from studio.engines.base import AssistantEngine, Report, TitleTask
from studio.errors import InvalidInput, NothingSuggested, UnknownConcept
from studio.posters.templates import template_of
from studio.services.concepts import ConceptService
from studio.services.gallery import GalleryService
from studio.services.jobs import Job, JobRunner
from studio.services.taste import TasteService

_TITLE_FONTS = ("serif", "round")  # the template may be changed after a title was chosen
_SEEDS = 2**31
_SHOWN_MAX = 40  # characters of a prompt that say what a picture shows
_BESIDE = re.compile(r",|\s(in|at|on|under|by|with|wearing|riding|next|beside|and)\s")  # what comes after is not it


class TitleService:
    """Asks for titles; keeps none."""

    def __init__(
        self,
        *,
        jobs: JobRunner,
        engine: AssistantEngine,
        concepts: ConceptService,
        gallery: GalleryService,
        tastes: TasteService,
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._concepts = concepts
        self._gallery = gallery
        self._tastes = tastes

    def suggest(self, request: TitleRequest, owner: str = "local") -> Job[tuple[str, ...]]:
        """Let the language model make titles up.

        Raises:
            NotFound: there is no such picture or taste; `UnknownConcept`: no such thing.
            InvalidInput: there is no such template.
            NothingSuggested: as the job's error, where the model said nothing that could stand on a poster.
        """
        task = self._task(request, owner)

        def work(report: Report) -> tuple[str, ...]:
            def tell(titles: Sequence[str]) -> None:
                report(len(titles) / task.count, titles[-1] if titles else "Thinking of titles")

            titles = tuple(title for title in self._engine.titles(task, tell) if _can_be_set(title))
            if not titles:
                raise NothingSuggested(
                    "The language model said nothing that could stand on a poster. Let it try again, or write your own."
                )
            return titles

        return self._jobs.start("Suggest titles", work, owner)

    def _task(self, request: TitleRequest, owner: str) -> TitleTask:
        template_of(request.template)
        if request.concept:
            concept = self._concepts.get(request.concept, owner)
            name, kind = concept.name, concept.kind
        else:
            name, kind = self._shown(self._gallery.get(request.picture, owner), owner)
        return TitleTask(
            template=request.template.strip().lower(),
            name=name,
            kind=kind,
            tones=self._tones(request.taste, owner),
            count=request.count,
            seed=secrets.randbelow(_SEEDS) if request.seed is None else request.seed,
        )

    def _shown(self, picture: Picture, owner: str) -> tuple[str, str]:
        """Return name and kind of what a picture shows; of one without a known thing, how its prompt begins."""
        names = picture.recipe.concept_names
        if not names:
            return "", _BESIDE.split(picture.recipe.prompt)[0][:_SHOWN_MAX].strip()
        if len(names) > 1:
            return " and ".join(names), ""
        try:
            return names[0], self._concepts.get(picture.recipe.concepts[0], owner).kind
        except UnknownConcept:  # forgotten since
            return names[0], ""

    def _tones(self, taste: str | None, owner: str) -> tuple[str, ...]:
        if taste is None:
            profile = next((one for one in self._tastes.list(owner) if one.collecting), None)
        else:
            profile = self._tastes.get(taste, owner) if taste else None
        return tones_of(profile.version.leanings) if profile is not None else ()


def _can_be_set(title: str) -> bool:
    try:
        for font in _TITLE_FONTS:
            fonts.check_glyphs(title, font, "title")
    except InvalidInput:
        return False
    return True
