"""Finished stickers to the files of a pack, one builder for each messenger; nothing leaves here that is not valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from studio.domain.stickers import BuiltPack, Messenger, PackItem, PackLabel
from studio.errors import InvalidInput
from studio.packs import encoding
from studio.packs.edges import resized
from studio.packs.finishing import clean_transparent
from studio.packs.rules import RULES
from studio.packs.validation import problems

Finished = Sequence[tuple[PackItem, Image.Image]]
Builder = Callable[[PackLabel, Finished], dict[str, bytes]]

_TRAY = "tray.png"
_SUFFIXES = (".webp", ".png")
_WHATSAPP_TARGET = 100_000  # below its 100 KiB: some versions count in thousands
_GUIDES = {
    Messenger.WHATSAPP: """How to use this pack in WhatsApp

WhatsApp takes stickers from apps only, not from files.
- On a phone: open the .wastickers file that comes with this pack in a sticker app that imports such files.
- In an app of your own: contents.json and the folder beside it go into the assets of WhatsApp's sample app
  (github.com/WhatsApp/stickers).
""",
    Messenger.TELEGRAM: """How to use this pack in Telegram

- Write to the bot @Stickers, send /newpack, and send the pictures as files, each followed by its emojis
  (they are in sticker_set.json). Send /publish at the end.
- With a bot of your own: sticker_set.json holds what createNewStickerSet asks for; add user_id and name.
  It takes at most 50 stickers at once.
""",
    Messenger.SIGNAL: """How to use this pack in Signal

In Signal Desktop choose File > Create/upload sticker pack, drop the pictures, give each its emoji from pack.json,
and upload. The first one is the cover.
""",
}


def build(messenger: Messenger, label: PackLabel, stickers: Finished) -> BuiltPack:
    """Return the pack of `stickers`, checked against every rule of `messenger`.

    Args:
        messenger: which pack.
        label: what it is called.
        stickers: each with its picture, RGBA, 512 × 512.

    Raises:
        InvalidInput: a rule cannot be kept; the message names the first, and how many more there are.
    """
    files = _BUILDERS[messenger](label, stickers)
    broken = problems(files, messenger)
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise InvalidInput(f"The pack for {messenger} was not made. {broken[0]}{more}")
    pictures = [len(data) for name, data in files.items() if name.endswith(_SUFFIXES) and not name.endswith(_TRAY)]
    return BuiltPack(messenger=messenger, label=label, files=files, stickers=len(stickers), largest=max(pictures))


def _whatsapp(label: PackLabel, stickers: Finished) -> dict[str, bytes]:
    pictures = {f"{item.name}.webp": encoding.webp(image, _WHATSAPP_TARGET) for item, image in stickers}
    icon = {_TRAY: encoding.png(_tray(stickers[0][1]) if stickers else Image.new("RGBA", (96, 96)), 50_000)}
    pack = {
        "identifier": label.identifier,
        "name": label.title,
        "publisher": label.publisher,
        "tray_image_file": _TRAY,
        "publisher_email": "",
        "publisher_website": "",
        "privacy_policy_website": "",
        "license_agreement_website": "",
        "image_data_version": "1",
        "avoid_cache": False,
        "animated_sticker_pack": False,
        "stickers": [
            {"image_file": f"{item.name}.webp", "emojis": list(item.emojis), "accessibility_text": item.says}
            for item, _ in stickers
        ],
    }
    contents = {"android_play_store_link": "", "ios_app_store_link": "", "sticker_packs": [pack]}
    inside = {f"{label.identifier}/{name}": data for name, data in {**icon, **pictures}.items()}
    return {"contents.json": _json(contents), **inside, **_guide(Messenger.WHATSAPP)}


def _telegram(label: PackLabel, stickers: Finished) -> dict[str, bytes]:
    limit = RULES[Messenger.TELEGRAM].bytes_max
    sticker_set = {
        "title": label.title,
        "sticker_type": "regular",
        "stickers": [
            {"sticker": f"attach://{item.name}.png", "format": "static", "emoji_list": list(item.emojis)}
            for item, _ in stickers
        ],
    }
    pictures = {f"{item.name}.png": encoding.png(image, limit) for item, image in stickers}
    return {"sticker_set.json": _json(sticker_set), **pictures, **_guide(Messenger.TELEGRAM)}


def _signal(label: PackLabel, stickers: Finished) -> dict[str, bytes]:
    limit = RULES[Messenger.SIGNAL].bytes_max
    pack = {
        "title": label.title,
        "author": label.publisher,
        "cover": f"{stickers[0][0].name}.webp" if stickers else "",
        "stickers": [{"file": f"{item.name}.webp", "emoji": "".join(item.emojis[:1])} for item, _ in stickers],
    }
    pictures = {f"{item.name}.webp": encoding.webp(image, limit) for item, image in stickers}
    return {"pack.json": _json(pack), **pictures, **_guide(Messenger.SIGNAL)}


def _plain(_label: PackLabel, stickers: Finished) -> dict[str, bytes]:
    return {f"{item.name}.png": encoding.png(image) for item, image in stickers}


_BUILDERS: dict[Messenger, Builder] = {
    Messenger.WHATSAPP: _whatsapp,
    Messenger.TELEGRAM: _telegram,
    Messenger.SIGNAL: _signal,
    Messenger.PNG: _plain,
}


def _tray(sticker: Image.Image) -> Image.Image:
    """Return the pack's icon: the sticker cropped to what is seen, 96 × 96."""
    box = sticker.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    seen = sticker.crop(box)
    edge = max(seen.size)
    square = Image.new("RGBA", (edge, edge), (255, 255, 255, 0))
    square.alpha_composite(seen, ((edge - seen.width) // 2, (edge - seen.height) // 2))
    return clean_transparent(resized(square, (96, 96)))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def _guide(messenger: Messenger) -> dict[str, bytes]:
    return {"HOW-TO.txt": _GUIDES[messenger].encode()}
