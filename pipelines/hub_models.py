"""Whole pipelines in diffusers' layout, from a folder or a hub: what they are, and their files. Loads no weights.

The catalogue of `pipelines.resolver` pins every file by checksum; here a person names a model of their own choice, and
a full commit as the revision pins it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.resolver import ModelNotFound
from pipelines.resolver.hub import ANSWER_SECONDS, answers
from pipelines.resolver.resolution import OFFLINE_VARIABLE

INDEX = "model_index.json"
DENOISERS = ("unet", "transformer")
_SAMPLE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """Where a pipeline is.

    Attributes:
        model: a folder in diffusers' layout, or a hub id such as ``stabilityai/stable-diffusion-xl-base-1.0``.
        revision: of the hub id: a full commit pins it; None takes the newest.
        variant: which of several stored precisions, for example ``fp16``; None takes the plain files.
    """

    model: str
    revision: str | None = None
    variant: str | None = None

    @property
    def folder(self) -> Path | None:
        """The folder where the model is one on this machine; None for a hub id."""
        folder = Path(self.model).expanduser()
        return folder if folder.is_dir() else None


@dataclass(frozen=True, kw_only=True)
class PipelineIndex:
    """What ``model_index.json`` says.

    Attributes:
        pipeline: class of the pipeline.
        scheduler: class of its scheduler, without the word Scheduler; empty where it has none.
        fingerprint: ten hex digits: of the commit for a hub id, of the denoiser's files for a folder.
    """

    pipeline: str
    scheduler: str
    fingerprint: str


def read_index(model: HubModel) -> PipelineIndex:
    """Read what a pipeline is; of a hub id only the index is fetched, and kept in the hub's own cache.

    Raises:
        ModelNotFound: nothing is there.
    """
    if model.folder is not None:
        file = model.folder / INDEX
        if not file.is_file():
            raise ModelNotFound(f"{model.folder} has no {INDEX}; a folder in diffusers' layout is needed.")
    else:
        from huggingface_hub import hf_hub_download

        with _hub_failures(model):
            file = Path(
                hf_hub_download(
                    model.model,
                    INDEX,
                    revision=model.revision,
                    local_files_only=cached_only(),
                    etag_timeout=ANSWER_SECONDS,
                )
            )
    index = json.loads(file.read_text(encoding="utf-8"))
    pipeline, scheduler = index.get("_class_name"), index.get("scheduler") or (None, "")
    if not isinstance(pipeline, str):
        raise ModelNotFound(f"{model.model} brings code of its own ({pipeline!r}), which is never run.")
    # the hub's cache keeps a file under its commit: …/snapshots/<commit>/model_index.json
    fingerprint = _fingerprint(model.folder) if model.folder is not None else file.parent.name[:10]
    return PipelineIndex(
        pipeline=pipeline, scheduler=str(scheduler[1]).removesuffix("Scheduler"), fingerprint=fingerprint
    )


def fetch(model: HubModel) -> Path:
    """Return the folder with all files of the pipeline; of a hub id safetensors only, in the hub's own cache.

    Raises:
        ModelNotFound: nothing is there, or its weights are in no format that is safe to read.
    """
    if model.folder is not None:
        return model.folder
    from diffusers import DiffusionPipeline

    with _hub_failures(model):
        return Path(
            DiffusionPipeline.download(
                model.model,
                revision=model.revision,
                variant=model.variant,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=cached_only(),
            )
        )


def cached_only() -> bool:
    """Say whether only the hub's cache can be used: set so, or no hub answers."""
    from huggingface_hub import constants

    told = os.environ.get(OFFLINE_VARIABLE, "0").lower() in ("1", "true", "yes", "on")
    return told or constants.is_offline_mode() or not answers(constants.ENDPOINT)


@contextmanager
def _hub_failures(model: HubModel) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        from huggingface_hub import constants

        at = f"{model.model}@{model.revision or 'main'}"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelNotFound(
            f"The model {at} is neither a folder nor to be had from {constants.ENDPOINT} or its cache: {reason}. "
            "Check its name and the network, or give a folder in diffusers' layout."
        ) from error


def _fingerprint(folder: Path) -> str:
    """Hash name, size and both ends of the denoiser's files: gigabytes are not read only to give them a name."""
    digest = hashlib.sha256()
    for part in DENOISERS:
        for file in sorted((folder / part).glob("*.safetensors")):
            size = file.stat().st_size
            digest.update(f"{part}/{file.name}:{size}".encode())
            with file.open("rb") as weights:
                digest.update(weights.read(_SAMPLE))
                weights.seek(max(0, size - _SAMPLE))
                digest.update(weights.read(_SAMPLE))
    return digest.hexdigest()[:10]
