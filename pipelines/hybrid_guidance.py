"""Hybrid-model guidance for whole pipelines of diffusers, whose denoising loop is closed.

Such a pipeline calls its denoiser once a step with the empty rows and those with the text, [empty, text], and guides
by itself: e = u + g·(c − u). Here hooks of the denoiser exchange the rows for the branches of the guidance, in one
batched call with the LoRA at a strength of its own in every row, and give back a pair u, c whose e is that of the
guidance: every form weighs its empty branches 1 − g together and those with the text g. What the pipeline does beside,
such as rescaling, goes on as ever. The weights of the model are never touched.

Guiders of diffusers' modular pipelines call the denoiser once per branch, and change the model in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

import torch
from diffusers import DiffusionPipeline
from torch import Tensor, nn

from pipelines.hyperlora.guidance import Branch, Guidance
from pipelines.lora import Factor, LoraError, LoraFactors, RowLora, stacked
from pipelines.regional_lora import RegionalLora
from pipelines.text_to_image import denoiser

# Denoisers that their pipelines call once a step, the empty rows first. FLUX has its guidance built in, others call
# twice a step: for them the dial is the strength of the LoRA.
PAIRED = ("UNet2DConditionModel", "SD3Transformer2DModel")


class HybridGuidance:
    """Guides a pipeline by its base and a personal model while the context is open; call the pipeline inside.

    Where the guidance has no pull the pipeline is left alone, and draws the base bit for bit. After the context it is
    the base again: nothing was loaded into it.

    Args:
        pipeline: called with ``guidance_scale`` equal to `guidance.text`.
        loras: one for all pictures, or one per picture of a call; None draws the base. With `regions`: those of the K
            subjects that are in each picture together.
        guidance: the weights. Its course over the steps is followed where the pipeline guides by pairs, see `PAIRED`,
            and elsewhere too: the strength of the one LoRA is then pull / text.
        regions: where each of the LoRAs acts, [1, K, H, W] in 0–1, see `pipelines.regional_lora`; None: everywhere.

    Raises:
        LoraError: a LoRA was made for another model.
    """

    def __init__(
        self,
        pipeline: DiffusionPipeline,
        loras: LoraFactors | Sequence[LoraFactors | None] | None,
        guidance: Guidance,
        regions: Tensor | None = None,
    ) -> None:
        self._pipeline, self._guidance, self._regions = pipeline, guidance, regions
        component, self._module = denoiser(pipeline)
        each = [loras] if loras is None or isinstance(loras, LoraFactors) else list(loras)
        for lora in each:
            if lora is not None:
                _check(lora, component, self._module)
        layers = loras.layers if isinstance(loras, LoraFactors) and regions is None else stacked(each)
        self._layers = _placed(layers, pipeline, self._module)
        self._closing = ExitStack()
        self._call = ExitStack()
        self._weights: dict[Branch, float] | None = None

    def __enter__(self) -> Self:
        if self._layers and self._guidance.subject:
            before = self._module.register_forward_pre_hook(self._before, with_kwargs=True)
            after = self._module.register_forward_hook(self._after)
            for handle in (before, after):
                self._closing.callback(handle.remove)
            self._closing.callback(self._call.close)  # a call that was broken off
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _before(self, module: nn.Module, arguments: tuple, keywords: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Exchange the rows for those of the branches, and adapt the layers for this call."""
        latents: Any = arguments[0] if arguments else keywords.get("sample", keywords.get("hidden_states"))
        share, rows = self._share(arguments, keywords), len(latents)
        self._weights = self._guidance.coefficients(share) if self._is_paired() else None
        if self._weights is None:
            self._adapt([self._guidance.pull(share) / self._guidance.text], rows, latents)
            return arguments, keywords
        count = rows // 2
        self._adapt([branch.lora_scale for branch in self._weights], count, latents)
        places = torch.cat([torch.arange(count) + count * branch.text for branch in self._weights]).to(latents.device)
        return _gathered(arguments, places, rows), _gathered(keywords, places, rows)

    def _after(self, _: nn.Module, __: tuple, output: Any) -> Any:
        """Turn the branches into the pair that the pipeline waits for."""
        self._call.close()
        if self._weights is None:
            return output
        if isinstance(output, tuple):
            return (_pair(output[0], self._weights), *output[1:])
        output.sample = _pair(output.sample, self._weights)
        return output

    def _adapt(self, strengths: list[float], count: int, latents: Tensor) -> None:
        scales = torch.tensor(strengths).repeat_interleave(count).to(latents.device)
        if self._regions is not None:
            shape = (len(scales), *latents.shape[1:])
            regions = self._regions.to(latents.device)
            self._call.enter_context(RegionalLora(self._module, self._layers, shape, scales, regions))
            return
        layers = {name: _repeated(factor, len(strengths)) for name, factor in self._layers.items()}
        self._call.enter_context(RowLora(self._module, layers, scales))

    def _is_paired(self) -> bool:
        guides = bool(getattr(self._pipeline, "do_classifier_free_guidance", False))
        if guides and self._pipeline.guidance_scale != self._guidance.text:
            raise ValueError(
                f"The pipeline guides by {self._pipeline.guidance_scale}, the weights are for {self._guidance.text}."
            )
        return guides and type(self._module).__name__ in PAIRED

    def _share(self, arguments: tuple, keywords: Mapping[str, Any]) -> float:
        """Return the share of the steps that are done, 0–1."""
        scheduler = self._pipeline.scheduler
        if hasattr(scheduler, "step_index"):  # None before the first step
            return (scheduler.step_index or 0) / len(scheduler.timesteps)
        timestep = keywords.get("timestep", arguments[1] if len(arguments) > 1 else None)
        places = (scheduler.timesteps == torch.as_tensor(timestep).flatten()[0].to(scheduler.timesteps)).nonzero()
        return float(places[0]) / len(scheduler.timesteps)


def _check(lora: LoraFactors, component: str, module: nn.Module) -> None:
    if lora.component != component:
        raise LoraError(f"The LoRA adapts a {lora.component}, but this model has a {component}.")
    lora.check_fits(module)


def _placed(layers: Mapping[str, Factor], pipeline: DiffusionPipeline, module: nn.Module) -> dict[str, Factor]:
    """Move the factors where the denoiser works, so that steps need not."""
    device, dtype = pipeline._execution_device, module.dtype
    return {name: Factor(down.to(device, dtype), up.to(device, dtype)) for name, (down, up) in layers.items()}


def _repeated(factor: Factor, times: int) -> Factor:
    """Repeat factors that differ by picture for every branch."""
    if factor.down.ndim == 2:
        return factor
    return Factor(factor.down.repeat(times, 1, 1), factor.up.repeat(times, 1, 1))


def _gathered(value: Any, places: Tensor, rows: int) -> Any:
    """Take the rows at `places` of every tensor that has `rows` rows; nested arguments included."""
    if isinstance(value, Tensor):
        return value[places.to(value.device)] if value.ndim and len(value) == rows else value
    if isinstance(value, dict):
        return {name: _gathered(one, places, rows) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_gathered(one, places, rows) for one in value)
    return value


def _pair(predictions: Tensor, weights: Mapping[Branch, float]) -> Tensor:
    """Return the mean of the empty branches and that of those with the text, by their weights: [empty, text]."""
    each = list(zip(predictions.chunk(len(weights)), weights.items(), strict=True))
    pair = []
    for with_text in (False, True):
        mine = [(prediction, weight) for prediction, (branch, weight) in each if branch.text is with_text]
        total = sum(weight for _, weight in mine)
        pair.append(sum(prediction.float() * (weight / total) for prediction, weight in mine))
    return torch.cat(pair).to(predictions.dtype)
