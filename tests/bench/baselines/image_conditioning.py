"""Image conditioning in the manner of IP-Adapter (Ye et al. 2023, arXiv 2308.06721), to compare the hypernetwork with.

Decoupled cross-attention, equation 5: out = attention(q, K, V) + scale · attention(q, K′, V′), K′ and V′ projections of
image tokens. The tokens come from a resampler, the paper's "Plus" form; here it is the very reader of the hypernetwork,
so that the two differ in what is made of a subject, a LoRA or tokens, and in nothing else. The values V′ begin at zero:
an untrained adapter is the base.

Shape legend: N rows, R references, T tokens of one, D their width, K image tokens, C width of the text's conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Self

import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.attention_processor import Attention, IPAdapterAttnProcessor2_0
from torch import Tensor, nn

from pipelines.hyperlora.modeling_hyperlora import HyperLora, ReferenceReader
from pipelines.hyperlora.references import TOKEN_COUNT, TOKEN_DIM
from pipelines.hyperlora.sampling import RowDenoiser
from pipelines.mini.dressing import Adapted

CROSS = ".attn2.processor"
QUERIES = "layer_queries"  # of the hypernetwork's reader: one for each layer, and not what a token would ask


class ImageConditioning(ReferenceReader, ModelMixin, ConfigMixin):
    """Turns pictures of a subject into image tokens, and makes the cross-attention of a UNet read them.

    Args:
        layers: cross-attentions as (name of the processor, width of the queries, C).
        tokens: K.
        token_dim: D.
        token_count: T.
        width: of the reader.
        heads: attention heads of the reader.
        latents: resampler queries.
        resampler_blocks: blocks that read the references.
        decoder_blocks: blocks in which the tokens' queries read the resampler.
        max_references: R at most.
        base_model: name and version of the model the layers were read from.
    """

    @register_to_config
    def __init__(
        self,
        layers: Sequence[Sequence],
        tokens: int = 16,
        token_dim: int = TOKEN_DIM,
        token_count: int = TOKEN_COUNT,
        width: int = 256,
        heads: int = 8,
        latents: int = 16,
        resampler_blocks: int = 2,
        decoder_blocks: int = 1,
        max_references: int = 8,
        base_model: str = "",
    ) -> None:
        super().__init__()
        self._add_reader(tokens)
        self.to_tokens = nn.Linear(width, layers[0][2])
        self.norm_output = nn.LayerNorm(layers[0][2])
        self.cross = nn.ModuleDict({_key(name): _layer(query, text, tokens) for name, query, text in layers})

    @classmethod
    def for_model(cls, unet: UNet2DConditionModel, **config) -> Self:
        """Build an adapter for a UNet, its layers read from the model; the keys begin as those of the text."""
        names = [name for name in unet.attn_processors if name.endswith(CROSS)]
        attentions = [unet.get_submodule(name.removesuffix(".processor")) for name in names]
        layers = [
            [name, attention.to_q.out_features, attention.to_k.in_features]
            for name, attention in zip(names, attentions, strict=True)
        ]
        adapter = cls(layers=layers, **config)
        with torch.no_grad():
            for name, attention in zip(names, attentions, strict=True):
                adapter.cross[_key(name)].to_k_ip[0].weight.copy_(attention.to_k.weight)
        return adapter

    def start_from(self, other: HyperLora) -> None:
        """Take over how a hypernetwork reads pictures; the adapter is the base model all the same.

        Raises:
            RuntimeError: the other one's sizes (width, latents, blocks) are not these.
        """
        own = self.state_dict()
        self.load_state_dict(own | {k: v for k, v in other.state_dict().items() if k in own and k != QUERIES})

    def forward(self, tokens_NRTD: Tensor, mask_NR: Tensor) -> Tensor:
        """Return the image tokens [N, K, C] of subjects, see `ReferenceReader.read`."""
        return self.norm_output(self.to_tokens(self.read(tokens_NRTD, mask_NR)))

    @contextmanager
    def reading(self, unet: UNet2DConditionModel, tokens_NKC: Tensor, scales_N: Tensor) -> Iterator[None]:
        """Let the UNet read image tokens while the context is open; it is called with N rows.

        Args:
            unet: the UNet that the adapter was made for.
            tokens_NKC: of the rows.
            scales_N: how strongly they count in each row; 0 is the base model.
        """
        before = unet.attn_processors
        own = {name: _Reading(self.cross[_key(name)], tokens_NKC, scales_N) for name, *_ in self.config.layers}
        unet.set_attn_processor(before | own)
        try:
            yield
        finally:
            unet.set_attn_processor(before)

    def adapted(self, unet: UNet2DConditionModel, tokens_KC: Tensor) -> Adapted:
        """Return how a UNet reads the image tokens of one subject in all rows, for what takes any adapted model."""

        def reading(scales_N: Tensor) -> AbstractContextManager[None]:
            return self.reading(unet, tokens_KC.expand(len(scales_N), -1, -1), scales_N)

        return reading


@dataclass(frozen=True, eq=False)
class AdapterDenoiser(RowDenoiser):
    """Computes branches of guidance for rows that each have their own text and image tokens, instead of a LoRA.

    Attributes:
        adapter: whose layers read the tokens.
        tokens: of all rows [N, K, C].
    """

    adapter: ImageConditioning
    tokens: Tensor

    @property
    def personal(self) -> bool:
        """Image tokens are there."""
        return True

    def adapted(self, scales: Tensor, count: int) -> AbstractContextManager[None]:
        """Let the base read the rows' tokens, in each branch as strongly as `scales` say."""
        tokens = self.tokens.repeat(len(scales), 1, 1)
        return self.adapter.reading(self.base.model, tokens, scales.repeat_interleave(count))


class _RowValues(nn.Linear):
    """Values whose rows count with a scale each: attention(q, K, s·V) = s·attention(q, K, V)."""

    scales: Tensor | None = None

    def forward(self, tokens: Tensor) -> Tensor:
        values = super().forward(tokens)
        return values if self.scales is None else values * self.scales.to(values).view(-1, 1, 1)


class _Reading:
    """Gives a layer the image tokens beside those of the text."""

    def __init__(self, layer: IPAdapterAttnProcessor2_0, tokens: Tensor, scales: Tensor) -> None:
        self._layer, self._tokens, self._scales = layer, tokens, scales

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        self._layer.to_v_ip[0].scales = self._scales
        return self._layer(attn, hidden_states, (encoder_hidden_states, [self._tokens]), attention_mask, temb)


def _key(name: str) -> str:
    return name.replace(".", "-")  # a module's name may not hold dots


def _layer(query: int, text: int, tokens: int) -> IPAdapterAttnProcessor2_0:
    layer = IPAdapterAttnProcessor2_0(query, text, num_tokens=(tokens,))
    layer.to_v_ip[0] = _RowValues(text, query, bias=False)
    nn.init.zeros_(layer.to_v_ip[0].weight)
    return layer
