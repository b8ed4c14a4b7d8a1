"""The shelf: everything kept as cards, and the receipt of what was forgotten."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.studio import Studio
from studio.ui.card_markup import receipt
from studio.ui.concept_markup import shelf
from studio.ui.feedback import QUIET, told
from studio.ui.markup import empty, piece, waiting
from studio.ui.tabs.card import CardSheet

Update = dict[Any, Any]


class Shelf:
    """The cards, and the sheet in which one of them is looked at."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.receipt = piece(name="receipt")
        self.cards = piece(waiting(), name="things")
        self.card = CardSheet(studio)

    def wire(self, page: gr.Blocks) -> None:
        """Connect the handlers."""
        page.load(self.read, outputs=self.cards, api_name="concepts", **QUIET)
        self.cards.delete(told(self.on_forget), outputs=[self.cards, self.receipt], **QUIET)
        self.receipt.clear(lambda: "", outputs=self.receipt, api_visibility="private", **QUIET)
        self.card.wire(self.cards, self.read)

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

    def on_forget(self, event: gr.EventData) -> Update:
        """Forget the concept, with its pictures where that was ticked; the page has asked before."""
        done = self._studio.concepts.forget(event.id, pictures=bool(getattr(event, "also", False)))
        return {self.cards: self.read(), self.receipt: receipt(done)}
