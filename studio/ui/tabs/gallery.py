"""The page of everything made, newest first."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from studio.studio import Studio
from studio.ui.feedback import QUIET, told
from studio.ui.markup import empty, heading, piece, waiting
from studio.ui.picture_markup import tiles

Update = dict[Any, Any]
PAGE = 48
EVERYTHING = ("Everything", "")


class GalleryPage:
    """The page. Where it stands is a list of picture ids: the last one of every page before this one."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Row(elem_classes="k-head-row", equal_height=False):
            piece(heading("Gallery", "Everything made here, newest first."))
            with gr.Row(elem_classes="k-filters"):
                self.concept = gr.Dropdown(
                    [EVERYTHING], value="", label="Of", elem_id="filter-concept", min_width=150, filterable=False
                )
                self.text = gr.Textbox(
                    label="With the words", placeholder="balloon", elem_id="filter-text", min_width=180
                )
        self.grid = piece(waiting(), name="gallery")
        with gr.Row(elem_classes="k-pager"):
            self.newer = gr.Button("Newer", visible=False, elem_id="newer", min_width=120)
            self.older = gr.Button("Older", visible=False, elem_id="older", min_width=120)
        self.before = gr.State([])

    def wire(self, tab: gr.Tab) -> None:
        """Connect the handlers; the first page is read whenever `tab` is opened."""
        filters = [self.concept, self.text]
        outputs = [self.grid, self.newer, self.older, self.before]
        tab.select(self.choices, self.concept, self.concept, api_visibility="private", **QUIET)
        gr.on(
            [tab.select, self.concept.change, self.text.change],
            told(self.first), filters, outputs, api_name="gallery", trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        self.older.click(told(self.further), [*filters, self.before], outputs, api_visibility="private", **QUIET)
        self.newer.click(told(self.back), [*filters, self.before], outputs, api_visibility="private", **QUIET)

    def choices(self, chosen: str) -> Update:
        """Offer the concepts that are kept now."""
        kept = [(concept.name, concept.handle) for concept in self._studio.concepts.list()]
        known = chosen in [handle for _, handle in kept]
        return gr.update(choices=[EVERYTHING, *kept], value=chosen if known else "")

    def first(self, concept: str, text: str) -> Update:
        """Show the newest page."""
        return self._page(concept, text, [])

    def further(self, concept: str, text: str, before: list[str]) -> Update:
        """Show the page after this one."""
        last = [picture.id for picture in self._pictures(concept, text, before)[:PAGE]][-1:]
        return self._page(concept, text, [*before, *last])

    def back(self, concept: str, text: str, before: list[str]) -> Update:
        """Show the page before this one."""
        return self._page(concept, text, before[:-1])

    def _pictures(self, concept: str, text: str, before: list[str]) -> list[Any]:
        start = before[-1] if before else None
        # one more than a page, to know whether there is another
        return self._studio.gallery.list(before=start, limit=PAGE + 1, concept=concept or None, text=text.strip())

    def _page(self, concept: str, text: str, before: list[str]) -> Update:
        pictures = self._pictures(concept, text, before)
        shown = tiles(pictures[:PAGE]) if pictures else _nothing(filtered=bool(concept or text.strip()))
        return {
            self.grid: shown,
            self.newer: gr.update(visible=bool(before)),
            self.older: gr.update(visible=len(pictures) > PAGE),
            self.before: before,
        }


def _nothing(*, filtered: bool) -> str:
    if filtered:
        return empty("frame", "Nothing like that", "Try other words, or look at everything.")
    action = '<button type="button" class="k-button k-primary" data-do="go" data-tab="create">Draw something</button>'
    return empty("frame", "Nothing made yet", "Pictures you draw hang here, with the recipe of each.", Markup(action))
