from __future__ import annotations

import pytest

from studio.domain.stickers import Messenger, PackLabel, Scene, StickerLook, StickersRequest
from studio.errors import InvalidInput


def test_messengers_are_found_in_any_case() -> None:
    assert Messenger.of(" WhatsApp ") is Messenger.WHATSAPP
    with pytest.raises(InvalidInput, match=r"no packs for 'icq'.*whatsapp, telegram, signal, png"):
        Messenger.of("icq")


def test_a_caption_is_one_line_and_not_too_long() -> None:
    assert StickerLook(caption="  so \n nice ").caption == "so nice"
    with pytest.raises(InvalidInput, match="61 characters"):
        StickerLook(caption="x" * 61)


def test_a_scene_is_about_its_subject() -> None:
    scene = Scene(prompt="{it} at the beach", words="", emojis=("🏖️",), says="")
    assert scene.prompt_for("@bo") == "@bo at the beach"


@pytest.mark.parametrize(("values", "sentence"), [({"concept": " "}, "No thing"), ({"seed": -1}, "seed is -1")])
def test_a_request_out_of_bounds_is_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        StickersRequest(**{"concept": "bo", **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("title", ["", "  ", "x" * 65])
def test_a_pack_has_a_title_that_every_messenger_takes(title: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 64"):
        PackLabel(identifier="bo", title=title)
