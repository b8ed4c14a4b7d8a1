"""Refining a thing, in the sheet where it is edited: a minute of training on its own photos, then a choice."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.domain.jobs import Status
from studio.studio import Studio
from studio.ui.concept_markup import refined
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import job_card, piece

Update = dict[Any, Any]


class RefiningSection:
    """A button, and what comes of it; the job goes on when the sheet is closed, and is found again in it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.begin = gr.Button("Refine it from its photos", elem_id="refine", elem_classes="k-quiet")
        self.stage = piece(name="refining")

    def wire(self, editing: gr.State) -> None:
        """Connect the handlers; `editing` holds the id of the concept in the sheet."""
        places = [self.stage, self.begin]
        self.begin.click(told(self.start), editing, places, api_name="refine", **QUIET)
        self.stage.end(self.show, editing, places, api_name="refined", **QUIET)
        self.stage.apply(told(self.keep), outputs=places, api_name="keep_refined", **QUIET)
        self.stage.undo(told(self.discard), outputs=places, api_name="discard_refined", **QUIET)
        self.stage.stop(told(stopper(self._studio.jobs)), **QUIET)

    def start(self, concept_id: str) -> Update:
        """Begin to refine."""
        self._studio.refining.start(concept_id)
        return self.show(concept_id)

    def show(self, concept_id: str) -> Update:
        """Show how far the concept's refinement is, or what it has brought; nothing where there is none."""
        job = self._studio.refining.undecided(concept_id)
        if job is None:
            return self._idle()
        if not job.status.ended:
            card = job_card(job.id, job.title, status=job.status, framed=False)
            return {self.stage: card, self.begin: gr.update(visible=False)}
        if job.status is not Status.DONE:
            self._studio.refining.discard(job.id)
            say_why(job)
            return self._idle()
        return {self.stage: refined(job.id, self._studio.refining.of(job.id)), self.begin: gr.update(visible=False)}

    def keep(self, event: gr.EventData) -> Update:
        """Give the concept its refined LoRA."""
        concept = self._studio.refining.keep(event.id)
        gr.Success(f"{concept.name} is drawn with its refined LoRA from now on.")
        return self._idle()

    def discard(self, event: gr.EventData) -> Update:
        """Leave everything as it was."""
        self._studio.refining.discard(event.id)
        return self._idle()

    def _idle(self) -> Update:
        return {self.stage: "", self.begin: gr.update(visible=True)}
