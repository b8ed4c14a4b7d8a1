"""What this machine offers the studio, and what is missing; runs things rather than trusting what is installed."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from studio.config import StudioConfig
from studio.errors import ModelMissing
from studio.version import VERSION

FREE_BYTES_WANTED = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Compute:
    """Where and how the models compute.

    Attributes:
        torch: version of PyTorch.
        device: ``cuda`` or ``cpu``.
        device_name: what the device calls itself.
        dtype: number format of the image model.
        attention: kernel that ran in the probe, for example ``sdpa/flash``.
        attention_reason: why this one.
    """

    torch: str
    device: str
    device_name: str
    dtype: str
    attention: str
    attention_reason: str


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A model, as found; `sha256` holds file names and the checksums that were compared just now."""

    name: str
    present: bool
    path: str | None
    source: str
    size: int | None
    sha256: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Everything `doctor` says; `problems` are sentences, and empty if the studio can work.

    Attributes:
        version: of the studio.
        python: version of the interpreter.
        platform: operating system and processor.
        cores: processor cores this process may use.
        compute: device, number format and attention kernel.
        engines: name of the image and of the subject engine.
        models_dir: folder of downloaded models.
        models: all of the catalogue.
        data_dir: folder of concepts and pictures.
        free_bytes: free on the disk of `data_dir`.
        problems: what keeps the studio from working, and what to do.
    """

    version: str
    python: str
    platform: str
    cores: int
    compute: Compute
    engines: tuple[str, str]
    models_dir: str
    models: tuple[ModelState, ...]
    data_dir: str
    free_bytes: int
    problems: tuple[str, ...]


def diagnose(config: StudioConfig) -> Diagnosis:
    """Look at everything the studio of `config` needs; loads no model, changes nothing, asks no network.

    Raises:
        ModelMissing: the list of models cannot be read.
    """
    from pipelines.resolver import models_dir

    engines = (config.engines.image.name, config.engines.subject.name)
    models = _models(config.models)
    folder = _existing(config.data_dir)
    free = shutil.disk_usage(folder).free
    problems = []
    missing = [model.name for model in models if not model.present]
    if missing and set(engines) != {"fake"}:
        problems.append(f"Missing models: {', '.join(missing)}. Fetch them: python -m studio models fetch")
    if not os.access(folder, os.W_OK | os.X_OK):
        problems.append(f"The data folder {config.data_dir} cannot be written. Choose another: --data-dir")
    if free < FREE_BYTES_WANTED:
        problems.append(f"Only {free / 1e9:.1f} GB are free at {folder}; make room for at least 1 GB.")
    return Diagnosis(
        version=VERSION,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        compute=_compute(config),
        engines=engines,
        models_dir=str(models_dir()),
        models=models,
        data_dir=str(config.data_dir),
        free_bytes=free,
        problems=tuple(problems),
    )


def _compute(config: StudioConfig) -> Compute:
    import torch

    from pipelines.attention import probe_attention

    # as the image engine chooses
    device = str(config.engines.image.options.get("device", "auto"))
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    on_gpu = device.startswith("cuda")
    dtype = torch.float16 if on_gpu else torch.float32
    name = torch.cuda.get_device_name(device) if on_gpu else platform.processor() or platform.machine()
    kernel = probe_attention(device, dtype)
    return Compute(
        torch=str(torch.__version__),
        device=device,
        device_name=name,
        dtype=str(dtype).removeprefix("torch."),
        attention=f"{kernel.name}/{kernel.backend}",
        attention_reason=kernel.reason,
    )


def _models(catalogue: Path) -> tuple[ModelState, ...]:
    from pipelines.resolver import ResolverError, load_catalogue, status

    try:
        known = [status(name, config=catalogue, reread=True) for name in load_catalogue(catalogue).names]
    except ResolverError as error:
        raise ModelMissing(str(error)) from error
    return tuple(
        ModelState(
            name=model.name,
            present=model.present,
            path=str(model.path) if model.path else None,
            source=model.source,
            size=model.size,
            sha256=model.checksums if model.present else (),
        )
        for model in known
    )


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
