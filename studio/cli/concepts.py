"""`concept`: add, list, lora, refine; the verbs for one card are in `cards.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.console import AsJson, finished, opened_studio, plain, size, table, tell
from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.loras import SUFFIX, LoraLayout
from studio.domain.refining import Keep
from studio.errors import InvalidInput, InvalidPhoto, MixedPhotos, StorageFull

app = typer.Typer(help="The things the studio knows.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def concept(context: typer.Context) -> None:
    """The things the studio knows."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the thing is called; prompts mention it as @name.")],
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos of the thing.")],
    kind: Annotated[str, typer.Option(help="What it is, in a word or two: dog, mug. Guessed if left out.")] = "",
    fact: Annotated[list[str] | None, typer.Option(help="A sentence about it; may be given again.")] = None,
    alias: Annotated[list[str] | None, typer.Option(help="A further name; may be given again.")] = None,
    consent: Annotated[
        bool, typer.Option("--consent", help="The person has agreed that their card is exported or shared.")
    ] = False,
    one_thing: Annotated[
        bool, typer.Option("--one-thing", help="The photos show one thing even if they do not look alike.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a thing known from photos of it."""
    # Everything but the photos is checked before any of them is read.
    draft = AddConceptRequest(
        name=name,
        photos=(b"",) * len(photos),
        kind=kind,
        facts=tuple(fact or ()),
        aliases=tuple(alias or ()),
        consent=consent,
        one_thing=one_thing,
    )
    request = replace(draft, photos=tuple(read_photo(photo) for photo in photos))
    with opened_studio(context) as studio:
        try:
            added = finished(studio.concepts.add(request))
        except MixedPhotos as error:
            raise MixedPhotos(f"{error} To say so: --one-thing.") from error
    text = (
        f"{added.name} is known now: {counted(len(added.photos), 'photo')}, kind {added.kind or 'unknown'}, "
        f"{counted(len(added.facts), 'fact')}. Prompts mention it as @{added.handle}."
    )
    if added.is_person and added.consent_at is None:
        text += f" Before {added.name} is exported, ask them, then: concept edit {added.name} --consent"
    tell(record(added), text, as_json=as_json)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the things that are known."""
    with opened_studio(context) as studio:
        known = studio.concepts.list()
    rows = [
        (found.name, f"@{found.handle}", found.kind, str(len(found.photos)), f"{found.created_at:%Y-%m-%d %H:%M}")
        for found in known
    ]
    text = table(("name", "mention", "kind", "photos", "since"), rows)
    if not rows:
        text = "Nothing is known yet. Add a thing: python -m studio concept add Bo photo.jpg --kind dog"
    tell([record(found) for found in known], text, as_json=as_json)


@app.command("lora")
def lora(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, or its mention with or without the @.")],
    out: Annotated[Path, typer.Option(help="The file to write, ending in .safetensors; none is overwritten.")],
    layout: Annotated[
        LoraLayout, typer.Option(help="kohya: ComfyUI, A1111, InvokeAI and diffusers read it; for UNets alone.")
    ] = "kohya",
    as_json: AsJson = False,
) -> None:
    """Write the personal LoRA of a thing as a file for other programs with the same base model."""
    check_free(out, SUFFIX, "other programs look for names that end in")
    with opened_studio(context) as studio:
        found = studio.concepts.get(name)
        finished(studio.loras.prepare(found.id))
        file = studio.loras.file(found.id, layout)
    write(out, file.data)
    record = {"file": str(out), "layout": layout, "bytes": len(file.data), "trigger": found.kind, "concept": found.id}
    about = f"the LoRA of {found.name}, {layout} layout, {size(len(file.data))}"
    tell(record, f"{out}: {about}. Prompts call it up by {found.kind!r}.", as_json=as_json)


@app.command("refine")
def refine(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, or its mention with or without the @.")],
    keep: Annotated[Keep, typer.Option(help="auto: only if pictures were measured to be more like it.")] = Keep.AUTO,
    as_json: AsJson = False,
) -> None:
    """Train the personal LoRA of a thing on its own photos for about a minute; shows what that brings."""
    with opened_studio(context) as studio:
        job = studio.refining.start(name)
        refinement = finished(job)
        kept = refinement.is_kept(keep)
        if kept:
            studio.refining.keep(job.id)
    record = {
        "concept": refinement.concept_id,
        "name": refinement.name,
        "likeness_before": round(refinement.likeness_before, 4),
        "likeness_after": round(refinement.likeness_after, 4),
        "gain": round(refinement.gain, 4),
        "standard_error": round(refinement.error, 4),
        "colours_before": round(refinement.colours_before, 2),
        "colours_after": round(refinement.colours_after, 2),
        "helps": refinement.helps,
        "kept": kept,
        "seconds": round(refinement.seconds, 1),
    }
    text = (
        f"{refinement.name}: likeness {refinement.likeness_before:.3f} → {refinement.likeness_after:.3f} "
        f"({refinement.gain:+.3f} ± {refinement.error:.3f}), colours off by {refinement.colours_before:.1f} → "
        f"{refinement.colours_after:.1f}, in {refinement.seconds:.0f} s. "
        + ("The refined LoRA is kept." if kept else "The LoRA of before stays.")
    )
    tell(record, text, as_json=as_json)


def check_free(out: Path, suffix: str, why: str) -> None:
    """Refuse a file to write that is there already, is called otherwise than `suffix` asks, or has no folder."""
    if out.suffix != suffix:
        raise InvalidInput(f"The file is called {out.name}; {why} {suffix}.")
    if out.exists():
        raise InvalidInput(f"{out} exists already. Choose another name, or remove it first.")
    if not out.parent.is_dir():
        raise InvalidInput(f"The folder {out.parent} does not exist.")


def write(out: Path, data: bytes) -> None:
    """Write a new file; raises `StorageFull` and leaves nothing where it cannot be written."""
    with out.open("xb") as file:
        try:
            file.write(data)
        except OSError as error:
            out.unlink()
            raise StorageFull(f"{out} cannot be written: {error.strerror}.") from error


def read_photo(photo: Path) -> bytes:
    """Return the file of a photo; refuses folders, missing files and those that are too large before reading them."""
    from studio.storage.ingest import BYTES_MAX

    if photo.is_dir():
        raise InvalidPhoto(f"{photo} is a folder; name the photos in it, for example {photo}/*.jpg.")
    if not photo.exists():
        raise InvalidPhoto(f"The photo {photo} does not exist.")
    if photo.stat().st_size > BYTES_MAX:  # said here so that no gigabytes are read first
        raise InvalidPhoto(f"The photo {photo} is larger than {BYTES_MAX // 10**6} MB. Save a smaller copy of it.")
    return photo.read_bytes()


def counted(number: int, noun: str) -> str:
    """Return ``1 photo`` or ``3 photos``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def record(found: Concept) -> dict[str, Any]:
    """Return a concept for JSON, in short."""
    return plain(
        {
            "id": found.id,
            "name": found.name,
            "mention": f"@{found.handle}",
            "kind": found.kind,
            "photos": len(found.photos),
            "facts": [fact.text for fact in found.facts],
            "personal": found.adapter is not None,
            "created_at": found.created_at.isoformat(),
        }
    )
