"""Settings: defaults, then a YAML file, then the environment, then what the caller says."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from studio.errors import InvalidInput

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FILE = ROOT / "configs" / "studio.yaml"
ENVIRONMENT = "KEEPSAKE_"
FILE_VARIABLE = "KEEPSAKE_CONFIG"
# Read elsewhere: which settings file, and the two of the model resolver.
OTHER_VARIABLES = (FILE_VARIABLE, "KEEPSAKE_MODELS_DIR", "KEEPSAKE_OFFLINE")
_PATHS = ("data_dir", "models")
logger = logging.getLogger(__name__)


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EngineConfig(_Settings):
    """An engine by its name in `studio/engines/registry.py`, and the keywords it is made with."""

    name: str
    options: dict[str, JsonValue] = Field(default_factory=dict)


class EnginesConfig(_Settings):
    """Which engine does what."""

    image: EngineConfig = EngineConfig(name="diffusers")
    subject: EngineConfig = EngineConfig(name="hyperlora")
    recognition: EngineConfig = EngineConfig(name="looks")
    assistant: EngineConfig = EngineConfig(name="embedded")
    taste: EngineConfig = EngineConfig(name="pigeon")
    refining: EngineConfig = EngineConfig(name="diffusion")
    meter: EngineConfig = EngineConfig(name="features")


class StudioConfig(_Settings):
    """Everything that can be set.

    Attributes:
        data_dir: where records and files are kept.
        database_url: SQLAlchemy URL of the records; None: a SQLite file in `data_dir`.
        files_url: fsspec URL of the files; None: a folder in `data_dir`.
        host: address to listen at; only this machine by default.
        port: 1–65535; 0 lets the system choose.
        models: the file that names models and their sources.
        engines: which engine does what.
    """

    data_dir: Path = ROOT / "data"
    database_url: str | None = None
    files_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    models: Path = ROOT / "configs" / "models.yaml"
    engines: EnginesConfig = EnginesConfig()

    @property
    def records(self) -> str:
        """URL of the records' database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'keepsake.sqlite3'}"

    @property
    def files(self) -> str:
        """URL or folder of the file store."""
        return self.files_url or str(self.data_dir / "files")


def load_config(path: Path | None = None, **overrides: Any) -> StudioConfig:
    """Read the settings.

    Args:
        path: a YAML file; None takes the one named by ``KEEPSAKE_CONFIG``, else ``configs/studio.yaml``.
        overrides: fields of `StudioConfig` that beat all others; nested ones as dictionaries, None is passed over.

    ``KEEPSAKE_PORT=7861`` sets `port`, ``KEEPSAKE_ENGINES__IMAGE__NAME=fake`` sets ``engines.image.name``.
    Relative paths in the file are taken from the project's root, all others from the working directory.

    Raises:
        InvalidInput: the file is missing or unreadable, or a value in it, in the environment or in
            `overrides` is wrong.
    """
    file = path or Path(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))
    given = {name: value for name, value in overrides.items() if value is not None}
    values = _anchored(_read(file), ROOT)
    for layer in (_environment(os.environ), given):
        values = _merged(values, _anchored(layer, Path.cwd()))
    try:
        return StudioConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise InvalidInput(
            f"The setting {place!r} is wrong: {first['msg']} (it is {first['input']!r}; see {file})."
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise InvalidInput(f"The configuration {file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The configuration {file} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise InvalidInput(f"The configuration {file} must hold names and values, not a {type(values).__name__}.")
    return values


def _environment(variables: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in sorted(variables.items()):
        if not variable.startswith(ENVIRONMENT) or variable in OTHER_VARIABLES:
            continue
        first, *rest = variable.removeprefix(ENVIRONMENT).lower().split("__")
        if first not in StudioConfig.model_fields:
            logger.warning("The environment variable %s is no setting and was passed over", variable)
            continue
        layer: Any = yaml.safe_load(text)
        for step in reversed(rest):
            layer = {step: layer}
        values = _merged(values, {first: layer})
    return values


def _anchored(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    paths = {
        name: base / Path(values[name]).expanduser() for name in _PATHS if isinstance(values.get(name), str | Path)
    }
    return {**values, **paths}


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return merged
