"""Personal LoRAs as files that other programs read: diffusers' layout, and kohya's for UNets.

kohya's names are what ComfyUI and AUTOMATIC1111 look up and what InvokeAI knows a UNet's LoRA by: ``lora_unet_``, the
layer's name with underscores, ``.lora_down.weight``, ``.lora_up.weight`` and ``.alpha``. Loaders multiply the product
by alpha / rank; alpha equals the rank here, so that a loader without alpha does the same as one with it.
The metadata follows ModelSpec 1.0 (github.com/Stability-AI/ModelSpec) and what kohya's trainer writes. Whose LoRA it is
is never written: a concept's name may be a person's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from pipelines.lora import Factor, LoraError, LoraFactors, stacked
from pipelines.safetensors_bytes import payload, write_tensors

ADAPTER_CONFIG = "lora_adapter_metadata"  # where diffusers keeps the configuration of peft


@dataclass(frozen=True, kw_only=True)
class LoraLabel:
    """What a file says of itself.

    Attributes:
        trigger: words of a prompt that call the subject up, for example its class word.
        made: day on which it was made; None: it is not said.
    """

    trigger: str = ""
    made: date | None = None


class Architecture(NamedTuple):
    """Names of a base model: ModelSpec's and the one kohya's trainer writes."""

    modelspec: str
    kohya: str


STABLE_DIFFUSION = Architecture("stable-diffusion-v1", "sd_v1")
STABLE_DIFFUSION_XL = Architecture("stable-diffusion-xl-v1-base", "sdxl_base_v1-0")
_BY_WIDTHS = {  # widths of the text and of the pictures' layers that read it
    768: (frozenset({320, 640, 1280}), STABLE_DIFFUSION),
    2048: (frozenset({640, 1280}), STABLE_DIFFUSION_XL),
}


class LoraLayout(Protocol):
    """How a file names its tensors, and the metadata that belongs to these names."""

    def tensors(self, lora: LoraFactors, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return the tensors of the file by their keys."""

    def metadata(self, lora: LoraFactors) -> dict[str, str]:
        """Return what only this layout's readers look for."""


class DiffusersLayout:
    """``unet.<layer>.lora_A.weight`` or ``transformer.…``, with the configuration of peft beside it."""

    def tensors(self, lora: LoraFactors, dtype: torch.dtype) -> dict[str, Tensor]:
        """See `LoraLayout.tensors`."""
        return {f"{lora.component}.{name}": tensor for name, tensor in lora.state(dtype).items()}

    def metadata(self, lora: LoraFactors) -> dict[str, str]:
        """See `LoraLayout.metadata`."""
        rank = _rank(lora)
        config = {"r": rank, "lora_alpha": rank, "target_modules": sorted(lora.layers)}
        keyed = {f"{lora.component}.{name}": value for name, value in config.items()}
        return {ADAPTER_CONFIG: json.dumps(keyed, sort_keys=True)}


class KohyaLayout:
    """``lora_unet_<layer>.lora_down.weight``, for UNets alone: of transformers each program has names of its own."""

    def tensors(self, lora: LoraFactors, dtype: torch.dtype) -> dict[str, Tensor]:
        """See `LoraLayout.tensors`.

        Raises:
            LoraError: the LoRA is for a transformer.
        """
        if lora.component != "unet":
            raise LoraError(
                f"The kohya layout is for UNets, but this LoRA adapts a {lora.component}. Choose the diffusers layout."
            )
        state: dict[str, Tensor] = {}
        for name, (down, up) in lora.layers.items():
            key = f"lora_unet_{name.replace('.', '_')}"
            state[f"{key}.lora_down.weight"] = down.to(dtype)
            state[f"{key}.lora_up.weight"] = up.to(dtype)
            state[f"{key}.alpha"] = torch.tensor(float(down.shape[0]), dtype=dtype)
        return state

    def metadata(self, lora: LoraFactors) -> dict[str, str]:
        """See `LoraLayout.metadata`."""
        rank = str(_rank(lora))
        known = architecture(lora)
        version = {"ss_base_model_version": known.kohya} if known else {}
        return {"ss_network_module": "networks.lora", "ss_network_dim": rank, "ss_network_alpha": rank, **version}


LAYOUTS: Mapping[str, LoraLayout] = MappingProxyType({"diffusers": DiffusersLayout(), "kohya": KohyaLayout()})


def export_lora(lora: LoraFactors, layout: str, label: LoraLabel, dtype: torch.dtype = torch.float16) -> bytes:
    """Write a LoRA as a safetensors file; the same LoRA and label always give the same bytes.

    Args:
        lora: what is written.
        layout: name in `LAYOUTS`.
        label: what the file says of itself.
        dtype: of the numbers in it.

    Raises:
        LoraError: no such layout, it does not suit the LoRA, or a value is too large for `dtype`.
    """
    if layout not in LAYOUTS:
        raise LoraError(f"There is no layout {layout!r}; choose one of {', '.join(LAYOUTS)}.")
    lora = _of_one_rank(lora)
    tensors = LAYOUTS[layout].tensors(lora, dtype)
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise LoraError(f"The LoRA holds values that are too large for {dtype}.")
    # Both programs' hash is of what follows the header, which metadata do not change.
    digest = hashlib.sha256(payload(write_tensors(tensors, {}))).hexdigest()
    own = {name: value for name, value in lora.metadata.items() if name != "format"}
    return write_tensors(tensors, {**own, **_described(lora, label, digest), **LAYOUTS[layout].metadata(lora)})


def architecture(lora: LoraFactors) -> Architecture | None:
    """Tell the base model from the sizes of the layers that read the text; None where they are of no known one."""
    text = {
        factor.down.shape[-1] for name, factor in lora.layers.items() if name.endswith(("attn2.to_k", "attn2.to_v"))
    }
    pictures = {factor.up.shape[-2] for name, factor in lora.layers.items() if ".attn2.to_" in name}
    if lora.component != "unet" or len(text) != 1:
        return None
    widths, known = _BY_WIDTHS.get(text.pop(), (frozenset(), None))
    return known if pictures <= widths else None


def _rank(lora: LoraFactors) -> int:
    return max(factor.rank for factor in lora.layers.values())


def _of_one_rank(lora: LoraFactors) -> LoraFactors:
    """Fill lower ranks up with zeros: diffusers reads the alphas of a file wrongly whose layers differ in rank."""
    layers = {name: Factor(factor.down[0], factor.up[0]) for name, factor in stacked([lora]).items()}
    return replace(lora, layers=layers)


def _described(lora: LoraFactors, label: LoraLabel, digest: str) -> dict[str, str]:
    known = architecture(lora)
    base = known.modelspec if known else lora.metadata.get("base_model")
    said = {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.title": f"Personal LoRA: {label.trigger}" if label.trigger else "Personal LoRA",
        "modelspec.architecture": f"{base}/lora" if base else None,
        "modelspec.implementation": "diffusers",
        "modelspec.trigger_phrase": label.trigger,
        "modelspec.date": label.made.isoformat() if label.made else None,
        "modelspec.hash_sha256": f"0x{digest}",
        "sshs_model_hash": digest,
    }
    return {name: value for name, value in said.items() if value}
