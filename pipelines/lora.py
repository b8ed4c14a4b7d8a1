"""Personal LoRA as a value: factors by layer, safetensors, injection through peft, and row by row in one batched call.

A layer's weight W [out, in] becomes W + B A with A (`down`) [rank, in] and B (`up`) [out, rank]; alpha equals the rank.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from pipelines.safetensors_bytes import UnreadableFile, all_finite, read_tensors, write_tensors

ATTENTION_TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
COAT = "coat"  # in the metadata of a personal LoRA: main colours of its subject, ``#rrggbb`` with spaces between
LOOK = "look"  # the same: what its subject looks like to the image encoder, see `pipelines.mini.alike`
_KEY = re.compile(r"(?P<component>unet|transformer)\.(?P<layer>.+)\.lora_(?P<side>[AB])\.weight")


class LoraError(ValueError):
    """LoRA factors that cannot be used; the message says which value is wrong and why."""


class LayerSpec(NamedTuple):
    """A linear layer that can be adapted: its module name and its sizes."""

    name: str
    in_features: int
    out_features: int


class Factor(NamedTuple):
    """The two sides of one layer: `down` [..., rank, in] and `up` [..., out, rank]."""

    down: Tensor
    up: Tensor

    @property
    def rank(self) -> int:
        """The inner size of the product."""
        return self.down.shape[-2]


def layer_table(model: nn.Module, targets: Iterable[str] = ATTENTION_TARGETS) -> tuple[LayerSpec, ...]:
    """Read from a model which linear layers `targets` mean, in the model's own order.

    Args:
        model: any UNet or transformer; layers that peft has wrapped are listed under their own name.
        targets: ends of module names at a dot, for example ``attn2.to_v``.

    Raises:
        LoraError: no linear layer ends so.
    """
    endings = tuple(targets)
    specs = []
    for path, module in model.named_modules():
        name = path.removesuffix(".base_layer")
        if isinstance(module, nn.Linear) and any(name == end or name.endswith(f".{end}") for end in endings):
            specs.append(LayerSpec(name, module.in_features, module.out_features))
    if not specs:
        raise LoraError(f"{type(model).__name__} has no linear layer whose name ends in one of {', '.join(endings)}.")
    return tuple(specs)


@dataclass(frozen=True, eq=False)
class LoraFactors:
    """The factors of one LoRA.

    Attributes:
        layers: module name → `Factor` with `down` [rank, in], `up` [out, rank].
        component: which part of the diffusion pipeline they belong to: ``unet`` or ``transformer``.
        metadata: text that travels with the file.
    """

    layers: Mapping[str, Factor]
    component: str = "unet"
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.layers:
            raise LoraError("The LoRA holds no layers.")
        for name, (down, up) in self.layers.items():
            _check_factor(name, down, up)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a safetensors file in diffusers' layout (``unet.<layer>.lora_A.weight`` …).

        Raises:
            LoraError: not safetensors, other keys than these, a side missing, wrong shapes, or values not finite.
        """
        tensors, metadata = read_lora_tensors(data)
        sides: dict[str, dict[str, Tensor]] = {}
        components = set()
        for key, tensor in tensors.items():
            found = _KEY.fullmatch(key)
            if found is None:
                raise LoraError(
                    f"The LoRA holds {key!r}; only diffusers' names such as unet.….lora_A.weight can be read."
                )
            components.add(found["component"])
            sides.setdefault(found["layer"], {})[found["side"]] = tensor.float()
        if len(components) > 1:
            raise LoraError(
                f"The LoRA is for several models at once ({', '.join(sorted(components))}); one is possible."
            )
        for name, pair in sides.items():
            if len(pair) < 2:
                raise LoraError(f"Layer {name} of the LoRA has only lora_{next(iter(pair))}; both sides are needed.")
        layers = {name: Factor(pair["A"], pair["B"]) for name, pair in sorted(sides.items())}
        return cls(layers, component=components.pop() if components else "unet", metadata=metadata)

    def to_bytes(self, dtype: torch.dtype = torch.float16) -> bytes:
        """Write a safetensors file in diffusers' layout; the same LoRA always gives the same bytes."""
        state = {f"{self.component}.{name}": tensor for name, tensor in self.state(dtype).items()}
        return write_tensors(state, self.metadata)

    def scaled(self, scale: float) -> Self:
        """Return the same LoRA with its effect multiplied by `scale` (folded into `up`)."""
        layers = {name: Factor(down, up * scale) for name, (down, up) in self.layers.items()}
        return replace(self, layers=layers)

    def norm(self) -> float:
        """Return the Frobenius norm of all products B A together."""
        return math.sqrt(sum(float(product_square(factor)) for factor in self.layers.values()))

    def check_fits(self, model: nn.Module) -> None:
        """Raise `LoraError` unless every layer is in `model` with these sizes."""
        for name, (down, up) in self.layers.items():
            try:
                module = model.get_submodule(name)
            except AttributeError as error:
                raise LoraError(f"The LoRA adapts {name}, which this {type(model).__name__} does not have.") from error
            linear = getattr(module, "base_layer", module)
            if not isinstance(linear, nn.Linear):
                raise LoraError(
                    f"The LoRA adapts {name}, which is a {type(linear).__name__}; only linear layers can be."
                )
            sizes = (up.shape[-2], down.shape[-1])
            if sizes != (linear.out_features, linear.in_features):
                raise LoraError(
                    f"The LoRA is for {sizes[1]} → {sizes[0]} at {name}, but the model has "
                    f"{linear.in_features} → {linear.out_features} there: it was made for another model."
                )

    def state(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return the factors under peft's names without the component: ``<layer>.lora_A.weight`` …"""
        state = {}
        for name, (down, up) in self.layers.items():
            state[f"{name}.lora_A.weight"] = down.detach().to(dtype).contiguous()
            state[f"{name}.lora_B.weight"] = up.detach().to(dtype).contiguous()
        return state


def read_lora_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a LoRA's safetensors file without asking for its layout: tensors by key, and its metadata.

    Raises:
        LoraError: not safetensors, or a tensor holds no finite numbers.
    """
    try:
        tensors, metadata = read_tensors(data)
    except UnreadableFile as error:
        raise LoraError(f"The LoRA is not a readable safetensors file: {error}.") from error
    for key, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise LoraError(f"{key[:120]} of the LoRA holds {tensor.dtype} instead of floating-point numbers.")
        if not all_finite(tensor):
            raise LoraError(
                f"{key[:120]} of the LoRA holds values that are not finite (NaN or infinite); the file is damaged."
            )
    return tensors, metadata


def stacked(loras: Sequence[LoraFactors | None]) -> dict[str, Factor]:
    """Return the factors of many LoRAs for one batched call: `down` [N, rank, in] and `up` [N, out, rank].

    Ranks are filled up with zeros to the largest, and so are layers that some of them do not adapt; None is the base.

    Args:
        loras: one per row, for the same model.

    Raises:
        LoraError: two of them do not agree on the sizes of a layer.
    """
    known: dict[str, LayerSpec] = {}
    rank = 0
    for lora in loras:
        for name, (down, up) in (lora.layers if lora is not None else {}).items():
            spec = known.setdefault(name, LayerSpec(name, down.shape[1], up.shape[0]))
            if (spec.in_features, spec.out_features) != (down.shape[1], up.shape[0]):
                raise LoraError(f"The LoRAs have different sizes at {name}: they are for different models.")
            rank = max(rank, down.shape[0])
    return {
        name: _rows(spec, [lora.layers.get(name) if lora else None for lora in loras], rank)
        for name, spec in known.items()
    }


def _rows(spec: LayerSpec, factors: Sequence[Factor | None], rank: int) -> Factor:
    like = next(factor.down for factor in factors if factor is not None)
    down = like.new_zeros(len(factors), rank, spec.in_features)
    up = like.new_zeros(len(factors), spec.out_features, rank)
    for row, factor in enumerate(factors):
        if factor is not None:
            down[row, : factor.rank] = factor.down
            up[row, :, : factor.rank] = factor.up
    return Factor(down, up)


def product_square(factor: Factor) -> Tensor:
    """Return ||B A||² [...] per row without forming the product: tr((A Aᵀ)(Bᵀ B))."""
    down, up = factor.down.float(), factor.up.float()
    return ((down @ down.mT) * (up.mT @ up)).sum(dim=(-2, -1))


def _check_factor(name: str, down: Tensor, up: Tensor) -> None:
    if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1] or not (down.numel() and up.numel()):
        shapes = f"{list(down.shape)} and {list(up.shape)}"
        raise LoraError(f"The factors of {name} have the shapes {shapes}; [rank, in] and [out, rank] are needed.")
    if not (down.isfinite().all() and up.isfinite().all()):
        raise LoraError(
            f"The factors of {name} hold values that are not finite (NaN or infinite); the file is damaged."
        )


class LoraAdapter:
    """A LoRA in a diffusers model, through peft; `eject` leaves the model as it was before `inject`.

    Args:
        model: a diffusers UNet or transformer; other adapters in it stay as they are.
        factors: what to inject.
        scale: strength, 1 is as made.
        name: of the adapter; must be free in the model.
    """

    def __init__(self, model: nn.Module, factors: LoraFactors, *, scale: float = 1.0, name: str = "personal") -> None:
        self._model, self._factors, self._name = model, factors.scaled(scale), name
        self._others: list[str] = []
        self._trainable: list[nn.Parameter] = []

    def inject(self) -> Self:
        """Add the factors to the model's layers."""
        model = self._model
        self._factors.check_fits(model)
        self._trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        state = self._factors.state(model.dtype)
        self._others = model.active_adapters() if getattr(model, "peft_config", None) else []
        model.load_lora_adapter(state, prefix=None, adapter_name=self._name)
        self._activate([*self._others, self._name])  # loading leaves the new one active alone
        return self

    def eject(self) -> None:
        """Take the factors out again."""
        self._model.delete_adapters(self._name)
        if not getattr(self._model, "peft_config", None):
            self._model.unload_lora()
        self._activate(self._others)
        for parameter in self._trainable:  # peft froze the base
            parameter.requires_grad_(True)
        self._trainable = []

    def _activate(self, names: list[str]) -> None:
        for module in self._model.modules():
            if isinstance(module, BaseTunerLayer):
                module.set_adapter([name for name in names if name in module.r])

    def __enter__(self) -> Self:
        return self.inject()

    def __exit__(self, *_: object) -> None:
        self.eject()


class RowLora:
    """Row-wise LoRA while the context is open: one batched call in which every row has its own factors and scale.

    Rows with scale 0 are computed by the base model alone. Differentiable in the factors. Works by forward hooks, which
    are removed when the context closes; with gradient checkpointing the backward pass belongs inside the context.

    Args:
        model: whose linear layers are adapted.
        layers: module name → `Factor` with `down` [rank, in] and `up` [out, rank] (the same for all rows), or with a
            leading dimension [rows, …].
        scales: [rows]; the model is to be called with as many rows (or a multiple, rows outermost).
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, Factor], scales: Tensor) -> None:
        self._model, self._layers, self._rows = model, layers, len(scales)
        self._active = scales.nonzero().flatten()
        self._scales = scales[self._active]
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Self:
        if len(self._active):
            for name, factor in self._layers.items():
                module = self._model.get_submodule(name)
                self._handles.append(module.register_forward_hook(self._hook(self._of_active(name, factor))))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _of_active(self, name: str, factor: Factor) -> Factor:
        """Fold the scales into `up` and leave the rows without LoRA out."""
        down, up = factor
        if down.ndim == 3:
            if down.shape[0] != self._rows:
                raise LoraError(f"{name} has factors for {down.shape[0]} rows, but there are {self._rows} scales.")
            if len(self._active) < self._rows:
                active = self._active.to(down.device)
                down, up = down[active], up[active]
        return Factor(down, up * self._scales.to(up).view(-1, 1, 1))

    def _hook(self, factor: Factor):
        def add(_: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            inputs = arguments[0]
            if inputs.shape[0] % self._rows:
                raise LoraError(f"The model was called with {inputs.shape[0]} rows for {self._rows} LoRA scales.")
            down, up = factor.down.to(inputs), factor.up.to(inputs)
            rows_in = inputs.reshape(self._rows, -1, inputs.shape[-1])
            if len(self._active) == self._rows:
                delta = (rows_in @ down.mT) @ up.mT
                return output + delta.to(output.dtype).view(output.shape)
            active = self._active.to(inputs.device)
            delta = (rows_in[active] @ down.mT) @ up.mT
            rows_out = output.reshape(self._rows, -1, output.shape[-1])
            return rows_out.index_add(0, active, delta.to(output.dtype)).view(output.shape)

        return add
