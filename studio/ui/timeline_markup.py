"""HTML of what happened when: of one thing on its card, of all of them beside the conversations."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from studio.domain.timeline import Happening, Moment, sentence
from studio.ui.markup import html, joined

_TITLE = "What happened when"
_ASKING = html('<summary data-do="unfold">{title}</summary>', title=_TITLE)
_SHOWN = 60  # moments; further ones are counted


def timeline(moments: Sequence[Moment]) -> Markup:
    """Return the moments, the latest first, folded away; nothing where there are none."""
    if not moments:
        return Markup("")
    return html(
        '<details class="k-timeline"><summary>{title}</summary>{told}</details>', title=_TITLE, told=_told(moments)
    )


def folded() -> Markup:
    """Return a timeline that is read anew each time that it is unfolded, see `unfolded`."""
    return html('<details class="k-timeline">{summary}</details>', summary=_ASKING)


def unfolded(moments: Sequence[Moment]) -> Markup:
    """Return what a `folded` timeline becomes."""
    told = _told(moments) if moments else html('<p class="k-small">Nothing has happened yet.</p>')
    return html('<details class="k-timeline" open>{summary}{told}</details>', summary=_ASKING, told=told)


def _told(moments: Sequence[Moment]) -> Markup:
    rows = joined(_row(moment) for moment in moments[:_SHOWN])
    more = len(moments) - _SHOWN
    rest = html('<p class="k-small">And {more} earlier.</p>', more=more) if more > 0 else Markup("")
    return html("<ol>{rows}</ol>{rest}", rows=rows, rest=rest)


def _row(moment: Moment) -> Markup:
    words: Markup | str = sentence(moment)
    if moment.happening is Happening.TALKED:
        words = html(
            '<button type="button" class="k-timeline-open" data-do="open" data-id="{id}">{words}</button>',
            id=moment.opens, words=words,
        )  # fmt: skip
    at = moment.at.astimezone()
    return html(
        '<li class="is-{kind}"><time datetime="{iso}">{day}</time><span>{words}</span></li>',
        kind=moment.happening.value, iso=f"{at:%Y-%m-%dT%H:%M}", day=f"{at.day} {at:%b %Y}", words=words,
    )  # fmt: skip
