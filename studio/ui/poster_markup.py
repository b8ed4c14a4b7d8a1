"""HTML of posters: the pictures to choose from, and the poster as it will be printed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import urlencode

from markupsafe import Markup

from studio.domain.generation import Picture
from studio.domain.posters import Poster, PosterWords
from studio.domain.titles import SUGGESTED
from studio.ui.markup import html, joined

LOOK_WIDTH = 1000  # pixels of what is shown on the page


def choice(pictures: Sequence[Picture], chosen: str) -> Markup:
    """Return the newest pictures as a row to choose from."""
    tiles = joined(
        html(
            '<button type="button" class="k-add" data-do="open" data-id="{id}" title="{prompt}" '
            'aria-label="Use: {prompt}" aria-pressed="{pressed}"><span class="k-frame k-gingham">'
            '<img src="/media/pictures/{id}/thumb.webp" loading="lazy" width="256" height="256" alt=""></span>'
            "</button>",
            id=picture.id, prompt=picture.recipe.prompt, pressed="true" if picture.id == chosen else "false",
        )
        for picture in pictures
    )  # fmt: skip
    return html(
        '<div class="k-choice"><span class="k-label">Picture</span><div class="k-add-row">{tiles}</div></div>',
        tiles=tiles,
    )


def suggestions(titles: Sequence[str]) -> Markup:
    """Return titles to choose from, marked as what they are."""
    chips = joined(
        html('<button type="button" class="k-chip" data-do="open" data-id="{title}">{title}</button>', title=title)
        for title in titles
    )
    return html(
        '<div class="k-suggested"><div class="k-chips" role="group" aria-label="Suggested titles">{chips}</div>'
        "<p>{note}</p></div>",
        chips=chips, note=SUGGESTED,
    )  # fmt: skip


def shown(poster: Poster, look: bytes, picture_id: str, words: PosterWords, template: str) -> Markup:
    """Return the poster, what it is, what is wrong with it, and where to get it.

    `look` (WebP) is part of the page and decoded with it, so that nothing flickers while somebody writes.
    """
    query = urlencode(
        {
            "template": template, "size": poster.size.name, "title": words.title, "line": words.line,
            "credits": words.credits,
        }
    )  # fmt: skip
    notes = joined(html('<p class="k-warning">{warning}</p>', warning=warning) for warning in poster.warnings)
    # a warning about the resolution says it already
    dpi = "" if "dpi" in "".join(poster.warnings) else f" The picture has {poster.dpi:.0f} dpi."
    bleed = f", with {poster.size.bleed:.0f} mm bleed" if poster.size.bleed else ""
    others = joined(
        html('<a class="k-button" href="/media/posters/{id}.{kind}?{query}" download>{name}</a>',
             id=picture_id, kind=name.lower(), query=query, name=name)
        for name in ("PNG", "SVG")
    )  # fmt: skip
    return html(
        '<section class="k-poster"><figure><img src="data:image/webp;base64,{look}" decoding="sync" width="{width}" '
        'height="{height}" alt="Poster: {title}"></figure>'
        '<div class="k-poster-text"><p><b>{says}</b>{bleed}.{dpi}</p>{notes}'
        '<div class="k-ready-links"><a class="k-button k-primary" href="/media/posters/{id}.pdf?{query}" download>'
        "Download PDF</a>{others}</div>"
        "</div></section>",
        id=picture_id, query=query, look=b64encode(look).decode(), width=LOOK_WIDTH,
        height=round(LOOK_WIDTH * poster.size.height / poster.size.width), title=words.title, says=poster.size.says,
        bleed=bleed, dpi=dpi, notes=notes, others=others,
    )  # fmt: skip
