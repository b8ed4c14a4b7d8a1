"""Which tokens of a history and of a reference are kept: a choice of k that still has a gradient.

Pigeon (Xu et al. 2024, §3) scores every token by how well a small encoder predicts it, turns the scores into
probabilities over the history and over the reference, and keeps the most probable by Gumbel noise. Its published code
compares the straight-through value with zero, so that nothing of the loss reaches the scores; here the value is
multiplied into the tokens. Shape legend: B people, T tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor


def keep_probabilities(scores: Tensor, there: Tensor, *, inverted: bool = False) -> Tensor:
    """Return the probability to be kept of each token, over its group.

    Args:
        scores: how strongly a token belongs to the other group [B, T].
        there: bool [B, T]; False for padding.
        inverted: 1 − p: keeps what belongs least, so that reconstruction needs the history.

    Returns:
        [B, T], 0 where nothing is.
    """
    chance = scores.masked_fill(~there, -torch.inf).softmax(dim=1)
    chance = torch.nan_to_num(chance)  # a row of padding alone
    return torch.where(there, 1 - chance if inverted else chance, torch.zeros_like(chance))


def straight_through_keep(
    probabilities: Tensor, there: Tensor, ratio: Tensor | float, *, temperature: float = 1.0, noisy: bool = True
) -> Tensor:
    """Return 1 for the kept tokens and 0 for the others, with the gradient of the soft choice.

    Args:
        probabilities: see `keep_probabilities` [B, T].
        there: bool [B, T].
        ratio: share α of tokens to hide, 0–1, for all or for each row [B]; one token is kept where there is one.
        temperature: τ of the soft choice.
        noisy: Gumbel noise, for training; False keeps the most probable.

    Returns:
        float [B, T].
    """
    logits = probabilities.clamp_min(1e-8).log()
    if noisy:
        uniform = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
        logits = logits - (-uniform.log()).log()
    logits = logits.masked_fill(~there, -torch.inf)
    counts = there.sum(dim=1)
    kept = (counts * (1 - torch.as_tensor(ratio, device=logits.device))).floor().long().clamp_min(1).minimum(counts)
    order = logits.argsort(dim=1, descending=True)
    places = torch.arange(logits.shape[1], device=logits.device).expand_as(order)
    hard = torch.zeros_like(logits).scatter(1, order, (places < kept[:, None]).to(logits.dtype))
    soft = torch.nan_to_num((logits / temperature).softmax(dim=1))
    return hard - soft.detach() + soft
