"""HTML of tastes: what somebody likes, with pictures and sliders; pairs to pick between; reactions to a picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from markupsafe import Markup

from studio.domain.generation import Recipe
from studio.domain.taste import (
    Reaction,
    TasteAttribute,
    TasteEvent,
    TasteHelp,
    TasteInterest,
    TasteProfile,
    TasteVersion,
)
from studio.domain.taste_words import SHARED, describe_help
from studio.services.taste_picks import PICKS, Pair
from studio.ui.markup import counted, html, joined
from studio.ui.meter_markup import meter

_STRONGEST = 8  # sliders that are shown at once
_PICTURES = 12  # of an interest
_VERSIONS = 8
_REACTIONS = (
    (Reaction.LIKE, "Like", "♥"), (Reaction.SKIP, "Not mine", "✕"),
    (Reaction.MORE, "More like this", "＋"), (Reaction.HIDE, "Hide", "⌀"),
)  # fmt: skip


def reactions(picture_id: str, said: Collection[Reaction], *, all_of_them: bool = False) -> Markup:
    """Return the buttons that say what somebody thinks of a picture."""
    buttons = joined(
        html(
            '<button type="button" class="k-react" data-react="{reaction}" data-id="{id}" aria-pressed="{pressed}" '
            'title="{text}"><span aria-hidden="true">{sign}</span>{label}</button>',
            reaction=reaction.value, id=picture_id, pressed="true" if reaction in said else "false", text=text,
            sign=sign, label=_label(text, shown=all_of_them),
        )
        for reaction, text, sign in _REACTIONS[: len(_REACTIONS) if all_of_them else 2]
    )  # fmt: skip
    return html('<div class="k-reacts" role="group" aria-label="What you think of it">{buttons}</div>', buttons=buttons)


def _label(text: str, *, shown: bool) -> Markup:
    return html('<span class="{shape}">{text}</span>', shape="" if shown else "k-unseen", text=text)


def plain_beneath(recipe: Recipe) -> Markup:
    """Return the picture of the same seed without the taste, over the one in it, to be faded in by a slider."""
    if not recipe.plain:
        return Markup("")
    return html(
        '<img class="k-plain" src="/media/pictures/{id}.png" alt="The same without your taste">', id=recipe.plain
    )


def beside(recipe: Recipe, picture: str) -> Markup:
    """Return the picture `picture` and the one of the same seed without the taste side by side, each to be pressed.

    One slider goes from the one to the other on the large picture; two meters and a sentence say what the taste does.
    """
    if not recipe.plain or recipe.taste_score is None or recipe.plain_score is None:
        return Markup("")
    sides = joined(
        html(
            '<button type="button" class="k-side-picture" data-between-at="{at}" aria-pressed="{pressed}">'
            '<span class="k-frame k-gingham"><img src="/media/pictures/{id}/thumb.webp" width="256" height="256" '
            'alt=""></span><span>{name}</span></button>',
            at=at, pressed="true" if at else "false", id=one, name=name,
        )
        for at, one, name in ((0, recipe.plain, "Plain"), (100, picture, recipe.taste))
    )  # fmt: skip
    points = round(100 * recipe.taste_score) - round(100 * recipe.plain_score)
    return html(
        '<section class="k-beside" aria-label="With and without your taste"><div class="k-sides">{sides}</div>{slider}'
        '<div class="k-meters">{plain}{tasted}</div><p class="k-small">Both are drawn from seed {seed}. The taste '
        "makes it {points} likelier that {name} likes the picture.</p></section>",
        sides=sides, slider=_fader(recipe.taste), seed=recipe.seed, name=recipe.taste,
        points=counted(points, "point", "points"),
        plain=_liking("Plain", recipe.plain_score), tasted=_liking(recipe.taste, recipe.taste_score),
    )  # fmt: skip


def _liking(name: str, probability: float) -> Markup:
    return meter(name, probability, f"{round(100 * probability)} %")


def _fader(name: str) -> Markup:
    return html(
        '<label class="k-between-slide"><span>Plain</span><input type="range" min="0" max="100" value="100" '
        'data-between aria-label="Without and with your taste"><span>{name}</span></label>',
        name=name,
    )


def taste_line(recipe: Recipe) -> Markup:
    """Return what a taste did to a picture: the slider between with and without, and by how much it is liked more."""
    if recipe.taste and recipe.taste_score is not None and recipe.plain_score is not None:
        return html(
            '<div class="k-between">{slider}<p class="k-small">{name} likes it with {score:.0f} %, the plain one with '
            "{plain:.0f} %.</p></div>",
            slider=_fader(recipe.taste), name=recipe.taste, score=100 * recipe.taste_score,
            plain=100 * recipe.plain_score,
        )  # fmt: skip
    if recipe.plain_score is not None:
        return html(
            '<p class="k-small k-between">The plain picture: nothing that was tried is liked better '
            "({plain:.0f} %).</p>",
            plain=100 * recipe.plain_score,
        )
    return Markup("")


def picking(pair: Pair) -> Markup:
    """Return two pictures to choose between."""
    beads = joined(html('<i class="{on}"></i>', on="is-on" if n < pair.made else "") for n in range(PICKS))
    sides = joined(
        html(
            '<button type="button" class="k-pick" data-do="open" data-id="{one}/{other}" aria-label="This one">'
            '<span class="k-frame k-gingham"><img src="/media/taste/samples/{one}.webp" alt=""></span></button>',
            one=one, other=other,
        )
        for one, other in ((pair.one, pair.other), (pair.other, pair.one))
    )  # fmt: skip
    left = max(0, PICKS - pair.made)
    line = f"{counted(left, 'pick', 'picks')} to go" if left else "Well known by now; go on as long as you like"
    return html(
        '<section class="k-picking"><header><h2>Which one do you like better?</h2>'
        '<p class="k-small">{line}. Each pair is the one whose answer tells most.</p></header>'
        '<div class="k-pair">{sides}</div><div class="k-beads" role="img" aria-label="{made} of {all}">{beads}</div>'
        '<button type="button" class="k-button k-quiet" data-do="dismiss" data-id="">Not now</button></section>',
        line=line, sides=sides, beads=beads, made=pair.made, all=PICKS,
    )  # fmt: skip


def taste(
    profile: TasteProfile,
    sentence: str,
    events: Sequence[TasteEvent],
    attributes: Sequence[TasteAttribute],
    versions: Sequence[TasteVersion],
    help: TasteHelp,
) -> Markup:
    """Return all that a profile knows, and who helps it."""
    by_file = {event.file: event for event in events}
    interests = profile.version.summary.interests
    shown = joined(_interest(interest, by_file) for interest in interests)
    rest = _rest(interests, by_file)
    return html(
        '<article class="k-taste"><header class="k-taste-head"><p class="k-said">{sentence}</p>'
        '<p class="k-small">{basis}</p>{actions}</header>{interests}{rest}{sliders}{company}{versions}</article>',
        sentence=sentence, basis=_basis(profile), actions=_actions(profile, bool(events)),
        interests=html('<section class="k-interests">{shown}</section>', shown=shown) if shown else "",
        rest=rest, sliders=_sliders(profile.version, attributes), company=_company(profile, attributes, help),
        versions=_versions(versions),
    )  # fmt: skip


def _basis(profile: TasteProfile) -> str:
    summary = profile.version.summary
    parts = [
        f"Learned from {counted(summary.liked, 'picture', 'pictures')} you like, {summary.others} you do not"
        f" and {counted(summary.picks, 'pick', 'picks')}."
    ]
    if summary.contradictions:
        both = counted(summary.contradictions, "picture was", "pictures were")
        parts.append(f"{both} both liked and refused: the later word counts.")
    if summary.undecided:
        parts.append(f"Of {summary.undecided} neither counts, since both were said at once.")
    left = sum(summary.dropped.values())
    if left:
        parts.append(f"Left out, since they looked like accidents: {counted(left, 'reaction', 'reactions')}.")
    return " ".join(parts)


def _actions(profile: TasteProfile, something: bool) -> Markup:
    learn = html('<button type="button" class="k-button k-ink" data-do="again" data-id="learn">Learn again</button>')
    return html(
        '<div class="k-taste-actions">{learn}'
        '<button type="button" class="k-button" data-do="again" data-id="pick">Pick between two</button>'
        '<a class="k-button k-quiet" href="/media/taste/{handle}.json" download>Export</a>'
        '<button type="button" class="k-button k-quiet k-danger" data-do="forget" data-id="{id}" '
        'data-confirm="Forget {name}?" '
        'data-confirm-line="Its versions and all reactions are deleted from this machine." '
        'data-confirm-yes="Forget it">Forget</button></div>',
        learn=learn if something else "", handle=profile.handle, id=profile.id, name=profile.name,
    )  # fmt: skip


def _interest(interest: TasteInterest, by_file: Mapping[str, TasteEvent]) -> Markup:
    pictures = joined(_picture(by_file[file]) for file in interest.files[:_PICTURES] if file in by_file)
    return html(
        '<section class="k-interest"><header><h2>{words}</h2><span class="k-share">'
        '<i style="width:{share:.0f}%"></i></span><b>{share:.0f} %</b></header>'
        '<ul class="k-liked">{pictures}</ul></section>',
        words=", ".join(interest.words).capitalize() or "Of all sorts", share=100 * interest.share, pictures=pictures,
    )  # fmt: skip


def _rest(interests: Sequence[TasteInterest], by_file: Mapping[str, TasteEvent]) -> Markup:
    inside = {file for interest in interests for file in interest.files[:_PICTURES]}
    others = [event for file, event in by_file.items() if file not in inside]
    if not others:
        return Markup("")
    pictures = joined(_picture(event) for event in others[-60:])
    return html(
        '<details class="k-rest"><summary>{count} more you reacted to</summary>'
        '<ul class="k-liked">{pictures}</ul></details>',
        count=len(others), pictures=pictures,
    )  # fmt: skip


def _picture(event: TasteEvent) -> Markup:
    return html(
        '<li class="{side}"><span class="k-frame k-gingham"><img src="/media/taste/events/{id}.webp" loading="lazy" '
        'alt="{said}"></span><span class="k-small">{said}</span><button type="button" class="k-without" data-do="not" '
        'data-id="{file}" aria-label="Take this back">×</button></li>',
        side="" if event.reaction.favours else "is-against", id=event.id, said=event.reaction.spoken, file=event.file,
    )  # fmt: skip


def _sliders(version: TasteVersion, attributes: Sequence[TasteAttribute]) -> Markup:
    leanings = version.leanings
    order = sorted(attributes, key=lambda one: -abs(leanings.get(one.name, 0.0)))
    first, more = order[:_STRONGEST], order[_STRONGEST:]
    note = html(
        '<button type="button" class="k-button k-quiet" data-do="again" data-id="clear">'
        "Back to what was learned</button>"
    )
    rest = html(
        '<details><summary>All {count} of them</summary><div class="k-leans">{more}</div></details>',
        count=len(order), more=joined(_slider(one, version) for one in more),
    )  # fmt: skip
    return html(
        '<section class="k-leanings"><header><h2>In plain words</h2>'
        '<p class="k-small">Drag what is wrong. What you set counts more than what was learned.</p></header>'
        '<div class="k-leans">{first}</div>{rest}{note}</section>',
        first=joined(_slider(one, version) for one in first), rest=rest if more else "",
        note=note if version.edits else "",
    )  # fmt: skip


def _slider(attribute: TasteAttribute, version: TasteVersion) -> Markup:
    return html(
        '<label class="k-lean {set}" title="{measured}"><span>{low}</span>'
        '<input type="range" min="-1" max="1" step="0.05" '
        'value="{value:.2f}" data-lean="{name}" aria-label="{low} to {high}"><span>{high}</span></label>',
        set="is-set" if attribute.name in version.edits else "", measured=attribute.measured, low=attribute.low,
        high=attribute.high, name=attribute.name, value=version.leanings.get(attribute.name, 0.0),
    )  # fmt: skip


def _company(profile: TasteProfile, attributes: Sequence[TasteAttribute], help: TasteHelp) -> Markup:
    since = profile.sharing_since
    on = since is not None
    state = html(
        '<div class="k-company-now"><p>{help}</p><p class="k-small">On since {since}.</p></div>',
        help=describe_help(help, attributes), since=f"{since.astimezone():%d %b %Y}",
    ) if since is not None else Markup("")  # fmt: skip
    return html(
        '<section class="k-company"><header><h2 id="k-company">Like-minded people</h2>'
        '<button type="button" class="k-switch" role="switch" aria-checked="{checked}" aria-labelledby="k-company" '
        'aria-describedby="k-company-what" data-do="again" data-id="share/{turn}"><span>{text}</span>'
        '<i aria-hidden="true"></i></button></header>'
        '<p class="k-small" id="k-company-what">Let this taste help other people of this studio who share theirs, and '
        "be helped by those who are like you. {shared} Switch it off at any time: it ends at once, and nothing of it "
        "is kept. Pictures that were drawn meanwhile stay.</p>{state}</section>",
        checked="true" if on else "false", turn="off" if on else "on", text="On" if on else "Off", shared=SHARED,
        state=state,
    )  # fmt: skip


def _versions(versions: Sequence[TasteVersion]) -> Markup:
    newest = versions[0].number if versions else 0
    lines = joined(
        html(
            "<li><b>{number}</b><span>{why}</span><time>{made}</time>{back}</li>",
            number=one.number, why=one.why, made=f"{one.made_at.astimezone():%d %b, %H:%M}",
            back=html(
                '<button type="button" class="k-button k-quiet" data-do="again" data-id="version/{number}">'
                "Go back</button>",
                number=one.number,
            ) if one.number != newest else Markup("<em>now</em>"),
        )
        for one in versions[:_VERSIONS]
    )  # fmt: skip
    return html('<details class="k-versions"><summary>Versions</summary><ol>{lines}</ol></details>', lines=lines)
