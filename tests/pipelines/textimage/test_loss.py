from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from pipelines.textimage.loss import soft_contrastive_loss


def test_with_one_true_text_it_is_the_loss_of_clip() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 5)
    targets = torch.arange(5)
    clip = (cross_entropy(logits, targets) + cross_entropy(logits.T, targets)) / 2
    assert float(soft_contrastive_loss(logits, torch.eye(5, dtype=torch.bool))) == pytest.approx(float(clip), abs=1e-6)


def test_a_second_true_text_is_not_punished() -> None:
    true = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    shared = torch.where(true, 5.0, -5.0)
    alone = torch.where(torch.eye(3, dtype=torch.bool), 5.0, -5.0)
    assert soft_contrastive_loss(shared, true) < soft_contrastive_loss(alone, true)


def test_smoothing_keeps_certainty_from_being_free() -> None:
    true = torch.eye(4, dtype=torch.bool)
    certain = torch.where(true, 50.0, -50.0)
    assert float(soft_contrastive_loss(certain, true)) == pytest.approx(0.0, abs=1e-6)
    assert soft_contrastive_loss(certain, true, smoothing=0.1) > 1.0
