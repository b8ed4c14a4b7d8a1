"""LoRA files of other programs, read for the denoiser that is to draw with them.

Understood are diffusers' and peft's names (``unet.<layer>.lora_A.weight``, ``transformer.…``), kohya's
(``lora_unet_<layer>.lora_down.weight`` with ``.alpha``), and what diffusers' own loader of a pipeline translates, such
as the block numbers of SDXL's first code. Which layers there are is asked of the model. A LoRA's effect on a layer is
scale · B A with scale = alpha / rank (alpha / √rank for rank-stabilised ones); the scale is folded into B here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pipelines.lora import Factor, LoraError, read_lora_tensors
from pipelines.lora_files import ADAPTER_CONFIG
from pipelines.safetensors_bytes import payload

Translate = Callable[[dict[str, Tensor]], dict[str, Tensor]]
"""From the names of a file to diffusers', alphas included; raises what it likes where it knows none of them."""

DIGEST = 12  # hex digits by which A1111 names a LoRA
_SIDE = re.compile(
    r"(?P<layer>.+?)(?:\.lora_|\.lora\.|\.lora_linear_layer\.)(?P<side>A|B|down|up)(?:\.default)?\.weight"
)
_OLD = re.compile(r"\.processor\.(to_[a-z_]+?)_lora\.")  # diffusers before it used peft
_TEXT = re.compile(r"(?:base_model\.model\.)?(?:lora_te\d?_|text_encoder(?:_\d)?[._]|te\d?\.|text_model\.)")
_DENOISER = re.compile(
    r"(?:base_model\.model\.)?(?:model\.diffusion_model\.|diffusion_model\.|unet\.|transformer\.|"
    r"lora_unet_|lora_transformer_)?"
)
_TEXT_WIDTH = re.compile(r"attn2[._]to_[kv]\W.*(?:lora_A|lora_down|lora\.down)")  # the layers that read the text
_OTHER_KINDS = {  # parts of names that say it is more than two factors a layer
    "hada_w": "a LoHa", "lokr_w": "a LoKr", "dora_scale": "a DoRA", "lora_magnitude_vector": "a DoRA",
    "lora_mid": "a LoCon with three factors a layer", "oft_": "an OFT", "glora_": "a GLoRA", "on_input": "an (IA)³",
}  # fmt: skip
_NOT_UNDERSTOOD = (ValueError, KeyError, IndexError, AttributeError, TypeError, RuntimeError, NotImplementedError)


@dataclass(frozen=True, eq=False, kw_only=True)
class StyleFile:
    """A LoRA file of somebody else, as far as a model can use it.

    Attributes:
        layers: module name → `Factor`, its scale folded in: `down` [rank, in] and `up` [out, rank] of a linear layer,
            [rank, in, height, width] and [out, rank, 1, 1] of a convolution.
        left_out: what else is in the file, in words.
        trigger: words that call its effect up, as the file's metadata say; "" where they do not.
        title: what the file calls itself; "" where it does not.
        digest: twelve hex digits of its numbers.
    """

    layers: Mapping[str, Factor]
    left_out: tuple[str, ...]
    trigger: str
    title: str
    digest: str


class _Parts(NamedTuple):
    """Tensors of a file by the layer they belong to, the layer under the file's own name."""

    sides: dict[str, dict[str, Tensor]]
    alphas: dict[str, Tensor]
    unknown: list[str]


def read_style_file(
    data: bytes, component: str, model: nn.Module, *, base: str, translate: Translate | None = None
) -> StyleFile:
    """Read a LoRA file for a denoiser.

    Args:
        data: a safetensors file.
        component: that the denoiser is of its pipeline, ``unet`` or ``transformer``.
        model: the denoiser; its weights are not looked at and may be on the meta device.
        base: what it is called, for messages.
        translate: for names that are not of the model; None: there are no others.

    Raises:
        LoraError: not safetensors, values not finite, another kind of adapter, or made for another model.
    """
    tensors, metadata = read_lora_tensors(data)
    _check_kind(tensors)
    table = _names(model)
    parts = _parts(tensors)
    text = {name for name in parts.sides if _TEXT.match(name)}
    found = {name: table.get(_bare(name)) for name in parts.sides if name not in text}
    if translate is not None and not any(found.values()):
        parts = _translated(parts, tensors, translate)
        found = {name: table.get(_bare(name)) for name in parts.sides if not _TEXT.match(name)}
    mismatch = _mismatch(base, made_for(tensors, metadata))
    _check_known(parts, found, mismatch)
    scale_of = _peft_scales(metadata, component)
    layers = {
        place: _factor(name, parts, model.get_submodule(place), scale_of(place), mismatch)
        for name, place in found.items()
        if place is not None
    }
    return StyleFile(
        layers=dict(sorted(layers.items())),
        left_out=_left_out(len(text), sum(place is None for place in found.values()), parts.unknown),
        trigger=_trigger(metadata),
        title=_line(metadata.get("modelspec.title") or metadata.get("ss_output_name") or ""),
        digest=hashlib.sha256(payload(data)).hexdigest()[:DIGEST],
    )


def diffusers_names(pipeline: type, model: nn.Module) -> Translate | None:
    """Return what turns other programs' names into diffusers', as the loader of a pipeline's class knows them.

    Args:
        pipeline: the class.
        model: its denoiser, whose configuration decides about block numbers.
    """
    loader = getattr(pipeline, "lora_state_dict", None)
    if loader is None:
        return None

    def translate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        told = loader(tensors, unet_config=model.config, return_alphas=True)
        named, alphas = told if isinstance(told, tuple) else (told, None)
        return {**named, **{key: torch.as_tensor(float(value)) for key, value in (alphas or {}).items()}}

    return translate


def made_for(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Return the base that a LoRA seems to be for, by the sizes of its layers, else by what it says; "" if unknown."""
    names = " ".join(tensors)
    if "single_transformer_blocks" in names or "double_blocks" in names or "single_blocks" in names:
        return "FLUX"
    if "joint_blocks" in names or "add_q_proj" in names or "add_k_proj" in names:
        return "Qwen-Image" if "img_mod" in names or "img_mlp" in names else "Stable Diffusion 3"
    widths = {tensor.shape[1] for name, tensor in tensors.items() if _TEXT_WIDTH.search(name) and tensor.ndim > 1}
    known = {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2", 2048: "SDXL"}
    if len(widths) == 1 and (width := widths.pop()) in known:
        return known[width]
    said = (metadata.get("modelspec.architecture") or metadata.get("ss_base_model_version") or "").lower()
    for words, base in (
        (("xl",), "SDXL"), (("flux",), "FLUX"), (("stable-diffusion-v1", "sd_v1", "sd1"), "Stable Diffusion 1.5"),
        (("stable-diffusion-v2", "sd_v2"), "Stable Diffusion 2"), (("diffusion-3", "sd3"), "Stable Diffusion 3"),
    ):  # fmt: skip
        if any(word in said for word in words):
            return base
    return _line(said)[:60]


def _check_kind(tensors: Mapping[str, Tensor]) -> None:
    for name in tensors:
        for part, kind in _OTHER_KINDS.items():
            if part in name:
                raise LoraError(
                    f"The file is {kind} ({name[:80]}), which is not supported; a plain LoRA of two factors a layer is."
                )


def _names(model: nn.Module) -> dict[str, str]:
    """Return the model's adaptable layers by every name that files use for them."""
    table: dict[str, str] = {}
    for path, module in model.named_modules():
        convolution = isinstance(module, nn.Conv2d) and module.groups == 1
        if isinstance(module, nn.Linear) or convolution:
            name = path.removesuffix(".base_layer")
            table |= {name: name, name.replace(".", "_"): name, name.removesuffix(".0"): name}
    return table


def _bare(name: str) -> str:
    """Return a layer's name without what stands for the denoiser in front of it."""
    return name[_DENOISER.match(name).end() :]  # type: ignore[union-attr]  # it may match nothing, but it matches


def _parts(tensors: Mapping[str, Tensor]) -> _Parts:
    parts = _Parts({}, {}, [])
    for key, tensor in tensors.items():
        named = _OLD.sub(r".\1.lora.", key)
        if found := _SIDE.fullmatch(named):
            side = "down" if found["side"] in ("A", "down") else "up"
            parts.sides.setdefault(found["layer"], {})[side] = tensor
        elif named.endswith(".alpha"):
            name = named.removesuffix(".alpha")
            side_too = _SIDE.fullmatch(name)  # diffusers' translations put it behind the whole name
            parts.alphas[side_too["layer"] if side_too else name] = tensor
        else:
            parts.unknown.append(key)
    return parts


def _translated(parts: _Parts, tensors: Mapping[str, Tensor], translate: Translate) -> _Parts:
    """Return the parts under diffusers' names; as they are where nothing is known of theirs."""
    try:
        return _parts(translate(dict(tensors)))
    except _NOT_UNDERSTOOD:
        return parts  # the person is told that the layers are not the model's


def _check_known(parts: _Parts, found: Mapping[str, str | None], mismatch: str) -> None:
    """Raise unless at least half of the layers for the denoiser are the model's."""
    known = sum(place is not None for place in found.values())
    if known and 2 * known >= len(found):
        return
    if not parts.sides:
        example = f", such as {parts.unknown[0][:80]!r}" if parts.unknown else ""
        raise LoraError(
            f"The file holds no LoRA that is known here{example}. It may be a whole model, or of other use."
        )
    if not found:
        raise LoraError(
            "The LoRA adapts the text encoder alone, which is left as it is here; nothing of it can be used."
        )
    strange = next(name for name, place in found.items() if place is None)
    raise LoraError(f"{mismatch} It adapts {strange[:100]}, which is no layer there.")


def _mismatch(base: str, other: str) -> str:
    seems = f"seems to be made for {other}" if other else "was made for another model"
    return f"The LoRA {seems}, but the studio draws with {base}."


def _factor(name: str, parts: _Parts, module: nn.Module, peft_scale: float | None, mismatch: str) -> Factor:
    """Return the factors of a layer in its shapes, scale folded in."""
    sides = parts.sides[name]
    if len(sides) < 2:
        raise LoraError(f"Layer {name[:100]} of the LoRA has only its {next(iter(sides))} side; both are needed.")
    down, up = sides["down"].float(), sides["up"].float()
    wanted: tuple[int, ...] = tuple(getattr(module, "base_layer", module).weight.shape)
    down, up = _shaped(down, len(wanted)), _shaped(up, len(wanted))
    rank = down.shape[0] if down.ndim else 0
    tail = (1,) * (len(wanted) - 2)
    if not rank or tuple(down.shape) != (rank, *wanted[1:]) or tuple(up.shape) != (wanted[0], rank, *tail):
        raise LoraError(
            f"{mismatch} At {name[:100]} it has the shapes {list(down.shape)} and "
            f"{list(up.shape)} where the model has {list(wanted)}."
        )
    scale = 1.0 if peft_scale is None else peft_scale
    if name in parts.alphas:
        scale = _alpha(name, parts.alphas[name]) / rank
    if not torch.isfinite(up * scale).all():
        raise LoraError(f"The factors of {name[:100]} are too large to be multiplied by their scale {scale:g}.")
    return Factor(down, up * scale)


def _shaped(tensor: Tensor, dimensions: int) -> Tensor:
    """Bring a factor of a 1×1 convolution to that of a linear layer, or the other way round; others stay."""
    if dimensions == 2 and tensor.ndim == 4 and tensor.shape[2:] == (1, 1):
        return tensor[:, :, 0, 0]
    return tensor[:, :, None, None] if dimensions == 4 and tensor.ndim == 2 else tensor


def _alpha(name: str, tensor: Tensor) -> float:
    if tensor.numel() != 1:
        raise LoraError(f"The alpha of {name[:100]} has the shape {list(tensor.shape)}; one number is needed.")
    return float(tensor.item())


def _peft_scales(metadata: Mapping[str, str], component: str) -> Callable[[str], float | None]:
    """Read the scale of every layer from peft's configuration; None where the file has none."""
    if ADAPTER_CONFIG not in metadata:
        return lambda _: None
    try:
        every = json.loads(metadata[ADAPTER_CONFIG])
        config: dict[str, Any] = {
            key.removeprefix(f"{component}."): value for key, value in every.items() if key.startswith(f"{component}.")
        }
        rank, alpha = config.get("r", 1), config.get("lora_alpha", config.get("r", 1))
        ranks, alphas = dict(config.get("rank_pattern") or {}), dict(config.get("alpha_pattern") or {})
        root = bool(config.get("use_rslora"))
        if config.get("use_dora"):
            raise LoraError("The file is a DoRA, which is not supported; a plain LoRA of two factors a layer is.")

        def scale(layer: str) -> float:
            mine, strength = float(_pattern(ranks, layer, rank)), float(_pattern(alphas, layer, alpha))
            return strength / (math.sqrt(mine) if root else mine)

        _ = scale("")
    except (ValueError, TypeError, AttributeError, ZeroDivisionError, RecursionError) as error:
        if isinstance(error, LoraError):
            raise
        raise LoraError(f"What the file says of its ranks and alphas ({ADAPTER_CONFIG}) cannot be read.") from error
    return scale


def _pattern(values: Mapping[str, Any], layer: str, otherwise: Any) -> Any:
    # peft takes these for regular expressions; what trainers write are names, and those of strangers are not run
    return next((value for end, value in values.items() if layer == end or layer.endswith(f".{end}")), otherwise)


def _left_out(text: int, elsewhere: int, unknown: list[str]) -> tuple[str, ...]:
    parts = []
    if text:
        parts.append(f"the part for the text encoder ({text} layers)")
    if elsewhere:
        parts.append(f"{elsewhere} layers that the model does not have")
    if unknown:
        parts.append(f"{len(unknown)} tensors that are no part of a LoRA")
    return tuple(parts)


def _trigger(metadata: Mapping[str, str]) -> str:
    """Return what the file says calls its effect up, or else the word that most of its training captions share."""
    if said := _line(metadata.get("modelspec.trigger_phrase", "")):
        return said
    try:
        folders = json.loads(metadata.get("ss_tag_frequency") or "{}")
        counts = Counter({tag: int(count) for tags in folders.values() for tag, count in tags.items()})
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return ""  # what kohya's trainer wrote for people; a LoRA is no worse without
    return _line(counts.most_common(1)[0][0]) if counts else ""


def _line(text: str) -> str:
    """Return text of a stranger as one line that can be shown."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())[:200]
