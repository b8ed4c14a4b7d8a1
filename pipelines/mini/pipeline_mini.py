"""Text to transparent pictures with the embedded base model, with a personal LoRA where one is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import numpy as np
import torch
from diffusers import AutoencoderDC, DiffusionPipeline, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from diffusers.loaders import StableDiffusionLoraLoaderMixin
from PIL import Image
from torch import Tensor
from transformers import BertModel, PreTrainedTokenizerBase

from pipelines.hyperlora.guidance import Branch, Guidance, hm_cfg
from pipelines.hyperlora.sampling import branch_conditions, following
from pipelines.lora import COAT, LoraFactors, RowLora
from pipelines.mini.alpha import to_pictures, to_tensor
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.pipeline_output import MiniPipelineOutput
from pipelines.mini.sketching import FOLLOW_DRAWING, FOLLOW_PHOTO, Sketcher, with_sketch
from pipelines.mini.text import encode_tokens
from pipelines.upscaling.modeling_compact import CompactUpscaler

StepCallback = Callable[["MiniPipeline", int, Tensor, dict[str, Tensor]], dict[str, Tensor]]


class MiniPipeline(DiffusionPipeline, StableDiffusionLoraLoaderMixin):
    """Latent rectified flow over RGBA pictures: alpha is drawn, not cut out afterwards.

    Args:
        vae: over premultiplied RGBA in [-1, 1].
        unet: predicts the velocity noise - latents at timestep 1000·s of x_s = (1 - s)·latents + s·noise.
        text_encoder: frozen; its token features condition the denoiser.
        tokenizer: of the text encoder.
        scheduler: Euler steps of the flow.
        upscaler: enlarges decoded pictures; None leaves them at the size of the autoencoder.
        text_length: tokens per prompt that the denoiser was trained with.

    Attributes:
        library: drawings that sketches are made of for a denoiser that is shown some; None: it is shown none.
    """

    model_cpu_offload_seq = "text_encoder->unet->vae->upscaler"
    _optional_components = ["upscaler"]  # noqa: RUF012 - the base class reads it so

    def __init__(
        self,
        vae: AutoencoderDC,
        unet: UNet2DConditionModel,
        text_encoder: BertModel,
        tokenizer: PreTrainedTokenizerBase,
        scheduler: FlowMatchEulerDiscreteScheduler,
        upscaler: CompactUpscaler | None = None,
        text_length: int = 24,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae, unet=unet, text_encoder=text_encoder, tokenizer=tokenizer, scheduler=scheduler, upscaler=upscaler
        )
        self.register_to_config(text_length=text_length)
        self.library: DrawingLibrary | None = None

    @property
    def native_size(self) -> int:
        """Edge in pixels of a decoded picture before enlargement."""
        return int(self.unet.config.sample_size * self.vae.spatial_compression_ratio)

    def check_inputs(
        self,
        prompt: Sequence[str],
        seeds: Sequence[int] | None,
        lora: LoraFactors | None,
        subjects: Sequence[Image.Image | None] | None = None,
    ) -> None:
        """Refuse what cannot be drawn, with a ValueError that names the value."""
        if not prompt or not all(isinstance(text, str) for text in prompt):
            raise ValueError(f"prompt must be a text or a list of texts, got {prompt!r}.")
        if seeds is not None and len(seeds) != len(prompt):
            raise ValueError(f"{len(seeds)} seeds do not fit {len(prompt)} prompts; give one seed per picture.")
        if subjects is not None and len(subjects) != len(prompt):
            raise ValueError(f"{len(subjects)} subjects do not fit {len(prompt)} prompts; give one, or None, for each.")
        if lora is not None:
            lora.check_fits(self.unet)

    def encode_prompt(
        self,
        prompt: Sequence[str],
        choices: Sequence[int] | None = None,
        subjects: Sequence[Image.Image | None] | None = None,
        coats: Sequence[Sequence[str]] | None = None,
    ) -> dict[str, Tensor]:
        """Return the denoiser's conditions for the prompts, each tensor [N, …].

        Args:
            prompt: N texts; the empty one is the unconditional one and comes without a sketch.
            choices: for every prompt, what decides in its sketch what it leaves open; None: 0.
            subjects: for every prompt, a cut-out that stands for what it names; None, or None in it: a drawing.
            coats: for every prompt, the main colours of a person's own thing (``#rrggbb``), which a drawing of the
                subject is given; None, or () in it: its own.
        """
        hidden, mask = encode_tokens(self.text_encoder, self.tokenizer, prompt, self.config.text_length)
        conditions = {"encoder_hidden_states": hidden.to(self.unet.dtype), "encoder_attention_mask": mask}
        if self.unet.config.in_channels > self.unet.config.out_channels:
            sketches = self.sketch(prompt, choices, subjects, coats)
            conditions["sketch"] = self.encode_sketches(sketches).to(hidden.device)
        return conditions

    def sketch(
        self,
        prompt: Sequence[str],
        choices: Sequence[int] | None = None,
        subjects: Sequence[Image.Image | None] | None = None,
        coats: Sequence[Sequence[str]] | None = None,
        greys: bool = False,
    ) -> list[Image.Image | None]:
        """Return the sketch of every prompt, RGBA of the native size; see `encode_prompt`. None where there is none.

        With `greys`, drawings of subjects are shown without colours, coats or not.
        """
        if self.library is None:
            return [None] * len(prompt)
        sketcher = self._sketcher()
        count = len(prompt)
        rows = zip(prompt, choices or [0] * count, subjects or [None] * count, coats or [()] * count, strict=True)
        return [
            sketcher.sketch(text, choice, subject=subject, coat=coat, greys=greys) if text.strip() else None
            for text, choice, subject, coat in rows
        ]

    def _sketcher(self) -> Sketcher:
        assert self.library is not None
        return Sketcher(self.library, self.text_encoder, self.tokenizer, self.native_size)

    def _let_go(self, prompt: Sequence[str], subjects: Sequence[Image.Image | None] | None, shown: Tensor) -> Tensor:
        """Return for every picture the share of noise, [N], down to which it simply follows its noisy sketch.

        What a sketch shows in its colours need not be guessed anew from pure noise, where colours are blotchy (Meng et
        al. 2022, SDEdit). A photo in greys, whose colours the words give, has to be: 1 lets go at once.
        """
        given = torch.tensor([subject is not None for subject in subjects or [None] * len(prompt)])
        drawn = torch.zeros(len(prompt), dtype=torch.bool)
        if self.library is not None:
            sketcher = self._sketcher()
            drawn = torch.tensor([bool(sketcher.read(text).subject) for text in prompt]) & ~given
        return torch.where(shown, FOLLOW_PHOTO, torch.where(drawn, FOLLOW_DRAWING, 1.0))

    def _shown(self, prompt: Sequence[str], subjects: Sequence[Image.Image | None] | None) -> list[bool]:
        """Say of every picture whether a cut-out shows what colours its subject has; the prompt may ask for others."""
        if subjects is None or self.library is None:
            return [False] * len(prompt)
        sketcher = self._sketcher()
        return [
            subject is not None and not sketcher.read(text).colours
            for text, subject in zip(prompt, subjects, strict=True)
        ]

    def encode_sketches(self, sketches: Sequence[Image.Image | None]) -> Tensor:
        """Return scaled latents [N, C, h, w] of sketches; zeros where there is none."""
        config = self.unet.config
        latents = torch.zeros(len(sketches), config.out_channels, config.sample_size, config.sample_size)
        there = [place for place, sketch in enumerate(sketches) if sketch is not None]
        if there:
            pictures = np.stack([np.asarray(sketches[place]) for place in there])
            values = to_tensor(pictures, self.native_size).to(self.vae.device, self.vae.dtype)
            with torch.no_grad():
                encoded = self.vae.encode(values).latent * self.vae.config.scaling_factor
            latents[there] = encoded.float().cpu()
        return latents

    def prepare_latents(self, count: int, seeds: Sequence[int] | None) -> Tensor:
        """Return unit noise [count, C, h, w]; each row depends on its own seed alone, whatever its neighbours."""
        config = self.unet.config
        shape = (config.out_channels, config.sample_size, config.sample_size)
        rows = []
        for place in range(count):
            generator = torch.Generator("cpu")
            _ = generator.manual_seed(seeds[place]) if seeds is not None else generator.seed()
            rows.append(torch.randn(shape, generator=generator))
        return torch.stack(rows).to(self._execution_device)

    def decode(self, latents: Tensor, upscale: bool = True) -> list[Image.Image]:
        """Decode scaled latents [N, C, h, w] into RGBA pictures, enlarged where there is an upscaler."""
        values = self.vae.decode((latents / self.vae.config.scaling_factor).to(self.vae.dtype)).sample
        pictures = to_pictures(values)
        return self.upscaler.enlarge(pictures) if upscale and self.upscaler is not None else pictures

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        num_inference_steps: int = 8,
        guidance_scale: float = 3.0,
        seeds: Sequence[int] | None = None,
        lora: LoraFactors | None = None,
        fidelity: float = 1.0,
        subjects: Sequence[Image.Image | None] | None = None,
        output_type: str = "pil",
        upscale: bool = True,
        callback_on_step_end: StepCallback | None = None,
    ) -> MiniPipelineOutput:
        """Draw one picture per prompt.

        Args:
            prompt: one text or N.
            num_inference_steps: Euler steps, from 1.
            guidance_scale: pull of the prompt, from 1 (none).
            seeds: one per prompt, so that a picture does not depend on the batch it is drawn in; None draws them.
            lora: personal LoRA, for all rows.
            fidelity: 0 (the base model) to 1 (the personal model as it is), through hybrid-model guidance.
            subjects: for every prompt, a cut-out of what it names (RGBA), to be drawn as it stands there; None, or None
                in it: drawn anew after a drawing of its class, in the colours that a `lora` says it has.
            output_type: ``pil`` or ``latent``.
            upscale: whether decoded pictures are enlarged.
            callback_on_step_end: called as (pipeline, step, timestep, {"latents", "denoised"}); ``denoised`` is the
                picture the model expects at the end, as latents. It may return changed ``latents``, or raise to stop.

        Returns:
            `MiniPipelineOutput`.
        """
        texts = [prompt] if isinstance(prompt, str) else list(prompt)
        self.check_inputs(texts, seeds, lora, subjects)
        guidance = Guidance.from_fidelity(fidelity if lora is not None else 0.0, guidance_scale)
        coat = lora.metadata.get(COAT, "").split() if lora is not None and fidelity > 0 else []
        text = self.encode_prompt(texts, seeds, subjects, [coat] * len(texts))
        # A photo shows what its subject looks like: words and LoRA must not pull it towards its class.
        shown = torch.tensor(self._shown(texts, subjects))
        empty = {
            name: torch.where(shown.view(-1, *[1] * (value.ndim - 1)).to(value.device), text[name], value)
            for name, value in self.encode_prompt([""]).items()
        }
        denoise = _Denoiser(self, text, empty, lora, shown)
        latents = noise = self.prepare_latents(len(texts), seeds)
        let_go = self._let_go(texts, subjects, shown).to(latents.device)
        self.scheduler.set_timesteps(num_inference_steps, device=latents.device)
        for step, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
            share = timestep / self.scheduler.config.num_train_timesteps
            predict = partial(hm_cfg, denoise, latents, timestep, guidance, step / num_inference_steps)
            velocity = following(share, let_go, noise, text.get("sketch"), predict)
            denoised = latents - share * velocity
            latents = self.scheduler.step(velocity, timestep, latents, return_dict=False)[0]
            if callback_on_step_end is not None:
                changed = callback_on_step_end(self, step, timestep, {"latents": latents, "denoised": denoised})
                latents = changed.get("latents", latents)
        self.maybe_free_model_hooks()
        return MiniPipelineOutput(images=latents if output_type == "latent" else self.decode(latents, upscale))


class _Denoiser:
    """Computes branches of guidance for N rows: one call of the UNet, the LoRA scaled per row."""

    def __init__(
        self,
        pipeline: MiniPipeline,
        text: dict[str, Tensor],
        empty: dict[str, Tensor],
        lora: LoraFactors | None,
        shown: Tensor,
    ) -> None:
        self._unet, self._text, self._empty, self._lora, self._shown = pipeline.unet, text, empty, lora, shown

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        """Predict velocities [K·N, C, h, w]; see `pipelines.hyperlora.guidance.Denoise`."""
        conditions = branch_conditions(self._text, self._empty, branches)
        unshown = (~self._shown).to(latents.device, torch.float32)
        scales = torch.cat([branch.lora_scale * unshown for branch in branches])
        with RowLora(self._unet, self._lora.layers, scales) if self._lora is not None else nullcontext():
            rows = with_sketch(latents, conditions).to(self._unet.dtype).contiguous(memory_format=torch.channels_last)
            return self._unet(rows, timestep.expand(len(rows)), **conditions).sample.float()
