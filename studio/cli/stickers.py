"""`stickers` and `check-pack`: a thing to a pack for a messenger, and whether a pack keeps the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.console import AsJson, finished, opened_studio, size, tell
from studio.domain.stickers import COUNT_USUAL, FITTING, Messenger, Motion, SceneSet, StickerLook, StickersRequest

_PACKS = ", ".join(Messenger)
_MOTIONS = ", ".join(Motion)
_SETS = ", ".join(SceneSet)


def stickers(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The known thing that the stickers show.")],
    pack: Annotated[str, typer.Option(help=f"Where the pack is for: {_PACKS}.")],
    out: Annotated[Path, typer.Option(help="Folder for the pack; made if it is not there.")],
    count: Annotated[int, typer.Option(help="How many stickers.")] = COUNT_USUAL,
    about: Annotated[str, typer.Option("--set", help=f"What they are about: {_SETS}.")] = SceneSet.FEELINGS,
    outline: Annotated[bool, typer.Option(help="A white border along the silhouette.")] = True,
    shadow: Annotated[bool, typer.Option(help="A soft shadow below.")] = True,
    caption: Annotated[str, typer.Option(help="The same words under every sticker.")] = "",
    own_words: Annotated[bool, typer.Option("--own-words", help="Each scene's own words instead.")] = False,
    animated: Annotated[
        bool, typer.Option("--animated", help="They move; Telegram needs requirements-video.txt.")
    ] = False,
    motion: Annotated[str, typer.Option(help=f"The same motion for all, of {_MOTIONS}; else each as it suits.")] = "",
    title: Annotated[str, typer.Option(help="What the pack is called; the thing's name if left out.")] = "",
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same set; random if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw a set of a thing, finish it and write it as a pack that keeps the messenger's rules."""
    from studio.packs import files, rules

    messenger = Messenger.of(pack)
    motion = motion or (FITTING if animated else Motion.NONE)
    look = StickerLook(outline=outline, shadow=shadow, caption=caption, own_words=own_words, motion=motion)
    request = StickersRequest(concept=name, count=count, seed=seed, about=SceneSet.of(about))
    rules.check_count(messenger, count)  # before minutes of drawing
    with opened_studio(context) as studio:
        if look.caption:
            studio.stickers.check_caption(look.caption)
        studio.stickers.check_motion(messenger, look)
        concept = studio.concepts.get(name)
        pictures = finished(studio.stickers.start(request))
        ids = [picture.id for picture in pictures]
        built = finished(studio.stickers.start_pack(ids, messenger, look, title=title or concept.name))
    written = files.write(built, out)
    record = {
        "pack": messenger.value,
        "title": built.label.title,
        "stickers": built.stickers,
        "animated": built.animated,
        "largest_bytes": built.largest,
        "files": [str(path) for path in written],
        "seeds": [picture.recipe.seed for picture in pictures],
        "pictures": [picture.id for picture in pictures],
    }
    kind = "moving stickers" if built.animated else "stickers"
    text = (
        f"{built.stickers} {kind} for {messenger}, the largest {size(built.largest)}. The pack keeps all its rules.\n"
        + "\n".join(map(str, written))
    )
    tell(record, text, as_json=as_json)


def check_pack(
    path: Annotated[Path, typer.Argument(help="A pack: its folder, or its zip.")],
    pack: Annotated[str, typer.Option(help=f"Whose rules: {_PACKS}.")],
    as_json: AsJson = False,
) -> None:
    """Check a pack against a messenger's rules; ends with 1 if it breaks any."""
    from studio.packs import files
    from studio.packs.validation import problems

    messenger = Messenger.of(pack)
    found = problems(files.read(path), messenger)
    record = {
        "pack": messenger.value,
        "valid": not found,
        "problems": [{"file": problem.file, "problem": problem.sentence} for problem in found],
    }
    text = "\n".join(map(str, found)) or f"{path} keeps all rules of {messenger}."
    tell(record, text, as_json=as_json)
    if found:
        raise typer.Exit(1)
