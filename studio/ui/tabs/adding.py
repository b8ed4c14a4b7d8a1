"""Adding a thing: drop photos, see what was understood of them, name it, keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.domain.concepts import AddConceptRequest
from studio.domain.jobs import Status
from studio.domain.people import is_person
from studio.errors import InvalidInput
from studio.studio import Studio
from studio.ui.concept_markup import mixed, suggested_kinds, understood
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import job_card, piece
from studio.ui.tabs.shelf import Shelf
from studio.ui.uploads import contents

Update = dict[Any, Any]


class AddingPanel:
    """The panel; everything that takes longer than a moment is a job, and a reload finds it again."""

    def __init__(self, studio: Studio, running: gr.BrowserState) -> None:
        self._studio = studio
        self.running = running  # the id of the job, over reloads
        piece('<h2 class="k-panel-title">Add a thing</h2>')
        self.photos = gr.File(file_count="multiple", show_label=False, elem_id="photos", elem_classes="k-drop")
        self.seen = piece(name="understood")
        with gr.Column(visible=False, elem_classes="k-fields", elem_id="about") as self.about:
            self.name = gr.Textbox(label="Name", placeholder="Bo", elem_id="concept-name")
            self.kind = gr.Textbox(label="What it is", placeholder="dog", elem_id="concept-kind")
            self.facts = gr.Textbox(
                label="Facts, one a line",
                placeholder="has one white paw",
                lines=2,
                max_lines=8,
                elem_id="concept-facts",
            )
            self.consent = gr.Checkbox(
                label="They have agreed to be exported and shared", visible=False, elem_id="concept-consent"
            )
            self.one_thing = gr.Checkbox(
                label="All photos show it, even if they do not look alike", visible=False, elem_id="one-thing"
            )
            self.keep = gr.Button("Keep it", variant="primary", elem_id="keep")
        self.adding = piece(name="adding")
        with gr.Accordion("From a concept file", open=False, elem_id="import", elem_classes="k-more"):
            self.called = gr.Textbox(label="Call it", placeholder="as in the file", elem_id="import-name")
            self.file = gr.UploadButton("Choose the file", file_types=[".zip"], elem_id="import-file")

    def wire(self, page: gr.Blocks, shelf: Shelf) -> None:
        """Connect the handlers; `shelf` shows what was added."""
        about = [self.photos, self.name, self.kind, self.facts, self.consent, self.one_thing]
        self.kind.change(
            lambda kind: gr.update(visible=is_person(kind)), self.kind, self.consent, api_visibility="private", **QUIET
        )
        self.file.upload(
            told(self.import_concept), [self.file, self.called], [self.adding, self.keep, self.running, self.file],
            **QUIET,
        )  # fmt: skip
        self.photos.change(
            told(self.read_photos), self.photos, [self.seen, self.about], trigger_mode="always_last", **QUIET
        )
        self.seen.end(told(self.on_read), self.kind, [self.seen, self.about, self.kind, self.one_thing], **QUIET)
        gr.on(
            [self.keep.click, self.name.submit, self.kind.submit],
            told(self.add_concept), about, [self.adding, self.keep, self.running], **QUIET,
        )  # fmt: skip
        self.adding.end(
            told(self.on_added), self.photos,
            [*about, self.seen, self.about, self.adding, self.keep, self.running, self.called, shelf.cards], **QUIET,
        ).then(shelf.read, outputs=shelf.cards, **QUIET)  # fmt: skip
        self.seen.undo(told(self.leave_out), self.photos, self.photos, **QUIET)
        self.seen.clear(lambda: None, outputs=self.photos, api_visibility="private", **QUIET)
        gr.on([self.seen.stop, self.adding.stop], told(stopper(self._studio.jobs)), **QUIET)
        # The browser's state may be read before or after the page has loaded: whichever comes last finds the job.
        gr.on([page.load, self.running.change], self.find_running, self.running, [self.adding, self.keep], **QUIET)

    def read_photos(self, photos: list[str] | None) -> Update:
        """Begin to look at the dropped photos."""
        if not photos:
            return {self.seen: "", self.about: gr.update(visible=False)}
        job = self._studio.concepts.read(contents(photos))
        return {self.seen: job_card(job.id, "Looking at it", status=job.status, framed=False)}

    def on_read(self, kind: str, event: gr.EventData) -> Update:
        """Show what was understood; the likeliest kind fills an empty field."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is None or job.status is not Status.DONE:
            say_why(job)
            return {self.seen: ""}
        readings = job.result()
        return {
            self.seen: understood(job.id, readings),
            self.about: gr.update(visible=True),
            self.kind: kind or "".join(suggested_kinds(readings)[:1]),
            self.one_thing: gr.update(visible=bool(mixed(readings)), value=False),
        }

    def leave_out(self, photos: list[str] | None, event: gr.EventData) -> list[str] | None:
        """Take one photo out; the rest is looked at again."""
        kept = [photo for number, photo in enumerate(photos or []) if str(number) != event.id]
        return kept or None

    def add_concept(
        self,
        photos: list[str] | None,
        name: str,
        kind: str,
        facts: str,
        consent: bool = False,
        one_thing: bool = False,
    ) -> Update:
        """Begin to learn the thing."""
        request = AddConceptRequest(
            name=name,
            kind=kind,
            facts=tuple(facts.splitlines()),
            photos=tuple(contents(photos or [])),
            consent=consent and is_person(kind),
            one_thing=one_thing,
        )
        job = self._studio.concepts.add(request)
        card = job_card(job.id, f"Learning {request.name}", status=job.status, framed=False)
        return {self.adding: card, self.running: job.id, self.keep: gr.update(interactive=False)}

    def import_concept(self, path: str | None, name: str) -> Update:
        """Begin to take in a concept from a file."""
        if not path:
            raise InvalidInput("No file was chosen.")
        data = Path(path).read_bytes()
        Path(path).unlink(missing_ok=True)
        job = self._studio.transfers.import_(data, name=name.strip() or None)
        card = job_card(job.id, job.title, status=job.status, framed=False)
        return {self.adding: card, self.running: job.id, self.keep: gr.update(interactive=False), self.file: None}

    def on_added(self, photos: list[str] | None, event: gr.EventData) -> Update:
        """Clear the panel for the next thing, or say why nothing was added."""
        rest: Update = {self.adding: "", self.running: None, self.keep: gr.update(interactive=True)}
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is None or job.status is not Status.DONE:
            say_why(job)
            return rest
        for photo in photos or []:
            Path(photo).unlink(missing_ok=True)  # the upload still says where and when it was taken
        concept = job.result()
        gr.Success(f"{concept.name} is kept. Write @{concept.handle} in a prompt to draw it.")
        blank: Update = dict.fromkeys((self.seen, self.name, self.kind, self.facts, self.called), "")
        unasked = {box: gr.update(value=False, visible=False) for box in (self.consent, self.one_thing)}
        return {**rest, **blank, **unasked, self.about: gr.update(visible=False), self.photos: None}

    def find_running(self, job_id: str | None) -> Update:
        """Show the job of before the reload again, if it is still known."""
        job = next((job for job in self._studio.jobs.list() if job.id == job_id), None)
        if job is None:  # forgetting the id here could forget one that the browser has not told yet
            return {self.adding: gr.skip()}
        card = job_card(job.id, job.title, status=job.status, framed=False)
        return {self.adding: card, self.keep: gr.update(interactive=False)}
