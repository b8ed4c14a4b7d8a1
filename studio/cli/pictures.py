"""`generate`: words (and a thing) to picture files."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.console import AsJson, finished, opened_studio, plain, tell
from studio.domain.generation import GenerateRequest, Picture, Pose, check_palette
from studio.domain.scores import Word
from studio.domain.taste import Amount
from studio.errors import InvalidInput, StorageFull
from studio.storage.ingest import BYTES_MAX

_STEM_MAX = 48


def generate(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What to draw; @name mentions a thing that is known.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures; made if it is not there.")],
    concept: Annotated[str | None, typer.Option(help="A known thing to draw, instead of an @mention.")] = None,
    count: Annotated[int, typer.Option(help="How many pictures, 1–16.")] = 1,
    best_of: Annotated[
        int, typer.Option(help="Draw so many for each picture and keep the one with the best scores; in all, up to 16.")
    ] = 1,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same picture; random if left out.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Denoising steps, 1–100; the model's own number if left out.")
    ] = None,
    guidance: Annotated[float | None, typer.Option(help="How strictly to follow the words, 1–30.")] = None,
    fidelity: Annotated[float, typer.Option(help="0: exactly the words, 1: exactly the thing.")] = 0.7,
    pose: Annotated[
        Pose, typer.Option(help="The thing as in one of its photos, drawn anew, or one or the other by the seed.")
    ] = Pose.BOTH,
    taste: Annotated[
        str | None, typer.Option(help="Draw in this taste; the plain picture is shown where it wins.")
    ] = None,
    amount: Annotated[Amount, typer.Option(help="What the taste may change: style; colours too; the ground too.")] = (
        Amount.CLEAR
    ),
    tries: Annotated[int, typer.Option(help="Ways of drawing the taste chooses among, 1–8.")] = 3,
    like: Annotated[
        Path | None, typer.Option(help="A picture file whose look the pictures are to have, beside the taste if any.")
    ] = None,
    taste_share: Annotated[
        float | None,
        typer.Option(help="How much of the look is the taste's beside that picture: 0, the picture alone, to 1."),
    ] = None,
    palette: Annotated[
        str, typer.Option(help="Colours such as '#c0392b #ffd166' of what is not one of your things, at most four.")
    ] = "",
    style_lora: Annotated[
        str | None, typer.Option(help="A style LoRA to draw with, by its name; 'style list' shows them.")
    ] = None,
    style_strength: Annotated[float | None, typer.Option(help="Of the style LoRA, 0–1.5; its own if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw pictures and write them as PNG files named after the prompt and the seed."""
    request = GenerateRequest(
        prompt=prompt, concept=concept, count=count, best_of=best_of, seed=seed, steps=steps, guidance=guidance,
        fidelity=fidelity, pose=pose, style_lora=style_lora, style_strength=style_strength,
        palette=check_palette(palette),
    )  # fmt: skip
    reference = _content(like) if like is not None else None
    _make_folder(out)
    written = []
    with opened_studio(context) as studio:
        if taste is None and reference is None and taste_share is None:
            job = studio.generation.start(request)
        else:
            from studio.services.taste_drawing import TasteRequest

            asked = TasteRequest(
                drawing=request, taste=taste or "", amount=amount, tries=tries, like=reference, taste_share=taste_share
            )
            job = studio.taste_drawing.start(asked)
        for picture in finished(job):
            data = studio.gallery.export(picture.id, "png")
            path = write_new(out, f"{stem_of(prompt)}-{picture.recipe.seed}", data)
            written.append(_record(path, picture))
    tell(written, "\n".join(_line(record, taste) for record in written), as_json=as_json)


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > BYTES_MAX:
            raise InvalidInput(f"{file} is larger than the {BYTES_MAX / 1e6:.0f} MB that are possible.")
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error


def _record(path: Path, picture: Picture) -> dict[str, Any]:
    return plain(
        {
            "file": str(path),
            "seed": picture.recipe.seed,
            "likeness": picture.scores.likeness,
            "prompt_score": picture.scores.prompt,
            "id": picture.id,
            "seconds": picture.seconds,
            "recipe": asdict(picture.recipe),
        }
    )


def _line(record: dict[str, Any], taste: str | None) -> str:
    scores = {"likeness": record["likeness"], "prompt": record["prompt_score"]}
    words = [f"{name} {Word.of(score)}" for name, score in scores.items() if score is not None]
    about = ", ".join([f"seed {record['recipe']['seed']}", *words])
    return f"{record['file']}  ({about}{_liking(record['recipe'], taste)})"


def _liking(recipe: dict[str, Any], taste: str | None) -> str:
    """Return how much a picture gained by its taste, or by what it was drawn like; nothing where by neither."""
    if recipe["like_score"] is not None and not recipe["plain"]:
        return "; the plain picture, of which nothing that was tried is better"
    if recipe["like_score"] is not None:
        shared = f", liked {recipe['taste_score']:.0%}" if recipe["taste"] else ""
        return f"; looks like yours by {recipe['like_score']:.2f}{shared}"
    if taste is None:
        return ""
    if not recipe["taste"]:
        return "; the plain picture, which your taste likes best"
    return f"; liked {recipe['taste_score']:.0%}, plain {recipe['plain_score']:.0%}"


def stem_of(prompt: str) -> str:
    """Return a file name for a prompt: lower-case letters and digits of any script, joined by hyphens."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", prompt).casefold())
    return "-".join(words)[:_STEM_MAX].rstrip("-") or "picture"


def write_new(folder: Path, stem: str, data: bytes) -> Path:
    """Write ``stem.png``, or ``stem-2.png`` and so on where that exists: nothing is ever overwritten."""
    number = 1
    while True:
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        try:
            file = path.open("xb")
        except FileExistsError:
            number += 1
            continue
        try:
            with file:
                file.write(data)
        except OSError as error:
            path.unlink()
            raise StorageFull(
                f"{path} cannot be written: {error.strerror}. The picture is kept in the gallery."
            ) from error
        return path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"The folder {folder} cannot be made: {error.strerror}.") from error
