"""`taste`: what somebody likes, learned from folders of pictures, edited in plain words, asked about pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studio.cli.concepts import read_photo
from studio.cli.console import AsJson, finished, opened_studio, plain, table, tell
from studio.domain.taste import TasteProfile
from studio.domain.taste_words import SHARED, describe_help
from studio.errors import InvalidInput

if TYPE_CHECKING:
    from studio.studio import Studio

app = typer.Typer(help="What you like: learn it, see it, change it.", no_args_is_help=True)
_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
_SHARING = f"Help other tastes that share, and be helped by them, or not (any more; at once). {SHARED}"
Name = Annotated[str, typer.Argument(help="Name of a taste.")]
File = tuple[str, Callable[[], bytes]]


@app.command("list")
def list_tastes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tastes."""
    with opened_studio(context) as studio:
        profiles = studio.tastes.list()
        records = [_record(profile, studio.tastes.in_words(profile)) for profile in profiles]
    rows = [(one["name"], str(one["version"]), str(one["liked"]), one["in_words"]) for one in records]
    tell(records, table(("NAME", "VERSION", "LIKED", "IN WORDS"), rows) if rows else "No taste yet.", as_json=as_json)


@app.command("show")
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show what a taste knows: leanings, interests, versions."""
    with opened_studio(context) as studio:
        profile = studio.tastes.get(name)
        words = studio.tastes.in_words(profile)
        versions = studio.tastes.versions(name)
        attributes = {one.name: one for one in studio.tastes.attributes()}
        sharing, told = _sharing(studio, profile.name)
    record = _record(profile, words)
    record |= {
        "leanings": {one: round(value, 3) for one, value in profile.version.leanings.items()},
        "edits": dict(profile.version.edits),
        "interests": [{"share": round(i.share, 3), "words": list(i.words)} for i in profile.version.summary.interests],
        "versions": [{"number": v.number, "made_at": v.made_at.isoformat(), "why": v.why} for v in versions],
        "contradictions": profile.version.summary.contradictions,
        "dropped": dict(profile.version.summary.dropped),
        "sharing": sharing,
    }
    strongest = sorted(profile.version.leanings.items(), key=lambda item: -abs(item[1]))[:10]
    rows = [
        (
            attributes[one].low,
            f"{value:+.2f}",
            attributes[one].high,
            "set by you" if one in profile.version.edits else "",
        )
        for one, value in strongest
        if one in attributes
    ]
    lines = [f"{profile.name}, version {profile.version.number}: {words}", *_interests(profile), *_notes(profile), told]
    lines += ["", table(("LOW", "LEANING", "HIGH", ""), rows)] if rows else []
    tell(record, "\n".join(lines), as_json=as_json)


@app.command("learn")
def learn(
    context: typer.Context,
    name: Name,
    liked: Annotated[Path | None, typer.Option(help="Folder of pictures you like.")] = None,
    skipped: Annotated[Path | None, typer.Option(help="Folder of pictures you do not like.")] = None,
    as_json: AsJson = False,
) -> None:
    """Learn a taste from folders of pictures, or without them from what was done in the studio."""
    files = [_pictures(folder) if folder is not None else [] for folder in (liked, skipped)]
    left_out: tuple[str, ...] = ()
    with opened_studio(context) as studio:
        if liked is None and skipped is None:
            profile = finished(studio.tastes.learn(name))
        else:
            came = finished(studio.tastes.import_pictures(name, files[0], files[1]))
            profile, left_out = came.profile, came.left_out
        words = studio.tastes.in_words(profile)
    record = {**_record(profile, words), "left_out": list(left_out)}
    lines = [f"{profile.name}, version {profile.version.number}: {profile.version.why}.", words]
    tell(record, "\n".join([*lines, *_notes(profile), *(f"left out: {one}" for one in left_out)]), as_json=as_json)


@app.command("edit")
def edit(
    context: typer.Context,
    name: Name,
    words: Annotated[str, typer.Option(help='Plain words: "warmer, less busy, no outlines".')] = "",
    lean: Annotated[list[str] | None, typer.Option(metavar="ATTRIBUTE=NUMBER", help="A leaning, −1 to 1.")] = None,
    revert: Annotated[int | None, typer.Option(help="Go back to this version.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all edits back.")] = False,
    share: Annotated[bool | None, typer.Option("--share/--no-share", help=_SHARING)] = None,
    as_json: AsJson = False,
) -> None:
    """Change a taste by words or numbers, each time a new version; or let it help others, and be helped."""
    with opened_studio(context) as studio:
        if share is not None:
            studio.tastes.share(name, share)
        if share is not None and revert is None and not (clear or lean or words):
            profile = studio.tastes.get(name)  # nothing else was asked for
        elif revert is not None:
            profile = studio.tastes.revert(name, revert)
        elif clear:
            profile = studio.tastes.forget_edits(name)
        else:
            profile = studio.tastes.edit(name, dict(map(_leaning, lean or [])), words=words)
        said = studio.tastes.in_words(profile)
        sharing, told = _sharing(studio, profile.name)
    lines = [f"{profile.name}, version {profile.version.number}: {profile.version.why}. {said}"]
    tell(
        _record(profile, said) | {"edits": dict(profile.version.edits), "sharing": sharing},
        "\n".join([*lines, *([told] if share is not None else [])]),
        as_json=as_json,
    )


@app.command("score")
def score(
    context: typer.Context,
    name: Name,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Pictures to judge.")],
    as_json: AsJson = False,
) -> None:
    """Say how likely somebody likes pictures, and why."""
    contents = [read_photo(picture) for picture in pictures]
    with opened_studio(context) as studio:
        verdicts = finished(studio.tastes.score(name, contents))
    records = [
        {"file": str(picture), **{key: value for key, value in asdict(verdict).items() if key != "like"}}
        for picture, verdict in zip(pictures, verdicts, strict=True)
    ]
    lines = [
        f"{picture}: {verdict.probability:.0%}, {verdict.words}"
        + "".join(f"; {reason.words} {'+' if reason.weight > 0 else '−'}" for reason in verdict.reasons)
        for picture, verdict in zip(pictures, verdicts, strict=True)
    ]
    tell(records, "\n".join(lines), as_json=as_json)


@app.command("export")
def export(
    context: typer.Context, name: Name, out: Annotated[Path, typer.Option(help="File to write; never overwritten.")]
) -> None:
    """Write a taste as JSON: leanings, versions and reactions, no picture."""
    with opened_studio(context) as studio:
        data = studio.tastes.export(name)
    try:
        with out.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise InvalidInput(f"{out} exists already. Choose another name.") from error
    tell({"file": str(out)}, str(out), as_json=False)


@app.command("forget")
def forget(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Delete a taste and everything that was said for it."""
    with opened_studio(context) as studio:
        profile = studio.tastes.get(name)
        studio.tastes.forget(name)
    tell({"forgotten": profile.name}, f"{profile.name} is forgotten.", as_json=as_json)


def _record(profile: TasteProfile, words: str) -> dict[str, Any]:
    version = profile.version
    record = {
        "name": profile.name, "version": version.number, "why": version.why, "collecting": profile.collecting,
        "liked": version.summary.liked, "others": version.summary.others, "picks": version.summary.picks,
        "in_words": words, "created_at": profile.created_at,
    }  # fmt: skip
    return plain(record)


def _sharing(studio: Studio, name: str) -> tuple[dict[str, Any] | None, str]:
    """Return since when a taste shares, what it lends and who helps, as a record (None: it does not) and in words."""
    profile = studio.tastes.get(name)
    if profile.sharing_since is None:
        return None, "It does not share, and learns from nobody else."
    help = studio.tastes.help(name)
    record = {
        "since": profile.sharing_since, "lent": studio.tastes.lent(name), "others": help.sharing,
        "like_minded": help.people, "moved": {one: round(by, 3) for one, by in help.leanings.items()},
    }  # fmt: skip
    words = describe_help(help, studio.tastes.attributes())
    return plain(record), f"Shares since {profile.sharing_since.astimezone():%d %b %Y}. {words}"


def _interests(profile: TasteProfile) -> list[str]:
    return [
        f"  {interest.share:.0%}: {', '.join(interest.words) or 'of all sorts'}"
        for interest in profile.version.summary.interests
    ]


def _notes(profile: TasteProfile) -> list[str]:
    summary = profile.version.summary
    notes = []
    if summary.contradictions:
        undecided = (
            f"; {summary.undecided} of them at the same moment, which count for neither" if summary.undecided else ""
        )
        notes.append(f"Both liked and refused: {summary.contradictions}; the later word counts{undecided}.")
    if summary.dropped:
        notes.append("Left out: " + ", ".join(f"{count} × {reason}" for reason, count in summary.dropped.items()) + ".")
    return notes


def _pictures(folder: Path) -> Sequence[File]:
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES and path.is_file())
    if not found:
        raise InvalidInput(f"{folder} has no picture in it. JPEG, PNG, WebP and the like are taken.")
    return [(path.name, partial(_content, path)) for path in found]


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _leaning(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no leaning. Write for example: warmth=0.5.") from error
