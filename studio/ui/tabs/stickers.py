"""The page where a thing becomes a set of stickers, and a set becomes a pack."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from studio.domain.jobs import Status
from studio.domain.stickers import FITTING, Messenger, Motion, SceneSet, Sticker, StickerLook, StickersRequest
from studio.errors import InvalidInput, NotFound
from studio.packs import video
from studio.packs.rules import check_count
from studio.studio import Studio
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import empty, heading, job_card, piece, waiting
from studio.ui.sticker_markup import NAMES, addable, caution, ready, sheet

Update = dict[Any, Any]
COUNTS = (3, 6, 12, 24)
OUTLINE, SHADOW = "White outline", "Soft shadow"
STILL, MOVING = "Still", "Moving"
MOTIONS = [
    ("As it suits each", FITTING), *((motion.capitalize(), motion.value) for motion in Motion if motion != Motion.NONE),
]  # fmt: skip
NO_WORDS, OWN_WORDS, SAME_WORDS = "None", "Each its own", "The same"
GROUNDS = {"Paper": "paper", "White": "white", "Black": "black", "Photo": "photo"}
ADDABLE_MAX = 24


class StickersPage:
    """The page. A set is a list of picture ids that the browser remembers; everything else follows from it."""

    def __init__(self, studio: Studio, running: gr.BrowserState, kept: gr.BrowserState) -> None:
        self._studio = studio
        self.running = running  # the id of the job, over reloads
        self.kept = kept  # the ids of the pictures in the set, over reloads
        piece(heading("Stickers", "One of your things in many moods, cut out, outlined and ready to send."))
        with gr.Row(elem_classes="k-columns", equal_height=False):
            with gr.Column(elem_classes="k-panel k-side", min_width=280, visible=False) as self.panel:
                self._fields()
            with gr.Column(elem_classes="k-main", min_width=280):
                self.ground = gr.Radio(
                    list(GROUNDS), value="Paper", label="Seen on", elem_id="sticker-ground",
                    elem_classes=["k-segments", "k-grounds"], visible=False,
                )  # fmt: skip
                self.stage = piece(waiting(), name="sticker-stage")
                self.addable = piece(name="sticker-addable")

    def _fields(self) -> None:
        with gr.Column(elem_classes="k-fields") as self.drawing:
            self.concept = gr.Dropdown([], label="Of", elem_id="sticker-concept", filterable=False)
            self.about = gr.Radio(
                [(one.capitalize(), one.value) for one in SceneSet], value=SceneSet.FEELINGS.value, label="About",
                elem_id="sticker-about", elem_classes="k-segments",
            )  # fmt: skip
            self.count = gr.Radio(
                COUNTS, value=12, label="How many", elem_id="sticker-count", elem_classes="k-segments"
            )
            self.draw = gr.Button("Draw the set", variant="primary", elem_id="sticker-draw")
        with gr.Column(elem_classes=["k-fields", "k-seam-above"], visible=False) as self.finishing:
            self.finish = gr.CheckboxGroup(
                [OUTLINE, SHADOW], value=[OUTLINE, SHADOW], label="Finish", elem_id="sticker-finish",
                elem_classes="k-segments",
            )  # fmt: skip
            self.words = gr.Radio(
                [NO_WORDS, OWN_WORDS, SAME_WORDS], value=NO_WORDS, label="Words", elem_id="sticker-words",
                elem_classes="k-segments",
            )  # fmt: skip
            self.caption = gr.Textbox(
                label="The words", placeholder="Hooray!", max_lines=1, elem_id="sticker-caption", visible=False
            )
            self.moving = gr.Radio(
                [STILL, MOVING], value=STILL, label="Motion", elem_id="sticker-moving", elem_classes="k-segments"
            )
            self.motion = gr.Dropdown(
                MOTIONS, value=FITTING, label="How they move", elem_id="sticker-motion", filterable=False,
                visible=False,
            )  # fmt: skip
            self.messenger = gr.Radio(
                [(name, messenger.value) for messenger, name in NAMES.items()], value=Messenger.WHATSAPP.value,
                label="Pack for", elem_id="sticker-messenger", elem_classes="k-segments",
            )  # fmt: skip
            self.caution = piece(name="sticker-caution")
            self.title = gr.Textbox(label="Title of the pack", placeholder="Bo", max_lines=1, elem_id="sticker-title")
            self.make = gr.Button("Make the pack", elem_id="sticker-make")
            self.pack = piece(name="sticker-pack")

    def wire(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Connect the handlers; everything is read again whenever `tab` is opened."""
        look = [self.finish, self.words, self.caption, self.moving, self.motion]
        shown = [self.kept, self.ground, *look]
        packing = [self.kept, self.messenger, self.title, *look]
        places = [
            self.stage, self.draw, self.addable, self.ground, self.finishing, self.pack, self.panel, self.drawing,
        ]  # fmt: skip
        drawing = [self.stage, self.draw, self.running]
        quiet: dict[str, Any] = {"api_visibility": "private", **QUIET}
        gr.on([page.load, tab.select], self.choices, self.concept, self.concept, api_name="sticker_choices", **quiet)
        # The browser's state may be read before or after the page has loaded: whichever comes last finds the job.
        gr.on(
            [page.load, self.running.change], self.find_ended, [self.running, self.title],
            [self.kept, self.running, self.title], **quiet,
        )  # fmt: skip
        gr.on([page.load, tab.select, self.kept.change], told(self.show), [self.running, *shown], places, **quiet)
        gr.on(
            [
                self.finish.change, self.words.change, self.caption.submit, self.caption.blur, self.moving.change,
                self.motion.change, self.ground.change,
            ],
            told(self.show), [self.running, *shown], places, trigger_mode="always_last", **quiet,
        )  # fmt: skip
        self.moving.change(lambda moving: gr.update(visible=moving == MOVING), self.moving, self.motion, **quiet)
        gr.on(
            [self.moving.change, self.messenger.change], self.read_caution, [self.moving, self.messenger],
            self.caution, **quiet,
        )  # fmt: skip
        self.words.change(lambda words: gr.update(visible=words == SAME_WORDS), self.words, self.caption, **quiet)
        self.draw.click(
            told(self.start), [self.concept, self.count, self.about], drawing, api_name="draw_stickers", **QUIET
        )
        self.stage.end(
            told(self.on_end), [self.kept, self.title], [self.kept, self.draw, self.running, self.title],
            api_name="stickers_drawn", **QUIET,
        ).then(self.show, [self.running, *shown], places, **quiet)  # fmt: skip
        self.stage.stop(told(stopper(self._studio.jobs)), **quiet)
        self.stage.undo(told(self.leave_out), self.kept, self.kept, **quiet)
        self.addable.select(told(self.add), self.kept, self.kept, api_name="add_sticker", **QUIET)
        gr.on([self.messenger.change, self.title.change], lambda: "", outputs=self.pack, **quiet)
        gr.on(
            [self.make.click, self.title.submit], told(self.make_pack), packing, self.pack, api_name="make_pack",
            **QUIET,
        )  # fmt: skip
        self.pack.end(told(self.on_packed), packing, self.pack, api_name="pack_made", **QUIET)
        self.pack.stop(told(stopper(self._studio.jobs)), **quiet)

    def choices(self, chosen: str | None) -> Update:
        """Offer the things that are known now."""
        known = [(f"@{concept.handle}", concept.handle) for concept in self._studio.concepts.list()]
        handles = [handle for _, handle in known]
        return gr.update(choices=known, value=chosen if chosen in handles else next(iter(handles), None))

    def start(self, concept: str | None, count: int, about: str = SceneSet.FEELINGS) -> Update:
        """Begin to draw a set."""
        if not concept:
            raise InvalidInput("No thing is known yet. Add one on the Concepts page first.")
        job = self._studio.stickers.start(StickersRequest(concept=concept, count=count, about=SceneSet.of(about)))
        return self._follow(job)

    def on_end(self, kept: list[str] | None, title: str, event: gr.EventData) -> Update:
        """Take the new set over, or say why there is none."""
        rest: Update = {self.draw: gr.update(value="Draw the set", interactive=True), self.running: None}
        job: Any = self._studio.jobs.get(event.id)
        if job.status is not Status.DONE:
            say_why(job)
            return {**rest, self.kept: kept, self.title: gr.skip()}
        return {**rest, **self._taken(job, title)}

    def find_ended(self, running: str | None, title: str) -> Update:
        """Take over what was drawn while the page was closed."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == running), None)
        if job is None or job.status is not Status.DONE:
            return {self.kept: gr.skip()}
        return {**self._taken(job, title), self.running: None}

    def _taken(self, job: Any, title: str) -> Update:
        pictures = job.result()
        names = pictures[0].recipe.concept_names
        return {self.kept: [picture.id for picture in pictures], self.title: title or "".join(names[:1])}

    def show(self, running: str | None, kept: list[str] | None, ground: str, *fields: Any) -> Update:
        """Show the set as it is now; while one is drawn, its progress."""
        job = next((job for job in self._studio.jobs.list() if job.id == running), None)
        if job is not None and not job.status.ended:
            card = job_card(job.id, "Drawing the set", status=job.status, framed=True)
            busy = gr.update(value="Drawing…", interactive=False)
            return {**self._nothing_but(card), self.draw: busy, self.panel: gr.update(visible=True)}
        stickers = self._stickers(kept)
        more = addable(self._others(stickers))
        known = bool(self._studio.concepts.list())
        panel = {self.panel: gr.update(visible=known or bool(stickers)), self.drawing: gr.update(visible=known)}
        if not stickers:
            return {**self._nothing_but(self._empty(known)), self.addable: more, **panel}
        look = look_of(*fields)
        if look.caption:
            self._studio.stickers.check_caption(look.caption)
        return {
            self.stage: sheet(stickers, look, GROUNDS[ground]),
            self.draw: gr.update(value="Draw another set", interactive=True),
            self.addable: more,
            self.ground: gr.update(visible=True),
            self.finishing: gr.update(visible=True),
            self.pack: "",
            **panel,
        }

    def leave_out(self, kept: list[str] | None, event: gr.EventData) -> list[str]:
        """Take one sticker out of the set; its picture stays in the gallery."""
        return [one for one in kept or [] if one != event.id]

    def add(self, kept: list[str] | None, event: gr.EventData) -> list[str]:
        """Put a picture of the gallery into the set, once however often it is pressed."""
        self._studio.gallery.get(event.id)
        there = kept or []
        return there if event.id in there else [*there, event.id]

    def make_pack(self, kept: list[str] | None, messenger: str, title: str, *fields: Any) -> str:
        """Make the pack, which is checked on the way, and hand it out; moving stickers and traced ones are a job."""
        look, ids, packed = look_of(*fields), self._ids(kept), Messenger.of(messenger)
        if look.motion == Motion.NONE and packed is not Messenger.SVG:
            return ready(self._studio.stickers.pack(ids, packed, look, title=title), ids, look)
        check_count(packed, len(ids))  # before minutes of drawing
        job = self._studio.stickers.start_pack(ids, packed, look, title=title)
        return job_card(job.id, "Making the pack", status=job.status, framed=False)

    def on_packed(self, event: gr.EventData, kept: list[str] | None, _messenger: str, _title: str, *fields: Any) -> str:
        """Hand out the pack that a job made; every change of the fields has taken its card away."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        if job is None or job.status is not Status.DONE:
            say_why(job)
            return ""
        return ready(job.result(), self._ids(kept), look_of(*fields))

    def read_caution(self, moving: str, messenger: str) -> str:
        """Say before anything is made that moving stickers are not possible where they are not."""
        possible = messenger != Messenger.SVG and (messenger != Messenger.TELEGRAM or video.available())
        return "" if moving != MOVING or possible else caution(Messenger.of(messenger))

    def _ids(self, kept: list[str] | None) -> list[str]:
        return [sticker.picture.id for sticker in self._stickers(kept)]

    def _follow(self, job: Any) -> Update:
        card = job_card(job.id, "Drawing the set", status=job.status, framed=True)
        return {self.stage: card, self.draw: gr.update(value="Drawing…", interactive=False), self.running: job.id}

    def _nothing_but(self, stage: Markup | str) -> Update:
        hidden = gr.update(visible=False)
        idle = gr.update(value="Draw the set", interactive=True)
        places = {self.ground: hidden, self.finishing: hidden, self.addable: "", self.pack: ""}
        return {self.stage: stage, self.draw: idle, **places}

    def _stickers(self, kept: list[str] | None) -> list[Sticker]:
        found: list[Sticker] = []
        for picture_id in kept or []:
            try:
                found += self._studio.stickers.of([picture_id])
            except NotFound:  # deleted in the gallery since
                continue
        return found

    def _others(self, stickers: list[Sticker]) -> list[Any]:
        used = {sticker.picture.id for sticker in stickers}
        newest = self._studio.gallery.list(limit=ADDABLE_MAX + len(used))
        return [picture for picture in newest if picture.id not in used][:ADDABLE_MAX]

    @staticmethod
    def _empty(known: bool) -> str:
        if known:
            return empty(
                "hoop", "Your stickers appear here", "Choose one of your things and draw a set: feelings, hats, places."
            )
        action = (
            '<button type="button" class="k-button k-primary" data-do="go" data-tab="concepts">Add a thing</button>'
        )
        return empty(
            "photos", "Nothing to make stickers of yet", "Show the studio a pet, a toy, a mug; a photo or two will do.",
            Markup(action),
        )  # fmt: skip


def look_of(finish: list[str], words: str, caption: str, moving: str, motion: str) -> StickerLook:
    """Return the look that the fields ask for."""
    return StickerLook(
        outline=OUTLINE in finish,
        shadow=SHADOW in finish,
        caption=caption if words == SAME_WORDS else "",
        own_words=words == OWN_WORDS,
        motion=motion if moving == MOVING else Motion.NONE,
    )
