"""Any text-to-image pipeline of diffusers behind one call: loaded from safetensors, and watched."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, cast

import diffusers
import torch
from accelerate import init_empty_weights
from diffusers import AutoPipelineForText2Image, DiffusionPipeline
from diffusers.models import ModelMixin
from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING
from PIL import Image
from torch import Tensor, nn

from pipelines.attention import apply_attention, probe_attention
from pipelines.hub_models import DENOISERS, INDEX
from pipelines.style_files import Translate, diffusers_names

PREVIEW_LATENTS = 32  # a 256 px picture for the usual autoencoders
_CALL = ("prompt", "width", "height", "num_inference_steps", "guidance_scale", "generator", "callback_on_step_end")


class UnfitPipeline(ValueError):
    """A pipeline that cannot draw from text the way the studio asks; the message says what it lacks."""


def load_text_to_image(
    folder: Path,
    *,
    variant: str | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    offload: bool = False,
) -> DiffusionPipeline:
    """Load the pipeline of a folder in diffusers' layout.

    Args:
        folder: weights in it must be safetensors; code in it is not run.
        variant: which of several stored precisions.
        device: where it runs.
        dtype: what it runs in.
        offload: keep only the part that is working on the device; means nothing on the CPU.

    Raises:
        UnfitPipeline: it is for another task, or cannot be stopped between steps.
        OSError: a file is missing, or there are weights in other formats only.
    """
    name = DiffusionPipeline.load_config(folder)["_class_name"]
    known = any(pipeline.__name__ == name for pipeline in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values())
    loader = AutoPipelineForText2Image if known else DiffusionPipeline
    pipeline: DiffusionPipeline = loader.from_pretrained(
        folder, dtype=dtype, variant=variant, use_safetensors=True, local_files_only=True
    )
    missing = [argument for argument in _CALL if argument not in inspect.signature(type(pipeline).__call__).parameters]
    if missing:
        raise UnfitPipeline(f"{name} does not take {', '.join(missing)}; choose a text-to-image model that does.")
    if offload and device != "cpu":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline = pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    component, module = denoiser(pipeline)
    if component == "unet":  # transformers have attention of their own, which the switch would replace
        apply_attention(module, probe_attention(device, dtype))
    return pipeline


def denoiser(pipeline: DiffusionPipeline) -> tuple[str, nn.Module]:
    """Return the denoiser of a pipeline and the component it is."""
    for name in DENOISERS:
        module = pipeline.components.get(name)
        if isinstance(module, nn.Module):
            return name, module
    raise UnfitPipeline(f"{type(pipeline).__name__} has neither a {' nor a '.join(DENOISERS)}.")


def empty_denoiser(folder: Path) -> tuple[str, nn.Module]:
    """Return the denoiser of a pipeline's folder without its weights, to be asked for its layers, and its component.

    Args:
        folder: in diffusers' layout.

    Raises:
        UnfitPipeline: there is none, or it is of a class that diffusers does not have.
    """
    for component in DENOISERS:
        file = folder / component / "config.json"
        if file.is_file():
            config = json.loads(file.read_text(encoding="utf-8"))
            kind = getattr(diffusers, str(config.get("_class_name")), None)
            if not (isinstance(kind, type) and issubclass(kind, ModelMixin)):
                raise UnfitPipeline(f"{file} is of the class {config.get('_class_name')!r}, which diffusers has not.")
            with init_empty_weights():
                return component, cast("Any", kind).from_config(config)
    raise UnfitPipeline(f"{folder} has neither a {' nor a '.join(DENOISERS)}.")


def lora_names(folder: Path, model: nn.Module) -> Translate | None:
    """Return what translates the names of LoRA files for the pipeline of a folder, see `diffusers_names`.

    Args:
        folder: in diffusers' layout; of classes that are not diffusers' own nothing is asked.
        model: the denoiser.
    """
    index = folder / INDEX
    name = json.loads(index.read_text(encoding="utf-8")).get("_class_name") if index.is_file() else None
    kind = getattr(diffusers, str(name), None)
    return diffusers_names(kind, model) if isinstance(kind, type) else None


@torch.no_grad()
def preview(pipeline: DiffusionPipeline, latents: Tensor, height: int, width: int) -> Image.Image | None:
    """Decode the first of some latents at reduced size, quickly and roughly.

    Args:
        pipeline: whose autoencoder decodes.
        latents: of a step, as its callback sees them: [N, C, h, w], or packed [N, L, 4·C] as FLUX has them.
        height: of the pictures in pixels.
        width: of the pictures in pixels.

    Returns:
        RGB with the longer edge at most 256 px (with an autoencoder of eight to one); None where the autoencoder is
        not of this kind, would overflow in half precision, or is offloaded and would push the denoiser out each time.
    """
    vae, first = pipeline.vae, latents[:1]
    if first.ndim == 3 and hasattr(pipeline, "_unpack_latents"):
        first = pipeline._unpack_latents(first, height, width, pipeline.vae_scale_factor)
    overflows = vae.dtype == torch.float16 and getattr(vae.config, "force_upcast", False)
    scale = getattr(vae.config, "scaling_factor", None)
    if first.ndim != 4 or scale is None or overflows or getattr(pipeline, "_all_hooks", None):
        return None
    # Early latents are mostly noise, with some schedulers fourteen times as strong as a picture's.
    values = first.float() / first.float().std().clamp(min=1)
    shrink = max(1, -(-max(values.shape[-2:]) // PREVIEW_LATENTS))
    values = nn.functional.avg_pool2d(values, shrink, ceil_mode=True)
    values = values / scale + (getattr(vae.config, "shift_factor", None) or 0.0)
    decoded = vae.decode(values.to(vae.device, vae.dtype), return_dict=False)[0]
    picture: Image.Image = pipeline.image_processor.postprocess(decoded.float(), output_type="pil")[0]
    return picture
