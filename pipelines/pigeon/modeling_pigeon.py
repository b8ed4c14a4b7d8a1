"""The history encoder: what somebody liked, and a reference, to a few cross-attention tokens.

Shape legend: B people, H pictures of a history (at most `history_length`), R tokens of a reference, F width of a
picture's features, D inner width, K personal tokens, C width of the denoiser's conditions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from pipelines.pigeon.masking import keep_probabilities, straight_through_keep


@dataclass(frozen=True, eq=False)
class PigeonOutput:
    """What the encoder gives.

    Attributes:
        tokens: personal tokens [B, K, C].
        kept_history: 1 for the pictures that were read, 0 for the others, with gradient [B, H].
        kept_reference: the same of the reference's tokens [B, R].
    """

    tokens: Tensor
    kept_history: Tensor
    kept_reference: Tensor


class PigeonEncoder(ModelMixin, ConfigMixin):
    """Mask generator, resampler and projection.

    A history of any length comes in as at most `history_length` pictures (see `pipelines.pigeon.histories`), and goes
    out as `tokens` tokens: what the denoiser pays for does not depend on how much somebody liked.

    Args:
        feature_dim: F, of a liked picture.
        reference_dim: width of a reference's tokens.
        condition_dim: C.
        width: D.
        heads: of every attention.
        blocks: of the resampler.
        tokens: K.
        history_length: H at most.
        hidden_history: share α_h of a history that is hidden.
        dropout: of the mask generator.
    """

    @register_to_config
    def __init__(
        self,
        feature_dim: int = 348,
        reference_dim: int = 384,
        condition_dim: int = 384,
        width: int = 256,
        heads: int = 4,
        blocks: int = 2,
        tokens: int = 8,
        history_length: int = 16,
        hidden_history: float = 0.2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.read_history = nn.Sequential(nn.Linear(feature_dim, width), nn.LayerNorm(width))
        self.read_reference = nn.Sequential(nn.Linear(reference_dim, width), nn.LayerNorm(width))
        self.kinds = nn.Parameter(torch.randn(2, width) / math.sqrt(width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.mask_encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.mask_output = nn.Linear(width, width)
        self.queries = nn.Parameter(torch.randn(tokens, width) / math.sqrt(width))
        self.resampler = nn.ModuleList(_ResamplerBlock(width, heads) for _ in range(blocks))
        self.to_conditions = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, condition_dim))

    def forward(
        self,
        history: Tensor,
        history_there: Tensor,
        reference: Tensor,
        reference_there: Tensor,
        ratio: Tensor | float,
        weights: Tensor | None = None,
    ) -> PigeonOutput:
        """Encode histories and references.

        Args:
            history: features of liked pictures [B, H, F].
            history_there: bool [B, H]; False for padding. A row of padding alone gives tokens of zeros: no taste.
            reference: tokens of the picture whose meaning is to be kept [B, R, reference_dim]; R may be 0.
            reference_there: bool [B, R].
            ratio: share of the reference that is hidden, 0 (the reference) to 1 (my taste), for all or each [B].
            weights: how much each picture counts, 0–1 [B, H]; None: all the same.

        Raises:
            ValueError: more pictures than `history_length`.
        """
        if history.shape[1] > self.config.history_length:
            raise ValueError(
                f"{history.shape[1]} pictures are more than history_length, {self.config.history_length}; "
                "choose some with pipelines.pigeon.histories.representatives."
            )
        liked = self.read_history(history) + self.kinds[0]
        meant = self.read_reference(reference) + self.kinds[1]
        both, there = torch.cat([liked, meant], 1), torch.cat([history_there, reference_there], 1)
        scores = self._scores(both, there)
        count = history.shape[1]
        kept_history = self._kept(scores[:, :count], history_there, self.config.hidden_history)
        # In training the reference is the very picture to draw: hiding what the history tells makes it necessary.
        kept_reference = self._kept(scores[:, count:], reference_there, ratio, inverted=self.training)
        gates = torch.cat([kept_history if weights is None else kept_history * weights, kept_reference], 1)
        tokens = self._resample(both, gates, there)
        told = history_there.any(dim=1).to(tokens.dtype)
        return PigeonOutput(tokens * told[:, None, None], kept_history, kept_reference)

    def _scores(self, both: Tensor, there: Tensor) -> Tensor:
        """Return how well each token is told by the others: cosine of its embedding and what is predicted [B, T]."""
        somebody = there.any(dim=1, keepdim=True)
        outputs = self.mask_encoder(both, src_key_padding_mask=~(there | ~somebody))
        return functional.cosine_similarity(both, self.mask_output(outputs).tanh(), dim=-1)

    def _kept(self, scores: Tensor, there: Tensor, ratio: Tensor | float, *, inverted: bool = False) -> Tensor:
        if not scores.shape[1]:
            return scores
        chance = keep_probabilities(scores, there, inverted=inverted)
        return straight_through_keep(chance, there, ratio, noisy=self.training)

    def _resample(self, tokens: Tensor, gates: Tensor, there: Tensor) -> Tensor:
        """Read the tokens, each times its gate: this product is what carries the gradient to the mask generator."""
        # A hidden token must not be attended to at all: its key would be that of nothing, but its share would count.
        bias = torch.where(there & (gates > 0), 0.0, -1e4).to(tokens.dtype)
        queries = self.queries.expand(len(tokens), -1, -1)
        for block in self.resampler:
            queries = block(queries, tokens, bias, gates)
        return self.to_conditions(queries)


class _ResamplerBlock(nn.Module):
    """Queries read the tokens, then think about it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_queries, self.norm_tokens = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_q, self.to_k, self.to_v, self.to_out = (nn.Linear(width, width) for _ in range(4))
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, queries: Tensor, tokens: Tensor, bias: Tensor, gates: Tensor) -> Tensor:
        """Attend from queries [B, K, D] to tokens [B, T, D] with a bias on them [B, T], each times its gate [B, T]."""
        asked, known = self.norm_queries(queries), self.norm_tokens(tokens) * gates[..., None]  # a norm would undo it
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.to_q(asked), self.to_k(known), self.to_v(known))
        )
        read = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias[:, None, None, :])
        queries = queries + self.to_out(read.transpose(1, 2).flatten(2))
        return queries + self.feed(queries)
