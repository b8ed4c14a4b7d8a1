"""The scenes of sticker sets, from a small file that anyone may edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from studio.domain.stickers import Bearing, Feeling, Mark, Motion, Scene, SceneSet
from studio.errors import InvalidInput

FILE = Path(__file__).resolve().parents[2] / "configs" / "scenes.yaml"
_KEYS = {"prompt", "words", "emojis", "says", "motion"}
_MORE = {"mark", "bearing"}


def load_scenes(file: Path = FILE) -> tuple[Scene, ...]:
    """Read the scenes of all sets in their order; raises `InvalidInput` where the file is not what it should be."""
    try:
        sets = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"The scenes {file} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(sets, dict) or not all(isinstance(records, list) and records for records in sets.values()):
        raise InvalidInput(f"The scenes {file} must be lists with at least one scene, under {' and '.join(SceneSet)}.")
    scenes = tuple(_scene(record, SceneSet.of(str(name)), file) for name, records in sets.items() for record in records)
    prompts = [scene.prompt for scene in scenes]
    twice = next((prompt for prompt in prompts if prompts.count(prompt) > 1), None)
    if twice is not None:
        raise InvalidInput(f"A prompt stands twice in {file}: {twice[:80]!r}. A picture is known by its prompt.")
    return scenes


def _scene(record: Any, of: SceneSet, file: Path) -> Scene:
    keys = set(record) if isinstance(record, dict) else set()
    if not (_KEYS <= keys <= _KEYS | _MORE) or "{it}" not in str(record["prompt"]):
        raise InvalidInput(
            f"A scene in {file} is wrong: {str(record)[:80]!r}. It needs prompt (with {{it}}), words, emojis, says and "
            "motion, and may have mark and bearing."
        )
    try:
        motion = Motion.of(str(record["motion"]))
        feeling = Feeling(mark=Mark(record.get("mark", Mark.NONE)), bearing=Bearing(record.get("bearing", "upright")))
    except (InvalidInput, ValueError) as error:
        raise InvalidInput(f"A scene in {file} is wrong: {str(record)[:80]!r}. {error}") from error
    return Scene(
        prompt=record["prompt"], words=record["words"], emojis=tuple(record["emojis"]), says=record["says"],
        motion=motion, feeling=feeling, set=of,
    )  # fmt: skip
