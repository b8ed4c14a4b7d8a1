"""The pages put together: a header, the tabs, and the dialog they share."""

from __future__ import annotations

import gradio as gr

from studio.studio import Studio
from studio.ui.markup import masthead, piece
from studio.ui.tabs.assistant import AssistantPage
from studio.ui.tabs.concepts import concepts_tab
from studio.ui.tabs.create import CreatePage
from studio.ui.tabs.gallery import GalleryPage
from studio.ui.tabs.picture import PictureDialog
from studio.ui.tabs.posters import PostersPage
from studio.ui.tabs.recognise import RecognisePage
from studio.ui.tabs.stickers import StickersPage
from studio.ui.tabs.taste import TastePage

UPLOADS_KEPT = 3600  # seconds; what was dropped but never kept


def build_blocks(studio: Studio) -> gr.Blocks:
    """Return the pages of `studio`; per visitor they hold ids only."""
    with gr.Blocks(title="Keepsake", analytics_enabled=False, delete_cache=(UPLOADS_KEPT, UPLOADS_KEPT)) as page:
        piece(masthead(), name="masthead")
        # Outside of the tabs: the browser reads these at once, what stands in a hidden tab only when it is opened.
        learning = gr.BrowserState(None, storage_key="keepsake-learning", secret="keepsake")
        looking = gr.BrowserState(None, storage_key="keepsake-looking", secret="keepsake")
        talking = gr.BrowserState({}, storage_key="keepsake-talking", secret="keepsake")
        drawing = gr.BrowserState(None, storage_key="keepsake-drawing", secret="keepsake")
        sewing = gr.BrowserState(None, storage_key="keepsake-sewing", secret="keepsake")
        learning_taste = gr.BrowserState(None, storage_key="keepsake-taste", secret="keepsake")
        sticker_set = gr.BrowserState([], storage_key="keepsake-stickers", secret="keepsake")
        # every tab is rendered at once: the script reaches the prompt from the cards of another tab
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Concepts", id="concepts", elem_id="page-concepts", render_children=True):
                concepts_tab(studio, page, learning)
            with gr.Tab("Recognise", id="recognise", elem_id="page-recognise", render_children=True) as recognise_tab:
                recognise = RecognisePage(studio, looking)
            with gr.Tab("Ask", id="ask", elem_id="page-ask", render_children=True) as ask_tab:
                assistant = AssistantPage(studio, talking)
            with gr.Tab("Create", id="create", elem_id="page-create", render_children=True) as create_tab:
                create = CreatePage(studio, drawing)
            with gr.Tab("Taste", id="taste", elem_id="page-taste", render_children=True) as taste_tab:
                taste = TastePage(studio, learning_taste)
            with gr.Tab("Stickers", id="stickers", elem_id="page-stickers", render_children=True) as stickers_tab:
                stickers = StickersPage(studio, sewing, sticker_set)
            with gr.Tab("Posters", id="posters", elem_id="page-posters", render_children=True) as posters_tab:
                posters = PostersPage(studio)
            with gr.Tab("Gallery", id="gallery", elem_id="page-gallery", render_children=True) as gallery_tab:
                gallery = GalleryPage(studio)
        dialog = PictureDialog(studio)
        recognise.wire(page, recognise_tab)
        assistant.wire(page, ask_tab)
        create.wire(page, create_tab)
        taste.wire(page, taste_tab)
        stickers.wire(page, stickers_tab)
        posters.wire(posters_tab)
        gallery.wire(gallery_tab)
        dialog.wire([create.stage, gallery.grid], create, gallery, tabs)
    return page
