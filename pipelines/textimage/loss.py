"""Contrastive loss where several texts may be true of a picture, and several pictures of a text.

Shape legend: B pictures and as many texts.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def soft_contrastive_loss(logits: torch.Tensor, true: torch.Tensor, *, smoothing: float = 0.0) -> torch.Tensor:
    """Cross-entropy in both directions, the target of a row shared evenly by all that is true of it.

    With one true text per picture this is CLIP's loss; with several it is the supervised form of Khosla et al.,
    "Supervised Contrastive Learning" (2020), eq. 2, as a cross-entropy with soft targets.

    Args:
        logits: [B, B], pictures by texts.
        true: bool [B, B], which text is true of which picture; at least one in every row and column.
        smoothing: share of the target spread over the whole batch, 0–1.

    Returns:
        Scalar mean of both directions.
    """
    weights = true.to(logits.dtype)
    spread = smoothing / logits.shape[1]
    per_image = (1 - smoothing) * weights / weights.sum(dim=1, keepdim=True) + spread
    per_text = (1 - smoothing) * weights.T / weights.T.sum(dim=1, keepdim=True) + spread
    return (functional.cross_entropy(logits, per_image) + functional.cross_entropy(logits.T, per_text)) / 2
