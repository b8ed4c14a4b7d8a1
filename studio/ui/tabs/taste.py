"""The page of what somebody likes: seen, picked, said in plain words, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.domain.jobs import Status
from studio.domain.taste import FIRST_NAME
from studio.errors import InvalidInput, NotFound
from studio.services.taste import Imported
from studio.services.taste_picks import PICKS
from studio.studio import Studio
from studio.ui.feedback import QUIET, say_why, stopper, told
from studio.ui.markup import empty, heading, job_card, piece, waiting
from studio.ui.taste_markup import picking, taste
from studio.ui.uploads import contents

Update = dict[Any, Any]
_SAID = 3  # files left out that are named in a message


class TastePage:
    """The page; learning is a job that goes on without it."""

    def __init__(self, studio: Studio, running: gr.BrowserState) -> None:
        self._studio = studio
        self.running = running  # the id of the job, over reloads
        piece(
            heading(
                "Your taste",
                "What the studio thinks you like, and why. It learns while you browse; everything here can be changed.",
            )
        )
        with gr.Row(elem_classes="k-columns", equal_height=False):
            with gr.Column(elem_classes="k-panel k-side", min_width=280):
                self._fields()
            with gr.Column(elem_classes="k-main", min_width=280):
                self.pair = piece(name="taste-pair")
                self.view = piece(waiting(), name="taste-view")

    def _fields(self) -> None:
        self.profile = gr.Dropdown(
            [FIRST_NAME], value=FIRST_NAME, label="Whose taste", elem_id="taste-profile", allow_custom_value=True,
            info="Choose one, or type a new name. What you do while browsing goes into it.",
        )  # fmt: skip
        self.words = gr.Textbox(
            label="In your own words", elem_id="taste-words", placeholder="warmer, less busy, no outlines", max_lines=2
        )
        self.say = gr.Button("Change it", elem_id="taste-say")
        self.liked = gr.File(
            file_count="multiple", label="Pictures you like", elem_id="taste-liked", elem_classes="k-drop"
        )
        self.skipped = gr.File(
            file_count="multiple", label="Pictures you do not like", elem_id="taste-skipped", elem_classes="k-drop"
        )
        self.take = gr.Button("Learn from these", variant="primary", elem_id="taste-take")

    def wire(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Connect the handlers; what is shown follows what is known whenever `tab` is opened."""
        both = [self.pair, self.view]
        outputs = [*both, self.profile, self.running]
        self.profile.change(told(self.show), self.profile, both, api_name="taste", **QUIET)
        tab.select(told(self.opened), self.profile, [self.profile, *both], api_name="tastes_known", **QUIET)
        gr.on(
            [self.say.click, self.words.submit], told(self.change), [self.profile, self.words],
            [*both, self.words], api_name="taste_words", **QUIET,
        )  # fmt: skip
        self.take.click(
            told(self.take_in), [self.profile, self.liked, self.skipped], [self.view, self.running],
            api_name="taste_learn", **QUIET,
        )  # fmt: skip
        self.pair.select(told(self.pick), self.profile, outputs, api_name="taste_pick", **QUIET)
        self.pair.clear(lambda: "", outputs=self.pair, api_visibility="private", **QUIET)
        self.view.edit(told(self.lean), self.profile, both, api_name="taste_lean", **QUIET)
        self.view.undo(told(self.take_back), self.profile, both, api_name="taste_take_back", **QUIET)
        self.view.retry(told(self.do), self.profile, outputs, api_name="taste_do", **QUIET)
        self.view.delete(told(self.forget), self.profile, outputs, api_name="taste_forget", **QUIET)
        self.view.end(
            told(self.on_learned), self.profile, [*both, self.liked, self.skipped], api_name="taste_learned", **QUIET
        )
        self.view.stop(told(stopper(self._studio.jobs)), api_visibility="private", **QUIET)
        gr.on(
            [page.load, self.running.change], told(self.find_learning), self.running, self.view,
            api_visibility="private", **QUIET,
        )  # fmt: skip

    def opened(self, chosen: str) -> Update:
        """Offer the profiles that there are, and show the one that is chosen then: both at once, or one overtakes."""
        names = [profile.name for profile in self._studio.tastes.list()] or [FIRST_NAME]
        name = chosen if chosen in names else names[0]
        return {self.profile: gr.update(choices=names, value=name), **self.show(name)}

    def show(self, name: str) -> Update:
        """Show a profile; one that is typed anew begins with pairs to pick between."""
        name = (name or FIRST_NAME).strip()
        try:
            profile = self._studio.tastes.get(name)
        except NotFound:
            return {self.pair: self._pair(None), self.view: _nothing()}
        self._studio.tastes.collect_into(profile.id)
        summary = profile.version.summary
        known = summary.liked + summary.others + summary.picks
        return {self.pair: "" if known else self._pair(profile.id), self.view: self._view(profile.id)}

    def change(self, name: str, words: str) -> Update:
        """Change a taste by plain words."""
        profile = self._studio.tastes.edit(self._begun(name), words=words)
        gr.Success(f"Understood: {profile.version.why.removeprefix('edited: ')}.")
        return {**self.show(name), self.words: ""}

    def take_in(self, name: str, liked: list[str] | None, skipped: list[str] | None) -> Update:
        """Begin to learn from dropped pictures."""
        files = [[(Path(path).name, partial(_content, path)) for path in paths or []] for paths in (liked, skipped)]
        job = self._studio.tastes.import_pictures((name or FIRST_NAME).strip(), files[0], files[1])
        return self._follow(job)

    def pick(self, name: str, event: gr.EventData) -> Update:
        """Remember which of two was liked better and show the next pair; learn after the last."""
        picked, _, passed = event.id.partition("/")
        if not (picked.isdecimal() and passed.isdecimal()):
            raise InvalidInput("That was no pair. Open the page again.")
        taste_id = self._begun(name)
        made = self._studio.taste_picks.pick(taste_id, int(picked), int(passed))
        if made % PICKS == 0:
            return {self.pair: "", **self._follow(self._studio.tastes.learn(taste_id)), **self._chosen(name)}
        return {self.pair: self._pair(taste_id), **self._chosen(name)}

    def lean(self, name: str, event: gr.EventData) -> Update:
        """Set a leaning that was dragged: ``name=value``."""
        attribute, _, value = event.id.partition("=")
        self._studio.tastes.edit(self._begun(name), {attribute: float(value)})
        return self.show(name)

    def take_back(self, name: str, event: gr.EventData) -> Update:
        """Forget what was said of a picture."""
        self._studio.tastes.take_back(name, event.id)
        gr.Info("Taken back. Learn again to let it count.")
        return self.show(name)

    def do(self, name: str, event: gr.EventData) -> Update:
        """Do what a button of the view says: learn, pick, clear, share/on, share/off, version/N."""
        what, _, number = event.id.partition("/")
        if what == "learn":
            return self._follow(self._studio.tastes.learn(name))
        if what == "pick":
            return {self.pair: self._pair(self._begun(name))}
        if what == "share":
            self._studio.tastes.share(name, number == "on")
        elif what == "clear":
            self._studio.tastes.forget_edits(name)
        elif number.isdecimal():
            self._studio.tastes.revert(name, int(number))
        return self.show(name)

    def forget(self, name: str) -> Update:
        """Delete a profile; the page has asked before."""
        self._studio.tastes.forget(name)
        gr.Info(f"{name} is forgotten.")
        left = [profile.name for profile in self._studio.tastes.list()] or [FIRST_NAME]
        return {**self.show(left[0]), self.profile: gr.update(choices=left, value=left[0])}

    def on_learned(self, name: str, event: gr.EventData) -> Update:
        """Show what was learned, and name the files that could not be used."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == event.id), None)
        rest: Update = {}
        if job is None or job.status is not Status.DONE:
            say_why(job)
        elif isinstance(result := job.result(), Imported):
            _say_left_out(result.left_out)
            rest = {self.liked: None, self.skipped: None}
        return {**self.show(name), **rest}

    def find_learning(self, job_id: str | None) -> str:
        """Show the learning of before the reload again, if it is still going on."""
        job: Any = next((job for job in self._studio.jobs.list() if job.id == job_id), None)
        if job is None or job.status.ended:
            return gr.skip()
        return job_card(job.id, job.title, status=job.status, framed=False)

    def _follow(self, job: Any) -> Update:
        return {self.view: job_card(job.id, job.title, status=job.status, framed=False), self.running: job.id}

    def _begun(self, name: str) -> str:
        """Return the id of a profile, which is begun where there is none of that name."""
        name = (name or FIRST_NAME).strip()
        known = {profile.name: profile.id for profile in self._studio.tastes.list()}
        return known.get(name) or self._studio.tastes.create(name).id

    def _chosen(self, name: str) -> Update:
        names = [profile.name for profile in self._studio.tastes.list()]
        return {self.profile: gr.update(choices=names, value=name)}

    def _pair(self, taste_id: str | None) -> str:
        return picking(self._studio.taste_picks.next(taste_id))

    def _view(self, taste_id: str) -> str:
        tastes = self._studio.tastes
        profile = tastes.get(taste_id)
        return taste(
            profile, tastes.in_words(profile), tastes.events(taste_id), tastes.attributes(),
            tastes.versions(taste_id), tastes.help(taste_id),
        )  # fmt: skip


def _nothing() -> str:
    return empty("hoop", "Nothing is known yet", "Pick between a few pairs, drop pictures you like, or just browse.")


def _say_left_out(left_out: Sequence[str]) -> None:
    if left_out:
        more = f" and {len(left_out) - _SAID} more" if len(left_out) > _SAID else ""
        gr.Warning(f"Left out: {'; '.join(left_out[:_SAID])}{more}")


def _content(path: str) -> bytes:
    return contents([path])[0]
