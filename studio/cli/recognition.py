"""`recognise`: photos to the names of what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.concepts import read_photo
from studio.cli.console import AsJson, finished, opened_studio, tell
from studio.domain.recognition import Recognition, check_photo_count


def recognise(
    context: typer.Context,
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos to look at.")],
    as_json: AsJson = False,
) -> None:
    """Say which known things are in photos, and where; what is not known is said too."""
    check_photo_count(len(photos))
    contents = [read_photo(photo) for photo in photos]
    with opened_studio(context) as studio:
        seen = finished(studio.recognition.look(contents))
        answers = studio.recognition.answer(seen)
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


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _record(photo: Path, answer: Recognition) -> dict[str, Any]:
    regions = [{"box": list(one.box), "concept": one.concept, "score": round(one.score, 4)} for one in answer.found]
    return {"file": str(photo), "regions": regions, "concepts": list(answer.concepts)}
