"""The hypernetwork: tokens of reference pictures to LoRA factors for every adapted layer.

Shape legend: B rows, R references, T tokens of one, D their width, C inner width, L adapted layers, r rank, K bases.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from pipelines.hyperlora.references import TOKEN_COUNT, TOKEN_DIM
from pipelines.lora import ATTENTION_TARGETS, Factor, LoraFactors, layer_table


@dataclass
class HyperLoraOutput(BaseOutput):
    """What the hypernetwork predicts.

    Attributes:
        layers: module name → `Factor` with `down` [B, r, in] and `up` [B, out, r].
        down: coefficients of the down bases [B, L, r, K], rows of length 1.
        up: coefficients of the up bases [B, L, K, r]; zero means the base model.
    """

    layers: dict[str, Factor]
    down: Tensor
    up: Tensor

    def row(self, index: int, component: str, metadata: dict[str, str]) -> LoraFactors:
        """Return one row as a LoRA of its own."""
        layers = {name: Factor(f.down[index].float(), f.up[index].float()) for name, f in self.layers.items()}
        return LoraFactors(layers, component=component, metadata=metadata)


class Block(nn.Module):
    """Queries look at a context, then at each other, then think; all with residuals.

    Args:
        width: C of queries and context.
        heads: attention heads; divides `width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_cross, self.norm_self, self.norm_feed = (nn.LayerNorm(width) for _ in range(3))
        self.cross = Attention(width, cross_attention_dim=width, heads=heads, dim_head=width // heads)
        self.self = Attention(width, heads=heads, dim_head=width // heads)
        self.feed = FeedForward(width, mult=2, activation_fn="gelu")

    def forward(self, queries: Tensor, context: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the queries [B, Q, C]; `bias` [B, 1, S] is added to the scores over `context` [B, S, C]."""
        queries = queries + self.cross(self.norm_cross(queries), context, attention_mask=bias)
        queries = queries + self.self(self.norm_self(queries))
        return queries + self.feed(self.norm_feed(queries))


class ReferenceReader(nn.Module):
    """Reads the tokens of all references of a subject into queries; a part of `HyperLora` and of what is like it.

    Shape legend as in the module; L queries. The class that has this part has `width`, `heads`, `token_count`,
    `token_dim`, `latents`, `resampler_blocks`, `decoder_blocks` and `max_references` in its configuration.
    """

    def _add_reader(self, queries: int) -> None:
        config = self.config
        width, heads = config.width, config.heads
        self.embed = nn.Linear(config.token_dim, width)
        self.positions = nn.Parameter(torch.randn(config.token_count, width) * 0.02)
        self.nothing = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.norm_tokens, self.norm_latents, self.norm_queries = (nn.LayerNorm(width) for _ in range(3))
        self.latent_queries = nn.Parameter(torch.randn(config.latents, width) * 0.02)
        self.resampler = nn.ModuleList(Block(width, heads) for _ in range(config.resampler_blocks))
        self.layer_queries = nn.Parameter(torch.randn(queries, width) * 0.5)
        self.decoder = nn.ModuleList(Block(width, heads) for _ in range(config.decoder_blocks))

    def read(self, tokens_BRTD: Tensor, mask_BR: Tensor) -> Tensor:
        """Return the queries [B, L, C], which have read the references.

        Args:
            tokens_BRTD: tokens of the references.
            mask_BR: True where there is a reference; a row without any is no subject in particular.

        Raises:
            ValueError: shapes that do not belong together or more than `max_references` references.
        """
        self._check(tokens_BRTD, mask_BR)
        rows, references, count, _ = tokens_BRTD.shape
        tokens = (self.embed(tokens_BRTD.to(self.dtype)) + self.positions).flatten(1, 2)
        tokens = self.norm_tokens(torch.cat([self.nothing.expand(rows, -1, -1), tokens], dim=1))
        seen = mask_BR.bool()[:, :, None].expand(-1, -1, count).reshape(rows, references * count)
        seen = torch.cat([seen.new_ones(rows, 1), seen], dim=1)
        bias = torch.zeros(seen.shape, dtype=tokens.dtype, device=tokens.device).masked_fill(~seen, -1e4)[:, None]
        latents = self.latent_queries.expand(rows, -1, -1)
        for block in self.resampler:
            latents = block(latents, tokens, bias)
        latents = self.norm_latents(latents)
        queries = self.layer_queries.expand(rows, -1, -1)
        for block in self.decoder:
            queries = block(queries, latents)
        return self.norm_queries(queries)

    def _check(self, tokens_BRTD: Tensor, mask_BR: Tensor) -> None:
        expected = (self.config.token_count, self.config.token_dim)
        if tokens_BRTD.ndim != 4 or tuple(tokens_BRTD.shape[2:]) != expected:
            raise ValueError(
                f"The reference tokens have the shape {list(tokens_BRTD.shape)}; "
                f"[rows, references, {expected[0]}, {expected[1]}] is needed."
            )
        if mask_BR.shape != tokens_BRTD.shape[:2]:
            raise ValueError(f"The mask {list(mask_BR.shape)} does not fit tokens {list(tokens_BRTD.shape)}.")
        if tokens_BRTD.shape[1] > self.config.max_references:
            raise ValueError(f"{tokens_BRTD.shape[1]} references are too many; at most {self.config.max_references}.")


class HyperLora(ReferenceReader, ModelMixin, ConfigMixin):
    """Predicts the factors of a LoRA from pictures of a subject.

    A resampler reads the tokens of all references at once (their order does not matter); one query per adapted layer
    reads the resampler and becomes coefficients over learned bases: A = a·D with D [K, in] and B = U·b with U [out, K].
    The coefficients b start at zero, so an untrained hypernetwork is the base model.

    Args:
        layers: adapted layers as (module name, in_features, out_features).
        component: part of the diffusion pipeline they belong to: ``unet`` or ``transformer``.
        token_dim: D.
        token_count: T.
        width: C.
        heads: attention heads.
        latents: resampler queries.
        resampler_blocks: blocks that read the references.
        decoder_blocks: blocks in which the layer queries read the resampler.
        rank: r.
        bases: K.
        shared_bases: one set of bases for all layers of the same size instead of one for each layer; for large models.
        max_references: R at most.
        base_model: name and version of the model the layers were read from.
    """

    @register_to_config
    def __init__(
        self,
        layers: Sequence[Sequence],
        component: str = "unet",
        token_dim: int = TOKEN_DIM,
        token_count: int = TOKEN_COUNT,
        width: int = 256,
        heads: int = 8,
        latents: int = 16,
        resampler_blocks: int = 2,
        decoder_blocks: int = 1,
        rank: int = 8,
        bases: int = 48,
        shared_bases: bool = False,
        max_references: int = 8,
        base_model: str = "",
    ) -> None:
        super().__init__()
        self._add_reader(len(layers))
        self.to_down = nn.Linear(width, rank * bases)
        self.to_up = nn.Linear(width, rank * bases)
        self.down_start = nn.Parameter(torch.randn(len(layers), rank, bases) / math.sqrt(bases))
        nn.init.normal_(self.to_down.weight, std=0.2 / math.sqrt(width * bases))
        nn.init.zeros_(self.to_down.bias)
        self.reset_output()
        self._down_keys = [_basis_key(shared_bases, index, size) for index, (_, size, _) in enumerate(layers)]
        self._up_keys = [_basis_key(shared_bases, index, size) for index, (_, _, size) in enumerate(layers)]
        down_sizes = dict(zip(self._down_keys, (size for _, size, _ in layers), strict=True))
        up_sizes = dict(zip(self._up_keys, (size for _, _, size in layers), strict=True))
        self.down_bases = nn.ParameterDict(
            {key: nn.Parameter(torch.randn(bases, size) / math.sqrt(size)) for key, size in down_sizes.items()}
        )
        self.up_bases = nn.ParameterDict(
            {key: nn.Parameter(torch.randn(size, bases) / math.sqrt(bases)) for key, size in up_sizes.items()}
        )

    @classmethod
    def for_model(cls, model: nn.Module, targets: Iterable[str] = ATTENTION_TARGETS, **config) -> Self:
        """Build a hypernetwork for a denoiser, its layers read from the model itself."""
        return cls(layers=[list(spec) for spec in layer_table(model, targets)], **config)

    def reset_output(self) -> None:
        """Make every predicted LoRA zero again, which is the base model; how references are read stays."""
        nn.init.zeros_(self.to_up.weight)
        nn.init.zeros_(self.to_up.bias)

    @torch.no_grad()
    def start_from(self, other: HyperLora) -> None:
        """Take over how another one reads pictures, and its bases for layers that both adapt; predicts zero LoRAs then.

        Raises:
            RuntimeError: the other one's sizes (width, latents, rank, bases) are not these.
        """
        own = {spec[0]: place for place, spec in enumerate(self.config.layers)}
        both = [(own[spec[0]], place) for place, spec in enumerate(other.config.layers) if spec[0] in own]
        layers = ("layer_queries", "down_start")
        bases = ("down_bases", "up_bases")
        state = {k: v for k, v in other.state_dict().items() if k.split(".")[0] not in (*layers, *bases)}
        self.load_state_dict(self.state_dict() | state)
        for here, there in both:
            for name in layers:
                getattr(self, name)[here] = getattr(other, name)[there]
            self.down_bases[self._down_keys[here]].copy_(other.down_bases[other._down_keys[there]])
            self.up_bases[self._up_keys[here]].copy_(other.up_bases[other._up_keys[there]])
        self.reset_output()

    def forward(self, tokens_BRTD: Tensor, mask_BR: Tensor) -> HyperLoraOutput:
        """Predict one LoRA per row.

        Args:
            tokens_BRTD: tokens of the references.
            mask_BR: True where there is a reference; a row without any gives the LoRA of no subject in particular.

        Raises:
            ValueError: shapes that do not belong together or more than `max_references` references.
        """
        queries_BLC = self.read(tokens_BRTD, mask_BR)
        sizes = (*queries_BLC.shape[:2], self.config.rank, self.config.bases)
        down_BLrK = self.down_start + self.to_down(queries_BLC).view(sizes)
        down_BLrK = down_BLrK * torch.rsqrt(down_BLrK.square().sum(dim=-1, keepdim=True) + 1e-8)
        up_BLKr = self.to_up(queries_BLC).view(sizes).mT
        layers = {}
        coefficients = zip(down_BLrK.unbind(1), up_BLKr.unbind(1), strict=True)
        for index, (down_BrK, up_BKr) in enumerate(coefficients):
            down = down_BrK @ self.down_bases[self._down_keys[index]]
            up = self.up_bases[self._up_keys[index]] @ up_BKr
            layers[self.config.layers[index][0]] = Factor(down, up)
        return HyperLoraOutput(layers=layers, down=down_BLrK, up=up_BLKr)


def _basis_key(shared: bool, index: int, size: int) -> str:
    return f"size_{size}" if shared else f"layer_{index}"
