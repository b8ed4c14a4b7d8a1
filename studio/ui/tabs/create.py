"""The page where pictures are made: a prompt, a few numbers, and the picture as it becomes sharp."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.domain.generation import GenerateRequest, Picture, Pose
from studio.domain.jobs import Status
from studio.domain.taste import Amount
from studio.errors import NotFound
from studio.services.taste_drawing import TasteRequest
from studio.studio import Studio
from studio.ui.feedback import QUIET, stopper, told
from studio.ui.form import Form
from studio.ui.markup import chips, empty, heading, html, job_card, notice, piece
from studio.ui.picture_markup import results
from studio.ui.tabs.interrupted import InterruptedDrawings
from studio.ui.tabs.like_picture import LikePictureSection, dropped_picture
from studio.ui.tabs.style_loras import StyleLoraSection

Update = dict[Any, Any]
COUNTS = (1, 2, 4, 8, 16)
OFF = ("Nobody, just as I say", "")
AMOUNTS = (("A touch", Amount.TOUCH.value), ("Clearly", Amount.CLEAR.value), ("Fully", Amount.FULL.value))
BEST_OF = (1, 2, 4, 8)
POSES = (("Both", Pose.BOTH.value), ("As in a photo", Pose.PHOTO.value), ("Drawn anew", Pose.DRAWN.value))


class CreatePage:
    """The page; the drawing itself is a job that goes on without it."""

    def __init__(self, studio: Studio, running: gr.BrowserState) -> None:
        self._studio = studio
        self.running = running  # the id of the job, over reloads
        piece(heading("Draw something", "Say what you want to see. Write @ to bring in one of your things."))
        with gr.Row(elem_classes="k-columns", equal_height=False):
            with gr.Column(elem_classes="k-panel k-side", min_width=280):
                self.form = self._fields()
            with gr.Column(elem_classes="k-main", min_width=280):
                self.interrupted = InterruptedDrawings(studio)
                self.stage = piece(self.empty_stage(), name="stage")

    def _fields(self) -> Form[GenerateRequest]:
        prompt = gr.Textbox(
            label="Prompt", lines=4, max_lines=8, elem_id="prompt", placeholder="@bo wearing a crown at the beach"
        )
        self.examples = piece(name="examples")
        count = gr.Radio(COUNTS, value=4, label="How many", elem_id="count", elem_classes="k-segments")
        pose = gr.Radio(
            POSES, value=Pose.BOTH.value, label="Your things", elem_id="pose", elem_classes="k-segments",
            info="As in one of their photos, drawn anew, or some of each.",
        )  # fmt: skip
        tastes = self._tastes()  # also for a page that was open before the studio was started again
        self.taste = gr.Dropdown(
            [OFF, *tastes], value="", label="In the taste of", elem_id="taste", filterable=False, visible=bool(tastes)
        )
        self.amount = gr.Radio(
            AMOUNTS, value=Amount.CLEAR.value, label="How much", elem_id="amount", elem_classes="k-segments",
            info="A touch: its style. Clearly: its colours, too. Fully: the ground as well.", visible=False,
        )  # fmt: skip
        self.like = LikePictureSection(self._studio)
        self.styles = StyleLoraSection(self._studio)
        self.draw = gr.Button("Draw", variant="primary", size="lg", elem_id="draw")
        # Bounds are the request's to check: gradio's own message would not say what to do.
        with gr.Accordion("More", open=False, elem_id="more") as self.more:
            with gr.Row(elem_classes="k-seed"):
                seed = gr.Number(label="Seed", precision=0, placeholder="random", elem_id="seed")
                self.random = gr.Button("Random", elem_id="random", min_width=96)
            with gr.Row():
                steps = gr.Number(label="Steps", precision=0, placeholder="usual", elem_id="steps", min_width=110)
                guidance = gr.Number(label="Guidance", placeholder="usual", elem_id="guidance", min_width=110)
            best_of = gr.Radio(
                BEST_OF, value=1, label="Best of", elem_id="best-of", elem_classes="k-segments",
                info="Draws so many for each picture and keeps the best by both meters.",
            )  # fmt: skip
            fidelity = gr.Slider(
                0, 1, 0.7, step=0.05, label="Fidelity", info="Left follows the prompt, right the thing itself.",
                elem_id="fidelity", buttons=[],
            )  # fmt: skip
            palette = gr.Textbox(
                label="Colours", placeholder="usual", elem_id="palette", max_lines=1,
                info="Such as #c0392b #ffd166, the main one first. Your own things keep theirs.",
            )  # fmt: skip
            self.model = piece(name="model")
        self.styles.shelf()
        return Form(
            GenerateRequest, prompt=prompt, count=count, seed=seed, steps=steps, guidance=guidance, fidelity=fidelity,
            pose=pose, best_of=best_of, style_lora=self.styles.chosen, palette=palette,
        )  # fmt: skip

    def wire(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Connect the handlers; the examples follow what is kept whenever `tab` is opened."""
        field = self.form.components
        outputs = [self.stage, self.draw, self.running]
        # who calls the endpoint by position finds the older fields where they were
        asked = {**field, "taste": self.taste, "amount": self.amount}
        asked |= {"style_lora": asked.pop("style_lora"), "palette": asked.pop("palette")}
        asked |= {"like": self.like.file, "like_picture": self.like.picture, "taste_share": self.like.share}
        gr.on(
            [self.draw.click, field["prompt"].submit], told(self.start), inputs_kwargs=asked, outputs=outputs,
            api_name="draw", **QUIET,
        )  # fmt: skip
        self.stage.end(self.on_end, outputs=outputs, api_name="drawn", **QUIET)
        self.stage.stop(told(stopper(self._studio.jobs)), api_name="stop", **QUIET)
        self.random.click(None, None, field["seed"], js="() => null", api_visibility="private")
        usual = [field[name] for name in ("steps", "guidance", "fidelity", "pose", "palette")] + [self.model]
        self.more.expand(told(self.usual), outputs=usual, api_name="usual", **QUIET)
        gr.on([page.load, tab.select], self.read_examples, outputs=self.examples, api_name="examples", **QUIET)
        gr.on(
            [page.load, tab.select], self.read_tastes, self.taste, [self.taste, self.amount], api_name="tastes",
            preprocess=False, **QUIET,
        )  # fmt: skip
        self.like.wire(self.taste, self.amount)
        numbers = [field["seed"], field["steps"], field["guidance"]]
        # gradio shows 0 for a number that has no value when the page is built
        page.load(lambda: [None] * 3, outputs=numbers, api_visibility="private", **QUIET)
        # The browser's state may be read before or after the page has loaded: whichever comes last finds the job.
        gr.on(
            [page.load, self.running.change],
            self.find_running,
            self.running,
            outputs,
            api_visibility="private",
            **QUIET,
        )
        self.interrupted.wire(page, self)
        self.styles.wire(page, tab)

    @staticmethod
    def empty_stage() -> str:
        """Return what stands where the pictures will be."""
        return empty("hoop", "Your picture appears here", "It starts as a blur and sharpens while it is drawn.")

    def start(
        self,
        taste: str = "",
        amount: str = Amount.CLEAR,
        like: str | None = None,
        like_picture: str = "",
        taste_share: float = 0.0,
        **values: Any,
    ) -> Update:
        """Begin to draw, in a taste where one is chosen, and like a picture where there is one."""
        request = self.form.read({"palette": "", **values})
        referred = like is not None or bool(like_picture)
        if not (taste or referred or taste_share):
            return self.follow(self._studio.generation.start(request))
        asked = TasteRequest(
            drawing=request, taste=taste, amount=amount, like=dropped_picture(like) if like is not None else None,
            like_picture=like_picture, taste_share=taste_share if referred or taste_share else None,
        )  # fmt: skip
        return self.follow(self._studio.taste_drawing.start(asked))

    def on_end(self, event: gr.EventData) -> Update:
        """Show what came of the job that the event names."""
        return {self.stage: self._outcome(event.id), self.draw: gr.update(value="Draw", interactive=True)}

    def find_running(self, job_id: str | None) -> Update:
        """Show the drawing of before the reload again: still running, or what came of it."""
        job = next((job for job in self._studio.jobs.list() if job.id == job_id), None)
        if job is None:  # forgetting the id here could forget one that the browser has not told yet
            return {self.stage: gr.skip()}
        return {self.stage: self._outcome(job.id)} if job.status.ended else self.follow(job)

    def follow(self, job: Any) -> Update:
        """Show a drawing that has begun."""
        card = job_card(job.id, "Drawing", status=job.status, framed=True)
        return {self.stage: card, self.draw: gr.update(value="Drawing…", interactive=False), self.running: job.id}

    def _outcome(self, job_id: str) -> str:
        job: Any = next((job for job in self._studio.jobs.list() if job.id == job_id), None)
        if job is None or job.status is Status.INTERRUPTED:  # the studio was restarted; the notes above tell it
            return self.empty_stage()
        if job.status is Status.DONE:
            kept = [picture for picture in job.result() if self._is_kept(picture)]
            return results(kept) if kept else self.empty_stage()
        if job.status is Status.CANCELLED:
            return notice("Stopped", "Nothing was kept. Your prompt is still there.")
        return notice("This did not work", str(job.error))

    def _is_kept(self, picture: Picture) -> bool:
        try:
            self._studio.gallery.get(picture.id)
        except NotFound:  # deleted since it was drawn
            return False
        return True

    def usual(self) -> Update:
        """Show what the engine does where a field is left empty; asked for late, as it may load a library."""
        can = self._studio.generation.capabilities()
        field = self.form.components
        return {
            field["steps"]: gr.update(placeholder=f"{can.default_steps}, as usual"),
            field["guidance"]: gr.update(placeholder=f"{can.default_guidance:g}, as usual"),
            field["fidelity"]: gr.update(visible=can.personal),
            field["pose"]: gr.update(visible=can.photo_poses),
            field["palette"]: gr.update(visible=can.palettes),
            self.model: html(
                '<p class="k-small">Model {model}, {width} × {height} pixels</p>',
                model=can.model,
                width=can.width,
                height=can.height,
            ),
        }

    def read_examples(self) -> str:
        """Return prompts to begin with."""
        return chips(self._studio.concepts.list())

    def read_tastes(self, chosen: str) -> Update:
        """Offer the tastes there are; nothing is asked where there is none."""
        tastes = self._tastes()
        known = chosen if (chosen, chosen) in tastes else ""
        return {
            self.taste: gr.update(choices=[OFF, *tastes], value=known, visible=bool(tastes)),
            self.amount: gr.update(visible=bool(known)),
        }

    def _tastes(self) -> list[tuple[str, str]]:
        return [(profile.name, profile.name) for profile in self._studio.tastes.list()]
