"""The shelf: everything kept as cards; edit and forget."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.studio import Studio
from studio.ui.concept_markup import cover, shelf
from studio.ui.feedback import QUIET, told
from studio.ui.markup import empty, html, piece, tape, waiting
from studio.ui.tabs.refining import RefiningSection

Update = dict[Any, Any]


class Shelf:
    """The cards, and the sheet in which one of them is edited."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.cards = piece(waiting(), name="things")
        self.editing = gr.State("")
        self.sheet = gr.Column(visible=False, elem_classes="k-modal", elem_id="edit")
        with self.sheet, gr.Column(elem_classes=["k-sheet", "k-fields"]):
            self.title = piece()
            self.name = gr.Textbox(label="Name", elem_id="edit-name")
            self.kind = gr.Textbox(label="What it is", elem_id="edit-kind")
            self.facts = gr.Textbox(label="Facts, one a line", lines=3, max_lines=12, elem_id="edit-facts")
            self.refining = RefiningSection(studio)
            with gr.Row(elem_classes="k-sheet-actions"):
                self.cancel = gr.Button("Cancel", elem_id="edit-cancel", elem_classes="k-modal-close")
                self.save = gr.Button("Save", variant="primary", elem_id="edit-save")

    def wire(self, page: gr.Blocks) -> None:
        """Connect the handlers."""
        fields = [self.name, self.kind, self.facts]
        page.load(self.read, outputs=self.cards, api_name="concepts", **QUIET)
        opened = [self.editing, self.sheet, self.title, *fields, self.refining.stage, self.refining.begin]
        self.cards.edit(told(self.on_edit), outputs=opened, **QUIET)
        self.refining.wire(self.editing)
        self.cards.delete(told(self.on_forget), outputs=self.cards, **QUIET)
        gr.on(
            [self.save.click, self.name.submit, self.kind.submit],
            told(self.save_concept), [self.editing, *fields], [self.cards, self.sheet], **QUIET,
        )  # fmt: skip
        self.cancel.click(lambda: gr.update(visible=False), outputs=self.sheet, api_visibility="private", **QUIET)

    def read(self) -> str:
        """Return the shelf as it is now."""
        concepts = self._studio.concepts.list()
        if concepts:
            return shelf(concepts)
        return empty(
            "photos",
            "Nothing kept yet",
            "Drop a few photos of one thing. Two or three from different sides work best; one will do.",
        )

    def on_edit(self, event: gr.EventData) -> Update:
        """Open the sheet with what is known of the concept."""
        concept = self._studio.concepts.get(event.id)
        title = html('<div class="k-sheet-head">{cover}{tape}</div>', cover=cover(concept), tape=tape(concept.handle))
        return {
            self.editing: concept.id,
            self.sheet: gr.update(visible=True),
            self.title: title,
            self.name: concept.name,
            self.kind: concept.kind,
            self.facts: "\n".join(fact.text for fact in concept.facts),
            **self.refining.show(concept.id),
        }

    def save_concept(self, concept_id: str, name: str, kind: str, facts: str) -> Update:
        """Keep what the sheet says and close it."""
        self._studio.concepts.edit(concept_id, name=name, kind=kind, facts=tuple(facts.splitlines()))
        return {self.cards: self.read(), self.sheet: gr.update(visible=False)}

    def on_forget(self, event: gr.EventData) -> str:
        """Forget the concept; the page has asked before."""
        name = self._studio.concepts.get(event.id).name
        self._studio.concepts.forget(event.id)
        gr.Info(f"{name} is forgotten. Its photos are removed from this machine.")
        return self.read()
