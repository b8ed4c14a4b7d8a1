"""Style LoRAs on the page where pictures are made: one to draw with, and a shelf of those that were dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.domain.jobs import Status
from studio.domain.style_loras import AddStyleLoraRequest, check_file
from studio.errors import InvalidInput
from studio.studio import Studio
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import job_card, piece
from studio.ui.style_markup import styles

Update = dict[Any, Any]
NONE = ("None", "")


class StyleLoraSection:
    """A choice that is there as soon as something can be chosen, and a shelf that is folded away.

    Attributes:
        chosen: the name of the one to draw with; "" for none.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        names = self._names()
        self.chosen = gr.Dropdown(
            [NONE, *names], value="", label="Style LoRA", elem_id="style-lora", filterable=False, visible=bool(names)
        )

    def shelf(self) -> None:
        """Put the shelf where this is called."""
        with gr.Accordion("Style LoRAs", open=False, elem_id="style-loras", elem_classes="k-more"):
            self.list = piece(name="style-list")
            self.adding = piece(name="style-adding")
            self.file = gr.File(show_label=False, elem_id="style-file", elem_classes="k-drop")

    def wire(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Connect the handlers; the shelf is read whenever `tab` is opened."""
        both = [self.list, self.chosen]
        gr.on([page.load, tab.select], self.read, self.chosen, both, api_name="style_loras", preprocess=False, **QUIET)
        self.file.upload(told(self.add), self.file, [self.adding, self.file], api_name="add_style_lora", **QUIET)
        self.adding.end(told(self.on_added), outputs=[*both, self.adding], api_name="style_lora_added", **QUIET)
        self.adding.stop(told(stopper(self._studio.jobs)), api_visibility="private", **QUIET)
        self.list.edit(told(self.edit), self.chosen, both, api_name="edit_style_lora", preprocess=False, **QUIET)
        self.list.delete(told(self.remove), self.chosen, both, api_name="remove_style_lora", preprocess=False, **QUIET)

    def read(self, chosen: str) -> Update:
        """Show what there is."""
        names = self._names()
        known = chosen if (chosen, chosen) in names else ""
        return {
            self.list: styles(self._studio.style_loras.list()),
            self.chosen: gr.update(choices=[NONE, *names], value=known, visible=bool(names)),
        }

    def add(self, path: str | None) -> Update:
        """Begin to read a dropped file."""
        if path is None:
            return {self.adding: "", self.file: None}
        try:
            check_file(Path(path).name, Path(path).stat().st_size)
            request = AddStyleLoraRequest(data=Path(path).read_bytes(), file_name=Path(path).name)
            Path(path).unlink(missing_ok=True)
        except FileNotFoundError as gone:
            raise InvalidInput("The file is not here any more: it waited too long. Drop it once more.") from gone
        job = self._studio.style_loras.add(request)
        return {self.adding: job_card(job.id, "Reading it", status=job.status, framed=False), self.file: None}

    def on_added(self, event: gr.EventData) -> Update:
        """Show what was added, and choose it; or say why it was not."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is None or job.status is not Status.DONE:
            say_why(job)
            return {self.adding: ""}
        return {**self.read(job.result().name), self.adding: ""}

    def edit(self, chosen: str, event: gr.EventData) -> Update:
        """Set what the event says: ``strength/<id>=0.8`` or ``trigger/<id>=words``."""
        field, _, value = event.id.partition("=")
        what, _, style_id = field.partition("/")
        if what == "strength":
            self._studio.style_loras.edit(style_id, strength=_number(value))
        else:
            self._studio.style_loras.edit(style_id, trigger=value)
        return self.read(chosen)

    def remove(self, chosen: str, event: gr.EventData) -> Update:
        """Remove the one of the event; the page has asked before."""
        receipt = self._studio.style_loras.remove(event.id)
        gr.Info(f"{receipt.concept} is removed from this machine.")
        return self.read(chosen)

    def name_of(self, style_id: str) -> str:
        """Return what the one of an id is called now; "" where there is none any more."""
        return next((one.name for one in self._studio.style_loras.list() if one.id == style_id), "")

    def _names(self) -> list[tuple[str, str]]:
        return [(one.name, one.name) for one in self._studio.style_loras.list()]


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise InvalidInput(f"The strength is {value[:20]!r}; a number is needed.") from error
