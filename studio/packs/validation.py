"""Whether a pack keeps a messenger's rules; reads nothing but its files, so it also checks packs made elsewhere."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, UnidentifiedImageError

from studio.domain.stickers import Messenger, PackProblem
from studio.packs import safe_svg, video
from studio.packs.rules import RULES, PackRules

Files = Mapping[str, bytes]
_IDENTIFIER = re.compile(r"[A-Za-z0-9_\-. ]+")
_PICTURE = re.compile(r"\.(webp|png|jpe?g|gif|webm|svg)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A sticker as a pack's list names it."""

    file: str
    emojis: tuple[str, ...] = ()
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a pack's list says, in one shape for all messengers."""

    stickers: tuple[Listed, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    identifier: str | None = None
    tray: str | None = None
    animated: bool | None = None


class Unreadable(ValueError):
    """A list that cannot be read; the message is a sentence."""


def problems(files: Files, messenger: Messenger) -> list[PackProblem]:
    """Return every rule of `messenger` that the pack breaks; empty for a valid one.

    Args:
        files: contents by their path in the pack.
        messenger: whose rules are meant.

    Raises:
        InvalidInput: a sticker is a video, and what reads videos is not installed.
    """
    rules = RULES[messenger]
    try:
        listings = _LISTINGS[messenger](files)
    except Unreadable as error:
        return [PackProblem(file="", sentence=str(error))]
    found = []
    for listing in listings:
        found += [*_of_pack(listing, rules), *_of_tray(listing, files, rules), *_of_stickers(listing, files, rules)]
    return found


def _of_pack(listing: Listing, rules: PackRules) -> Iterator[PackProblem]:
    least, most = rules.count
    count = len(listing.stickers)
    if not least <= count <= most:
        yield PackProblem(
            file="", sentence=f"The pack has {count} stickers; {rules.messenger} takes {least} to {most}."
        )
    for what, text in listing.texts.items():
        if not 1 <= len(text) <= rules.title_max:
            yield PackProblem(
                file="", sentence=f"The {what} has {len(text)} characters; it needs 1 to {rules.title_max}."
            )
    identifier = listing.identifier
    if identifier is not None and not (_IDENTIFIER.fullmatch(identifier) and len(identifier) <= rules.title_max):
        yield PackProblem(
            file="",
            sentence=f"The identifier {identifier[:60]!r} may only hold letters, digits, blanks and _ - . "
            f"and at most {rules.title_max} of them.",
        )
    names = [listed.file for listed in listing.stickers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield PackProblem(file=name, sentence="The file is listed more than once.")


def _of_tray(listing: Listing, files: Files, rules: PackRules) -> Iterator[PackProblem]:
    if rules.tray is None:
        return
    name = listing.tray or ""
    if name not in files:
        yield PackProblem(file=name, sentence="The tray icon is missing from the pack.")
        return
    if len(files[name]) > rules.tray_bytes_max:
        yield PackProblem(
            file=name,
            sentence=f"The tray icon has {len(files[name])} bytes; at most {rules.tray_bytes_max} are allowed.",
        )
    seen = _look(files[name])
    if seen is None:
        yield PackProblem(file=name, sentence="The tray icon is not a picture that can be read.")
    elif seen.size != (rules.tray, rules.tray) or seen.frames > 1:
        width, height = seen.size
        yield PackProblem(
            file=name,
            sentence=f"The tray icon has {width} × {height} pixels and {seen.frames} frames; "
            f"it has to be a still picture of {rules.tray} × {rules.tray}.",
        )


def _of_stickers(listing: Listing, files: Files, rules: PackRules) -> Iterator[PackProblem]:
    kinds = set()
    for listed in listing.stickers:
        yield from _of_words(listed, rules)
        if listed.file not in files:
            yield PackProblem(file=listed.file, sentence="The sticker is listed but missing from the pack.")
            continue
        dangers = _dangers(files[listed.file])
        if dangers:  # not drawn, not even to be looked at
            yield from (PackProblem(file=listed.file, sentence=sentence) for sentence in dangers)
            continue
        seen = _look(files[listed.file])
        if seen is None:
            yield PackProblem(file=listed.file, sentence="The sticker is not a picture that can be read.")
            continue
        kinds.add(seen.frames > 1)
        yield from (PackProblem(file=listed.file, sentence=sentence) for sentence in _of_picture(seen, rules))
    if len(kinds) > 1 and not rules.mixed:
        yield PackProblem(file="", sentence="The pack mixes still and animated stickers; it must hold one kind only.")
    if listing.animated is not None and kinds and listing.animated not in kinds:
        stated, real = ("animated", "still") if listing.animated else ("still", "animated")
        yield PackProblem(file="", sentence=f"The list calls the stickers {stated}, but they are {real}.")


def _of_words(listed: Listed, rules: PackRules) -> Iterator[PackProblem]:
    least, most = rules.emojis
    if not least <= len(listed.emojis) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        yield PackProblem(
            file=listed.file, sentence=f"The sticker has {len(listed.emojis)} emojis; {rules.messenger} wants {wanted}."
        )
    for emoji in listed.emojis:
        if not is_emoji(emoji):
            yield PackProblem(file=listed.file, sentence=f"{emoji[:20]!r} is not an emoji.")
    if len(listed.says) > rules.says_max:
        yield PackProblem(
            file=listed.file,
            sentence=f"The text for listeners has {len(listed.says)} characters; at most {rules.says_max} are allowed.",
        )


@dataclass(frozen=True, kw_only=True)
class _Seen:
    format: str
    size: tuple[int, int]
    frames: int
    durations: tuple[int, ...]
    bytes: int
    transparent: bool
    endless: bool
    empty: bool = False
    titled: bool = True


def _of_picture(seen: _Seen, rules: PackRules) -> Iterator[str]:
    animated = seen.frames > 1
    formats = rules.animated_formats if animated else rules.formats
    if seen.format not in formats:
        a, kind = ("an animated", "animated ") if animated else ("an" if seen.format == "SVG" else "a", "")
        taken = f"takes {kind}{' or '.join(formats)}" if formats else "takes still ones only"
        yield f"The sticker is {a} {seen.format} file; {rules.messenger} {taken}."
    width, height = seen.size
    if not _fits(seen, rules):
        wanted = (
            f"{rules.edge} × {rules.edge}" if rules.square else f"{rules.edge} on one side and no more on the other"
        )
        if seen.format == "SVG":
            yield f"The sticker's viewBox is not 0 0 {rules.edge} {rules.edge}."
        else:
            yield f"The sticker has {width} × {height} pixels; {rules.messenger} wants {wanted}."
    if not seen.transparent:
        yield "The sticker has no transparent pixel; its ground would show as a rectangle."
    if seen.empty:
        yield "The sticker is empty: nothing is drawn in it."
    if not seen.titled:
        yield "The sticker has no title, which says in words what it shows."
    limit = rules.animated_bytes_max if animated else rules.bytes_max
    if seen.bytes > limit:
        yield f"The sticker has {seen.bytes} bytes; at most {limit} are allowed."
    if animated:
        yield from _of_motion(seen, rules)


def _fits(seen: _Seen, rules: PackRules) -> bool:
    width, height = seen.size
    if not rules.square:
        return max(width, height) == rules.edge
    least = rules.animated_edge_min if seen.frames > 1 else rules.edge
    return width == height and least <= width <= rules.edge


def _of_motion(seen: _Seen, rules: PackRules) -> Iterator[str]:
    if min(seen.durations) < rules.frame_ms_min:
        yield f"A frame lasts {min(seen.durations)} ms; at least {rules.frame_ms_min} are needed."
    if sum(seen.durations) > rules.total_ms_max:
        yield f"The animation lasts {sum(seen.durations)} ms; at most {rules.total_ms_max} are allowed."
    if rules.endless and not seen.endless:
        yield f"The animation ends; {rules.messenger} wants one that plays for ever."


def _look(data: bytes) -> _Seen | None:
    """Return what a sticker's file is; None where it cannot be read.

    Raises:
        InvalidInput: it is a video, and what reads videos is not installed.
    """
    if video.is_video(data):
        return _look_at_video(data)
    if safe_svg.is_svg(data):
        return _look_at_svg(data)
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP", "PNG", "JPEG", "GIF")) as picture:
            frames = int(getattr(picture, "n_frames", 1))
            durations = []
            transparent = False
            for frame in range(frames):
                picture.seek(frame)
                shown = picture.convert("RGBA")  # decodes all of it: half a file is found out
                transparent |= shown.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]
                durations.append(round(picture.info.get("duration", 0)))
            return _Seen(
                format=picture.format or "", size=picture.size, frames=frames, durations=tuple(durations),
                bytes=len(data), transparent=transparent, endless=picture.info.get("loop") == 0,
            )  # fmt: skip
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _look_at_video(data: bytes) -> _Seen | None:
    seen = video.look(data)
    if seen is None:
        return None
    return _Seen(
        format=seen.format, size=seen.size, frames=max(2, len(seen.durations)), durations=seen.durations,
        bytes=len(data), transparent=seen.transparent, endless=True,
    )  # fmt: skip


def _dangers(data: bytes) -> Sequence[str]:
    seen = safe_svg.look(data) if safe_svg.is_svg(data) else None
    return seen.dangers if seen else ()


def _look_at_svg(data: bytes) -> _Seen | None:
    """Return what an SVG without dangers is; without a viewBox of its own size from 0, 0 it has no size."""
    seen, picture = safe_svg.look(data), safe_svg.drawn(data)
    if seen is None or picture is None:
        return None
    least, most = picture.getchannel("A").getextrema()
    left, top, width, height = seen.box or (0, 0, 0, 0)
    placed = (left, top) == (0, 0) and (width, height) == (round(width), round(height))
    return _Seen(
        format="SVG", size=(round(width), round(height)) if placed else (0, 0), frames=1, durations=(0,),
        bytes=len(data), transparent=least < 255, endless=False, empty=most == 0, titled=seen.titled,  # type: ignore[operator]
    )  # fmt: skip


def is_emoji(text: str) -> bool:
    """Say whether `text` is one emoji: a symbol, perhaps joined to others and varied, and no letter in it."""
    if not text or len(text) > 12:
        return False
    return all(_in_emoji(one) or (one in "0123456789#*" and "\u20e3" in text) for one in text)


def _in_emoji(one: str) -> bool:
    if one in "\u200d\ufe0f\u20e3" or "\U000e0020" <= one <= "\U000e007f":  # joiner, variation, keycap, tags of flags
        return True
    return ord(one) > 0x2000 and unicodedata.category(one) in ("So", "Sk", "Sm", "Po", "Cn")


def _json(files: Files, name: str) -> Any:
    if name not in files:
        raise Unreadable(f"The list {name} is missing from the pack.")
    try:
        return json.loads(files[name])
    except ValueError as error:
        raise Unreadable(f"The list {name} is not valid JSON: {error}.") from error


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key, "")
    return value if isinstance(value, str) else ""


def _records(value: Any, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unreadable(f"The list's {what} must be a list of records.")
    return value


def _emojis(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _whatsapp(files: Files) -> list[Listing]:
    contents = _json(files, "contents.json")
    packs = _records(contents.get("sticker_packs") if isinstance(contents, dict) else None, "sticker_packs")
    if not 1 <= len(packs) <= 10:
        raise Unreadable(f"The list names {len(packs)} packs; an app holds 1 to 10.")
    return [_whatsapp_pack(pack) for pack in packs]


def _whatsapp_pack(pack: Mapping[str, Any]) -> Listing:
    folder = _text(pack, "identifier")
    return Listing(
        identifier=folder,
        texts={"name": _text(pack, "name"), "publisher": _text(pack, "publisher")},
        tray=f"{folder}/{_text(pack, 'tray_image_file')}",
        animated=bool(pack.get("animated_sticker_pack", False)),
        stickers=tuple(
            Listed(
                file=f"{folder}/{_text(one, 'image_file')}",
                emojis=_emojis(one.get("emojis")),
                says=_text(one, "accessibility_text"),
            )
            for one in _records(pack.get("stickers"), "stickers")
        ),
    )


def _telegram(files: Files) -> list[Listing]:
    sticker_set = _json(files, "sticker_set.json")
    if not isinstance(sticker_set, dict):
        raise Unreadable("The list sticker_set.json must be a record.")
    return [
        Listing(
            texts={"title": _text(sticker_set, "title")},
            stickers=tuple(
                Listed(file=_text(one, "sticker").removeprefix("attach://"), emojis=_emojis(one.get("emoji_list")))
                for one in _records(sticker_set.get("stickers"), "stickers")
            ),
        )
    ]


def _signal(files: Files) -> list[Listing]:
    pack = _json(files, "pack.json")
    if not isinstance(pack, dict):
        raise Unreadable("The list pack.json must be a record.")
    return [
        Listing(
            texts={"title": _text(pack, "title"), "author": _text(pack, "author")},
            stickers=tuple(
                Listed(file=_text(one, "file"), emojis=(_text(one, "emoji"),) if _text(one, "emoji") else ())
                for one in _records(pack.get("stickers"), "stickers")
            ),
        )
    ]


def _plain(files: Files) -> list[Listing]:
    names: Sequence[str] = sorted(name for name in files if _PICTURE.search(name))
    return [Listing(stickers=tuple(Listed(file=name) for name in names))]


_LISTINGS: dict[Messenger, Callable[[Files], list[Listing]]] = {
    Messenger.WHATSAPP: _whatsapp,
    Messenger.TELEGRAM: _telegram,
    Messenger.SIGNAL: _signal,
    Messenger.PNG: _plain,
    Messenger.SVG: _plain,
}
