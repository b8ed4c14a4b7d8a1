"""HTML of pictures: a fresh result, a tile of the gallery, and the detail with its recipe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from markupsafe import Markup

from studio.domain.concepts import handle_of
from studio.domain.drawings import Drawing
from studio.domain.generation import Picture
from studio.domain.taste import Reaction
from studio.ui.like_markup import like_line, like_row, swatches
from studio.ui.markup import counted, html, joined, tape
from studio.ui.meter_markup import meters
from studio.ui.taste_markup import beside, plain_beneath, reactions, taste_line


def results(pictures: Sequence[Picture], seconds: float | None = None) -> Markup:
    """Return the pictures of one run as large cards, with the seed that makes them again."""
    first = pictures[0].recipe
    took = "" if seconds is None else f" · {seconds:.0f} s"
    cards = joined(_result(picture) for picture in pictures)
    return html(
        '<section class="k-results" data-count="{count}"><div class="k-results-line"><p>Seed <b>{seed}</b>'
        "<span>{took}</span></p>"
        '<button type="button" class="k-button k-quiet" data-do="seed" data-seed="{seed}">Keep this seed</button></div>'
        '<div class="k-result-grid">{cards}</div></section>',
        count=len(pictures), seed=first.seed, took=took, cards=cards,
    )  # fmt: skip


def _result(picture: Picture) -> Markup:
    return html(
        '<figure class="k-result" data-id="{id}">'
        '<button type="button" class="k-open" data-do="open" data-id="{id}" aria-label="Open: {prompt}">'
        '<span class="k-frame k-gingham"><img src="/media/pictures/{id}.png" width="{width}" height="{height}" '
        'alt="{prompt}">{plain}</span></button>{taste}'
        "<figcaption>{meters}{reactions}{downloads}</figcaption></figure>",
        id=picture.id, prompt=picture.recipe.prompt, width=picture.width, height=picture.height,
        plain=plain_beneath(picture.recipe), taste=like_line(picture.recipe) or taste_line(picture.recipe),
        reactions=reactions(picture.id, ()),
        meters=meters(picture), downloads=_downloads(picture, clean=False),
    )  # fmt: skip


def _downloads(picture: Picture, *, clean: bool) -> Markup:
    link = (
        '<a class="k-button" href="/media/pictures/{id}.{kind}?save=true{more}" download '
        'aria-label="{spoken}">{text}</a>'
    )
    offers = [("PNG", "png", "", "Download PNG with its recipe"), ("WebP", "webp", "", "Download WebP")]
    if clean:
        offers.insert(1, ("PNG without recipe", "png", "&recipe=false", "Download PNG without the recipe"))
    return joined(
        html(link, id=picture.id, kind=kind, more=Markup(more), spoken=spoken, text=text)
        for text, kind, more, spoken in offers
    )


def tiles(pictures: Sequence[Picture]) -> Markup:
    """Return a page of the gallery."""
    return html(
        '<div class="k-tiles">{tiles}</div>',
        tiles=joined(
            html(
                '<button type="button" class="k-tile" data-do="open" data-id="{id}" title="{prompt}">'
                '<span class="k-frame k-gingham"><img src="/media/pictures/{id}/thumb.webp" loading="lazy" '
                'width="256" height="256" alt=""></span><span class="k-tile-text">{prompt}</span></button>',
                id=picture.id, prompt=picture.recipe.prompt,
            )
            for picture in pictures
        ),
    )  # fmt: skip


def detail(picture: Picture, said: Collection[Reaction] = (), *, plain: bool = False) -> Markup:
    """Return the dialog that shows one picture, its recipe, what was said of it and what can be done with it.

    Args:
        picture: what is shown.
        said: reactions to it.
        plain: whether the one without the taste that its recipe names is still there, to be compared with.
    """
    shown = picture.recipe if plain else replace(picture.recipe, plain="")
    return html(
        '<div class="k-modal" role="dialog" aria-modal="true" aria-label="Picture" data-picture="{id}">'
        '<div class="k-sheet k-detail"><button type="button" class="k-close" data-do="close" aria-label="Close">×'
        '</button><div class="k-frame k-gingham"><img src="/media/pictures/{id}.png" width="{width}" height="{height}"'
        ' alt="{prompt}">{beneath}</div><div class="k-detail-text"><p class="k-detail-prompt">{prompt}</p>{compared}'
        "{meters}{reactions}{recipe}"
        '<button type="button" class="k-button k-primary" data-do="again" data-id="{id}">Use this recipe</button>'
        '<button type="button" class="k-button k-ink" data-do="alike" data-id="{id}">Draw more like this one</button>'
        '<div class="k-downloads"><span class="k-small">Download</span>{downloads}</div>'
        '<button type="button" class="k-button k-quiet k-danger" data-do="delete" data-id="{id}" '
        'data-confirm="Delete this picture?" data-confirm-line="It is removed from this machine. '
        'With its recipe a picture like it can be drawn again." data-confirm-yes="Delete">Delete</button>'
        "</div></div></div>",
        id=picture.id, prompt=picture.recipe.prompt, width=picture.width, height=picture.height,
        beneath=plain_beneath(shown), compared=beside(shown, picture.id),
        meters=meters(picture), recipe=_recipe(picture), downloads=_downloads(picture, clean=True),
        reactions=reactions(picture.id, said, all_of_them=True),
    )  # fmt: skip


def interrupted(drawings: Sequence[Drawing]) -> Markup:
    """Return a note for every drawing that the end of the studio interrupted; nothing where there is none."""
    if not drawings:
        return Markup("")
    return html(
        '<section class="k-interrupted" aria-label="Interrupted drawings"><p class="k-small">The studio was closed '
        "before {these} finished.</p><ul>{notes}</ul></section>",
        these="this was" if len(drawings) == 1 else "these were",
        notes=joined(_note(drawing) for drawing in drawings),
    )  # fmt: skip


def _note(drawing: Drawing) -> Markup:
    request = drawing.request
    return html(
        '<li><p><span class="k-interrupted-prompt">{prompt}</span>'
        '<span class="k-small">{count} · seed {seed}{taste}</span></p>'
        '<div><button type="button" class="k-button k-quiet" data-do="dismiss" data-id="{id}" '
        'aria-label="Dismiss: {prompt}">Dismiss</button>'
        '<button type="button" class="k-button k-ink" data-do="again" data-id="{id}" '
        'aria-label="Draw again: {prompt}">Draw again</button></div></li>',
        id=drawing.id, prompt=request.prompt, count=counted(request.count, "picture", "pictures"), seed=request.seed,
        taste=_told(drawing),
    )  # fmt: skip


def _told(drawing: Drawing) -> str:
    told = drawing.in_taste
    if told is None:
        return ""
    taste = f" · in the taste of {told.taste}" if told.taste else ""
    return taste + (" · like a picture" if told.like else "")


def _recipe(picture: Picture) -> Markup:
    recipe = picture.recipe
    rows: list[tuple[str, object]] = [
        ("Seed", recipe.seed),
        ("Steps", recipe.steps),
        ("Guidance", f"{recipe.guidance:g}"),
        ("Model", recipe.model),
        ("Size", f"{picture.width} × {picture.height}"),
        ("Made", f"{picture.created_at.astimezone():%d %b %Y, %H:%M}"),
    ]
    if recipe.concept_names:
        names = joined(tape(handle_of(name)) for name in recipe.concept_names)
        rows[:0] = [("Of", names)]
        rows.insert(4, ("Fidelity", f"{recipe.fidelity:g}"))
    if recipe.palette:
        rows.insert(1, ("Colours", swatches(recipe.palette)))
    if recipe.taste:
        rows.insert(0, ("In the taste", recipe.taste))
    if (row := like_row(picture)) is not None:
        rows.insert(0, row)
    if recipe.style_name:
        rows.insert(0, ("Style LoRA", f"{recipe.style_name}, {recipe.style_strength:g}"))
    lines = joined(html("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value) for name, value in rows)
    return html('<dl class="k-recipe">{lines}</dl>', lines=lines)
