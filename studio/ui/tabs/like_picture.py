"""A picture to draw like, on the page where pictures are made: dropped, or taken from the gallery, beside a taste."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.domain.generation import Picture
from studio.errors import InvalidPhoto
from studio.services.taste import picture_for_keeping, read_kept
from studio.services.taste_drawing import SHARE
from studio.studio import Studio
from studio.ui.feedback import QUIET, told
from studio.ui.like_markup import chosen_picture
from studio.ui.markup import piece
from studio.ui.uploads import contents

Update = dict[Any, Any]


class LikePictureSection:
    """A place to drop a picture, folded away; the dial stands there while there are a picture and a taste.

    Attributes:
        file: the dropped picture.
        picture: id of the one of the gallery that takes its place.
        share: of the taste, 0–1; 0 where nothing is shared.
        outputs: what a choice changes.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Accordion("Like a picture", open=False, elem_id="like", elem_classes="k-more") as self.fold:
            self.chosen = piece(name="like-chosen")
            self.file = gr.File(
                show_label=False, elem_id="like-file", elem_classes="k-drop", label="Picture to draw like"
            )
            self.picture = gr.Textbox("", visible=False, label="Picture of the gallery", elem_id="like-picture")
            self.share = gr.Slider(
                0, 1, 0, step=0.05, label="This picture ↔ your taste", elem_id="taste-share", buttons=[], visible=False,
                info="Left, the look is the picture's alone. Right, it is your taste's.",
            )  # fmt: skip
        self.outputs = [self.fold, self.chosen, self.file, self.picture, self.share]

    def wire(self, taste: gr.Dropdown, amount: gr.Radio) -> None:
        """Connect the handlers; the dial is there while `taste` names one, `amount` while anything changes the look."""
        inputs, outputs = [taste, self.file, self.picture], [*self.outputs, amount]
        self.file.upload(told(self.drop), [taste, self.file], outputs, api_name="like_picture", **QUIET)
        self.chosen.clear(self.remove, taste, outputs, api_name="like_no_picture", **QUIET)
        taste.change(self.follow, inputs, [self.chosen, self.share, amount], api_visibility="private", **QUIET)
        self._amount = amount

    def drop(self, taste: str, path: str | None) -> Update:
        """Show the dropped picture; raises `InvalidPhoto` when it is none."""
        if path is None:
            return self.remove(taste)
        shown = chosen_picture(read_kept(dropped_picture(path)), taste=taste)
        return {**self._opened(shown, taste), self.file: gr.update(visible=False), self.picture: ""}

    def take(self, picture: Picture, taste: str) -> Update:
        """Show a picture of the gallery as the one to draw like."""
        shown = chosen_picture(read_kept(self._studio.files.get(picture.file)), taste=taste)
        return {**self._opened(shown, taste), self.file: gr.update(value=None, visible=False), self.picture: picture.id}

    def remove(self, taste: str = "") -> Update:
        """Draw like no picture any more."""
        return {
            self.fold: gr.update(), self.chosen: "", self.file: gr.update(value=None, visible=True), self.picture: "",
            self.share: gr.update(value=0, visible=False), self._amount: gr.update(visible=bool(taste)),
        }  # fmt: skip

    def follow(self, taste: str, path: str | None, picture: str) -> Update:
        """Show the dial while there is a taste beside a picture."""
        if not (path or picture):
            return {self.chosen: gr.skip(), self.share: gr.skip(), self._amount: gr.update(visible=bool(taste))}
        image = (
            read_kept(dropped_picture(path))
            if path
            else read_kept(self._studio.files.get(self._studio.gallery.get(picture).file))
        )
        return {
            self.chosen: chosen_picture(image, taste=taste), self.share: _dial(taste),
            self._amount: gr.update(visible=True),
        }  # fmt: skip

    def _opened(self, shown: str, taste: str) -> Update:
        return {
            self.fold: gr.update(open=True), self.chosen: shown, self.share: _dial(taste),
            self._amount: gr.update(visible=True),
        }  # fmt: skip


def dropped_picture(path: str) -> bytes:
    """Return a dropped picture as it is kept, and leave nothing else in its place: it waits there to be drawn like.

    Raises:
        InvalidInput: it has waited too long.
        InvalidPhoto: it is no picture; nothing is left of it.
    """
    data = contents([path])[0]
    try:
        kept = picture_for_keeping(data)
    except InvalidPhoto:
        Path(path).unlink(missing_ok=True)
        raise
    if kept != data:
        Path(path).write_bytes(kept)
    return kept


def _dial(taste: str) -> Any:
    return gr.update(value=SHARE if taste else 0, visible=bool(taste))
