"""The page where a person talks about their things and pictures, and is told what each answer rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import NotFound
from studio.studio import Studio
from studio.ui.assistant_markup import beginning, notes_list, shelf, thread
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import heading, piece
from studio.ui.timeline_markup import folded, unfolded
from studio.ui.uploads import contents

Update = dict[Any, Any]
Place = dict[str, str]  # where a visitor is: {"conversation": id, "job": id}
_PASTED_MAX = 100_000  # gradio makes a file of a longer text


class AssistantPage:
    """The page; an answer is a job, and what pictures show is answered anew from what is known at each moment."""

    def __init__(self, studio: Studio, place: gr.BrowserState) -> None:
        self._studio = studio
        self.place = place  # over reloads
        piece(heading("Ask", "Talk about your things. Facts are quoted from cards; nothing is remembered unasked."))
        with gr.Row(elem_classes="k-columns k-chat", equal_height=False):
            with gr.Column(elem_classes="k-panel k-side", min_width=280):
                self.new = gr.Button("New conversation", elem_id="talk-new")
                self.words = gr.Textbox(label="Find", placeholder="balloons", elem_id="talk-find")
                self.list = piece(name="talks")
                self.notes = piece(name="notes")
                self.times = piece(folded(), name="times")
            with gr.Column(elem_classes="k-main", min_width=280):
                self.thread = piece(name="talk")
                self.box = gr.MultimodalTextbox(
                    show_label=False, placeholder="Ask, or add a picture", file_count="multiple", lines=1, max_lines=8,
                    elem_id="ask", max_plain_text_length=_PASTED_MAX, container=False, sources=["upload"],
                )  # fmt: skip

    def wire(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Connect the handlers; what is shown follows what is known whenever `tab` is opened."""
        everything = [self.thread, self.list, self.notes, self.place]
        self.box.submit(
            told(self.ask), [self.box, self.place, self.words], [*everything, self.box], api_name="ask", **QUIET
        )
        self.thread.end(told(self.on_end), [self.place, self.words], everything, api_name="answered", **QUIET)
        self.thread.stop(told(stopper(self._studio.jobs)), api_name="stop_answer", **QUIET)
        for event, handler, name in (
            (self.thread.undo, self.refuse, "chat_not_this"),
            (self.thread.apply, self.confirm, "chat_this_is"),
            (self.thread.retry, self.again, "answer_again"),
            (self.thread.like, self.remember, "remember"),
            (self.thread.clear, self.decline, "remember_not"),
            (self.list.delete, self.delete, "delete_talk"),
            (self.notes.delete, self.forget_note, "forget_note"),
        ):
            event(told(handler), [self.place, self.words], everything, api_name=name, **QUIET)
        for one, name in ((self.list, "open_talk"), (self.times, "open_talk_of_then")):
            one.select(told(self.open), self.words, everything, api_name=name, **QUIET)
        self.times.expand(told(self.unfold), outputs=self.times, api_name="what_happened_when", **QUIET)
        self.new.click(told(self.begin), self.words, everything, api_name="new_talk", **QUIET)
        self.words.change(
            told(self.find), [self.words, self.place], self.list, api_name="find_talk", trigger_mode="always_last",
            **QUIET,
        )  # fmt: skip
        # The browser's state may be read before or after the page has loaded: whichever comes last finds it.
        gr.on(
            [page.load, self.place.change, tab.select],
            told(self.show), [self.place, self.words], [self.thread, self.list, self.notes],
            api_name="talk", **QUIET,
        )  # fmt: skip

    def ask(self, given: dict[str, Any] | None, place: Place | None, words: str | None) -> Update:
        """Say something."""
        given = given or {}
        paths = [Path(path) for path in given.get("files") or []]
        dropped = contents([str(path) for path in paths])
        job, conversation = self._studio.assistant.begin(
            given.get("text") or "", dropped, conversation_id=self._opened(place) or None
        )
        for path in paths:
            path.unlink(missing_ok=True)  # the upload still says where and when it was taken
        return {**self._page({"conversation": conversation, "job": job.id}, words), self.box: None}

    def on_end(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Show what came of the job that the event names."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is not None:
            say_why(job)
        return self._page({"conversation": self._opened(place), "job": ""}, words)

    def refuse(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Take a name off a place of a picture and remember that it was wrong."""
        picture, region, _ = _named_place(event.id)
        self._studio.assistant.refuse(picture, region)
        return self._page(place, words)

    def confirm(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Give a place of a picture a name and remember what it looks like."""
        picture, region, concept = _named_place(event.id)
        known = self._studio.assistant.confirm(picture, region, concept)
        gr.Success(f"Thank you. {known.name} is known a little better now.")
        return self._page(place, words)

    def again(self, place: Place | None, words: str | None) -> Update:
        """Answer the last question once more."""
        conversation = self._opened(place)
        job = self._studio.assistant.again(conversation)
        return self._page({"conversation": conversation, "job": job.id}, words)

    def remember(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Store what was proposed."""
        message, _, number = str(event.id).rpartition("/")
        kept = self._studio.assistant.remember(message, _number(number))
        gr.Success(f"Remembered about {kept.concept}.")
        return self._page(place, words)

    def decline(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Do not store what was proposed."""
        message, _, number = str(event.id).rpartition("/")
        self._studio.assistant.decline(message, _number(number))
        return self._page(place, words)

    def open(self, words: str | None, event: gr.EventData) -> Update:
        """Show another conversation."""
        return self._page({"conversation": str(event.id), "job": ""}, words)

    def delete(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Delete a conversation."""
        self._studio.assistant.delete(str(event.id))
        gone = self._opened(place) == event.id
        return self._page({"conversation": "", "job": ""} if gone else place, words)

    def forget_note(self, place: Place | None, words: str | None, event: gr.EventData) -> Update:
        """Forget something about the person."""
        self._studio.assistant.forget_note(str(event.id))
        return self._page(place, words)

    def begin(self, words: str | None) -> Update:
        """Show an empty conversation."""
        return self._page({"conversation": "", "job": ""}, words)

    def find(self, words: str | None, place: Place | None) -> str:
        """List the conversations in which something was said."""
        words = words or ""  # None before the field was drawn
        return shelf(
            self._studio.assistant.conversations(words), self._opened(place) or None, searched=bool(words.strip())
        )

    def show(self, place: Place | None, words: str | None) -> Update:
        """Show where the visitor was before the reload."""
        page = self._page(place, words)
        page.pop(self.place)
        return page

    def unfold(self) -> str:
        """Tell what happened when; it is read out of all that is kept, so not before somebody asks."""
        return unfolded(self._studio.timeline.all())

    def _page(self, place: Place | None, words: str | None) -> Update:
        place = place or {}
        return {
            self.thread: self._thread(place),
            self.list: self.find(words, place),
            self.notes: notes_list(self._studio.assistant.notes()),
            self.place: place,
        }

    def _thread(self, place: Place) -> str:
        concepts = self._studio.concepts.list()
        conversation = self._opened(place)
        # Before the messages are read: an answer that comes in between is among them then, and not missing from both.
        job = next((job for job in self._studio.jobs.list() if job.id == place.get("job")), None)
        running = (job.id, job.status) if job is not None and not job.status.ended else None
        try:
            messages = self._studio.assistant.messages(conversation) if conversation else []
        except NotFound:  # deleted in another window
            messages = []
        if not messages:
            return beginning(concepts)
        return thread(messages, self._studio.assistant.recognised(messages), concepts, job=running)

    @staticmethod
    def _opened(place: Place | None) -> str:
        return (place or {}).get("conversation", "")


def _named_place(name: str) -> tuple[str, int, str]:
    """Return picture, place and concept of ``picture/place[/concept]``."""
    picture, region, concept = [*str(name).split("/"), "", "", ""][:3]
    return picture, _number(region), concept


def _number(text: str) -> int:
    if not text.isdecimal():
        raise NotFound(f"There is no {text[:40]!r} here (any more).")
    return int(text)
