"""Style LoRAs for every image engine: files read for its model, and the model drawing in them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from studio.engines.base import ImageJob, StyleReading
from studio.engines.quiet import quieten_libraries
from studio.errors import InvalidInput


def read_style(data: bytes, folder: Path, base: str) -> StyleReading:
    """Read a LoRA file for a model whose weights need not be loaded; see `ImageEngine.read_style`.

    Args:
        data: the file.
        folder: of the model, in diffusers' layout.
        base: what the model is called, for messages.
    """
    quieten_libraries()
    from pipelines.lora import LoraError
    from pipelines.style_files import read_style_file
    from pipelines.text_to_image import UnfitPipeline, empty_denoiser, lora_names

    try:
        component, model = empty_denoiser(folder)
        read = read_style_file(data, component, model, base=base, translate=lora_names(folder, model))
    except (LoraError, UnfitPipeline) as error:
        raise InvalidInput(str(error)) from error
    return StyleReading(
        trigger=read.trigger, title=read.title, digest=read.digest, layers=len(read.layers), left_out=read.left_out
    )


def style_of(job: ImageJob, pipeline: Any, base: str) -> AbstractContextManager[object]:
    """Return the context in which a pipeline draws in the style of a job; one that does nothing where it has none.

    Raises:
        InvalidInput: the style LoRA is not for this model.
    """
    if job.style is None:
        return nullcontext()
    from pipelines.lora import LoraError
    from pipelines.style_files import diffusers_names, read_style_file
    from pipelines.style_lora import StyleLora
    from pipelines.text_to_image import denoiser

    component, model = denoiser(pipeline)
    translate = diffusers_names(type(pipeline), model)
    try:
        read = read_style_file(job.style.file, component, model, base=base, translate=translate)
    except LoraError as error:
        raise InvalidInput(str(error)) from error
    return StyleLora(model, read.layers, job.style.strength)
