"""The scenes of a sticker set, from a small file that anyone may edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from studio.domain.stickers import Motion, Scene
from studio.errors import InvalidInput

FILE = Path(__file__).resolve().parents[2] / "configs" / "scenes.yaml"
_KEYS = {"prompt", "words", "emojis", "says", "motion"}


def load_scenes(file: Path = FILE) -> tuple[Scene, ...]:
    """Read the scenes in their order; raises `InvalidInput` where the file is not what it should be."""
    try:
        records = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"The scenes {file} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(records, list) or not records:
        raise InvalidInput(f"The scenes {file} must be a list with at least one scene.")
    return tuple(_scene(record, file) for record in records)


def _scene(record: Any, file: Path) -> Scene:
    if not isinstance(record, dict) or set(record) != _KEYS or "{it}" not in str(record["prompt"]):
        raise InvalidInput(
            f"A scene in {file} is wrong: {str(record)[:80]!r}. It needs prompt (with {{it}}), words, emojis, says and "
            "motion."
        )
    try:
        motion = Motion.of(str(record["motion"]))
    except InvalidInput as error:
        raise InvalidInput(f"A scene in {file} is wrong: {str(record)[:80]!r}. {error}") from error
    return Scene(
        prompt=record["prompt"], words=record["words"], emojis=tuple(record["emojis"]), says=record["says"],
        motion=motion,
    )  # fmt: skip
