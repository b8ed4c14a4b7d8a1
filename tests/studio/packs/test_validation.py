"""The validator against packs that are right, and against one with each thing that can be wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw

from studio.domain.stickers import Messenger, PackItem, PackLabel
from studio.packs.building import build
from studio.packs.finishing import layered
from studio.packs.validation import is_emoji, problems

Files = dict[str, bytes]


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512"><title>Bo</title><path d="M9 9h99v99z"/></svg>'


def sticker(size: tuple[int, int] = (512, 512)) -> Image.Image:
    picture = Image.new("RGBA", size)
    ImageDraw.Draw(picture).ellipse((20, 20, size[0] - 20, size[1] - 20), fill="teal")
    return picture


def encoded(picture: Image.Image, format: str = "WEBP", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def animation(duration: int, frames: int = 3) -> bytes:
    pictures = [Image.new("RGBA", (512, 512), (shade * 40, 0, 0, 128)) for shade in range(frames)]
    return encoded(pictures[0], save_all=True, append_images=pictures[1:], duration=duration, loop=0)


def pack(messenger: Messenger, count: int = 3) -> Files:
    finished = layered(sticker()) if messenger is Messenger.SVG else sticker()
    items = [(PackItem(name=f"{number:02d}-bo", emojis=("🎈",), says="Bo"), finished) for number in range(count)]
    return dict(build(messenger, PackLabel(identifier="bo", title="Bo"), items).files)


@pytest.fixture(scope="module")
def whatsapp() -> Files:
    return pack(Messenger.WHATSAPP)


def sentences(files: Files, messenger: Messenger = Messenger.WHATSAPP) -> str:
    return "\n".join(map(str, problems(files, messenger)))


def relisted(files: Files, change: Callable[[dict[str, Any]], object]) -> Files:
    contents = json.loads(files["contents.json"])
    change(contents["sticker_packs"][0])
    return {**files, "contents.json": json.dumps(contents).encode()}


@pytest.mark.parametrize("messenger", Messenger)
def test_what_is_built_is_valid(messenger: Messenger) -> None:
    assert problems(pack(messenger), messenger) == []


FIRST = "bo/00-bo.webp"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (encoded(sticker((512, 500))), "512 × 500 pixels"),
        (encoded(sticker(), "PNG"), "is a PNG file"),
        (encoded(Image.new("RGB", (512, 512), "red")), "no transparent pixel"),
        (encoded(sticker(), lossless=True) + b"\0" * 102_400, "at most 102400"),
        (encoded(sticker())[:300], "not a picture"),
        (b"", "not a picture"),
        (b"<svg/>", "does not begin as SVG does"),
        (SVG.encode(), "is an SVG file"),
        (animation(100), "mixes still and animated"),
    ],
)
def test_a_wrong_sticker_is_found(data: bytes, sentence: str, whatsapp: Files) -> None:
    found = sentences({**whatsapp, FIRST: data})
    assert sentence in found
    assert FIRST in found or "mixes" in found


def test_animations_are_held_to_their_own_rules(whatsapp: Files) -> None:
    names = [name for name in whatsapp if name.endswith(".webp")]

    def animated(duration: int) -> Files:
        moved = {**whatsapp, **dict.fromkeys(names, animation(duration))}
        return relisted(moved, lambda listed: listed.update(animated_sticker_pack=True))

    assert sentences(animated(100)) == ""
    assert "A frame lasts 5 ms" in sentences(animated(5))
    assert "lasts 12000 ms" in sentences(animated(4000))
    still = {**whatsapp, **dict.fromkeys(names, animation(100))}
    assert "calls the stickers still" in sentences(still)
    assert "an animated WEBP file; telegram takes animated WEBM" in sentences(
        {**pack(Messenger.TELEGRAM), "00-bo.png": animation(100)}, Messenger.TELEGRAM
    )


def test_signal_takes_small_animations_that_never_end() -> None:
    files = pack(Messenger.SIGNAL)
    listed = json.loads(files["pack.json"])
    listed["stickers"][0]["file"] = "moving.png"

    def told(edge: int, **options: Any) -> str:
        first = sticker().resize((edge, edge))
        frames = [first, first.rotate(90, translate=(2, 0))]
        moving = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100, **options)
        return sentences({**files, "pack.json": json.dumps(listed).encode(), "moving.png": moving}, Messenger.SIGNAL)

    assert told(256, loop=0) == ""
    assert "8 × 8 pixels" in told(8, loop=0)
    assert "plays for ever" in told(256, loop=3)


def set_first(**values: object) -> Callable[[dict[str, Any]], None]:
    return lambda listed: listed["stickers"][0].update(values)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda listed: listed["stickers"].pop(), "has 2 stickers; whatsapp takes 3 to 30"),
        (lambda listed: listed["stickers"].extend(listed["stickers"] * 10), "has 33 stickers"),
        (lambda listed: listed.update(name=""), "name has 0 characters"),
        (lambda listed: listed.update(publisher="x" * 129), "publisher has 129 characters"),
        (lambda listed: listed.update(identifier="bo/../x"), "identifier"),
        (lambda listed: listed.update(tray_image_file="no.png"), "tray icon is missing"),
        (set_first(emojis=[]), "has 0 emojis"),
        (set_first(emojis=["🎈"] * 4), "has 4 emojis"),
        (set_first(emojis=["ab"]), "'ab' is not an emoji"),
        (set_first(accessibility_text="x" * 126), "126 characters"),
        (set_first(image_file="nothing.webp"), "listed but missing"),
        (set_first(image_file="01-bo.webp"), "more than once"),
    ],
)
def test_a_wrong_list_is_found(change: Callable[[dict[str, Any]], object], sentence: str, whatsapp: Files) -> None:
    assert sentence in sentences(relisted(whatsapp, change))


@pytest.mark.parametrize(
    ("icon", "sentence"),
    [
        (encoded(sticker((97, 96)), "PNG"), "97 × 96"),
        (encoded(sticker((96, 96)), "PNG") + b"\0" * 51_200, "at most 51200"),
        (b"?", "not a picture"),
    ],
)
def test_a_wrong_icon_is_found(icon: bytes, sentence: str, whatsapp: Files) -> None:
    assert sentence in sentences({**whatsapp, "bo/tray.png": icon})


@pytest.mark.parametrize("messenger", [Messenger.WHATSAPP, Messenger.TELEGRAM, Messenger.SIGNAL])
@pytest.mark.parametrize("listing", [None, b"{", b"[]", b'{"sticker_packs": 3, "stickers": 3}', b"\xff"])
def test_a_list_that_cannot_be_read_is_one_sentence(messenger: Messenger, listing: bytes | None) -> None:
    name = {"whatsapp": "contents.json", "telegram": "sticker_set.json", "signal": "pack.json"}[messenger]
    assert len(problems({} if listing is None else {name: listing}, messenger)) >= 1


@pytest.mark.parametrize(
    ("svg", "sentence"),
    [
        (SVG, ""),
        (SVG.replace("<path", "<script/><path"), "holds a script"),
        (SVG.replace("<path", '<image href="a.png"/><path'), "raster image"),
        (SVG.replace("0 0 512 512", "0 0 100 100"), "viewBox is not 0 0 512 512"),
        (SVG.replace("0 0 512 512", "-8 0 512 512"), "viewBox is not 0 0 512 512"),
        (SVG.replace(' viewBox="0 0 512 512"', ""), "viewBox is not 0 0 512 512"),
        (SVG.replace("<title>Bo</title>", ""), "no title"),
        (SVG.replace("M9 9h99v99z", ""), "nothing is drawn"),
        (SVG.replace("M9 9h99v99z", "M-9-9h999v999h-999z"), "no transparent pixel"),
        (SVG.replace("</svg>", ""), "not a picture"),
        (SVG + "<!--" + "x" * 153_600 + "-->", "at most 153600"),
    ],
)
def test_svg_is_shapes_in_a_square_and_nothing_that_could_do_harm(svg: str, sentence: str) -> None:
    found = sentences({"01.svg": svg.encode()}, Messenger.SVG)
    assert sentence in found if sentence else found == ""


def test_svg_packs_hold_no_pixels_and_nothing_that_moves() -> None:
    assert "is a PNG file; svg takes SVG" in sentences({"01.png": encoded(sticker(), "PNG")}, Messenger.SVG)
    assert "svg takes still ones only" in sentences({"01.webp": animation(100)}, Messenger.SVG)
    assert "is an SVG file; png takes PNG" in sentences({"01.svg": SVG.encode()}, Messenger.PNG)


def test_telegram_takes_a_side_of_512_and_signal_one_emoji() -> None:
    assert (
        sentences({**pack(Messenger.TELEGRAM), "00-bo.png": encoded(sticker((512, 400)), "PNG")}, Messenger.TELEGRAM)
        == ""
    )
    assert "511 × 511" in sentences(
        {**pack(Messenger.TELEGRAM), "00-bo.png": encoded(sticker((511, 511)), "PNG")}, Messenger.TELEGRAM
    )
    files = pack(Messenger.SIGNAL)
    listed = json.loads(files["pack.json"])
    listed["stickers"][0]["emoji"] = ""
    assert "wants 1" in sentences({**files, "pack.json": json.dumps(listed).encode()}, Messenger.SIGNAL)


@pytest.mark.parametrize("emoji", ["🎈", "❤️", "👍🏽", "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "🇩🇪", "‼️"])
def test_emojis_are_known(emoji: str) -> None:
    assert is_emoji(emoji)


@pytest.mark.parametrize("text", ["", "a", "1", ":)", "🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈", "ä", "  "])
def test_other_text_is_no_emoji(text: str) -> None:
    assert not is_emoji(text)
