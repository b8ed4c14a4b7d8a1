"""A concept as a file to take away: a zip of photos, cut-outs, examples and LoRA with a manifest, and nothing else.

Nothing of it is ever unpacked to a path: entries are read into memory by names that this module makes itself.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from studio.domain.concepts import FACTS_MAX, PHOTOS_MAX, FactSource
from studio.errors import InvalidCard
from studio.version import VERSION

SCHEMA = 1
MANIFEST = "manifest.json"
LORA = "lora.safetensors"
BYTES_MAX = 400_000_000  # of the file, and of all that is in it
ENTRY_MAX = 40_000_000
MANIFEST_MAX = 1_000_000
EXAMPLES_MAX = 500
_PLACE = re.compile(r"(?:photos|examples)/[1-9]\d{0,3}\.jpg|cutouts/[1-9]\d{0,3}\.png")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # so that the same concept makes the same file


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FactPart(_Part):
    """A fact, and where it came from in the studio that wrote the file."""

    text: str
    added_at: AwareDatetime
    source: FactSource


class RelationPart(_Part):
    """A relation to a concept that goes by a name in the studio that wrote the file."""

    words: str
    name: str


class PhotoPart(_Part):
    """A photo, its cut-out, and where the subject is in it."""

    file: str
    cutout: str
    box: tuple[int, int, int, int] | None = None


class ExamplePart(_Part):
    """A part of another photo that does or does not show the concept."""

    file: str
    shows_it: bool


class LoraPart(_Part):
    """The personal LoRA, and what predicted it."""

    file: Literal["lora.safetensors"]
    model: str = Field(max_length=200)


class Manifest(_Part):
    """What the file says of the concept; everything that it names is in the file, and nothing else is."""

    format: Literal["keepsake-concept"]
    version: Literal[1]
    written_by: str = Field(default="", max_length=80)
    name: str
    aliases: list[str] = Field(default=[], max_length=100)
    kind: str
    attributes: str = ""
    consent_at: AwareDatetime | None = None
    created_at: AwareDatetime
    facts: list[FactPart] = Field(default=[], max_length=FACTS_MAX)
    relations: list[RelationPart] = Field(default=[], max_length=100)
    photos: list[PhotoPart] = Field(min_length=1, max_length=PHOTOS_MAX)
    examples: list[ExamplePart] = Field(default=[], max_length=EXAMPLES_MAX)
    lora: LoraPart | None = None

    def places(self) -> list[str]:
        """Return the names of everything else in the file."""
        photos = [place for photo in self.photos for place in (photo.file, photo.cutout)]
        return [*photos, *(one.file for one in self.examples), *([self.lora.file] if self.lora else [])]


@dataclass(frozen=True, kw_only=True)
class CardFile:
    """A manifest, and the contents of the places that it names."""

    manifest: Manifest
    contents: dict[str, bytes]


def new_manifest(**values: Any) -> Manifest:
    """Return a manifest of this version."""
    return Manifest(format="keepsake-concept", version=1, written_by=f"Keepsake {VERSION}", **values)


def write_card(card: CardFile) -> bytes:
    """Return the file; the same card makes the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = card.manifest.model_dump_json(indent=2)
        archive.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), text, zipfile.ZIP_DEFLATED)
        for place in card.manifest.places():
            # photos and weights are dense already
            archive.writestr(zipfile.ZipInfo(place, _EPOCH), card.contents[place], zipfile.ZIP_STORED)
    return buffer.getvalue()


def read_card(data: bytes) -> CardFile:
    """Read a file that anybody may have made.

    Raises:
        InvalidCard: it is no such file, of another version, damaged, too large, or holds what it should not.
    """
    if len(data) > BYTES_MAX:
        raise InvalidCard(_too_large(len(data)))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise InvalidCard("The file is not a zip that can be read, or it is damaged. Get it again.") from error


def _read(archive: zipfile.ZipFile) -> CardFile:
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        _check_entry(entry)
        if entry.filename in entries:
            raise InvalidCard(f"The file holds {entry.filename} twice; it was not written by Keepsake.")
        entries[entry.filename] = entry
    if sum(entry.file_size for entry in entries.values()) > BYTES_MAX:
        raise InvalidCard(_too_large(sum(entry.file_size for entry in entries.values())))
    if MANIFEST not in entries:
        raise InvalidCard(f"The file has no {MANIFEST}; it is not a concept that Keepsake exported.")
    manifest = _manifest(_content(archive, entries[MANIFEST]))
    _check_places(manifest, entries.keys() - {MANIFEST})
    return CardFile(
        manifest=manifest, contents={place: _content(archive, entries[place]) for place in manifest.places()}
    )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name not in (MANIFEST, LORA) and not _PLACE.fullmatch(name):
        raise InvalidCard(f"The file holds {name[:60]!r}, which does not belong into a concept.")
    if entry.flag_bits & 0x1:
        raise InvalidCard("The file is encrypted; export it again without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidCard(f"{name} is packed in a way that Keepsake does not write.")
    if entry.file_size > (MANIFEST_MAX if name == MANIFEST else ENTRY_MAX):
        raise InvalidCard(f"{name} would be {entry.file_size / 1e6:.0f} MB unpacked, which is too large.")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read an entry, but never more than it says it holds: what it says was checked."""
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise InvalidCard(f"{entry.filename} does not have the size it says it has.")
    return data


def _manifest(data: bytes) -> Manifest:
    try:
        head = _Head.model_validate_json(data)
    except ValidationError as error:
        raise InvalidCard(f"Its {MANIFEST} is not one of a concept that Keepsake exported.") from error
    if head.version != SCHEMA:
        raise InvalidCard(
            f"The file is of version {head.version}; this Keepsake reads version {SCHEMA}. Update Keepsake."
        )
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise InvalidCard(f"Its {MANIFEST} is wrong at {place!r}: {first['msg']}.") from error


def _check_places(manifest: Manifest, there: set[str]) -> None:
    named = manifest.places()
    if len(set(named)) != len(named):
        raise InvalidCard(f"Its {MANIFEST} names a file twice.")
    if missing := set(named) - there:
        raise InvalidCard(f"The file lacks {min(missing)[:60]}, which its {MANIFEST} names.")
    if extra := there - set(named):
        raise InvalidCard(f"The file holds {min(extra)}, which its {MANIFEST} does not name.")


def _too_large(size: int) -> str:
    return f"The file holds {size / 1e6:.0f} MB; a concept has at most {BYTES_MAX / 1e6:.0f} MB."


class _Head(BaseModel):
    """Enough of any version to know which one it is."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["keepsake-concept"]
    version: int
