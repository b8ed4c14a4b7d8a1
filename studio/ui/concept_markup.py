"""HTML of concepts: what was understood of photos, and the cards of what is kept."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from studio.domain.concepts import Concept, Understanding
from studio.domain.photo_sets import what_is_mixed
from studio.domain.refining import Refinement
from studio.ui.markup import counted, html, joined, tape


def understood(job_id: str, readings: Sequence[Understanding]) -> Markup:
    """Return the cut-outs of a read job as a strip, and its suggestions for the kind as chips."""
    strip = joined(
        html(
            '<li class="k-frame k-gingham"><img src="/media/jobs/{job_id}/cutouts/{number}.webp" '
            'alt="Cut-out of photo {spoken}"><button type="button" class="k-without" data-do="without" '
            'data-id="{number}" aria-label="Leave out photo {spoken}">×</button></li>',
            job_id=job_id, number=number, spoken=number + 1,
        )
        for number in range(len(readings))
    )  # fmt: skip
    kinds = joined(
        html('<button type="button" class="k-chip" data-do="kind" data-kind="{kind}">{kind}</button>', kind=kind)
        for kind in suggested_kinds(readings)
    )
    line = html('<p class="k-small">Looks like a</p>{kinds}', kinds=kinds) if kinds else Markup("")
    said = mixed(readings)
    doubt = html('<p class="k-doubt" role="status">{said} Leave out with × what shows something else.</p>', said=said)
    return html(
        '<div class="k-understood"><ul class="k-strip">{strip}</ul>{doubt}<div class="k-strip-line">'
        '<button type="button" class="k-button k-quiet" data-do="more">Add photos</button>'
        '<button type="button" class="k-button k-quiet" data-do="over">Start over</button></div>'
        '<div class="k-chips" role="group" aria-label="Suggested kinds">{line}</div></div>',
        found=f"Found in {counted(len(readings), 'photo', 'photos')}", strip=strip, line=line,
        doubt=doubt if said else "",
    )  # fmt: skip


def mixed(readings: Sequence[Understanding]) -> str:
    """Return a sentence about photos that do not look alike; empty where all do."""
    groups: dict[int, list[int]] = {}
    for number, reading in enumerate(readings):
        groups.setdefault(reading.group, []).append(number)
    return what_is_mixed([groups[group] for group in sorted(groups)])


def suggested_kinds(readings: Sequence[Understanding]) -> list[str]:
    """Return at most three kinds, the likeliest over all photos first."""
    scores: dict[str, float] = {}
    for reading in readings:
        for kind, score in reading.kinds:
            scores[kind] = scores.get(kind, 0.0) + score
    return sorted(scores, key=lambda kind: -scores[kind])[:3]


def refined(job_id: str, found: Refinement) -> Markup:
    """Return what a refinement has brought, and the choice to keep it."""
    rows = joined(
        html(
            '<figure class="k-frame k-gingham"><img src="/media/jobs/{job_id}/refined/{when}.webp" alt="{alt}">'
            "<figcaption>{spoken}</figcaption></figure>",
            job_id=job_id, when=when, alt=alt, spoken=spoken,
        )
        for when, spoken, alt in (
            ("before", "Before", "Drawn as it was"), ("after", "Refined", "The same drawings with the refined LoRA"),
        )
    )  # fmt: skip
    verdict = "More like it." if found.helps else "No gain that could be told from chance."
    keep, discard = ("k-ink", "k-quiet") if found.helps else ("k-quiet", "k-ink")
    return html(
        '<div class="k-refined" role="status">{rows}<p><strong>{verdict}</strong> <span class="k-small">Likeness '
        "{before:.2f} → {after:.2f}, colours off by {colours_before:.0f} → {colours_after:.0f}</span></p>"
        '<div class="k-refined-line">'
        '<button type="button" class="k-button {keep}" data-do="keep" data-id="{job_id}">Keep the refined one</button>'
        '<button type="button" class="k-button {discard}" data-do="discard" data-id="{job_id}">Discard it</button>'
        "</div></div>",
        rows=rows, verdict=verdict, before=found.likeness_before, after=found.likeness_after, keep=keep,
        colours_before=found.colours_before, colours_after=found.colours_after, discard=discard, job_id=job_id,
    )  # fmt: skip


def shelf(concepts: Sequence[Concept]) -> Markup:
    """Return the cards of everything kept."""
    return html('<ul class="k-shelf">{cards}</ul>', cards=joined(_card(concept) for concept in concepts))


def cover(concept: Concept) -> Markup:
    """Return the cover of a concept on its ground."""
    return html(
        '<div class="k-frame k-gingham"><img src="/media/concepts/{id}/{photo}.webp?large=true" alt="{name}" '
        'loading="lazy"></div>',
        id=concept.id, photo=concept.photos[0].id, name=concept.name,
    )  # fmt: skip


def _card(concept: Concept) -> Markup:
    known = [concept.kind] if concept.kind else []
    known.append(counted(len(concept.photos), "photo", "photos"))
    if concept.aliases:
        known.append(f"also {', '.join(concept.aliases)}")
    if concept.facts:
        known.append(counted(len(concept.facts), "fact", "facts"))
    return html(
        '<li class="k-card" data-id="{id}">{cover}<div class="k-card-text">{tape}<p class="k-small">{known}</p></div>'
        '<div class="k-card-actions">'
        '<button type="button" class="k-button k-ink" data-do="draw" data-handle="{handle}">Draw it</button>'
        '<button type="button" class="k-button k-quiet" data-do="edit" data-id="{id}" aria-label="Edit {name}">Edit'
        "</button>"
        "{lora}"
        '<button type="button" class="k-button k-quiet" data-do="forget" data-id="{id}" aria-label="Forget {name}" '
        'data-confirm="Forget {name}?" data-confirm-line="Its photos, its facts and what was learned from them '
        'are removed from this machine. Pictures already made stay, unless you say otherwise." '
        'data-confirm-also="And the pictures made of it" '
        'data-confirm-yes="Forget">Forget</button>'
        "</div></li>",
        id=concept.id, name=concept.name, handle=concept.handle, cover=cover(concept), tape=tape(concept.handle),
        known=" · ".join(known), lora=_lora(concept),
    )  # fmt: skip


def _lora(concept: Concept) -> Markup:
    if concept.is_person and concept.consent_at is None:
        return Markup("")  # nothing of a person is given away before they have agreed
    return html(
        '<a class="k-button k-quiet" href="/media/concepts/{id}/lora.safetensors" download '
        'title="Its LoRA for ComfyUI, A1111, InvokeAI or diffusers, for the same base model" '
        'aria-label="Download the LoRA of {name}">LoRA</a>',
        id=concept.id, name=concept.name,
    )  # fmt: skip
