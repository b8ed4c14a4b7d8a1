"""HTML of the studio's own pieces. Every value is escaped on its way in: templates are ours, values are anybody's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from studio.domain.concepts import Concept
from studio.domain.jobs import Status

_ASSETS = Path(__file__).resolve().parents[2] / "assets" / "ui"
_ON_LOAD = "window.keepsake.mount(element, trigger, watch)"


def piece(value: str = "", *, name: str | None = None) -> gr.HTML:
    """Return a component for HTML of ours, without gradio's own styles; `name` is its id on the page.

    Buttons in it say with ``data-do`` what they do; see ``assets/ui/keepsake.js`` for the events they become.
    """
    return gr.HTML(value, elem_id=name, elem_classes="k-piece", js_on_load=_ON_LOAD, apply_default_css=False)


def html(template: str, **values: object) -> Markup:
    """Return `template` (ours, trusted) with ``{name}`` replaced by the escaped values."""
    return Markup(template).format(**values)


def joined(pieces: Iterable[Markup]) -> Markup:
    """Return the pieces one after the other."""
    return Markup("").join(pieces)


def drawing(name: str) -> Markup:
    """Return one of our line drawings (``assets/ui/drawings/<name>.svg``) to be shown inline."""
    return Markup((_ASSETS / "drawings" / f"{name}.svg").read_text(encoding="utf-8"))


def tape(handle: str) -> Markup:
    """Return the name tape of a concept: ``@handle`` as it is written in prompts."""
    return html('<span class="k-tape">@{handle}</span>', handle=handle)


def masthead() -> Markup:
    """Return the name of the house, and the switch between light and dark."""
    return html(
        '<div class="k-masthead"><a class="k-brand" href="/">{logo}Keepsake</a>'
        '<button type="button" class="k-light" data-do="light" aria-label="Light or dark"></button></div>',
        logo=Markup((_ASSETS / "logo.svg").read_text(encoding="utf-8")),
    )


def heading(title: str, line: str) -> Markup:
    """Return the head of a page."""
    return html('<header class="k-head"><h1>{title}</h1><p>{line}</p></header>', title=title, line=line)


def empty(name: str, title: str, line: str, action: Markup | str = "") -> Markup:
    """Return what stands where nothing is yet: a drawing, what this place is for, and what to do."""
    return html(
        '<div class="k-empty">{drawing}<h2>{title}</h2><p>{line}</p>{action}</div>',
        drawing=drawing(name), title=title, line=line, action=action,
    )  # fmt: skip


def waiting() -> Markup:
    """Return what stands for the moment until a list has been read."""
    return html('<div class="k-waiting" role="status" aria-label="Reading"><div class="k-stitches"><i></i></div></div>')


def notice(title: str, line: str, action: Markup | str = "") -> Markup:
    """Return what stands where something ended without a result."""
    return html(
        '<div class="k-notice" role="status"><h2>{title}</h2><p>{line}</p>{action}</div>',
        title=title, line=line, action=action,
    )  # fmt: skip


def job_card(job_id: str, title: str, *, status: Status, framed: bool) -> Markup:
    """Return a card that follows a job by itself; its component receives ``end`` when the job has ended.

    Args:
        job_id: the job to follow.
        title: what is being done.
        status: of the job now.
        framed: whether the job shows previews.
    """
    frame = html(
        '<div class="k-frame k-gingham"><span class="k-frame-wait">{drawing}</span>'
        '<img class="k-preview" alt="The picture as it is now" hidden></div>',
        drawing=drawing("hoop"),
    )
    return html(
        '<section class="k-job {shape}" data-job="{job_id}">{frame}<div class="k-job-text">'
        '<div class="k-job-line"><strong>{title}</strong><span class="k-job-left"></span></div>'
        '<div class="k-stitches" role="progressbar" aria-label="{title}" aria-valuemin="0" aria-valuemax="100" '
        'aria-valuenow="0"><i></i></div>'
        '<div class="k-job-line"><span class="k-job-message" aria-live="polite">{message}</span>'
        '<button type="button" class="k-button k-quiet" data-do="stop" data-id="{job_id}">Stop</button></div>'
        "</div></section>",
        shape="is-framed" if framed else "is-plain", job_id=job_id, title=title, frame=frame if framed else "",
        message="Waiting" if status is Status.QUEUED else "Starting",
    )  # fmt: skip


def counted(number: int, one: str, many: str) -> str:
    """Return ``1 photo`` or ``3 photos``."""
    return f"{number} {one if number == 1 else many}"


def example_prompts(concepts: Iterable[Concept]) -> tuple[str, ...]:
    """Return prompts that the smallest model draws well, about the visitor's own things where there are any."""
    handles = [f"@{concept.handle}" for concept in concepts][:2]
    own = (
        f"{handles[0]} wearing a crown",
        f"{handles[0]} at the beach, soft style",
        " and ".join(handles) + " in a meadow" if len(handles) > 1 else f"{handles[0]} with a red heart",
    ) if handles else ()  # fmt: skip
    return (
        *own,
        "a panda riding a bicycle at sunset",
        "a purple owl wearing a crown, soft style",
        "two cats with a birthday cake",
        "a rocket in space, glossy style",
    )[:4]


def chips(concepts: Iterable[Concept]) -> Markup:
    """Return the example prompts as buttons that fill the prompt."""
    buttons = joined(
        html('<button type="button" class="k-chip" data-do="fill" data-text="{text}">{text}</button>', text=text)
        for text in example_prompts(concepts)
    )
    return html('<div class="k-chips" role="group" aria-label="Examples">{buttons}</div>', buttons=buttons)
