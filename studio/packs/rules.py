"""What each messenger asks of a pack, as numbers. Sizes are in bytes and pixels, times in milliseconds.

Sources: WhatsApp: github.com/WhatsApp/stickers, ``Android/README.md`` and ``StickerPackValidator.java``.
Telegram: core.telegram.org/stickers and core.telegram.org/bots/api (createNewStickerSet).
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
        formats: of a sticker's file, as Pillow calls them.
        square: a sticker is exactly 512 × 512; otherwise one side is 512 and the other at most that.
        bytes_max: of a static sticker.
        animated_bytes_max: of an animated one; None: not possible in these files.
        frame_ms_min: shortest frame of an animation.
        total_ms_max: longest animation.
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
    square: bool
    bytes_max: int
    animated_bytes_max: int | None
    frame_ms_min: int = 8
    total_ms_max: int = 10_000
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
            messenger=Messenger.WHATSAPP, formats=("WEBP",), square=True, bytes_max=100 * KIB,
            animated_bytes_max=500 * KIB, count=(3, 30), emojis=(1, 3), tray=96,
        ),
        PackRules(
            messenger=Messenger.TELEGRAM, formats=("PNG", "WEBP"), square=False, bytes_max=512 * KIB,
            animated_bytes_max=None, count=(1, 120), emojis=(1, 20), title_max=64,
        ),
        PackRules(
            messenger=Messenger.SIGNAL, formats=("WEBP", "PNG"), square=True, bytes_max=300 * KIB,
            animated_bytes_max=300 * KIB, mixed=True, count=(1, 200), emojis=(1, 1),
        ),
        PackRules(
            messenger=Messenger.PNG, formats=("PNG",), square=True, bytes_max=4096 * KIB,
            animated_bytes_max=None, count=(1, 200), emojis=(0, 20),
        ),
    )
}  # fmt: skip


def check_count(messenger: Messenger, count: int) -> None:
    """Raise `InvalidInput` unless a pack of `messenger` may hold `count` stickers."""
    least, most = RULES[messenger].count
    if not least <= count <= most:
        raise InvalidInput(f"A pack for {messenger} holds {least} to {most} stickers, not {count}.")
