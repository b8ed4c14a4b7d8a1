"""`recognise`: photos to the names of what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.concepts import read_photo
from studio.cli.console import AsJson, finished, opened_studio, tell
from studio.domain.recognition import PHOTOS_MAX, Recognition
from studio.errors import InvalidPhoto


def recognise(
    context: typer.Context,
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos to look at.")],
    as_json: AsJson = False,
) -> None:
    """Say which known things are in photos, and where; what is not known is said too."""
    for photo in photos:
        _check(photo)
    answers: list[Recognition] = []
    with opened_studio(context) as studio:
        for start in range(0, len(photos), PHOTOS_MAX):
            contents = [read_photo(photo) for photo in photos[start : start + PHOTOS_MAX]]
            answers += studio.recognition.answer(finished(studio.recognition.look(contents)))
    records = [_record(photo, answer) for photo, answer in zip(photos, answers, strict=True)]
    lines = [f"{photo}: {sentence(answer)}" for photo, answer in zip(photos, answers, strict=True)]
    tell(records, "\n".join(lines), as_json=as_json)


def sentence(answer: Recognition) -> str:
    """Return a recognition in words: ``Bo (sure), Mug (likely), and 1 thing that is not known``."""
    named = [f"{one.concept} ({one.certainty})" for one in answer.found if one.concept is not None]
    things = f"{answer.unknown} thing{'' if answer.unknown == 1 else 's'} that {_be(answer.unknown)} not known"
    if not named:
        return things if answer.unknown else "nothing stands out"
    return ", ".join(named) + (f", and {things}" if answer.unknown else "")


def _check(photo: Path) -> None:
    """Refuse what is no photo before any is looked at, which takes longer."""
    from studio.storage.ingest import check_photo

    try:
        check_photo(read_photo(photo))
    except InvalidPhoto as error:
        raise InvalidPhoto(str(error) if str(photo) in str(error) else f"{photo}: {error}") from error


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _record(photo: Path, answer: Recognition) -> dict[str, Any]:
    regions = [{"box": list(one.box), "concept": one.concept, "score": round(one.score, 4)} for one in answer.found]
    return {"file": str(photo), "regions": regions, "concepts": list(answer.concepts)}
