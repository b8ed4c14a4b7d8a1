"""HTML of what was found in photos: boxes with names over each photo, and beside it what can be said about them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from studio.domain.concepts import Concept
from studio.domain.recognition import Certainty, Found, Recognition
from studio.ui.markup import counted, html, joined, tape

SURENESS = {
    Certainty.SURE: "I am sure",
    Certainty.LIKELY: "Very likely",
    Certainty.PERHAPS: "Perhaps; please check",
    Certainty.UNKNOWN: "I don’t know this one",
}


def scenes(job_id: str, answers: Sequence[Recognition], concepts: Sequence[Concept]) -> Markup:
    """Return every photo of a look job with what was found in it.

    Args:
        job_id: the job; its photos are fetched by it, and corrections name it.
        answers: what each photo shows.
        concepts: what a place may be said to show.
    """
    return html(
        '<div class="k-scenes">{scenes}</div>',
        scenes=joined(
            scene(f"/media/jobs/{job_id}/photos/{number}.jpg", f"{job_id}/{number}", answer, concepts)
            for number, answer in enumerate(answers)
        ),
    )


def said(answer: Recognition) -> str:
    """Return in one sentence what a photo shows."""
    names = list(answer.concepts)
    if not names:
        return _nobody(answer.unknown)
    known = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    if not answer.unknown:
        return f"That’s {known}."
    return f"That’s {known}, with {counted(answer.unknown, 'thing', 'things')} I don’t know."


def _nobody(unknown: int) -> str:
    if not unknown:
        return "Nothing stands out in this photo."
    return "I don’t know this one." if unknown == 1 else f"I see {unknown} things and know none of them."


def scene(source: str, place: str, answer: Recognition, concepts: Sequence[Concept]) -> Markup:
    """Return a photo with what was found in it.

    Args:
        source: address of the photo.
        place: what corrections name it by; the number of the place follows.
        answer: what it shows.
        concepts: what a place may be said to show.
    """
    marked = list(zip(_marks(answer.found), answer.found, strict=True))
    return html(
        '<section class="k-scene"><figure><img src="{source}" width="{width}" height="{height}" '
        'alt="{said}">{boxes}</figure><div class="k-scene-text"><p class="k-said" role="status">'
        '{said}</p><ul class="k-founds">{rows}</ul></div></section>',
        source=source, width=answer.width, height=answer.height, said=said(answer),
        boxes=joined(_box(mark, one, answer) for mark, one in marked),
        rows=joined(_row(f"{place}/{one.region}", mark, one, concepts) for mark, one in marked),
    )  # fmt: skip


def _marks(found: Sequence[Found]) -> list[str]:
    """Return what stands on each box: the name, or a question mark, counted where there are several."""
    unknown = [one for one in found if one.concept is None]
    return [one.concept or (f"? {unknown.index(one) + 1}" if len(unknown) > 1 else "?") for one in found]


def _box(mark: str, one: Found, answer: Recognition) -> Markup:
    left, top, right, bottom = one.box
    return html(
        '<span class="k-box {state} {room}" style="left: {left:.2f}%; top: {top:.2f}%; width: {width:.2f}%; '
        'height: {height:.2f}%" aria-hidden="true"><b>{mark}</b></span>',
        state="is-known" if one.concept else "is-unknown",
        room="has-room" if top > 0.09 * answer.height else "", mark=mark,
        left=100 * left / answer.width, top=100 * top / answer.height,
        width=100 * (right - left) / answer.width, height=100 * (bottom - top) / answer.height,
    )  # fmt: skip


def _row(place: str, mark: str, one: Found, concepts: Sequence[Concept]) -> Markup:
    others = [concept for concept in concepts if concept.id != one.concept_id]
    handle = next((concept.handle for concept in concepts if concept.id == one.concept_id), None)
    name = tape(handle) if handle else html('<span class="k-mark">{mark}</span>', mark=mark)
    refuse = html(
        '<button type="button" class="k-button k-quiet" data-do="not" data-id="{place}">Not {name}</button>',
        place=place, name=one.concept,
    ) if one.concept else ""  # fmt: skip
    return html(
        '<li class="k-found"><div class="k-found-line">{name}<span class="k-small">{words}</span></div>'
        '<div class="k-found-actions">{refuse}{chooser}</div></li>',
        name=name, words=SURENESS[one.certainty], refuse=refuse, chooser=_chooser(place, others),
    )  # fmt: skip


def _chooser(place: str, concepts: Sequence[Concept]) -> Markup:
    chips = joined(
        html(
            '<button type="button" class="k-chip" data-do="is" data-id="{place}/{id}">{name}</button>',
            place=place, id=concept.id, name=concept.name,
        )
        for concept in concepts
    )  # fmt: skip
    return html(
        '<details class="k-this-is"><summary class="k-button k-quiet">This is …</summary><div class="k-chips">{chips}'
        '<button type="button" class="k-chip" data-do="go" data-tab="concepts">Something new</button></div></details>',
        chips=chips,
    )
