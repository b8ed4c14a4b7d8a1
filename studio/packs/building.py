"""Finished stickers to the files of a pack, one builder for each messenger; nothing leaves here that is not valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from studio.domain.stickers import BuiltPack, Messenger, PackItem, PackLabel
from studio.errors import InvalidInput
from studio.packs import animation, encoding, vector
from studio.packs.edges import resized
from studio.packs.finishing import Layers, at_size, clean_transparent
from studio.packs.motion import Moving
from studio.packs.rules import RULES, check_motion
from studio.packs.validation import problems

Finished = Image.Image | Layers | Moving


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A sticker as its messenger takes it."""

    item: PackItem
    file: str
    data: bytes
    animated: bool


Layout = Callable[[PackLabel, Sequence[Ready], Image.Image], dict[str, bytes]]

_TRAY = "tray.png"
# below WhatsApp's 100 and 500 KiB: some versions of it count in thousands, and less
_SUFFIXES = {b"RIFF": ".webp", b"\x89PNG": ".png", b"\x1a\x45\xdf\xa3": ".webm", b"<svg": ".svg"}
_LIMITS = {Messenger.WHATSAPP: (100_000, 450_000)}
_GUIDES = {
    Messenger.WHATSAPP: """How to use this pack in WhatsApp

WhatsApp takes stickers from apps only, not from files.
- On a phone: open the .wastickers file that comes with this pack in a sticker app that imports such files.
- In an app of your own: contents.json and the folder beside it go into the assets of WhatsApp's sample app
  (github.com/WhatsApp/stickers).
""",
    Messenger.TELEGRAM: """How to use this pack in Telegram

- Write to the bot @Stickers, send /newpack (for moving ones /newvideo), and send the pictures as files, each
  followed by its emojis (they are in sticker_set.json). Send /publish at the end.
- With a bot of your own: sticker_set.json holds what createNewStickerSet asks for; add user_id and name.
  It takes at most 50 stickers at once.
""",
    Messenger.SIGNAL: """How to use this pack in Signal

In Signal Desktop choose File > Create/upload sticker pack, drop the pictures, give each its emoji from pack.json,
and upload. The first one is the cover.
""",
}


def build(messenger: Messenger, label: PackLabel, stickers: Sequence[tuple[PackItem, Finished]]) -> BuiltPack:
    """Return the pack of `stickers`, checked against every rule of `messenger`.

    Args:
        messenger: which pack.
        label: what it is called.
        stickers: each with its picture, RGBA, 512 × 512, or in its layers, or as it moves; `ready` says which.

    Raises:
        InvalidInput: a rule cannot be kept; the message names the first, and how many more there are.
    """
    return build_ready(messenger, label, [ready(messenger, item, one) for item, one in stickers], _cover(stickers))


def ready(messenger: Messenger, item: PackItem, finished: Finished) -> Ready:
    """Return a sticker's file for `messenger`, fitted to its limit; for those who tell how far they are.

    Args:
        messenger: which pack it is for; SVG is drawn from the sticker's layers, and everything else from a picture.
        item: what it is called and says.
        finished: a picture, RGBA, 512 × 512; its layers; or as it moves.

    Raises:
        InvalidInput: it cannot be made small enough, or moves where none may.
    """
    still_max, moving_max = _LIMITS.get(messenger, (RULES[messenger].bytes_max, RULES[messenger].animated_bytes_max))
    if isinstance(finished, Moving):
        check_motion(messenger)
        data = animation.encoded(finished, messenger, moving_max)
    elif isinstance(finished, Layers):
        data = vector.svg(finished, item.says, still_max)
    elif messenger in (Messenger.WHATSAPP, Messenger.SIGNAL):
        data = encoding.webp(finished, still_max)
    else:
        data = encoding.png(finished, None if messenger is Messenger.PNG else still_max)
    suffix = next(suffix for start, suffix in _SUFFIXES.items() if data.startswith(start))
    return Ready(item=item, file=f"{item.name}{suffix}", data=data, animated=isinstance(finished, Moving))


def build_ready(
    messenger: Messenger, label: PackLabel, stickers: Sequence[Ready], cover: Image.Image | None
) -> BuiltPack:
    """Return the pack of files that `ready` made, with an icon of `cover` (None: of nothing); raises as `build`."""
    cover = cover or Image.new("RGBA", (96, 96))
    files = {**_LAYOUTS[messenger](label, stickers, cover), **_guide(messenger)}
    broken = problems(files, messenger)
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise InvalidInput(f"The pack for {messenger} was not made. {broken[0]}{more}")
    largest = max(len(one.data) for one in stickers)
    return BuiltPack(
        messenger=messenger, label=label, files=files, stickers=len(stickers), largest=largest,
        animated=any(one.animated for one in stickers),
    )  # fmt: skip


def _cover(stickers: Sequence[tuple[PackItem, Finished]]) -> Image.Image | None:
    if not stickers:
        return None
    first = stickers[0][1]
    if isinstance(first, Layers):
        return at_size(first.flat())
    return first.still if isinstance(first, Moving) else first


def _whatsapp(label: PackLabel, stickers: Sequence[Ready], cover: Image.Image) -> dict[str, bytes]:
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
        "animated_sticker_pack": any(one.animated for one in stickers),
        "stickers": [
            {"image_file": one.file, "emojis": list(one.item.emojis), "accessibility_text": one.item.says}
            for one in stickers
        ],
    }
    contents = {"android_play_store_link": "", "ios_app_store_link": "", "sticker_packs": [pack]}
    pictures = {_TRAY: encoding.png(_tray(cover), 50_000), **_files(stickers)}
    inside = {f"{label.identifier}/{name}": data for name, data in pictures.items()}
    return {"contents.json": _json(contents), **inside}


def _telegram(label: PackLabel, stickers: Sequence[Ready], _cover: Image.Image) -> dict[str, bytes]:
    sticker_set = {
        "title": label.title,
        "sticker_type": "regular",
        "stickers": [
            {
                "sticker": f"attach://{one.file}",
                "format": "video" if one.animated else "static",
                "emoji_list": list(one.item.emojis),
            }
            for one in stickers
        ],
    }
    return {"sticker_set.json": _json(sticker_set), **_files(stickers)}


def _signal(label: PackLabel, stickers: Sequence[Ready], _cover: Image.Image) -> dict[str, bytes]:
    pack = {
        "title": label.title,
        "author": label.publisher,
        "cover": stickers[0].file if stickers else "",
        "stickers": [{"file": one.file, "emoji": "".join(one.item.emojis[:1])} for one in stickers],
    }
    return {"pack.json": _json(pack), **_files(stickers)}


def _plain(_label: PackLabel, stickers: Sequence[Ready], _cover: Image.Image) -> dict[str, bytes]:
    return _files(stickers)


def _files(stickers: Sequence[Ready]) -> dict[str, bytes]:
    return {one.file: one.data for one in stickers}


_LAYOUTS: dict[Messenger, Layout] = {
    Messenger.WHATSAPP: _whatsapp,
    Messenger.TELEGRAM: _telegram,
    Messenger.SIGNAL: _signal,
    Messenger.PNG: _plain,
    Messenger.SVG: _plain,
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
    return {"HOW-TO.txt": _GUIDES[messenger].encode()} if messenger in _GUIDES else {}
