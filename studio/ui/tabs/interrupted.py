"""What the end of the studio interrupted: each drawing with one click to draw it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.studio import Studio
from studio.ui.feedback import QUIET, told
from studio.ui.markup import piece
from studio.ui.picture_markup import interrupted

if TYPE_CHECKING:
    from studio.ui.tabs.create import CreatePage

Update = dict[Any, Any]


class InterruptedDrawings:
    """Notes above the stage; nothing where nothing was interrupted."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.notes = piece(name="interrupted")

    def wire(self, page: gr.Blocks, create: CreatePage) -> None:
        """Connect the handlers; the notes are read whenever `page` loads and a drawing of `create` has ended."""
        self._create = create
        gr.on([page.load, create.stage.end], self.read, outputs=self.notes, api_name="interrupted", **QUIET)
        outputs = [self.notes, create.stage, create.draw, create.running]
        self.notes.retry(told(self.resume), outputs=outputs, api_name="resume", **QUIET)
        self.notes.clear(told(self.dismiss), outputs=self.notes, api_name="dismiss", **QUIET)

    def read(self) -> str:
        """Return the notes as they are now."""
        return interrupted(self._studio.generation.interrupted())

    def resume(self, event: gr.EventData) -> Update:
        """Draw the drawing of the event again, in its taste where it has one."""
        job = self._studio.taste_drawing.resume(event.id)
        return {**self._create.follow(job), self.notes: self.read()}

    def dismiss(self, event: gr.EventData) -> str:
        """Forget the drawing of the event."""
        self._studio.generation.dismiss(event.id)
        return self.read()
