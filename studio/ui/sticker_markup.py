"""HTML of stickers: the sheet of a set on its ground, pictures to add, and a pack that is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from urllib.parse import urlencode

from markupsafe import Markup

from studio.domain.generation import Picture
from studio.domain.stickers import BuiltPack, Messenger, Motion, Sticker, StickerLook
from studio.ui.markup import counted, html, joined

NAMES = {
    Messenger.WHATSAPP: "WhatsApp",
    Messenger.TELEGRAM: "Telegram",
    Messenger.SIGNAL: "Signal",
    Messenger.PNG: "PNG",
    Messenger.SVG: "SVG",
}
_GUIDES = {
    Messenger.WHATSAPP: "On the phone, open the .wastickers file in a sticker app that imports such files. "
    "WhatsApp itself takes stickers from apps only.",
    Messenger.TELEGRAM: "Send /newpack to the bot @Stickers, then the pictures as files. "
    "The emojis of each are in sticker_set.json.",
    Messenger.SIGNAL: "In Signal Desktop choose File, then Create/upload sticker pack, and drop the pictures.",
    Messenger.PNG: "Plain pictures with a transparent ground, for anything else.",
    Messenger.SVG: "Shapes instead of pixels, sharp at any size: for printing, cutting, web pages and drawing "
    "programs. Open one before you print it: fine shading becomes simpler.",
}


def sheet(stickers: Sequence[Sticker], look: StickerLook, ground: str) -> Markup:
    """Return the set as it will look; `ground` is ``paper``, ``white``, ``black`` or ``photo``."""
    return html(
        '<ul class="k-sticker-sheet k-on-{ground}">{stickers}</ul>',
        ground=ground, stickers=joined(_sticker(sticker, look) for sticker in stickers),
    )  # fmt: skip


def _sticker(sticker: Sticker, look: StickerLook) -> Markup:
    return html(
        '<li>{pictures}<span class="k-emojis" aria-label="Emojis">{emojis}</span>'
        '<button type="button" class="k-without" data-do="without" data-id="{id}" aria-label="Leave out: {says}">×'
        "</button></li>",
        id=sticker.picture.id, pictures=_pictures(sticker, look), says=sticker.says, emojis=" ".join(sticker.emojis),
    )  # fmt: skip


def _pictures(sticker: Sticker, look: StickerLook) -> Markup:
    """Return the sticker at rest, and over it, where it moves, the moving one, which takes longer to come."""
    shown = '<img class="{kind}" src="/media/stickers/{id}.webp?{look}" width="512" height="512" alt="{says}">'
    still = html(
        shown, kind="k-at-rest", id=sticker.picture.id, look=look_query(replace(look, motion=Motion.NONE)),
        says=sticker.says,
    )  # fmt: skip
    if look.motion == Motion.NONE:
        return still
    moving = html(shown, kind="k-moving", id=sticker.picture.id, look=look_query(look), says="")
    return html('<span class="k-stacked">{still}{moving}</span>', still=still, moving=moving)


def addable(pictures: Sequence[Picture]) -> Markup:
    """Return pictures of the gallery that may join the set; nothing where there are none."""
    if not pictures:
        return Markup("")
    tiles = joined(
        html(
            '<button type="button" class="k-add" data-do="open" data-id="{id}" title="{prompt}" '
            'aria-label="Add: {prompt}"><span class="k-frame k-gingham"><img src="/media/pictures/{id}/thumb.webp" '
            'loading="lazy" width="256" height="256" alt=""></span></button>',
            id=picture.id, prompt=picture.recipe.prompt,
        )
        for picture in pictures
    )  # fmt: skip
    return html(
        '<section class="k-addable"><h2>Add pictures you already made</h2><div class="k-add-row">{tiles}</div>'
        "</section>",
        tiles=tiles,
    )


def ready(pack: BuiltPack, picture_ids: Sequence[str], look: StickerLook) -> Markup:
    """Return the slip that says a pack keeps its rules, and hands it out."""
    query = pack_query(picture_ids, look, pack.label.title)
    kinds = ["wastickers", "zip"] if pack.messenger is Messenger.WHATSAPP else ["zip"]
    links = joined(
        html(
            '<a class="k-button{style}" href="/media/packs/{messenger}.{kind}?{query}" download>Download .{kind}</a>',
            style="" if number else " k-primary", messenger=pack.messenger.value, kind=kind, query=query,
        )
        for number, kind in enumerate(kinds)
    )  # fmt: skip
    return html(
        '<div class="k-ready" role="status"><p><b>{count}, ready for {name}.</b> {moving}'
        "The pack keeps all of its rules; the heaviest sticker has {weight} kB.</p>"
        '<div class="k-ready-links">{links}</div><p class="k-small">{guide}</p></div>',
        count=counted(pack.stickers, "sticker", "stickers"), name=NAMES[pack.messenger],
        moving="All of them move. " if pack.animated else "",
        weight=f"{pack.largest / 1000:.0f}", links=links, guide=_GUIDES[pack.messenger],
    )  # fmt: skip


def caution(messenger: Messenger) -> Markup:
    """Return why a moving pack cannot be made for `messenger` here."""
    if messenger is Messenger.SVG:
        return html('<p class="k-small k-caution">Stickers as SVG stand still. Moving ones can be made as PNG.</p>')
    return html(
        '<p class="k-small k-caution">Telegram takes moving stickers as video only. Writing those needs PyAV, which is '
        "not installed here (<code>pip install -r requirements-video.txt</code>): packs for Telegram are still.</p>"
    )


def look_query(look: StickerLook) -> str:
    """Return the look as the query of an address; the routes in `craft_media` read it."""
    values = asdict(look)
    return urlencode({name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()})


def pack_query(picture_ids: Sequence[str], look: StickerLook, title: str) -> str:
    """Return everything a pack is made of as the query of an address."""
    return "&".join(
        [urlencode([("picture", one) for one in picture_ids]), urlencode({"title": title}), look_query(look)]
    )
