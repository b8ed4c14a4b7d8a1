"""HTML of conversations: what was said, what an answer rests on, and what may be remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup

from studio.domain.concepts import Concept
from studio.domain.conversations import (
    ChatPicture,
    Conversation,
    Ending,
    Message,
    Note,
    Proposal,
    QuotedFact,
    Role,
    ShownPlace,
    Standing,
)
from studio.domain.jobs import Status
from studio.domain.recognition import Recognition
from studio.ui.markup import drawing, html, joined
from studio.ui.media import concept_cover
from studio.ui.recognition_markup import SURENESS, scene

_ORIGINS = {
    "worded": "In the language model’s own words. Only what stands in “quotation marks” is from your cards.",
    "invented": "Made up by the language model from the facts below.",
}
_ENDINGS = {Ending.STOPPED: "Stopped.", Ending.FAILED: "No answer. Your question is kept."}


def thread(
    messages: Sequence[Message],
    shows: Mapping[str, Recognition],
    concepts: Sequence[Concept],
    *,
    job: tuple[str, Status] | None = None,
) -> Markup:
    """Return a conversation.

    Args:
        messages: in order.
        shows: what each picture shows now.
        concepts: all known things.
        job: the answer that is being made: its id and status.
    """
    last = messages[-1].id if messages else ""
    turns = [
        _question(message, shows, concepts)
        if message.role is Role.USER
        else _answer(message, concepts, last=message.id == last and job is None)
        for message in messages
    ]
    if job is not None:
        turns.append(_talking(*job))
    elif messages and messages[-1].role is Role.USER:
        turns.append(_unanswered())
    return html('<div class="k-thread">{turns}</div>', turns=joined(turns))


def beginning(concepts: Sequence[Concept]) -> Markup:
    """Return what stands where a conversation will be, with questions to begin with."""
    names = [concept.name for concept in concepts][:2]
    asked = (
        [f"Tell me about {names[0]}", "Who is in this picture?", f"Remember that {names[-1]} …"]
        if names
        else ["What can you do?"]
    )
    chips = joined(
        html('<button type="button" class="k-chip" data-do="asking" data-text="{text}">{text}</button>', text=text)
        for text in asked
    )
    line = (
        "Ask about one of your things, or add a picture and ask who is in it. Facts are quoted from their cards."
        if names
        else "Add a thing first; then you can talk about it here."
    )
    return html(
        '<div class="k-empty k-beginning">{drawing}<h2>What would you like to know?</h2><p>{line}</p>'
        '<div class="k-chips">{chips}</div></div>',
        drawing=drawing("talk"), line=line, chips=chips,
    )  # fmt: skip


def shelf(conversations: Sequence[Conversation], opened: str | None, *, searched: bool) -> Markup:
    """Return the list of conversations; `opened` is the id of the one that is shown."""
    if not conversations:
        words = "Nothing was said with these words." if searched else "Your conversations are kept here."
        return html('<p class="k-small k-talks-none">{words}</p>', words=words)
    rows = joined(_talk(one, is_open=one.id == opened) for one in conversations)
    return html('<ul class="k-talks">{rows}</ul>', rows=rows)


def notes_list(notes: Sequence[Note]) -> Markup:
    """Return what is remembered about the person."""
    if not notes:
        return Markup("")
    rows = joined(
        html(
            '<li><span>{text}<small>{when}, in “{said_in}”</small></span><button type="button" '
            'class="k-button k-quiet" data-do="delete" data-id="{id}" aria-label="Forget: {text}">Forget</button></li>',
            text=note.text, when=day(note.added_at), said_in=note.said_in, id=note.id,
        )
        for note in notes
    )  # fmt: skip
    return html('<h2 class="k-side-title">About you</h2><ul class="k-notes">{rows}</ul>', rows=rows)


def day(moment: datetime) -> str:
    """Return a day for a person: ``25 Nov 2026``."""
    return f"{moment.day} {moment:%b %Y}"


def _question(message: Message, shows: Mapping[str, Recognition], concepts: Sequence[Concept]) -> Markup:
    words = html('<p class="k-bubble">{text}</p>', text=message.text) if message.text else Markup("")
    pictures = joined(_picture(picture, shows.get(picture.id), concepts) for picture in message.pictures)
    return html(
        '<article class="k-turn is-question" aria-label="You">{pictures}{words}</article>',
        pictures=pictures, words=words,
    )  # fmt: skip


def _picture(picture: ChatPicture, recognition: Recognition | None, concepts: Sequence[Concept]) -> Markup:
    source = f"/media/chats/{picture.id}.jpg"
    if recognition is not None:
        return scene(source, picture.id, recognition, concepts)
    return html(
        '<figure class="k-sent"><img src="{source}" width="{width}" height="{height}" alt="Your picture"></figure>',
        source=source, width=picture.width, height=picture.height,
    )  # fmt: skip


def _answer(message: Message, concepts: Sequence[Concept], *, last: bool) -> Markup:
    by_id = {concept.id: concept for concept in concepts}
    note = _ENDINGS.get(message.ending) or _ORIGINS.get(message.origin, "")
    draw = html(
        '<button type="button" class="k-button k-ink" data-do="fill" data-text="{prompt}">Draw it: {prompt}</button>',
        prompt=message.draw,
    ) if message.draw else ""  # fmt: skip
    again = (
        html('<button type="button" class="k-button k-quiet" data-do="again" data-id="">Answer again</button>')
        if last
        else ""
    )
    return html(
        '<article class="k-turn is-answer {state}" aria-label="Keepsake"><p class="k-words">{text}</p>{note}{sources}'
        '{proposals}<div class="k-turn-actions">{draw}'
        '<button type="button" class="k-button k-quiet" data-do="copy" data-text="{text}">Copy</button>{again}{things}'
        "</div></article>",
        state=f"is-{message.ending.value}", text=message.text,
        note=html('<p class="k-small">{note}</p>', note=note) if note else "",
        sources=_sources(message, by_id), draw=draw, again=again, things=_things(message, by_id),
        proposals=joined(
            _proposal(message.id, number, one) for number, one in enumerate(message.proposals)
        ),
    )  # fmt: skip


def _sources(message: Message, by_id: Mapping[str, Concept]) -> Markup:
    found = [(one, by_id.get(one.concept_id or "")) for one in message.places]
    places = [_place(one, concept) for one, concept in found if concept is not None]
    facts = [_fact(one) for one in message.facts]
    if not places and not facts:
        return Markup("")
    return html(
        '<details class="k-sources"><summary>{summary}</summary><ul>{rows}</ul></details>',
        summary=_counted(len(places), len(facts)), rows=joined([*places, *facts]),
    )  # fmt: skip


def _counted(places: int, facts: int) -> str:
    parts = [f"{places} {'place' if places == 1 else 'places'} in the picture"] if places else []
    parts += [f"{facts} {'fact' if facts == 1 else 'facts'} of your cards"] if facts else []
    return f"Rests on {' and '.join(parts)}"


def _place(place: ShownPlace, concept: Concept) -> Markup:
    return html(
        '<li class="k-source"><img src="/media/chats/{picture}/{region}.webp" alt="The place in the picture">'
        '<i aria-hidden="true">≈</i><img class="k-gingham" src="{cover}" alt="The card of {name}">'
        "<span>{name}<small>{words}, {score}</small></span></li>",
        picture=place.picture_id, region=place.region, cover=concept_cover(concept.id, concept.photos[0].id),
        name=concept.name, words=SURENESS[place.certainty], score=f"{place.score:.0%}",
    )  # fmt: skip


def _fact(fact: QuotedFact) -> Markup:
    whose = f"the card of {fact.concept}" if fact.concept_id else "what you told me about you"
    return html(
        '<li class="k-source"><span>“{text}”<small>from {whose}, since {since}</small></span></li>',
        text=fact.text, whose=whose, since=day(datetime.fromisoformat(fact.since)),
    )  # fmt: skip


def _proposal(message_id: str, number: int, proposal: Proposal) -> Markup:
    about = proposal.concept if proposal.concept_id else "you"
    if proposal.standing is Standing.KEPT:
        actions = html('<span class="k-small">Remembered</span>')
    elif proposal.standing is Standing.DECLINED:
        actions = html('<span class="k-small">Not remembered</span>')
    else:
        actions = html(
            '<button type="button" class="k-button k-ink" data-do="remember" data-id="{place}">Remember</button>'
            '<button type="button" class="k-button k-quiet" data-do="dismiss" data-id="{place}">No</button>',
            place=f"{message_id}/{number}",
        )
    return html(
        '<div class="k-proposal is-{standing}"><p>{about}: “{text}”</p><div>{actions}</div></div>',
        standing=proposal.standing.value, about=about[:1].upper() + about[1:], text=proposal.text, actions=actions,
    )  # fmt: skip


def _things(message: Message, by_id: Mapping[str, Concept]) -> Markup:
    """Return buttons that go to Create with the things an answer tells of."""
    ids = dict.fromkeys([*(one.concept_id for one in message.places), *(one.concept_id for one in message.facts)])
    known = [by_id[one] for one in ids if one is not None and one in by_id][:3]
    return joined(
        html(
            '<button type="button" class="k-button k-quiet" data-do="draw" data-handle="{handle}">'
            "Draw @{handle}</button>",
            handle=concept.handle,
        )
        for concept in known
    )


def _talking(job_id: str, status: Status) -> Markup:
    return html(
        '<section class="k-turn is-answer k-talking" data-job="{job_id}"><p class="k-words k-job-message" '
        'aria-live="polite">{message}</p><div class="k-stitches" role="progressbar" aria-label="Answering" '
        'aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"><i></i></div><div class="k-turn-actions">'
        '<button type="button" class="k-button k-quiet" data-do="stop" data-id="{job_id}">Stop</button>'
        '<span class="k-job-left" hidden></span></div></section>',
        job_id=job_id, message="Waiting" if status is Status.QUEUED else "Thinking",
    )  # fmt: skip


def _unanswered() -> Markup:
    return html(
        '<article class="k-turn is-answer is-stopped"><p class="k-small">This was not answered yet.</p>'
        '<div class="k-turn-actions"><button type="button" class="k-button k-ink" data-do="again" data-id="">'
        "Answer it</button></div></article>"
    )


def _talk(one: Conversation, *, is_open: bool) -> Markup:
    return html(
        '<li class="k-talk {state}"><button type="button" class="k-talk-open" data-do="open" data-id="{id}" '
        'aria-current="{current}"><b>{title}</b><small>{summary}</small></button>'
        '<button type="button" class="k-talk-delete" data-do="delete" data-id="{id}" data-confirm="Delete “{title}”?" '
        'data-confirm-line="What was said and its pictures are gone then. What you had remembered stays." '
        'data-confirm-yes="Delete" aria-label="Delete “{title}”">×</button></li>',
        state="is-open" if is_open else "", id=one.id, current="true" if is_open else "false", title=one.title,
        summary=one.summary or day(one.changed_at),
    )  # fmt: skip
