"""The page where a picture and words become a poster, seen as it is written."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from studio.domain.generation import Picture
from studio.domain.jobs import Status
from studio.domain.posters import CREDITS_MAX, LINE_MAX, SIZES, TITLE_MAX, PosterWords, size_of
from studio.domain.titles import TitleRequest
from studio.errors import InvalidInput
from studio.studio import Studio
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import empty, heading, job_card, piece, waiting
from studio.ui.poster_markup import LOOK_WIDTH, choice, shown, suggestions

Update = dict[Any, Any]
TEMPLATES = {
    "Portrait": "portrait",
    "Event": "event",
    "Birthday": "birthday",
    "Quote": "quote",
    "Film": "film",
}
PICTURES_MAX = 30
SUGGEST = "Suggest titles"


class PostersPage:
    """The page. A poster is a picture's id and what the fields say; nothing else is kept."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        piece(heading("Posters", "A picture, a few words, real type. The file goes to the printer as it is."))
        with gr.Row(elem_classes="k-columns", equal_height=False):
            with gr.Column(elem_classes="k-panel k-side", min_width=280, visible=False) as self.panel:
                self._fields()
            with gr.Column(elem_classes="k-main", min_width=280):
                self.stage = piece(waiting(), name="poster-stage")
        self.picture = gr.State("")

    def _fields(self) -> None:
        self.pictures = piece(name="poster-pictures")
        self.template = gr.Radio(
            list(TEMPLATES.items()), value="portrait", label="Template", elem_id="poster-template",
            elem_classes="k-segments",
        )  # fmt: skip
        self.title = gr.Textbox(
            "", label="Title", lines=2, max_lines=4, max_length=TITLE_MAX, elem_id="poster-title", placeholder="Bo"
        )
        with gr.Column(elem_classes="k-titles"):
            self.suggest = gr.Button(SUGGEST, size="sm", elem_id="poster-suggest")
            self.titles = piece(name="poster-titles")
        self.line = gr.Textbox(
            "", label="Line", max_length=LINE_MAX, max_lines=2, elem_id="poster-line", placeholder="Good boy since 2019"
        )
        self.credits = gr.Textbox(
            "", label="Small print", lines=2, max_lines=5, max_length=CREDITS_MAX, elem_id="poster-credits",
            placeholder="Where, when, who",
        )  # fmt: skip
        self.size = gr.Dropdown(
            [(size.says, size.name) for size in SIZES.values()], value="A3", label="Size", elem_id="poster-size",
            filterable=False,
        )  # fmt: skip

    def wire(self, tab: gr.Tab) -> None:
        """Connect the handlers; the poster follows every field."""
        fields = [self.picture, self.template, self.title, self.line, self.credits, self.size]
        outputs = [self.stage, self.panel, self.pictures, self.picture, self.title]
        texts = [self.title, self.line, self.credits]
        gr.on(
            [tab.select, self.template.change, self.size.change, *(text.input for text in texts)],
            told(self.show), fields, outputs, api_name="poster", trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        suggesting = [self.titles, self.suggest]
        self.pictures.select(told(self.choose), fields[1:], [*outputs, *suggesting], api_visibility="private", **QUIET)
        self.suggest.click(
            told(self.ask), [self.picture, self.template], suggesting, api_name="suggest_titles", **QUIET
        )
        self.titles.end(told(self.on_titles), outputs=suggesting, api_name="titles_suggested", **QUIET)
        self.titles.stop(told(stopper(self._studio.jobs)), api_visibility="private", **QUIET)
        self.titles.select(
            told(self.pick), [self.picture, self.template, self.line, self.credits, self.size], outputs,
            api_name="pick_title", **QUIET,
        )  # fmt: skip

    def choose(self, template: str, title: str, line: str, credits: str, size: str, event: gr.EventData) -> Update:
        """Take the picture the event names; titles for another one go."""
        return {**self.show(event.id, template, title, line, credits, size), **self._idle("")}

    def ask(self, picture_id: str, template: str) -> Update:
        """Begin to let the language model make titles up."""
        if not picture_id:
            raise InvalidInput("There is no picture that a title could be for. Draw one first.")
        job = self._studio.titles.suggest(TitleRequest(template=template, picture=picture_id))
        card = job_card(job.id, "Making titles up", status=job.status, framed=False)
        return {self.titles: card, self.suggest: gr.update(value="Thinking…", interactive=False)}

    def on_titles(self, event: gr.EventData) -> Update:
        """Offer the titles, or say why there are none."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is None or job.status is not Status.DONE:
            say_why(job)
            return self._idle("")
        return self._idle(suggestions(job.result()), "Suggest others")

    def pick(self, picture_id: str, template: str, line: str, credits: str, size: str, event: gr.EventData) -> Update:
        """Write the title the event names into its field, where it can be changed."""
        title = str(event.id)[:TITLE_MAX]
        return {
            **self.show(picture_id, template, title, line, credits, size),
            self.title: gr.update(value=title),
        }

    def _idle(self, titles: str, again: str = SUGGEST) -> Update:
        return {self.titles: titles, self.suggest: gr.update(value=again, interactive=True)}

    def show(self, picture_id: str, template: str, title: str, line: str, credits: str, size: str) -> Update:
        """Show the poster that the fields describe."""
        pictures = self._studio.gallery.list(limit=PICTURES_MAX)
        if not pictures:
            return {self.stage: _nothing(), self.panel: gr.update(visible=False), self.pictures: ""}
        picture = next((one for one in pictures if one.id == picture_id), pictures[0])
        wanted = title.strip() or _name_of(picture)
        words = PosterWords(title=wanted, line=line, credits=credits)
        poster = self._studio.posters.make(picture.id, words, template=template, size=size_of(size))
        look = self._studio.posters.preview(poster, LOOK_WIDTH)
        return {
            self.stage: shown(poster, look, picture.id, words, template),
            self.panel: gr.update(visible=True),
            self.pictures: choice(pictures, picture.id),
            self.picture: picture.id,
            self.title: gr.update(placeholder=wanted),
        }


def _name_of(picture: Picture) -> str:
    """Return what a poster says while its title is empty."""
    return (picture.recipe.concept_names or ("Hello",))[0]


def _nothing() -> str:
    action = '<button type="button" class="k-button k-primary" data-do="go" data-tab="create">Draw something</button>'
    return empty(
        "frame", "Nothing to frame yet", "Draw a picture first. Every picture you made can become a poster.",
        Markup(action),
    )  # fmt: skip
