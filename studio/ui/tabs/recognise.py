"""The page that says what is in a photo, and is told where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from studio.domain.jobs import Status
from studio.domain.recognition import check_photo_count
from studio.errors import NotFound
from studio.services.recognition import Seen
from studio.studio import Studio
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import empty, heading, job_card, piece
from studio.ui.recognition_markup import scenes
from studio.ui.uploads import contents

Update = dict[Any, Any]


class RecognisePage:
    """The page; looking is a job, and what the photos show is answered anew from what is known at each moment."""

    def __init__(self, studio: Studio, running: gr.BrowserState) -> None:
        self._studio = studio
        self.running = running  # the id of the job, over reloads
        piece(
            heading(
                "Who is it?",
                "Drop any photo. The studio says which of your things are in it, and which it does not know.",
            )
        )
        with gr.Row(elem_classes="k-columns", equal_height=False):
            with gr.Column(elem_classes="k-panel k-side", min_width=280):
                self.photos = gr.File(
                    file_count="multiple", show_label=False, elem_id="scene-photos", elem_classes="k-drop"
                )
                piece(
                    '<p class="k-small">The photo stays on this machine and is not kept. What you correct is: '
                    "that small part of the photo becomes an example.</p>"
                )
            with gr.Column(elem_classes="k-main", min_width=280):
                self.stage = piece(self.empty_stage(), name="scenes")

    def wire(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Connect the handlers; what is shown follows what is known whenever `tab` is opened."""
        outputs = [self.stage, self.running, self.photos]
        self.photos.upload(told(self.look), self.photos, outputs, api_name="look", **QUIET)
        self.stage.end(told(self.on_end), outputs=self.stage, api_name="looked", **QUIET)
        self.stage.stop(told(stopper(self._studio.jobs)), api_visibility="private", **QUIET)
        self.stage.undo(told(self.refuse), outputs=self.stage, api_name="not_this", **QUIET)
        self.stage.apply(told(self.confirm), outputs=self.stage, api_name="this_is", **QUIET)
        # The browser's state may be read before or after the page has loaded: whichever comes last finds the job.
        gr.on(
            [page.load, self.running.change, tab.select],
            told(self.find_looking), self.running, self.stage, api_visibility="private", **QUIET,
        )  # fmt: skip

    def empty_stage(self) -> str:
        """Return what stands where the photo will be."""
        if self._studio.concepts.list():
            return empty(
                "frame", "Your photo appears here", "With the names of what is known, and a ? for what is not."
            )
        action = (
            '<button type="button" class="k-button k-primary" data-do="go" data-tab="concepts">Add a thing</button>'
        )
        return empty(
            "photos", "Nothing is known yet", "Add a thing first; then it is found in other photos.", Markup(action)
        )

    def look(self, photos: list[str] | None) -> Update:
        """Begin to look at the dropped photos."""
        paths = [Path(photo) for photo in photos or []]
        check_photo_count(len(paths))
        dropped = contents(photos or [])
        for path in paths:
            path.unlink(missing_ok=True)  # the upload still says where and when it was taken
        job = self._studio.recognition.look(dropped)
        card = job_card(job.id, "Looking", status=job.status, framed=False)
        return {self.stage: card, self.running: job.id, self.photos: None}

    def on_end(self, event: gr.EventData) -> str:
        """Show what was found by the job that the event names."""
        job: Any = self._studio.jobs.get(event.id)
        if job.status is not Status.DONE:
            say_why(job)
            return self.empty_stage()
        return self._answered(job.id, _seen(job))

    def refuse(self, event: gr.EventData) -> str:
        """Take a name off a place and remember that it was wrong."""
        job_id, seen, number, region, _ = self._place(event.id)
        self._studio.recognition.refuse(seen[number], region)
        return self._answered(job_id, seen)

    def confirm(self, event: gr.EventData) -> str:
        """Give a place a name and remember what it looks like."""
        job_id, seen, number, region, concept = self._place(event.id)
        known = self._studio.recognition.confirm(seen[number], region, concept)
        gr.Success(f"Thank you. {known.name} is known a little better now.")
        return self._answered(job_id, seen)

    def find_looking(self, job_id: str | None) -> str:
        """Show the photos of before the reload again, by what is known now."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == job_id), None)
        if job is None or job.status in (Status.FAILED, Status.CANCELLED):
            return self.empty_stage()
        if job.status is Status.DONE:
            return self._answered(job.id, _seen(job))
        return job_card(job.id, "Looking", status=job.status, framed=False)

    def _answered(self, job_id: str, seen: tuple[Seen, ...]) -> str:
        answers = self._studio.recognition.answer(seen)
        return scenes(job_id, answers, self._studio.concepts.list())

    def _place(self, name: str) -> tuple[str, tuple[Seen, ...], int, int, str]:
        """Return job, photos, number of the photo, place and concept of ``job/photo/place[/concept]``."""
        job_id, photo, region, concept = [*name.split("/"), "", "", ""][:4]
        seen = _seen(self._studio.jobs.get(job_id))
        if not (photo.isdecimal() and region.isdecimal() and int(photo) < len(seen)):
            raise NotFound(f"There is no place {name[:80]!r} (any more). Drop the photo again.")
        return job_id, seen, int(photo), int(region), concept


def _seen(job: Any) -> tuple[Seen, ...]:
    found = job.result(timeout=0) if job.status is Status.DONE else ()
    if not (isinstance(found, tuple) and all(isinstance(one, Seen) for one in found)):
        raise NotFound(f"The job {job.id} has looked at no photo.")
    return found
