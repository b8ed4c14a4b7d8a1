"""Text to transparent pictures with the embedded base model, with a personal LoRA where one is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
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
from pipelines.lora import Factor, LoraFactors, RowLora, stacked
from pipelines.mini.alike import look_of_lora
from pipelines.mini.alpha import to_pictures, to_tensor
from pipelines.mini.casting import Actor
from pipelines.mini.dressing import Dresser, TasteDresser
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.pipeline_output import MiniPipelineOutput
from pipelines.mini.sketching import FindHead, Sketch, Sketcher, with_sketch
from pipelines.mini.text import encode_tokens
from pipelines.pigeon.conditioning import Taste, taste_conditions
from pipelines.regional_lora import RegionalLora, side_by_side
from pipelines.upscaling.modeling_compact import CompactUpscaler

TASTE = "taste"  # among the conditions: a taste's tokens
StepCallback = Callable[["MiniPipeline", int, Tensor, dict[str, Tensor]], dict[str, Tensor]]


@dataclass(frozen=True, eq=False, kw_only=True)
class PersonalSubject:
    """A person's own thing, as it is to be drawn.

    Attributes:
        words: what the prompts call it, its class word; "": it is what they name first.
        lora: its personal LoRA, with its coat and look in the metadata.
        cutouts: for every picture, a cut-out (RGBA) to be drawn as it stands there, or None: drawn anew after a drawing
            of its class, in the colours that the LoRA says it has; (): all of them drawn anew.
    """

    words: str = ""
    lora: LoraFactors | None = None
    cutouts: Sequence[Image.Image | None] = ()

    def actor(self, picture: int, dress: Dresser | None) -> Actor:
        """Return how it appears in a picture: dressed as its LoRA says, or as its class."""
        cutout = self.cutouts[picture] if self.cutouts else None
        return Actor(words=self.words, cutout=cutout, dress=dress, look=look_of_lora(self.lora))


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
        heads: finds the head on a cut-out that is to wear a hat; None: hats go by the outline.
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
        self.heads: FindHead | None = None

    @property
    def native_size(self) -> int:
        """Edge in pixels of a decoded picture before enlargement."""
        return int(self.unet.config.sample_size * self.vae.spatial_compression_ratio)

    def check_inputs(
        self,
        prompt: Sequence[str],
        seeds: Sequence[int] | None,
        subjects: Sequence[PersonalSubject] = (),
        taste: Taste | None = None,
        palette: Sequence[str] = (),
    ) -> None:
        """Refuse what cannot be drawn, with a ValueError that names the value."""
        if not prompt or not all(isinstance(text, str) for text in prompt):
            raise ValueError(f"prompt must be a text or a list of texts, got {prompt!r}.")
        if seeds is not None and len(seeds) != len(prompt):
            raise ValueError(f"{len(seeds)} seeds do not fit {len(prompt)} prompts; give one seed per picture.")
        for subject in subjects:
            if subject.cutouts and len(subject.cutouts) != len(prompt):
                raise ValueError(
                    f"{len(subject.cutouts)} cut-outs do not fit {len(prompt)} prompts; give one, or None, for each."
                )
            if subject.lora is not None:
                subject.lora.check_fits(self.unet)
        if taste is not None and len(taste.tokens) != len(prompt):
            raise ValueError(
                f"The tokens of {len(taste.tokens)} tastes do not fit {len(prompt)} prompts; give each one."
            )
        if palette and not self._sketched:
            raise ValueError("This model is shown no sketches, so it takes no palette; name colours in the prompt.")
        for colour in palette:
            if re.fullmatch("#[0-9a-f]{6}", colour) is None:
                raise ValueError(f"The palette holds {colour!r}; colours look like #1f77b4.")

    def encode_prompt(
        self, prompt: Sequence[str], sketches: Sequence[Sketch | None] | None = None
    ) -> dict[str, Tensor]:
        """Return the denoiser's conditions for the prompts, each tensor [N, …].

        Args:
            prompt: N texts; the empty one is the unconditional one.
            sketches: of the prompts; None lays them out here, see `sketch`.
        """
        hidden, mask = encode_tokens(self.text_encoder, self.tokenizer, prompt, self.config.text_length)
        conditions = {"encoder_hidden_states": hidden.to(self.unet.dtype), "encoder_attention_mask": mask}
        if self._sketched:
            laid_out = self.sketch(prompt) if sketches is None else sketches
            pictures = [None if sketch is None else sketch.picture for sketch in laid_out]
            conditions["sketch"] = self.encode_sketches(pictures).to(hidden.device)
        return conditions

    def sketch(
        self,
        prompt: Sequence[str],
        choices: Sequence[int] | None = None,
        casts: Sequence[Sequence[Actor]] | None = None,
    ) -> list[Sketch | None]:
        """Return the sketch of every prompt at the native size; None where there is none, as for the empty prompt.

        Args:
            prompt: N texts.
            choices: for every prompt, what decides in its sketch what it leaves open; None: 0.
            casts: for every prompt, the own things that are in it; None: nobody's.
        """
        if self.library is None:
            return [None] * len(prompt)
        sketcher = Sketcher(self.library, self.text_encoder, self.tokenizer, self.native_size, self.heads)
        rows = zip(prompt, choices or [0] * len(prompt), casts or [()] * len(prompt), strict=True)
        return [sketcher.sketch(text, choice, actors) if text.strip() else None for text, choice, actors in rows]

    @property
    def _sketched(self) -> bool:
        return bool(self.unet.config.in_channels > self.unet.config.out_channels)

    def _dresser(self, lora: LoraFactors | None, fidelity: float) -> Dresser | None:
        """Return what dresses a thing's drawing; None where the LoRA does not count, or nothing is sketched."""
        return Dresser(self, lora, fidelity) if lora is not None and fidelity and self._sketched else None

    def _in_taste(self, taste: Taste | None, palette: Sequence[str], picture: int) -> list[Actor]:
        """Return who plays what a prompt names first where that is nobody's own: it wears what the taste likes."""
        if palette:
            return [Actor(coat=palette)]
        if taste is None or not self._sketched or not taste.counts(picture):
            return []
        return [Actor(dress=TasteDresser(self, taste.of(picture)))]

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

    def _regions(self, sketches: Sequence[Sketch | None], count: int) -> Tensor:
        """Return where the LoRA of each of `count` subjects acts, [N, K, S, S]; nowhere for one that a photo shows."""
        size = self.native_size
        rows = []
        for sketch in sketches:
            if sketch is None:
                rows.append(side_by_side(count, size, size)[0] if count else torch.zeros(0, size, size))
            else:
                drawn = ~torch.tensor(sketch.shown[:count], dtype=torch.bool).view(-1, 1, 1)
                # what a taste dresses is nobody's own, and has no LoRA
                rows.append(torch.from_numpy(sketch.regions[:count]).float() / 255 * drawn)
        return torch.stack(rows)

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
        subjects: Sequence[PersonalSubject] = (),
        taste: Taste | None = None,
        palette: Sequence[str] = (),
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
            lora: personal LoRA of what the prompts name first; short for a single subject of `subjects`.
            fidelity: 0 (the base model) to 1 (the personal model as it is), through hybrid-model guidance; what the
                drawings wear in sketches goes along, see `pipelines.mini.dressing`.
            subjects: a person's own things in these pictures, in the order in which the prompts name them. Each LoRA
                acts where its subject is; where there are no sketches they share the picture from left to right.
            taste: tokens of somebody's taste for each picture. Where there are sketches they dress the drawing of what
                is nobody's own, unless the prompt names its colours, and the base draws after it; own things keep
                their looks. Where there are none they are beside the text at every step.
            palette: colours ``#rrggbb`` of what the prompts name first where that is nobody's own and they do not
                colour it themselves, the main one first; they take the place of those that a taste would choose.
            output_type: ``pil`` or ``latent``.
            upscale: whether decoded pictures are enlarged.
            callback_on_step_end: called as (pipeline, step, timestep, {"latents", "denoised"}); ``denoised`` is the
                picture the model expects at the end, as latents. It may return changed ``latents``, or raise to stop.

        Returns:
            `MiniPipelineOutput`.
        """
        texts = [prompt] if isinstance(prompt, str) else list(prompt)
        own = subjects or ([PersonalSubject(lora=lora)] if lora is not None else [])
        self.check_inputs(texts, seeds, own, taste, palette)
        personal = any(subject.lora is not None for subject in own)
        guidance = Guidance.from_fidelity(fidelity if personal else 0.0, guidance_scale)
        dressers = [self._dresser(subject.lora, fidelity) for subject in own]
        casts = [
            [s.actor(row, d) for s, d in zip(own, dressers, strict=True)] or self._in_taste(taste, palette, row)
            for row in range(len(texts))
        ]
        sketches = self.sketch(texts, seeds, casts)
        # Beside the text of a base that follows a sketch in full colour they add blotches and nothing else.
        beside = None if self._sketched else taste
        told = {} if beside is None else {TASTE: beside.told.to(self._execution_device)}
        text = self.encode_prompt(texts, sketches) | told
        # A photo shows what its subject looks like: words and LoRA must not pull it towards its class.
        shown = torch.tensor([sketch is not None and sketch.shows_photos for sketch in sketches])
        empty = {
            name: torch.where(shown.view(-1, *[1] * (value.ndim - 1)).to(value.device), text[name], value)
            for name, value in (
                self.encode_prompt([""]) | {n: torch.zeros_like(t[:1]) for n, t in told.items()}
            ).items()
        }
        denoise = _Denoiser(
            self.unet, text, empty, [subject.lora for subject in own], self._regions(sketches, len(own))
        )
        latents = noise = self.prepare_latents(len(texts), seeds)
        let_go = torch.tensor([1.0 if sketch is None else sketch.let_go for sketch in sketches]).to(latents.device)
        self.scheduler.set_timesteps(num_inference_steps, device=latents.device)
        for step, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
            share = timestep / self.scheduler.config.num_train_timesteps
            predict = partial(hm_cfg, denoise, latents, timestep, guidance, step / num_inference_steps)
            with nullcontext() if beside is None else beside.attention:
                velocity = following(share, let_go, noise, text.get("sketch"), predict)
            denoised = latents - share * velocity
            latents = self.scheduler.step(velocity, timestep, latents, return_dict=False)[0]
            if callback_on_step_end is not None:
                changed = callback_on_step_end(self, step, timestep, {"latents": latents, "denoised": denoised})
                latents = changed.get("latents", latents)
        self.maybe_free_model_hooks()
        return MiniPipelineOutput(images=latents if output_type == "latent" else self.decode(latents, upscale))


class _Denoiser:
    """Computes branches of guidance for N rows: one call of the UNet, the LoRAs scaled per row and place.

    Args:
        unet: the model.
        text: conditions of the rows, each [N, …].
        empty: those of the empty prompt.
        loras: of the K subjects.
        regions: where they act, [N, K, H, W] in 0–1.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        text: dict[str, Tensor],
        empty: dict[str, Tensor],
        loras: Sequence[LoraFactors | None],
        regions: Tensor,
    ) -> None:
        self._unet, self._text, self._empty = unet, text, empty
        there = [number for number, lora in enumerate(loras) if lora is not None]
        self._layers = stacked([lora for lora in loras if lora is not None])
        self._regions = regions[:, there]
        self._acts = self._regions.flatten(1).any(dim=1)
        self._everywhere = bool((self._regions[self._acts] == 1).all()) and len(there) == 1

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        """Predict velocities [K·N, C, h, w]; see `pipelines.hyperlora.guidance.Denoise`."""
        conditions = branch_conditions(self._text, self._empty, branches)
        rows = with_sketch(latents, conditions).to(self._unet.dtype).contiguous(memory_format=torch.channels_last)
        tokens = conditions.pop(TASTE, None)
        told = {} if tokens is None else taste_conditions(tokens.to(rows.dtype))
        with self._adapted(rows, branches):
            return self._unet(rows, timestep.expand(len(rows)), **conditions, **told).sample.float()

    def _adapted(self, rows: Tensor, branches: Sequence[Branch]) -> AbstractContextManager[object]:
        if not self._layers:
            return nullcontext()
        scales = torch.cat([branch.lora_scale * self._acts.float() for branch in branches]).to(rows.device)
        if self._everywhere:  # the same, computed without copies
            return RowLora(self._unet, {n: Factor(f.down[0], f.up[0]) for n, f in self._layers.items()}, scales)
        regions = self._regions.repeat(len(branches), 1, 1, 1).to(rows.device)
        return RegionalLora(self._unet, self._layers, rows.shape, scales, regions)
