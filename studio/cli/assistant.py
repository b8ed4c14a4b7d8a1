"""`ask`: a question about things and pictures to an answer with its sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studio.cli.concepts import read_photo
from studio.cli.console import AsJson, finished, opened_studio, tell
from studio.domain.conversations import Ending, Message, check_question
from studio.domain.recognition import Recognition
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.studio import Studio


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What you want to know; may be empty where there is a picture.")],
    image: Annotated[list[Path] | None, typer.Option(help="A picture that it is about; may be given again.")] = None,
    chat: Annotated[str, typer.Option(help="Conversation to go on with (its id), or 'new' to begin a kept one.")] = "",
    as_json: AsJson = False,
) -> None:
    """Answer a question about your things; without --chat neither question nor picture is kept."""
    pictures = list(image or [])
    check_question(question, len(pictures))
    contents = [read_photo(picture) for picture in pictures]
    with opened_studio(context) as studio:
        job, conversation = studio.assistant.begin(
            question, contents, conversation_id=chat if chat not in ("", "new") else None
        )
        try:
            answer = finished(job)
            regions = _regions(studio, conversation, pictures)
        finally:
            if not chat:
                studio.assistant.delete(conversation)
    if answer.ending is Ending.FAILED:
        raise StudioError(answer.text)
    record = {**_record(answer), "regions": regions, "conversation": conversation if chat else None}
    tell(record, _text(answer, conversation if chat else ""), as_json=as_json)


def _regions(studio: Studio, conversation: str, files: list[Path]) -> list[dict[str, Any]]:
    messages = studio.assistant.messages(conversation)
    shown = studio.assistant.recognised(messages)
    asked = [message for message in messages if message.pictures][-1:] if files else []
    pairs = [(file, picture) for message in asked for file, picture in zip(files, message.pictures, strict=True)]
    return [row for file, picture in pairs if picture.id in shown for row in _rows(file, shown[picture.id])]


def _rows(file: Path, shown: Recognition) -> list[dict[str, Any]]:
    # in shares of the picture: it was kept smaller than the file
    return [
        {
            "file": str(file),
            "box": [round(edge / size, 4) for edge, size in zip(one.box, (shown.width, shown.height) * 2, strict=True)],
            "concept": one.concept,
            "score": round(one.score, 4),
            "certainty": one.certainty.value,
        }
        for one in shown.found
    ]


def _record(answer: Message) -> dict[str, Any]:
    return {
        "answer": answer.text,
        "origin": answer.origin,
        "sources": [
            {"concept": one.concept, "region": one.region, "score": round(one.score, 4)} for one in answer.places
        ],
        "facts": [{"concept": one.concept, "text": one.text, "since": one.since} for one in answer.facts],
        "proposals": [{"concept": one.concept, "text": one.text} for one in answer.proposals],
        "draw": answer.draw or None,
    }


def _text(answer: Message, conversation: str) -> str:
    lines = [answer.text]
    lines += [f"  {one.concept}: {one.certainty}, {one.score:.0%}" for one in answer.places if one.concept]
    lines += [f"  “{one.text}”: the card of {one.concept}, since {one.since[:10]}" for one in answer.facts]
    lines += [f"  To draw it: python -m studio generate {answer.draw!r}"] if answer.draw else []
    lines += [f"  Go on with: --chat {conversation}"] if conversation else []
    return "\n".join(lines)
