"""HTML of style LoRAs: each with its trigger phrase, its strength and what of its file is not used."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from studio.domain.style_loras import STRENGTH_MAX, TRIGGER_MAX, StyleLora
from studio.ui.markup import html, joined


def styles(known: Sequence[StyleLora]) -> Markup:
    """Return the style LoRAs as a list; nothing where there is none."""
    if not known:
        return Markup("")
    return html('<ul class="k-styles">{rows}</ul>', rows=joined(_row(style) for style in known))


def _row(style: StyleLora) -> Markup:
    return html(
        '<li><header><strong>{name}</strong><a class="k-button k-quiet" href="/media/styles/{id}.safetensors" download '
        'aria-label="Download {name}">Download</a><button type="button" class="k-button k-quiet k-danger" '
        'data-do="forget" data-id="{id}" data-confirm="Remove {name}?" '
        'data-confirm-line="Its file is deleted from this machine. Pictures that were drawn with it stay." '
        'data-confirm-yes="Remove it" aria-label="Remove {name}">Remove</button></header>'
        '<label class="k-lean k-style-strength"><span>Strength</span><input type="range" min="0" max="{most}" '
        'step="0.05" value="{strength:.2f}" data-lean="strength/{id}"><b>{strength:.2f}</b></label>'
        '<label class="k-style-trigger"><span class="k-small">Put behind every prompt</span>'
        '<input type="text" value="{trigger}" maxlength="{length}" placeholder="no trigger phrase" '
        'data-lean="trigger/{id}"></label>{left_out}</li>',
        id=style.id, name=style.name, strength=style.strength, most=STRENGTH_MAX, trigger=style.trigger,
        length=TRIGGER_MAX, left_out=_left_out(style),
    )  # fmt: skip


def _left_out(style: StyleLora) -> Markup:
    if not style.left_out:
        return Markup("")
    return html('<p class="k-small">Not used: {parts}.</p>', parts="; ".join(style.left_out))
