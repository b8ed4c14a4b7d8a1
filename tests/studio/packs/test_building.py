from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from studio.domain.stickers import Messenger, Motion, PackItem, PackLabel
from studio.errors import InvalidInput
from studio.packs.building import build
from studio.packs.finishing import layered
from studio.packs.motion import Moving

LABEL = PackLabel(identifier="bo", title="Bo & friends")


def stickers(count: int, *, rich: bool = False) -> list[tuple[PackItem, Image.Image]]:
    numbers = np.random.default_rng(0)
    made = []
    for number in range(count):
        pixels = np.full((512, 512, 4), 255, np.uint8)
        if rich:
            pixels[..., :3] = numbers.integers(0, 256, (512, 512, 3))
        pixels[:60] = 0
        item = PackItem(name=f"{number + 1:02d}-hi", emojis=("🎈", "🎉")[: 2 - number % 2], says=f"Bo {number}")
        made.append((item, Image.fromarray(pixels)))
    return made


def test_the_richest_stickers_fit_whatsapp() -> None:
    pack = build(Messenger.WHATSAPP, LABEL, stickers(3, rich=True))
    assert pack.largest <= 100_000
    with Image.open(io.BytesIO(pack.files["bo/tray.png"])) as icon:
        assert (icon.size, icon.format) == ((96, 96), "PNG")
    listed = json.loads(pack.files["contents.json"])["sticker_packs"][0]
    assert (listed["name"], listed["publisher"]) == ("Bo & friends", "Keepsake")
    assert listed["stickers"][0] == {
        "image_file": "01-hi.webp",
        "emojis": ["🎈", "🎉"],
        "accessibility_text": "Bo 0",
    }


@pytest.mark.parametrize(("count", "sentence"), [(0, "0 stickers"), (2, "2 stickers"), (31, "31 stickers")])
def test_a_pack_too_small_or_too_large_is_not_made(count: int, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        build(Messenger.WHATSAPP, LABEL, stickers(count))


def test_the_telegram_list_is_what_the_bot_api_asks_for() -> None:
    files = build(Messenger.TELEGRAM, LABEL, stickers(1)).files
    listed = json.loads(files["sticker_set.json"])
    assert listed["stickers"] == [{"sticker": "attach://01-hi.png", "format": "static", "emoji_list": ["🎈", "🎉"]}]
    assert "@Stickers" in files["HOW-TO.txt"].decode()


def test_signal_gets_one_emoji_and_a_cover() -> None:
    # two emojis are more than Signal takes: whoever packs gives it the first
    listed = json.loads(build(Messenger.SIGNAL, LABEL, stickers(2)).files["pack.json"])
    assert listed["cover"] == "01-hi.webp"
    assert [one["emoji"] for one in listed["stickers"]] == ["🎈", "🎈"]


def test_plain_files_are_nothing_but_pictures() -> None:
    assert list(build(Messenger.PNG, LABEL, stickers(2)).files) == ["01-hi.png", "02-hi.png"]


def test_moving_stickers_are_said_to_move() -> None:
    moving = [(item, Moving(image, Motion.WIGGLE)) for item, image in stickers(3)]
    pack = build(Messenger.WHATSAPP, LABEL, moving)
    listed = json.loads(pack.files["contents.json"])["sticker_packs"][0]
    assert (pack.animated, listed["animated_sticker_pack"]) == (True, True)
    with Image.open(io.BytesIO(pack.files["bo/tray.png"])) as icon:
        assert (icon.size, getattr(icon, "n_frames", 1)) == ((96, 96), 1)
    assert build(Messenger.SIGNAL, LABEL, moving[:1]).files.keys() == {"pack.json", "01-hi.png", "HOW-TO.txt"}


def test_an_svg_pack_is_traced_from_the_layers_and_says_what_it_shows() -> None:
    picture = Image.new("RGBA", (64, 64))
    picture.paste((200, 40, 30, 255), (10, 10, 50, 54))
    item = PackItem(name="01-hi", emojis=("🎈",), says="Bo & a balloon")
    pack = build(Messenger.SVG, LABEL, [(item, layered(picture, caption="Hi"))])
    (file,) = pack.files
    assert file == "01-hi.svg"
    assert b"<title>Bo &amp; a balloon</title>" in pack.files[file]
    assert pack.largest <= 150 * 1024


def test_an_svg_pack_does_not_move() -> None:
    (item, picture), *_ = stickers(1)
    with pytest.raises(InvalidInput, match="SVG stand still"):
        build(Messenger.SVG, LABEL, [(item, Moving(picture, Motion.BOUNCE))])
