"""Personal tokens in a denoiser's cross-attention, beside those of the text; the base stays as it is.

The layers are diffusers' own of IP-Adapter (Ye et al. 2023): out = attention(q, text) + scale × attention(q, tokens).
Their values begin at zero, so that training starts at the base model, and tokens of zeros are no taste at all.
Shape legend: N rows, K personal tokens, C width of the conditions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from torch import Tensor, nn

CROSS = "attn2.processor"


def hub_tokens(taste: Taste, *, guided: bool) -> list[Tensor]:
    """Return ``ip_adapter_image_embeds`` for a whole pipeline of diffusers whose denoiser is a UNet.

    Call the pipeline while ``taste.attention`` is open; its guidance then has no taste in the empty rows.

    Args:
        taste: tokens [N, K, C].
        guided: whether the pipeline guides (``guidance_scale`` above 1).

    Returns:
        One tensor [2N or N, K, C], the empty rows first.
    """
    told = taste.told
    return [torch.cat([torch.zeros_like(told), told]) if guided else told]


class TasteAttention(nn.Module):
    """The trained layers of one denoiser; `inject` puts them in, `eject` leaves the denoiser as it was.

    Args:
        unet: the frozen denoiser; any `UNet2DConditionModel`.
        tokens: K.
        width: C of the tokens; narrower ones are cheaper, and are no text. None: as wide as the text's.
    """

    def __init__(self, unet: UNet2DConditionModel, tokens: int, width: int | None = None) -> None:
        super().__init__()
        self._target = [unet]  # in a list, or torch would take the denoiser for a part of this
        self._before: dict | None = None
        names = [name for name in unet.attn_processors if name.endswith(CROSS)]
        self.layers = nn.ModuleDict({_key(name): _layer(unet, name, tokens, width) for name in names})
        self._names = names

    @property
    def scale(self) -> float:
        """How strongly the tokens count, 0 (the base model) to 1 (as trained)."""
        return float(next(iter(self.layers.values())).scale[0])

    @scale.setter
    def scale(self, value: float) -> None:
        for layer in self.layers.values():
            layer.scale = [float(value)]

    def inject(self) -> Self:
        """Put the layers into the denoiser.

        Raises:
            RuntimeError: they are there already, or the denoiser reads pictures in another way.
        """
        unet = self._target[0]
        if self._before is not None or unet.encoder_hid_proj is not None:
            raise RuntimeError("The denoiser already has tokens beside those of the text; eject them first.")
        self._before = {"processors": unet.attn_processors, "kind": unet.config.encoder_hid_dim_type}
        unet.set_attn_processor({**unet.attn_processors, **{name: self.layers[_key(name)] for name in self._names}})
        unet.encoder_hid_proj = _AsTheyAre()
        unet.register_to_config(encoder_hid_dim_type="ip_image_proj")
        return self

    def eject(self) -> None:
        """Leave the denoiser in the state before `inject`."""
        if self._before is None:
            return
        unet = self._target[0]
        unet.set_attn_processor(self._before["processors"])
        unet.encoder_hid_proj = None
        unet.register_to_config(encoder_hid_dim_type=self._before["kind"])
        self._before = None

    def __enter__(self) -> Self:
        return self.inject()

    def __exit__(self, *_: object) -> None:
        self.eject()


def taste_conditions(tokens: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return what the denoiser is called with, beside its other conditions, for personal tokens [N, K, C]."""
    return {"added_cond_kwargs": {"image_embeds": tokens}}


@dataclass(frozen=True, eq=False)
class Taste:
    """Somebody's taste as a denoiser reads it; its cost does not depend on how much they liked.

    Attributes:
        attention: the layers, of the very denoiser that is called.
        tokens: personal tokens, of a person or of one of their interests, for each picture [N, K, C].
        strength: 0 (exactly the base) to 1 (as trained), for all pictures or each [N]. The tokens are multiplied by it:
            their values fade, and what they attend to evens out.

    Raises:
        ValueError: a strength out of bounds, or not one for each picture.
    """

    attention: TasteAttention
    tokens: Tensor
    strength: Tensor | float = 1.0

    def __post_init__(self) -> None:
        strength = torch.as_tensor(self.strength, dtype=torch.float32)
        if not bool(((strength >= 0) & (strength <= 1)).all()):
            raise ValueError(f"The strength of a taste is {self.strength}; it must lie between 0 and 1.")
        if strength.ndim and len(strength) != len(self.tokens):
            raise ValueError(f"{len(strength)} strengths do not fit the tokens of {len(self.tokens)} pictures.")

    @property
    def told(self) -> Tensor:
        """What the denoiser is told of each picture [N, K, C]."""
        return self.tokens * torch.as_tensor(self.strength, dtype=self.tokens.dtype).view(-1, 1, 1)

    def of(self, picture: int) -> Taste:
        """Return the taste of one picture."""
        return Taste(self.attention, self.told[picture : picture + 1])

    def counts(self, picture: int) -> bool:
        """Whether it changes anything about a picture."""
        return bool(self.told[picture].any())


class _AsTheyAre(nn.Module):
    def forward(self, tokens: Tensor | list[Tensor]) -> list[Tensor]:
        """Hand the tokens on: they are as wide as the layers read. Pipelines of diffusers give them in a list."""
        return tokens if isinstance(tokens, list) else [tokens]


def _key(name: str) -> str:
    return name.replace(".", "-")  # a module's name may not hold dots


def _layer(unet: UNet2DConditionModel, name: str, tokens: int, width: int | None) -> IPAdapterAttnProcessor2_0:
    attention = unet.get_submodule(name.removesuffix(".processor"))
    width = width or attention.to_k.in_features
    layer = IPAdapterAttnProcessor2_0(
        hidden_size=attention.to_q.out_features,
        cross_attention_dim=width,
        num_tokens=(tokens,),
        scale=1.0,
    )
    with torch.no_grad():
        if width == attention.to_k.in_features:
            layer.to_k_ip[0].weight.copy_(attention.to_k.weight)
        layer.to_v_ip[0].weight.zero_()
    return layer.to(attention.to_k.weight.dtype)
