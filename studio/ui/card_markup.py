"""HTML of one concept's card: its photos, what is known with date and source, and the receipt of its end."""

from __future__ import annotations

from markupsafe import Markup

from studio.domain.concepts import Concept, FactSource
from studio.domain.receipts import Erased, Receipt
from studio.ui.concept_markup import cover
from studio.ui.markup import html, joined, tape

_SOURCES = {
    FactSource.SAID: "you said it",
    FactSource.CHAT: "from a chat",
    FactSource.IMPORTED: "came with a file",
}


def head(concept: Concept) -> Markup:
    """Return the cover, the name tape and the fingerprint."""
    return html(
        '<div class="k-sheet-head">{cover}{tape}<p class="k-small">{fingerprint}</p></div>',
        cover=cover(concept), tape=tape(concept.handle), fingerprint=concept.fingerprint,
    )  # fmt: skip


def photos(concept: Concept) -> Markup:
    """Return the photos, numbered; each can be removed as long as it is not the last."""
    alone = len(concept.photos) == 1
    strip = joined(
        html(
            '<li class="k-frame k-gingham"><img src="/media/concepts/{concept}/{photo}.webp" alt="Photo {number}" '
            'loading="lazy"><span class="k-number">{number}</span>{remove}</li>',
            concept=concept.id, photo=photo.id, number=number,
            remove="" if alone else _remove(photo.id, number),
        )
        for number, photo in enumerate(concept.photos, 1)
    )  # fmt: skip
    return html('<ul class="k-strip k-card-photos">{strip}</ul>', strip=strip)


def told_when(concept: Concept) -> Markup:
    """Return the facts with the date and source of each, for below the field in which they are edited."""
    if not concept.facts:
        return Markup("")
    lines = joined(
        html(
            "<li><span>{text}</span><small>{source}, {date}</small></li>",
            text=fact.text, source=_SOURCES[fact.source], date=f"{fact.added_at:%d %b %Y}",
        )
        for fact in concept.facts
    )  # fmt: skip
    return html('<ul class="k-told">{lines}</ul>', lines=lines)


def take_away(concept: Concept) -> Markup:
    """Return the links to the concept's files; of a person only once they have agreed."""
    if concept.is_person and concept.consent_at is None:
        return html(
            '<p class="k-small">{name} is a person: ask before anything is given away. Once they agree, tick the '
            "box above and save; then the files are here.</p>",
            name=concept.name,
        )
    return html(
        '<div class="k-downloads"><a class="k-button" href="/media/concepts/{id}/card.zip" download>Concept file</a>'
        '<a class="k-button" href="/media/concepts/{id}/lora.safetensors" download>LoRA</a>'
        '<p class="k-small">The concept file holds photos, facts and LoRA; another Keepsake takes it in.</p></div>',
        id=concept.id,
    )


def receipt(done: Receipt) -> Markup:
    """Return what is gone, what stayed, and whether anything was found afterwards."""
    rows = joined(
        html("<div><dt>{what}</dt><dd>{count}</dd></div>", what=one.what, count=_amount(one)) for one in done.erased
    )
    stayed = "".join(f" Left as they were: {one.count} {one.what}." for one in done.stayed)
    found = "Looked for afterwards: nothing of it was found."
    if not done.complete:
        found = f"Still there: {', '.join(done.found)}."
    return html(
        '<section class="k-notice k-receipt" role="status"><h2>{name} is forgotten</h2><dl class="k-recipe">{rows}</dl>'
        '<p class="k-small">{size} gone for good.{stayed} {found}</p>'
        '<button type="button" class="k-button k-quiet" data-do="dismiss">Close the receipt</button></section>',
        name=done.concept, rows=rows, size=_size(done.bytes), stayed=stayed, found=found,
    )  # fmt: skip


def _remove(photo_id: str, number: int) -> Markup:
    return html(
        '<button type="button" class="k-without" data-do="without" data-id="{id}" aria-label="Remove photo {number}" '
        'data-confirm="Remove photo {number}?" data-confirm-line="It goes from this machine, with everything that was '
        'learned from it." data-confirm-yes="Remove">×</button>',
        id=photo_id, number=number,
    )  # fmt: skip


def _amount(one: Erased) -> str:
    return f"{one.count} · {_size(one.bytes)}" if one.bytes else str(one.count)


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
