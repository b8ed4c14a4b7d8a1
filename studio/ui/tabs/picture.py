"""The dialog with one picture and its recipe."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.errors import NotFound
from studio.studio import Studio
from studio.ui.feedback import QUIET, told
from studio.ui.markup import piece
from studio.ui.picture_markup import detail
from studio.ui.tabs.create import CreatePage
from studio.ui.tabs.gallery import GalleryPage

Update = dict[Any, Any]


class PictureDialog:
    """One picture over whatever page it was opened from."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.view = piece(name="picture")

    def wire(self, openers: list[gr.HTML], create: CreatePage, gallery: GalleryPage, tabs: gr.Tabs) -> None:
        """Connect the handlers; the form of `create` takes a recipe over, `gallery` is read again after a delete."""
        form = create.form
        again = [self.view, tabs, *form.components.values(), *create.like.outputs, create.amount]
        opened = [opener.select for opener in openers]
        gr.on(opened, told(self.open), outputs=self.view, api_name="picture", **QUIET)
        self.view.retry(told(self.again), inputs=create.taste, outputs=again, **QUIET)
        self.view.apply(
            told(self.alike), create.taste, [self.view, tabs, *create.like.outputs, create.amount],
            api_name="draw_alike", **QUIET,
        )  # fmt: skip
        self.view.clear(lambda: "", outputs=self.view, api_visibility="private", **QUIET)
        outputs = [gallery.grid, gallery.newer, gallery.older, gallery.before]
        self.view.delete(told(self.on_delete), outputs=self.view, **QUIET).success(
            gallery.first, [gallery.concept, gallery.text], outputs, api_visibility="private", **QUIET
        )
        self._form, self._styles, self._like, self._tabs = form, create.styles, create.like, tabs

    def open(self, event: gr.EventData) -> str:
        """Show the picture the event names."""
        picture = self._studio.gallery.get(event.id)
        return detail(picture, self._studio.tastes.said_of(event.id), plain=self._is_kept(picture.recipe.plain))

    def _is_kept(self, picture_id: str) -> bool:
        try:
            self._studio.gallery.get(picture_id)
        except NotFound:  # there never was one, or it is deleted since
            return False
        return True

    def again(self, taste: str, event: gr.EventData) -> Update:
        """Take the recipe over into the form: its words and its palette hold what came of a taste or a reference."""
        recipe = self._studio.gallery.get(event.id).recipe
        values = {
            "prompt": recipe.prompt, "seed": recipe.seed, "steps": recipe.steps, "guidance": recipe.guidance,
            "fidelity": recipe.fidelity, "pose": recipe.pose, "count": 1, "best_of": 1,
            "style_lora": self._styles.name_of(recipe.style_lora), "palette": " ".join(recipe.palette),
        }  # fmt: skip
        form = {**self._form.fill(values), **self._like.remove(taste)}
        return {self.view: "", self._tabs: gr.Tabs(selected="create"), **form}

    def alike(self, taste: str, event: gr.EventData) -> Update:
        """Choose the picture as one to draw like."""
        chosen = self._like.take(self._studio.gallery.get(event.id), taste)
        return {self.view: "", self._tabs: gr.Tabs(selected="create"), **chosen}

    def on_delete(self, event: gr.EventData) -> str:
        """Delete the picture; the page has asked before."""
        self._studio.gallery.delete(event.id)
        gr.Info("The picture is removed from this machine.")
        return ""
