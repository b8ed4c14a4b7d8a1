"""Draws with any text-to-image model of diffusers: SD 1.5, SDXL, SD3, FLUX, … chosen by name in the configuration."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from studio.engines.base import ImageCapabilities, ImageJob, Report, StyleReading
from studio.engines.quiet import quieten_libraries
from studio.engines.reading import chosen_device, class_prompt, in_order
from studio.engines.styles import read_style, style_of
from studio.errors import InvalidInput, ModelMissing

EDGE_STEP = 16  # eight pixels a latent, and FLUX and SD3 take them two by two


@dataclass(kw_only=True)
class HubImageEngine:
    """Text and subjects to opaque pictures. Weights are safetensors; no code of a model is run.

    Several personal subjects share a picture from left to right in the order of their names.

    Attributes:
        model: a folder in diffusers' layout, or a hub id.
        revision: of the hub id; a full commit pins it, and is then found in the hub's cache without a network.
        variant: which of several stored precisions to fetch, for example ``fp16``.
        width: of the pictures in pixels, a multiple of 16; what the model was trained at is best.
        height: the same.
        steps: where a request names none.
        guidance: where a request names none, 1–30.
        personal: whether the configured subject engine predicts LoRAs for this very model.
        taste: folder of layers that read tokens of tastes, trained for this very model, which must have a UNet; None:
            tastes act by words alone.
        form: of hybrid-model guidance, a name in `pipelines.hyperlora.guidance.FORMS`. In the default one fidelity 0
            is the model as it is and 1 the personal model as it is, at half the cost more than plain guidance between.
        device: ``auto`` takes the GPU where there is one.
        dtype: what it runs in; ``auto`` is bfloat16 on a GPU and float32 elsewhere.
        offload: keep only the part that is working on the GPU; slower, needs far less memory.
    """

    model: str
    revision: str | None = None
    variant: str | None = None
    width: int = 1024
    height: int = 1024
    steps: int = 30
    guidance: float = 7.0
    personal: bool = False
    taste: str | None = None
    form: str = "matched"
    device: str = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    offload: bool = False
    _pipeline: Any = field(default=None, init=False, repr=False)
    _attention: Any = field(default=None, init=False, repr=False)
    _capabilities: ImageCapabilities | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for name, edge in (("width", self.width), ("height", self.height)):
            if edge < EDGE_STEP or edge % EDGE_STEP:
                raise InvalidInput(f"The image engine's {name} is {edge}; it must be a multiple of {EDGE_STEP}.")
        if self.dtype not in ("auto", "float32", "float16", "bfloat16"):
            raise InvalidInput(f"The image engine's dtype is {self.dtype!r}; use auto, float32, float16 or bfloat16.")

    def capabilities(self) -> ImageCapabilities:
        """Read the model's index, from the hub where it is not in its cache; loads no weights."""
        if self._capabilities is None:
            from pipelines.hub_models import read_index
            from pipelines.resolver import ModelNotFound

            try:
                index = read_index(self._source())
            except ModelNotFound as error:
                raise ModelMissing(str(error)) from error
            self._capabilities = ImageCapabilities(
                model=self.model,
                model_hash=index.fingerprint,
                width=self.width,
                height=self.height,
                default_steps=self.steps,
                default_guidance=self.guidance,
                scheduler=index.scheduler,
                transparent=False,
                personal=self.personal,
                tastes=self.taste is not None,
            )
        return self._capabilities

    def generate(self, job: ImageJob, report: Report) -> list[Image.Image]:
        """Draw one opaque RGBA picture per seed, one after the other; reports and can be stopped at every step."""
        from pipelines.hybrid_guidance import HybridGuidance
        from pipelines.hyperlora.guidance import Guidance
        from pipelines.lora import LoraError, LoraFactors
        from pipelines.regional_lora import side_by_side

        adapters = [subject.adapter for subject in in_order(job) if subject.adapter]
        try:
            guidance = Guidance.steady(job.fidelity, job.guidance, self.form)
        except ValueError as error:
            raise InvalidInput(str(error)) from error
        report(0.0, "Loading the model" if self._pipeline is None else "Starting")
        pipeline = self._loaded()
        style = style_of(job, pipeline, self.model)
        try:
            loras = [LoraFactors.from_bytes(adapter) for adapter in adapters]
            size = self.height // EDGE_STEP, self.width // EDGE_STEP
            regions = side_by_side(len(loras), *size) if len(loras) > 1 else None
            adapted = loras if regions is not None else next(iter(loras), None)
            with style, HybridGuidance(pipeline, adapted, guidance, regions):
                pictures = [self._draw(pipeline, job, number, report) for number in range(len(job.seeds))]
        except LoraError as error:
            raise InvalidInput(
                f"{error} Set the option personal of the image engine to false, or use a hypernetwork made for it."
            ) from error
        finally:
            pipeline.maybe_free_model_hooks()  # a stopped call does not
        report(1.0, "Done")
        return pictures

    def read_style(self, data: bytes) -> StyleReading:
        """See `ImageEngine.read_style`."""
        return read_style(data, self._fetched(), self.model)

    def lacks(self) -> tuple[str, ...]:
        """Say whether the model is not in the hub's cache yet."""
        from huggingface_hub import try_to_load_from_cache

        from pipelines.hub_models import INDEX

        folder = self._source().folder
        if folder is not None:
            return () if (folder / INDEX).is_file() else (f"{folder} has no {INDEX}; name another folder or hub id.",)
        if isinstance(try_to_load_from_cache(self.model, INDEX, revision=self.revision), str):
            return ()
        return (f"The model {self.model} is not on this machine yet; the first picture fetches it from the hub.",)

    def _draw(self, pipeline: Any, job: ImageJob, number: int, report: Report) -> Image.Image:
        import torch

        from pipelines.pigeon.conditioning import hub_tokens
        from pipelines.text_to_image import preview

        def on_step(_: object, step: int, __: object, values: dict[str, Any]) -> dict[str, Any]:
            # some schedulers call more often than there are steps
            share = (number + min(1.0, (step + 1) / (job.steps + 1))) / len(job.seeds)
            report(share, message, _opaque(preview(pipeline, values["latents"], self.height, self.width)))
            return values

        message = f"Drawing picture {number + 1} of {len(job.seeds)}"
        taste = self._told(job, pipeline)
        told = {} if taste is None else {"ip_adapter_image_embeds": hub_tokens(taste, guided=job.guidance > 1)}
        with nullcontext() if taste is None else taste.attention:
            result = pipeline(
                prompt=class_prompt(job),
                width=self.width,
                height=self.height,
                num_inference_steps=job.steps,
                guidance_scale=job.guidance,
                # on the CPU, so that a seed means the same picture on every device
                generator=torch.Generator("cpu").manual_seed(job.seeds[number]),
                callback_on_step_end=on_step,
                **told,
            )
        picture: Image.Image = result.images[0]
        return picture.convert("RGBA")

    def _told(self, job: ImageJob, pipeline: Any) -> Any:
        """Return the job's taste, for one picture."""
        if not job.taste or self.taste is None:
            return None
        from pipelines.pigeon.conditioning import Taste
        from pipelines.pigeon.pipeline_pigeon import load_layers, read_tokens

        if self._attention is None:
            try:
                self._attention = load_layers(Path(self.taste), pipeline.unet)
            except (OSError, ValueError, AttributeError) as error:
                raise InvalidInput(f"The taste layers in {self.taste} do not fit {self.model}: {error}") from error
        return Taste(self._attention, read_tokens(job.taste).to(pipeline.unet.device, pipeline.unet.dtype))

    def _source(self) -> Any:
        from pipelines.hub_models import HubModel

        return HubModel(model=self.model, revision=self.revision, variant=self.variant)

    def _fetched(self) -> Path:
        """Return the folder with the model's files, which are fetched from the hub where they are not here yet."""
        from pipelines.hub_models import fetch
        from pipelines.resolver import ModelNotFound

        try:
            return fetch(self._source())
        except ModelNotFound as error:
            raise ModelMissing(str(error)) from error

    def _loaded(self) -> Any:
        if self._pipeline is None:
            import torch

            quieten_libraries()
            from pipelines.text_to_image import UnfitPipeline, load_text_to_image

            device = chosen_device(self.device)
            name = self.dtype if self.dtype != "auto" else "bfloat16" if device.startswith("cuda") else "float32"
            folder = self._fetched()
            try:
                self._pipeline = load_text_to_image(
                    folder,
                    variant=self.variant,
                    device=device,
                    dtype=getattr(torch, name),
                    offload=self.offload,
                )
            except UnfitPipeline as error:
                raise InvalidInput(str(error)) from error
            except OSError as error:
                raise ModelMissing(f"The model {self.model} cannot be read: {_first_line(error)}") from error
        return self._pipeline


def _opaque(picture: Image.Image | None) -> Image.Image | None:
    return None if picture is None else picture.convert("RGBA")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
