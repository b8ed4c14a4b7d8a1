"""HTML of the two meters of a picture: how much it looks like its subject, and how well it shows its prompt."""

from __future__ import annotations

from markupsafe import Markup

from studio.domain.concepts import handle_of
from studio.domain.generation import Picture
from studio.domain.scores import Word
from studio.ui.markup import html, joined


def meters(picture: Picture) -> Markup:
    """Return the meters of what was measured; nothing for a picture from before there were any."""
    names = picture.recipe.concept_names
    asked = (
        (f"Looks like @{handle_of(names[0])}" if len(names) == 1 else "Looks like them", picture.scores.likeness),
        ("Shows the prompt", picture.scores.prompt),
    )
    shown = [meter(name, score, Word.of(score)) for name, score in asked if score is not None]
    return html('<div class="k-meters">{shown}</div>', shown=joined(shown)) if shown else Markup("")


def meter(name: str, score: float, word: str) -> Markup:
    """Return one meter: a line that is sewn as far as `score`, 0–1, says, and `word` for it."""
    return html(
        '<div class="k-meter is-{kind}" role="meter" aria-label="{name}" aria-valuemin="0" aria-valuemax="100" '
        'aria-valuenow="{percent}" aria-valuetext="{word}"><span class="k-meter-name" aria-hidden="true">{name}</span>'
        '<span class="k-meter-track" aria-hidden="true"><i style="width:{percent}%"></i></span>'
        '<b aria-hidden="true">{word}</b></div>',
        name=name, word=word, kind=word if isinstance(word, Word) else "plain", percent=round(100 * score),
    )  # fmt: skip
