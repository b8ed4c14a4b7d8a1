"""Several personal LoRAs in one picture, each at the places where its subject is.

Linear layers know no places: the keys of a text serve the whole picture. So attention is computed once by the base and
once under every LoRA, side by side as rows of the same call, and each place takes what comes out under the LoRA of who
stands there; between attention layers there is one picture only. It works on the attention of any UNet or transformer
of diffusers, joint attention included, where the text's own stream stays the base's.

Shape legend: R rows of the model's call, A of them with LoRA, K subjects, T tokens, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.lora import Factor, LoraError

_COPIED = (
    "hidden_states",
    "encoder_hidden_states",
    "attention_mask",
    "encoder_attention_mask",
    "encoder_hidden_states_mask",
)
_LEVELS = 8  # halvings of a picture inside a denoiser, at most


def side_by_side(count: int, height: int = 64, width: int = 64) -> Tensor:
    """Return regions [1, K, height, width] of `count` subjects that share a picture evenly, from left to right."""
    columns = (torch.arange(width) * count // width)[None, :].expand(height, width)
    return torch.stack([columns == number for number in range(count)])[None].float()


class RegionalLora:
    """Adapts a model by a LoRA for every region while the context is open; see `pipelines.lora.RowLora` for one alone.

    Rows with scale 0 are computed by the base model alone. Works by forward hooks, which are removed when the context
    closes.

    Args:
        model: a denoiser.
        layers: module name → `Factor` with `down` [K, rank, in] and `up` [K, out, rank], see `pipelines.lora.stacked`.
        shape: of the latents that it is called with: [R, C, h, w], or [R, T, C] where they are packed.
        scales: [R], strength of all of them in each row.
        regions: [R, K, H, W], or [1, K, H, W] for all rows: how much each subject counts at each place, 0–1 and at
            most 1 together; of the picture's shape, at any resolution. Where nobody counts the base draws.

    Raises:
        LoraError: shape, scales, regions and layers do not fit each other.
    """

    def __init__(
        self, model: nn.Module, layers: Mapping[str, Factor], shape: Sequence[int], scales: Tensor, regions: Tensor
    ) -> None:
        count = next((len(factor.down) for factor in layers.values()), 0)
        if shape[0] != len(scales):
            raise LoraError(f"The model is called with {shape[0]} rows for {len(scales)} LoRA scales.")
        if regions.ndim != 4 or regions.shape[1] != count or len(regions) not in (1, len(scales)):
            raise LoraError(
                f"The regions {list(regions.shape)} do not fit {count} LoRAs in {len(scales)} rows; "
                "[rows, LoRAs, height, width] is needed."
            )
        self._model, self._layers, self._rows = model, layers, len(scales)
        self._active = scales.nonzero().flatten()
        self._scales = scales[self._active]
        self._regions = regions.expand(len(scales), -1, -1, -1)[self._active.to(regions.device)].float()
        self._packed = len(shape) == 3
        self._size = _shaped(shape[1], regions) if self._packed else (shape[2], shape[3])
        self._weights: dict[int, Tensor] = {}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Self:
        if not len(self._active):
            return self
        for owner, names in self._owners().items():
            module = self._model.get_submodule(owner)
            self._handles.append(module.register_forward_pre_hook(self._copy, with_kwargs=True))
            for name in names:
                linear = self._model.get_submodule(name)
                self._handles.append(linear.register_forward_hook(self._adapted(self._layers[name])))
            self._handles.append(module.register_forward_hook(self._blend))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _owners(self) -> dict[str, list[str]]:
        """Return what is computed in copies → its adapted layers: their attention, or a layer that is in none."""
        owners: dict[str, list[str]] = {}
        for name in self._layers:
            parent = name.removesuffix(".0").rpartition(".")[0]
            owner = parent if hasattr(self._model.get_submodule(parent), "to_q") else name
            owners.setdefault(owner, []).append(name)
        return owners

    def _copy(self, _: nn.Module, arguments: tuple, keywords: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Put K copies of the rows with LoRA behind all rows."""
        copied = {name: self._with_copies(keywords[name]) for name in _COPIED if name in keywords}
        return tuple(self._with_copies(value) for value in arguments), {**keywords, **copied}

    def _with_copies(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or len(value) != self._rows:
            return value
        mine = value[self._active.to(value.device)]
        return torch.cat([value, *[mine] * self._regions.shape[1]])

    def _adapted(self, factor: Factor):
        def add(_: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            inputs = arguments[0]
            down, up = factor.down.to(inputs)[:, None], factor.up.to(inputs)[:, None]
            copies_KATC = inputs[self._rows :].unflatten(0, (self._regions.shape[1], len(self._active)))
            delta = (copies_KATC @ down.mT) @ up.mT * self._scales.to(inputs).view(1, -1, 1, 1)
            return torch.cat([output[: self._rows], output[self._rows :] + delta.flatten(0, 1).to(output.dtype)])

        return add

    def _blend(self, _: nn.Module, __: tuple, output: Any) -> Any:
        """Take from every copy the places of its subject; of the text's own stream, if there is one, the base."""
        if isinstance(output, tuple):
            return (self._blended(output[0]), *(value[: self._rows] for value in output[1:]))
        return self._blended(output)

    def _blended(self, output: Tensor) -> Tensor:
        base, active = output[: self._rows], self._active.to(output.device)
        own_KATC = output[self._rows :].unflatten(0, (self._regions.shape[1], len(active)))
        weights_KAT1 = self._weights_of(output.shape[1]).to(output)
        delta = ((own_KATC - base[active]) * weights_KAT1).sum(dim=0)
        return base.index_add(0, active, delta)

    def _weights_of(self, tokens: int) -> Tensor:
        """Return the regions at the resolution of a layer, [K, A, T, 1]; tokens of a text in front have none."""
        if tokens not in self._weights:
            height, width = self._size_of(tokens)
            weights_AKT = functional.interpolate(self._regions, (height, width), mode="area").flatten(2)
            weights_AKT = functional.pad(weights_AKT, (tokens - height * width, 0))
            self._weights[tokens] = weights_AKT.transpose(0, 1)[..., None]
        return self._weights[tokens]

    def _size_of(self, tokens: int) -> tuple[int, int]:
        height, width = self._size
        if self._packed and tokens >= height * width:
            return self._size
        for level in range(_LEVELS):
            size = (math.ceil(height / 2**level), math.ceil(width / 2**level))
            if size[0] * size[1] == tokens:
                return size
        raise LoraError(f"A layer has {tokens} tokens, which are no picture of {height} × {width} at any scale.")


def _shaped(tokens: int, regions: Tensor) -> tuple[int, int]:
    """Return the height and width of packed latents: the picture has the shape of its regions."""
    height = round(math.sqrt(tokens * regions.shape[-2] / regions.shape[-1]))
    if not height or tokens % height:
        raise LoraError(f"{tokens} tokens are no picture of the shape of the regions, {list(regions.shape[-2:])}.")
    return height, tokens // height
