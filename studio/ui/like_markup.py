"""HTML of pictures that others are drawn like."""

from __future__ import annotations

import base64
import io

from markupsafe import Markup
from PIL import Image

from studio.domain.generation import Picture, Recipe
from studio.ui.markup import html, joined

_EDGE = 144  # pixels of the small picture beside the form, twice what is shown


def chosen_picture(picture: Image.Image, *, taste: str) -> Markup:
    """Return the picture that is chosen to draw like, with a button to let go of it.

    Args:
        picture: RGB or RGBA; it is shown small, from the page itself.
        taste: whose taste is beside it; "": nobody's.
    """
    line = (
        f"Its look is mixed with the taste of {taste}. What to draw is what you say."
        if taste
        else "The look is this picture's alone, as no taste is chosen. What to draw is what you say."
    )
    return html(
        '<div class="k-like"><span class="k-frame k-gingham"><img src="{source}" alt="The picture to draw like"></span>'
        "<p>{line}</p>"
        '<button type="button" class="k-close" data-do="dismiss" data-id="" aria-label="Not like this picture">×'
        "</button></div>",
        source=_source(picture), line=line,
    )  # fmt: skip


def _source(picture: Image.Image) -> str:
    small = picture.copy()
    small.thumbnail((_EDGE, _EDGE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def like_row(picture: Picture) -> tuple[str, Markup] | None:
    """Return the row of a recipe that shows what a picture was drawn like; None where there was no such picture."""
    recipe = picture.recipe
    if recipe.taste_share is None:
        return None
    shown = (
        html(
            '<img class="k-like-thumb" src="/media/pictures/{id}/reference.webp" width="44" height="44" '
            'alt="The picture it was to look like">', id=picture.id,
        )
        if recipe.like
        else html("<span>a picture that is deleted</span>")
    )  # fmt: skip
    share = html("<span>{share}</span>", share=shares_in_words(recipe))
    return "Like", html('<span class="k-like-row">{shown}{share}</span>', shown=shown, share=share)


def shares_in_words(recipe: Recipe) -> str:
    """Return how much of the look is whose."""
    share = recipe.taste_share or 0.0
    return f"{1 - share:.0%} this look, {share:.0%} taste" if share else "its look alone"


def like_line(recipe: Recipe) -> Markup:
    """Return what is to be said where the plain picture is shown though others were to look like one."""
    if recipe.like_score is None or recipe.taste_share is not None:
        return Markup("")
    return html('<p class="k-small k-between">The plain picture: nothing that was tried is better.</p>')


def swatches(colours: tuple[str, ...]) -> Markup:
    """Return the colours of a palette, each with its name for who cannot see it."""
    dots = joined(html('<i style="--c:{colour}" title="{colour}"></i>', colour=colour) for colour in colours)
    return html(
        '<span class="k-swatches" role="img" aria-label="{all}">{dots}</span>', all=" ".join(colours), dots=dots
    )
