"""From what somebody liked to the tokens that a denoiser draws in their taste with: encoder and layers put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load, load_file, save_file
from torch import Tensor
from torch.nn import functional

from pipelines.features.preprocessing import FloatArray
from pipelines.pigeon.conditioning import TasteAttention
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.histories import embeddings, representatives
from pipelines.pigeon.modeling_pigeon import PigeonEncoder
from pipelines.pigeon.scorer import TasteScorer

ENCODER, LAYERS = "encoder", "attention"
WEIGHTS = "model.safetensors"
REFERENCE_GRID = 4  # a reference has 4 × 4 tokens


def reference_tokens(latents: Tensor) -> Tensor:
    """Return the tokens of references [N, R, C], from their scaled latents [N, C, h, w]: means over a coarse grid.

    They are what the base itself sees of a picture, so that no other encoder is needed, and vague: what is kept of a
    reference is what it shows, not how it is drawn.
    """
    return functional.adaptive_avg_pool2d(latents, REFERENCE_GRID).flatten(2).transpose(1, 2)


class TasteTokens:
    """Encodes tastes; needs no denoiser.

    Args:
        encoder: trained, see `pipelines.pigeon.train`.
    """

    def __init__(self, encoder: PigeonEncoder) -> None:
        self.encoder = encoder.eval().requires_grad_(False)

    @classmethod
    def from_pretrained(cls, folder: Path) -> Self:
        """Read the encoder of a trained folder."""
        return cls(PigeonEncoder.from_pretrained(folder / ENCODER).float())

    @torch.no_grad()
    def __call__(
        self,
        liked: PictureFeatures,
        weights: FloatArray,
        scorer: TasteScorer,
        *,
        interest: tuple[Sequence[Sequence[float]], int] | None = None,
        reference: Tensor | None = None,
        ratio: float = 1.0,
    ) -> Tensor:
        """Return the tokens of a taste [1, K, C].

        Args:
            liked: features of n liked pictures; none of them: tokens of zeros, no taste.
            weights: how much each counts, above 0 [n].
            scorer: of the taste.
            interest: the centres of all its interests [k, E], and the number of the one that is to be told: of what is
                liked only what lies nearest to its centre, see `pipelines.pigeon.interests`; None: all of them.
            reference: tokens of a picture whose meaning is to be kept [1, R, D], see `reference_tokens`; None: none.
            ratio: share of the reference that is hidden, 0 (the reference) to 1 (my taste).
        """
        config = self.encoder.config
        meant = torch.zeros(1, 0, config.reference_dim) if reference is None else reference.float()
        if not len(liked):
            return torch.zeros(1, config.tokens, config.condition_dim)
        points = embeddings(liked, scorer)
        places = np.arange(len(liked)) if interest is None else _members(points, *interest)
        kept = places[representatives(points[places], weights[places], config.history_length)]
        known = np.concatenate([scorer.standardised(liked.attributes[kept]), liked.looks[kept]], axis=1)
        tokens: Tensor = self.encoder(
            torch.from_numpy(known).float()[None],
            torch.ones(1, len(kept), dtype=torch.bool),
            meant,
            torch.ones(meant.shape[:2], dtype=torch.bool),
            ratio,
            torch.from_numpy(np.minimum(1.0, weights[kept])).float()[None],
        ).tokens
        return tokens

    def of_scorer(self, scorer: TasteScorer, interest: tuple[Sequence[Sequence[float]], int] | None = None) -> Tensor:
        """Return the tokens of a learned taste [1, K, C], of the pictures that it remembers as liked; as `__call__`."""
        places, weights = scorer.liked
        return self(scorer.known[places], weights, scorer, interest=interest)


def read_tokens(data: bytes) -> Tensor:
    """Return tokens [1, K, C] from the safetensors bytes that hold them."""
    tokens: Tensor = load(data)["tokens"].float()
    return tokens


def load_layers(folder: Path, unet: UNet2DConditionModel) -> TasteAttention:
    """Read the trained layers of a denoiser.

    Raises:
        ValueError: they are of another one.
    """
    kept = load_file(folder / LAYERS / WEIGHTS)
    config = PigeonEncoder.load_config(folder / ENCODER)
    attention = TasteAttention(unet, config["tokens"], config["condition_dim"])
    try:
        attention.load_state_dict(kept)
    except RuntimeError as error:
        raise ValueError(f"The taste layers in {folder} are of another denoiser than this one.") from error
    return attention.to(unet.device, unet.dtype).eval().requires_grad_(False)


def write(folder: Path, encoder: PigeonEncoder, attention: TasteAttention, dtype: torch.dtype = torch.float16) -> Path:
    """Write what `TasteTokens.from_pretrained` and `load_layers` read; return the folder."""
    kept = PigeonEncoder.from_config(encoder.config)
    kept.load_state_dict(encoder.state_dict())
    kept.to(dtype).save_pretrained(folder / ENCODER)
    (folder / LAYERS).mkdir(parents=True, exist_ok=True)
    layers = {name: value.detach().to(dtype).contiguous() for name, value in attention.state_dict().items()}
    save_file(layers, folder / LAYERS / WEIGHTS)
    return folder


def _members(points: FloatArray, centres: Sequence[Sequence[float]], number: int) -> np.ndarray:
    """Return the places of the pictures of an interest; of all of them where it has none."""
    members = np.flatnonzero((points @ np.asarray(centres, np.float32).T).argmax(axis=1) == number)
    return members if len(members) else np.arange(len(points))
