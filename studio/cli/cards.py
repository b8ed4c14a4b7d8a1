"""`concept`: show, timeline, edit, merge, split, forget, export, import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.concepts import check_free, counted, read_photo, record, write
from studio.cli.console import AsJson, finished, opened_studio, plain, size, tell
from studio.domain.concepts import Concept, Photo, handle_of
from studio.domain.receipts import Erased, Receipt
from studio.domain.timeline import sentence
from studio.errors import InvalidInput

Name = Annotated[str, typer.Argument(help="One of its names, or a mention with or without the @.")]
_ZIP = ".zip"


def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show everything that is known of a thing."""
    with opened_studio(context) as studio:
        found = studio.concepts.get(name)
        examples = studio.recognition.examples(found.id)
    right, wrong = sum(one.shows_it for one in examples), sum(not one.shows_it for one in examples)
    tell(
        {**card(found), "examples": {"this": right, "not_this": wrong}},
        _described(found, right, wrong),
        as_json=as_json,
    )


def timeline(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of a thing; without one: everything.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what happened to a thing, and when, the latest first."""
    with opened_studio(context) as studio:
        told = studio.timeline.of(studio.concepts.get(name).id) if name else studio.timeline.all()
    lines = [f"{moment.at.astimezone():%Y-%m-%d %H:%M}  {sentence(moment)}" for moment in told]
    values = [{**plain(vars(moment)), "at": moment.at.isoformat()} for moment in told]
    tell(values, "\n".join(lines) or "Nothing has happened yet.", as_json=as_json)


def edit(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="What it is to be called.")] = None,
    kind: Annotated[str | None, typer.Option(help="What it is, in a word or two.")] = None,
    fingerprint: Annotated[str | None, typer.Option(help="What sets it apart from others of its kind.")] = None,
    alias: Annotated[list[str] | None, typer.Option(help="A further name; may be given again.")] = None,
    remove_alias: Annotated[list[str] | None, typer.Option(help="A further name to drop.")] = None,
    fact: Annotated[list[str] | None, typer.Option(help="A sentence about it; may be given again.")] = None,
    remove_fact: Annotated[list[str] | None, typer.Option(help="A fact to drop: its text, or its number.")] = None,
    relation: Annotated[list[str] | None, typer.Option(help="To another concept: 'belongs to Ana'.")] = None,
    remove_relation: Annotated[list[str] | None, typer.Option(help="A relation to drop: its text, or number.")] = None,
    add_photo: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A photo to add.")] = None,
    remove_photo: Annotated[list[int] | None, typer.Option(metavar="N", help="Number of a photo to remove.")] = None,
    consent: Annotated[
        bool | None, typer.Option("--consent/--no-consent", help="Whether the person agrees to be given away.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is known of a thing; it counts at the very next question."""
    photos = [read_photo(photo) for photo in add_photo or ()]
    with opened_studio(context) as studio:
        found = studio.concepts.get(name)
        gone = [_numbered(found, number).id for number in remove_photo or ()]
        changed = studio.concepts.edit(
            found.id,
            name=new_name,
            kind=kind,
            attributes=fingerprint,
            consent=consent,
            aliases=_changed(found.aliases, alias, remove_alias, "further name", same=handle_of),
            facts=_changed([one.text for one in found.facts], fact, remove_fact, "fact"),
            relations=_changed([str(one) for one in found.relations], relation, remove_relation, "relation"),
        )
        if photos:
            changed = finished(studio.cards.add_photos(found.id, photos))
        if gone:
            changed = finished(studio.cards.remove_photos(found.id, gone))
    tell(card(changed), f"{changed.name} is changed.\n{_described(changed)}", as_json=as_json)


def merge(
    context: typer.Context,
    name: Name,
    other: Annotated[str, typer.Argument(help="The one that goes into the first.")],
    as_json: AsJson = False,
) -> None:
    """Make one thing of two; the name of the second becomes a further name of the first."""
    with opened_studio(context) as studio:
        kept, gone = studio.concepts.get(name), studio.concepts.get(other)
        merged = finished(studio.cards.merge(kept.id, gone.id))
    tell(card(merged), f"{gone.name} is part of {merged.name} now.\n{_described(merged)}", as_json=as_json)


def split(
    context: typer.Context,
    name: Name,
    photos: Annotated[str, typer.Option(metavar="N,N", help="Numbers of the photos to split off: 2,3.")],
    called: Annotated[str, typer.Option("--as", metavar="NAME", help="What they are to be called.")],
    as_json: AsJson = False,
) -> None:
    """Make a thing of its own of some photos."""
    with opened_studio(context) as studio:
        found = studio.concepts.get(name)
        chosen = [_numbered(found, number).id for number in _numbers(photos)]
        made = finished(studio.cards.split(found.id, chosen, called))
        rest = studio.concepts.get(found.id)
    text = f"{made.name} has {counted(len(made.photos), 'photo')} now, {rest.name} keeps {len(rest.photos)}."
    tell({"new": card(made), "rest": card(rest)}, text, as_json=as_json)


def forget(
    context: typer.Context,
    name: Name,
    with_pictures: Annotated[bool, typer.Option("--with-pictures", help="And the pictures made of it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a thing and all that belongs to it, and say what is gone."""
    with opened_studio(context) as studio:
        found = studio.concepts.get(name)
        _sure(found, yes=yes, as_json=as_json)
        receipt = studio.concepts.forget(found.id, pictures=with_pictures)
    told = {"forgotten": record(found), "receipt": _receipt(receipt)}
    tell(told, receipt_text(receipt), as_json=as_json)
    if not receipt.complete:
        raise typer.Exit(1)


def export(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option(help="The file to write, ending in .zip; none is overwritten.")],
    as_json: AsJson = False,
) -> None:
    """Write a thing as a file: photos, facts, relations, LoRA and consent; another Keepsake imports it."""
    check_free(out, _ZIP, "a concept is a file that ends in")
    with opened_studio(context) as studio:
        found = studio.concepts.get(name)
        file = studio.transfers.export(found.id)
    write(out, file.data)
    told = {"file": str(out), "bytes": len(file.data), "concept": record(found)}
    tell(told, f"{out}: {found.name}, {counted(len(found.photos), 'photo')}, {size(len(file.data))}.", as_json=as_json)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that Keepsake exported.")],
    called: Annotated[str | None, typer.Option("--as", metavar="NAME", help="What it is to be called here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a thing known from a file that Keepsake exported."""
    from studio.storage.card_files import BYTES_MAX

    if not file.is_file():
        raise InvalidInput(f"There is no file {file}.")
    if file.stat().st_size > BYTES_MAX:  # said here so that no gigabytes are read first
        raise InvalidInput(f"{file} is larger than {BYTES_MAX // 10**6} MB; no concept is.")
    with opened_studio(context) as studio:
        added = finished(studio.transfers.import_(file.read_bytes(), name=called))
    tell(card(added), f"{added.name} is known now.\n{_described(added)}", as_json=as_json)


def card(found: Concept) -> dict[str, Any]:
    """Return everything on a concept's card for JSON."""
    return {
        **record(found),
        "aliases": list(found.aliases),
        "fingerprint": found.fingerprint,
        "facts": [
            {"text": one.text, "added_at": one.added_at.isoformat(), "source": one.source.value} for one in found.facts
        ],
        "relations": [str(one) for one in found.relations],
        "consent_at": found.consent_at.isoformat() if found.consent_at else None,
        "photos": [
            {"number": number, "width": one.width, "height": one.height, "box": list(one.box) if one.box else None}
            for number, one in enumerate(found.photos, 1)
        ],
    }


def receipt_text(receipt: Receipt) -> str:
    """Return a receipt for a person."""
    lines = [f"{receipt.concept} is forgotten. Gone for good, {size(receipt.bytes)} in all:"]
    lines += [f"  {_line(one)}" for one in receipt.erased]
    lines += [f"Left as it was: {_line(one)}." for one in receipt.stayed]
    if receipt.complete:
        return "\n".join([*lines, "Looked for afterwards: nothing of it was found."])
    return "\n".join([*lines, "STILL THERE:", *(f"  {one}" for one in receipt.found)])


def _line(one: Erased) -> str:
    return f"{one.what}: {one.count}" + (f", {size(one.bytes)}" if one.bytes else "")


def _receipt(receipt: Receipt) -> dict[str, Any]:
    sorts = {
        name: [{"what": one.what, "count": one.count, "bytes": one.bytes} for one in group]
        for name, group in (("erased", receipt.erased), ("stayed", receipt.stayed))
    }
    return {**sorts, "bytes": receipt.bytes, "found": list(receipt.found), "complete": receipt.complete}


def _described(found: Concept, right: int = 0, wrong: int = 0) -> str:
    lines = [f"{found.name} (@{found.handle}), {found.fingerprint or 'kind unknown'}"]
    if found.aliases:
        lines.append(f"  also called   {', '.join(found.aliases)}")
    lines += [f"  {number}. fact       {one.text} ({one.source}, {one.added_at:%Y-%m-%d})"
              for number, one in enumerate(found.facts, 1)]  # fmt: skip
    lines += [f"  {number}. relation   {one}" for number, one in enumerate(found.relations, 1)]
    lines += [f"  {number}. photo      {one.width} × {one.height}" for number, one in enumerate(found.photos, 1)]
    if right or wrong:
        lines.append(f"  corrections   {right} × this is it, {wrong} × this is not")
    if found.is_person:
        agreed = f"since {found.consent_at:%Y-%m-%d}" if found.consent_at else "not given; ask, then edit --consent"
        lines.append(f"  consent       {agreed}")
    return "\n".join(lines)


def _changed(
    before: Sequence[str],
    more: Sequence[str] | None,
    gone: Sequence[str] | None,
    what: str,
    *,
    same: Callable[[str], str] = str.strip,
) -> list[str] | None:
    """Return the texts with some more and some gone, by text or number; None where neither is asked for."""
    if not more and not gone:
        return None
    dropped = set()
    for one in gone or ():
        numbered = before[int(one) - 1] if one.isdigit() and 0 < int(one) <= len(before) else one
        found = next((text for text in before if same(text) == same(numbered)), None)
        if found is None:
            raise InvalidInput(f"There is no {what} {one[:60]!r}. The command 'concept show' lists them.")
        dropped.add(found)
    return [*(text for text in before if text not in dropped), *(more or ())]


def _numbers(text: str) -> list[int]:
    try:
        return [int(one) for one in text.split(",")]
    except ValueError as error:
        raise InvalidInput(f"--photos is {text[:40]!r}; write numbers joined by commas: 2,3.") from error


def _numbered(found: Concept, number: int) -> Photo:
    if not 1 <= number <= len(found.photos):
        raise InvalidInput(f"{found.name} has no photo {number}; it has {len(found.photos)}, counted from 1.")
    return found.photos[number - 1]


def _sure(found: Concept, *, yes: bool, as_json: bool) -> None:
    """Ask a person at a terminal; a script that pipes has decided already."""
    if yes or as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    if not typer.confirm(f"Forget {found.name} with {counted(len(found.photos), 'photo')} for good?"):
        raise typer.Exit(1)


def add_verbs(app: typer.Typer) -> None:
    """Add the verbs to `concept`."""
    for verb in (show, timeline, edit, merge, split, forget):
        app.command(verb.__name__)(verb)
    app.command("export")(export)
    app.command("import")(import_)
