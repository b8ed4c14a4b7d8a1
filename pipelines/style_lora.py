"""A LoRA that counts everywhere: in every row of every call, whatever else adapts the model there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.lora import Factor

STRONGEST = 1.5  # beyond it most LoRAs break the picture


class StyleLora:
    """Adapts a model while the context is open; open it around whatever calls the model.

    Unlike `pipelines.lora.RowLora` it asks nothing of the rows, so that the branches of hybrid-model guidance, the
    empty prompt among them, and the copies of `pipelines.regional_lora.RegionalLora` have the style alike. Works by
    forward hooks, which are removed when the context closes: the weights are never touched.

    Args:
        model: a denoiser.
        layers: module name → `Factor`, of linear layers and of convolutions, see `pipelines.style_files.StyleFile`.
        strength: 0–`STRONGEST`; 1 is as made, 0 leaves the model bit for bit.
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, Factor], strength: float) -> None:
        if not 0 <= strength <= STRONGEST:
            raise ValueError(f"strength is {strength}; it must lie between 0 and {STRONGEST}.")
        self._model, self._layers, self._strength = model, layers, strength
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Self:
        for name, factor in self._layers.items() if self._strength else ():
            module = self._model.get_submodule(name)
            self._handles.append(module.register_forward_hook(_Added(factor, self._strength)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()


class _Added:
    """The hook of one layer; its factors move to where the layer works with the first call."""

    def __init__(self, factor: Factor, strength: float) -> None:
        self._factor = Factor(factor.down, factor.up * strength)

    def __call__(self, module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        inputs = arguments[0]
        self._factor = down, up = Factor(self._factor.down.to(inputs), self._factor.up.to(inputs))
        module = getattr(module, "base_layer", module)
        if isinstance(module, nn.Conv2d):
            inner = functional.conv2d(inputs, down, None, module.stride, module.padding, module.dilation)
            return output + functional.conv2d(inner, up).to(output.dtype)
        return output + ((inputs @ down.mT) @ up.mT).to(output.dtype)
