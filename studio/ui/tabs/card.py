"""The sheet with one concept: everything that is known of it, to be changed, added to, merged, split, taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.domain.changes import ConceptChanges
from studio.domain.concepts import Concept
from studio.domain.jobs import Status
from studio.errors import InvalidInput
from studio.services.jobs import Job
from studio.studio import Studio
from studio.ui.card_markup import head, photos, take_away, told_when
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import job_card, piece
from studio.ui.tabs.refining import RefiningSection
from studio.ui.timeline_markup import timeline
from studio.ui.uploads import contents

Update = dict[Any, Any]
_FIELDS = ("name", "kind", "facts", "aliases", "relations", "attributes", "consent")


class CardSheet:
    """One concept over the page; whatever changes its photos is a job that is followed in the sheet."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.editing = gr.State("")
        self.sheet = gr.Column(visible=False, elem_classes="k-modal", elem_id="edit")
        with self.sheet, gr.Column(elem_classes=["k-sheet", "k-fields", "k-card-sheet"]):
            self.title = piece()
            self.strip = piece(name="card-photos")
            self.more = gr.File(file_count="multiple", show_label=False, elem_id="card-add", elem_classes="k-drop")
            self.working = piece(name="card-working")
            self.name = gr.Textbox(label="Name", elem_id="edit-name")
            self.aliases = gr.Textbox(label="Also called, joined by commas", elem_id="edit-aliases")
            self.kind = gr.Textbox(label="What it is", elem_id="edit-kind")
            self.attributes = gr.Textbox(label="What sets it apart", elem_id="edit-attributes")
            self.facts = gr.Textbox(label="Facts, one a line", lines=3, max_lines=12, elem_id="edit-facts")
            self.when = piece(name="card-facts")
            self.relations = gr.Textbox(
                label="Relations, one a line", placeholder="belongs to Ana", lines=1, max_lines=8,
                elem_id="edit-relations",
            )  # fmt: skip
            self.consent = gr.Checkbox(label="They have agreed to be exported and shared", elem_id="edit-consent")
            self.timeline = piece(name="card-timeline")
            self.refining = RefiningSection(studio)
            with gr.Row(elem_classes="k-sheet-actions"):
                self.cancel = gr.Button("Cancel", elem_id="edit-cancel", elem_classes="k-modal-close")
                self.save = gr.Button("Save", variant="primary", elem_id="edit-save")
            with gr.Accordion("Merge, split, take away", open=False, elem_id="card-more", elem_classes="k-more"):
                self.other = gr.Dropdown([], label="Is the same as", elem_id="merge-with", filterable=False)
                self.merge = gr.Button("Merge into this one", elem_id="merge")
                self.picks = gr.CheckboxGroup([], label="Not the same: photos", elem_id="split-photos")
                self.split_name = gr.Textbox(label="They are called", placeholder="Rex", elem_id="split-name")
                self.split = gr.Button("Split them off", elem_id="split")
                self.files = piece(name="card-files")
        self._fields = [getattr(self, name) for name in _FIELDS]
        self.shown = [
            self.editing, self.sheet, self.title, self.strip, self.more, self.working, self.when, self.other,
            self.picks, self.split_name, self.files, self.timeline, self.refining.stage, self.refining.begin,
            *self._fields,
        ]  # fmt: skip

    def wire(self, cards: gr.HTML, read: Any) -> None:
        """Connect the handlers; `cards` is the shelf, and `read` says what is on it now."""
        self._cards, self._read = cards, read
        self.refining.wire(self.editing)
        cards.edit(told(self.on_edit), outputs=self.shown, **QUIET)
        gr.on(
            [self.save.click, self.name.submit, self.kind.submit],
            told(self.save_concept), [self.editing, *self._fields], [cards, self.sheet], **QUIET,
        )  # fmt: skip
        self.cancel.click(lambda: gr.update(visible=False), outputs=self.sheet, api_visibility="private", **QUIET)
        self.strip.undo(told(self.remove_photo), self.editing, self.working, **QUIET)
        self.more.upload(told(self.add_photos), [self.editing, self.more], [self.working, self.more], **QUIET)
        self.merge.click(told(self.merge_with), [self.editing, self.other], self.working, **QUIET)
        self.split.click(told(self.split_off), [self.editing, self.picks, self.split_name], self.working, **QUIET)
        self.working.end(told(self.on_changed), self.editing, [cards, *self.shown], **QUIET)
        self.working.stop(told(stopper(self._studio.jobs)), api_visibility="private", **QUIET)

    def on_edit(self, event: gr.EventData) -> Update:
        """Open the sheet with what is known of the concept."""
        return self._filled(self._studio.concepts.get(event.id))

    def save_concept(self, concept_id: str, *values: Any) -> Update:
        """Keep what the sheet says, in the order of its fields, and close it."""
        said: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
        changes: ConceptChanges = {
            "name": said["name"],
            "kind": said["kind"],
            "facts": said["facts"].splitlines(),
            "aliases": said["aliases"].split(","),
            "relations": said["relations"].splitlines(),
            "attributes": said["attributes"],
            "consent": said["consent"],
        }
        self._studio.concepts.edit(concept_id, **changes)
        return {self._cards: self._read(), self.sheet: gr.update(visible=False)}

    def add_photos(self, concept_id: str, paths: list[str] | None) -> Update:
        """Begin to learn the dropped photos."""
        job = self._studio.cards.add_photos(concept_id, contents(paths or []))
        for path in paths or []:
            Path(path).unlink(missing_ok=True)  # the upload still says where and when it was taken
        return {self.working: _followed(job), self.more: None}

    def remove_photo(self, concept_id: str, event: gr.EventData) -> str:
        """Remove the photo the event names; the page has asked before."""
        return _followed(self._studio.cards.remove_photos(concept_id, [event.id]))

    def merge_with(self, concept_id: str, other: str | None) -> str:
        """Take another concept into this one."""
        if not other:
            raise InvalidInput("Choose the concept that is the same as this one.")
        return _followed(self._studio.cards.merge(concept_id, other))

    def split_off(self, concept_id: str, picks: list[str], name: str) -> str:
        """Make a concept of its own of the chosen photos."""
        return _followed(self._studio.cards.split(concept_id, picks, name))

    def on_changed(self, concept_id: str, event: gr.EventData) -> Update:
        """Show the concept as it is now, or say why it is as it was."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is None or job.status is not Status.DONE:
            say_why(job)
        elif job.result().id != concept_id:
            gr.Success(f"{job.result().name} is a concept of its own now.")
        return {self._cards: self._read(), **self._filled(self._studio.concepts.get(concept_id))}

    def _filled(self, concept: Concept) -> Update:
        others = [(one.name, one.id) for one in self._studio.concepts.list() if one.id != concept.id]
        picks = [(str(number), photo.id) for number, photo in enumerate(concept.photos, 1)]
        return {
            self.editing: concept.id,
            self.sheet: gr.update(visible=True),
            self.title: head(concept),
            self.strip: photos(concept),
            self.more: None,
            self.working: "",
            self.name: concept.name,
            self.kind: concept.kind,
            self.aliases: ", ".join(concept.aliases),
            self.attributes: concept.attributes,
            self.facts: "\n".join(fact.text for fact in concept.facts),
            self.when: told_when(concept),
            self.relations: "\n".join(str(relation) for relation in concept.relations),
            self.consent: gr.update(value=concept.consent_at is not None, visible=concept.is_person),
            self.other: gr.update(choices=others, value=None),
            self.picks: gr.update(choices=picks, value=[], visible=len(picks) > 1),
            self.split_name: "",
            self.files: take_away(concept),
            self.timeline: timeline(self._studio.timeline.of(concept.id)),
            **self.refining.show(concept.id),
        }


def _followed(job: Job[Concept]) -> str:
    return job_card(job.id, job.title, status=job.status, framed=False)
