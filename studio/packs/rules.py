"""What each messenger asks of a pack, as numbers. Sizes are in bytes and pixels, times in milliseconds.

Sources: WhatsApp: github.com/WhatsApp/stickers, ``Android/README.md`` and ``StickerPackValidator.java``.
Telegram: core.telegram.org/stickers (also for video stickers) and core.telegram.org/bots/api (createNewStickerSet).
Signal: github.com/signalapp/Signal-Desktop, ``sticker-creator`` constants.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.domain.stickers import EDGE, Messenger
from studio.errors import InvalidInput

KIB = 1024


@dataclass(frozen=True, kw_only=True)
class PackRules:
    """The rules of one messenger.

    Attributes:
        formats: of a still sticker's file, as Pillow calls them; SVG is shapes only, in a viewBox of 512 × 512.
        animated_formats: of an animated one; WEBM is VP9 in it, without sound. Empty: stickers stand still.
        square: a sticker is exactly 512 × 512; otherwise one side is 512 and the other at most that.
        animated_edge_min: an animated square may be smaller than 512, down to this.
        bytes_max: of a static sticker.
        animated_bytes_max: of an animated one.
        frame_ms_min: shortest frame of an animation.
        total_ms_max: longest animation.
        endless: an animation has to play for ever.
        mixed: whether static and animated stickers may be in one pack.
        count: stickers in a pack, least and most.
        emojis: for a sticker, least and most.
        title_max: characters of the pack's title; also of the publisher's and of its identifier.
        says_max: characters of a sticker in words.
        tray: edge of the pack's icon; None: there is none of its own.
        tray_bytes_max: of the icon.
    """

    messenger: Messenger
    formats: tuple[str, ...]
    animated_formats: tuple[str, ...]
    square: bool
    animated_edge_min: int = EDGE
    bytes_max: int
    animated_bytes_max: int
    frame_ms_min: int = 8
    total_ms_max: int = 10_000
    endless: bool = False
    mixed: bool = False
    count: tuple[int, int]
    emojis: tuple[int, int]
    title_max: int = 128
    says_max: int = 125
    tray: int | None = None
    tray_bytes_max: int = 50 * KIB
    edge: int = EDGE


RULES = {
    rules.messenger: rules
    for rules in (
        PackRules(
            messenger=Messenger.WHATSAPP, formats=("WEBP",), animated_formats=("WEBP",), square=True,
            bytes_max=100 * KIB, animated_bytes_max=500 * KIB, count=(3, 30), emojis=(1, 3), tray=96,
        ),
        PackRules(
            messenger=Messenger.TELEGRAM, formats=("PNG", "WEBP"), animated_formats=("WEBM",), square=False,
            bytes_max=512 * KIB, animated_bytes_max=256 * KIB, frame_ms_min=33, total_ms_max=3000, count=(1, 120),
            emojis=(1, 20), title_max=64,
        ),
        PackRules(
            messenger=Messenger.SIGNAL, formats=("WEBP", "PNG"), animated_formats=("PNG",), square=True,
            animated_edge_min=10, bytes_max=300 * KIB, animated_bytes_max=300 * KIB, endless=True, mixed=True,
            count=(1, 200), emojis=(1, 1),
        ),
        PackRules(
            messenger=Messenger.PNG, formats=("PNG",), animated_formats=("PNG",), square=True, bytes_max=4096 * KIB,
            animated_bytes_max=4096 * KIB, count=(1, 200), emojis=(0, 20),
        ),
        PackRules(
            messenger=Messenger.SVG, formats=("SVG",), animated_formats=(), square=True, bytes_max=150 * KIB,
            animated_bytes_max=0, count=(1, 200), emojis=(0, 20),
        ),
    )
}  # fmt: skip


def check_motion(messenger: Messenger) -> None:
    """Raise `InvalidInput` where stickers for `messenger` cannot move."""
    if not RULES[messenger].animated_formats:
        raise InvalidInput(f"Stickers as {messenger.upper()} stand still. Make a still pack, or a moving one as PNG.")


def check_count(messenger: Messenger, count: int) -> None:
    """Raise `InvalidInput` unless a pack of `messenger` may hold `count` stickers."""
    least, most = RULES[messenger].count
    if not least <= count <= most:
        raise InvalidInput(f"A pack for {messenger} holds {least} to {most} stickers, not {count}.")
