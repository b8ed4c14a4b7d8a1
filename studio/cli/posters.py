"""`poster`: a picture, or a thing that is drawn first, and words to a page; `suggest-titles`: large words for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studio.cli.console import AsJson, finished, opened_studio, tell
from studio.domain.posters import PosterWords, size_of
from studio.domain.titles import SUGGESTED, TitleRequest
from studio.errors import InvalidInput, StorageFull

if TYPE_CHECKING:
    from studio.studio import Studio

_KINDS = (".pdf", ".svg", ".png")


def poster(
    context: typer.Context,
    title: Annotated[str, typer.Option(help="The large words.")],
    out: Annotated[Path, typer.Option(help="The file: .pdf or .svg to print, .png to show. Nothing is overwritten.")],
    template: Annotated[str, typer.Option(help="portrait, event, birthday, quote or film.")] = "portrait",
    concept: Annotated[str | None, typer.Option(help="A known thing, which is drawn for the poster.")] = None,
    picture: Annotated[str | None, typer.Option(help="The id of a picture in the gallery, instead.")] = None,
    line: Annotated[str, typer.Option(help="A line beside the title.")] = "",
    credits: Annotated[str, typer.Option(help="The small print.")] = "",
    size: Annotated[str, typer.Option(help="A5, A4, A3, A2, 24x36in, square, feed or story.")] = "A3",
    seed: Annotated[int | None, typer.Option(help="With --concept: the same seed draws the same picture.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set a picture and words as a poster: vector text, embedded fonts, 3 mm bleed."""
    from studio.posters.templates import template_of

    words = PosterWords(title=title, line=line, credits=credits)
    format = size_of(size)
    template_of(template)
    _check_out(out)
    if (concept is None) == (picture is None):
        raise InvalidInput("Give either --concept, a thing to draw, or --picture, the id of a picture.")
    with opened_studio(context) as studio:
        picture_id = picture or _drawn(studio, concept or "", seed)
        made = studio.posters.make(picture_id, words, template=template, size=format)
        data = studio.posters.file(made, out.suffix.lower().removeprefix("."))
    _write_new(out, data)
    for warning in made.warnings:
        typer.echo(f"warning: {warning}", err=True)
    record = {
        "file": str(out),
        "picture": picture_id,
        "template": template,
        "size": format.name,
        "millimetres": [round(format.width, 1), round(format.height, 1)],
        "bleed": format.bleed,
        "picture_dpi": round(made.dpi),
        "warnings": list(made.warnings),
    }
    tell(record, f"{out}  ({format.says}, picture at {made.dpi:.0f} dpi)", as_json=as_json)


def suggest_titles(
    context: typer.Context,
    template: Annotated[str, typer.Option(help="portrait, event, birthday, quote or film.")] = "portrait",
    concept: Annotated[str | None, typer.Option(help="A known thing.")] = None,
    picture: Annotated[str | None, typer.Option(help="The id of a picture in the gallery, instead.")] = None,
    taste: Annotated[
        str | None, typer.Option(help="Whose taste they should sound like; without it the one that collects.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many at most, 1 to 5.")] = 4,
    seed: Annotated[int | None, typer.Option(help="The same seed asks the same.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let the language model make up titles for a poster; it is small, and knows nothing but name and kind."""
    request = TitleRequest(
        template=template, picture=picture or "", concept=concept or "", taste=taste, count=count, seed=seed
    )
    with opened_studio(context) as studio:
        titles = finished(studio.titles.suggest(request))
    record = {"template": template, "note": SUGGESTED, "titles": list(titles)}
    tell(record, "\n".join([SUGGESTED, *(f"  {title}" for title in titles)]), as_json=as_json)


def _drawn(studio: Studio, concept: str, seed: int | None) -> str:
    (picture,) = finished(studio.posters.draw(concept, seed))
    return picture.id


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in _KINDS:
        raise InvalidInput(f"{out} has to end in {', '.join(_KINDS[:-1])} or {_KINDS[-1]}.")
    if out.exists():
        raise InvalidInput(f"{out} is there already and is not overwritten. Choose another name.")
    if not out.parent.is_dir():
        raise InvalidInput(f"The folder {out.parent} does not exist. Make it first.")


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            path.unlink(missing_ok=True)
        raise StorageFull(f"{path} cannot be written: {error.strerror}. The picture is kept in the gallery.") from error
