"""The page of the visitor's things: a panel that adds one, and the shelf of what is kept."""

from __future__ import annotations

import gradio as gr

from studio.studio import Studio
from studio.ui.markup import heading, piece
from studio.ui.tabs.adding import AddingPanel
from studio.ui.tabs.shelf import Shelf


def concepts_tab(studio: Studio, page: gr.Blocks, running: gr.BrowserState) -> None:
    """Build the page; the shelf is read whenever `page` loads and whenever something on it has changed.

    Args:
        studio: the services.
        page: all pages together.
        running: remembers the job that learns a thing, over reloads.
    """
    piece(
        heading("Concepts", "Show the studio a pet, a toy, a mug. From then on it is a name you can use in any prompt.")
    )
    with gr.Row(elem_classes="k-columns", equal_height=False):
        with gr.Column(elem_classes="k-panel k-side", min_width=280):
            panel = AddingPanel(studio, running)
        with gr.Column(elem_classes="k-main", min_width=280):
            shelf = Shelf(studio)
    shelf.wire(page)
    panel.wire(page, shelf)
