"""What this machine offers the studio, and what is missing; runs things rather than trusting what is installed."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio.config import EngineConfig, StudioConfig
from studio.engines.needs import models_needed, what_is_lacking
from studio.engines.quiet import quieten_kernels
from studio.errors import InvalidInput, ModelMissing, StudioError
from studio.version import VERSION

FREE_BYTES_WANTED = 1_000_000_000
WEIGHTS = (".safetensors", ".onnx", ".gguf")


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
    """A model, as found.

    Attributes:
        name: in the catalogue.
        needed_by: the engines of the configuration that use it.
        present: whether it can be used without a network.
        path: its file or folder.
        source: where it came from, or would come from.
        size: in bytes, as far as it is known.
        sha256: files with their checksums, read just now. Those of a download were compared with the catalogue,
            a local folder is taken as it is.
    """

    name: str
    needed_by: tuple[str, ...]
    present: bool
    path: str | None
    source: str
    size: int | None
    sha256: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """An engine of the configuration: what it is for, its name and its options, and the models it uses."""

    role: str
    name: str
    options: dict[str, object]
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Everything `doctor` says; `problems` are sentences, and empty if the studio can work.

    Attributes:
        version: of the studio.
        python: version of the interpreter.
        platform: operating system and processor.
        cores: processor cores this process may use.
        compute: device, number format and attention kernel.
        engines: which engine does what.
        models_dir: folder of downloaded models.
        models: all of the catalogue.
        data_dir: folder of concepts and pictures.
        records: what keeps the records, and whether PostgreSQL compares looks itself; empty where it is a problem.
        free_bytes: free on the disk of `data_dir`.
        problems: what keeps the studio from working, and what to do.
    """

    version: str
    python: str
    platform: str
    cores: int
    compute: Compute
    engines: tuple[EngineState, ...]
    models_dir: str
    models: tuple[ModelState, ...]
    data_dir: str
    records: str
    free_bytes: int
    problems: tuple[str, ...]


def diagnose(config: StudioConfig) -> Diagnosis:
    """Look at everything the studio of `config` needs; loads no model, changes nothing, asks no hub.

    Raises:
        ModelMissing: the list of models cannot be read.
        InvalidInput: the configuration names a device that is not there.
    """
    from pipelines.resolver import models_dir

    engines, problems = _engines(config)
    models = _models(config.models, engines)
    folder = _existing(config.data_dir)
    free = shutil.disk_usage(folder).free
    missing = [model.name for model in models if model.needed_by and not model.present]
    if missing:
        fetch = f"python -m studio models fetch {' '.join(missing)}"
        problems.append(f"Missing models: {', '.join(missing)}. Fetch them: {fetch}")
    problems += _unknown_models(config.models, models, engines)
    records, trouble = _records(config)
    problems += trouble
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
        records=records,
        free_bytes=free,
        problems=tuple(problems),
    )


def _engines(config: StudioConfig) -> tuple[tuple[EngineState, ...], list[str]]:
    """Construct the engines, which loads no weights; return them and what they find missing."""
    from studio.bootstrap import assistant_engine, image_engine, meter_engine, subject_engine, taste_engine

    makers: dict[str, Callable[[EngineConfig], object]] = {
        "image": lambda chosen: image_engine(chosen, config.models).engine(),
        "subject": lambda chosen: subject_engine(chosen, config.models).engine(),
        "assistant": lambda chosen: assistant_engine(chosen, config.models).engine(),
        "taste": lambda chosen: taste_engine(chosen, config.models).engine(),
        "meter": lambda chosen: meter_engine(chosen, config.models).engine(),
    }
    states: list[EngineState] = []
    problems: list[str] = []
    for role, make in makers.items():
        chosen: EngineConfig = getattr(config.engines, role)
        needed: tuple[str, ...] = ()
        try:
            engine = make(chosen)
            needed, lacking = models_needed(engine), what_is_lacking(engine)
        except StudioError as error:
            lacking = (str(error),)
        states.append(EngineState(role=role, name=chosen.name, options=dict(chosen.options), models=needed))
        problems += lacking
    return tuple(states), problems


def _records(config: StudioConfig) -> tuple[str, list[str]]:
    from studio.storage.database import describe_records

    try:
        return describe_records(config.records), []
    except StudioError as error:
        return "", [str(error)]


def _unknown_models(catalogue: Path, models: tuple[ModelState, ...], engines: tuple[EngineState, ...]) -> list[str]:
    known = {model.name for model in models}
    return [
        f"The {engine.role} engine needs the model {name!r}, which {catalogue} does not name. Add it there."
        for engine in engines
        for name in engine.models
        if name not in known
    ]


def _compute(config: StudioConfig) -> Compute:
    import torch

    quieten_kernels()
    from pipelines.attention import probe_attention
    from studio.engines.reading import chosen_device

    # as the image engine chooses
    options = config.engines.image.options
    device = chosen_device(str(options.get("device", "auto")))
    on_gpu = device.startswith("cuda")
    if on_gpu and not torch.cuda.is_available():
        raise InvalidInput(f"The image engine's device is {device!r}, but PyTorch finds no GPU here. Set auto or cpu.")
    dtype = getattr(torch, _dtype(config.engines.image, on_gpu), torch.float32)
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


def _dtype(engine: EngineConfig, on_gpu: bool) -> str:
    told = str(engine.options.get("dtype", "auto"))
    if told != "auto":
        return told
    if not on_gpu:
        return "float32"
    return "bfloat16" if engine.name == "hub" else "float16"


def _models(catalogue: Path, engines: tuple[EngineState, ...]) -> tuple[ModelState, ...]:
    from pipelines.resolver import ResolverError, load_catalogue, status

    try:
        known = [status(name, config=catalogue, reread=True) for name in load_catalogue(catalogue).names]
    except ResolverError as error:
        raise ModelMissing(str(error)) from error
    return tuple(
        ModelState(
            name=model.name,
            needed_by=tuple(engine.role for engine in engines if model.name in engine.models),
            present=model.present,
            path=str(model.path) if model.path else None,
            source=model.source,
            size=model.size,
            sha256=() if model.path is None else model.checksums or _checksums(model.path),
        )
        for model in known
    )


def _checksums(path: Path) -> tuple[tuple[str, str], ...]:
    """Return the SHA-256 of the weights in a folder, by their place in it."""
    digests = []
    for file in sorted(file for file in path.rglob("*") if file.suffix in WEIGHTS):
        with file.open("rb") as content:
            digests.append((file.relative_to(path).as_posix(), hashlib.file_digest(content, "sha256").hexdigest()))
    return tuple(digests)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
