from __future__ import annotations

import pytest
import torch

from pipelines.pigeon.masking import keep_probabilities, straight_through_keep
from pipelines.pigeon.modeling_pigeon import PigeonEncoder


def tiny(**more) -> PigeonEncoder:
    torch.manual_seed(0)
    return PigeonEncoder(
        **{
            "feature_dim": 6,
            "reference_dim": 5,
            "condition_dim": 8,
            "width": 16,
            "heads": 2,
            "blocks": 1,
            "tokens": 3,
            "history_length": 6,
            **more,
        }
    )


def inputs(people: int = 2, liked: int = 5, reference: int = 4) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    return (
        torch.randn(people, liked, 6),
        torch.ones(people, liked, dtype=torch.bool),
        torch.randn(people, reference, 5),
        torch.ones(people, reference, dtype=torch.bool),
    )


def test_the_mask_generator_learns() -> None:
    encoder = tiny().train()
    output = encoder(*inputs(), 0.5)
    output.tokens.square().sum().backward()
    for part in (encoder.mask_encoder, encoder.mask_output):
        assert all(float(value.grad.abs().max()) > 0 for value in part.parameters() if value.ndim > 1)


def test_a_comparison_instead_of_the_product_would_learn_nothing() -> None:
    scores = torch.randn(1, 5, requires_grad=True)
    there = torch.ones(1, 5, dtype=torch.bool)
    kept = straight_through_keep(keep_probabilities(scores, there), there, 0.4, noisy=False)
    assert kept.detach().sum() == 3 and kept.requires_grad
    (grad,) = torch.autograd.grad((kept * torch.arange(5.0)).sum(), scores)
    assert float(grad.abs().max()) > 0
    assert not (kept > 0).requires_grad  # what the published code multiplies with


@pytest.mark.parametrize(("ratio", "kept"), [(0.0, 4), (0.5, 2), (1.0, 1)])
def test_the_dial_hides_a_share_of_the_reference(ratio: float, kept: int) -> None:
    output = tiny().eval()(*inputs(), ratio)
    assert output.kept_reference.sum(dim=1).tolist() == pytest.approx([kept] * 2)
    assert output.kept_history.sum(dim=1).tolist() == pytest.approx([4, 4])  # 0.2 of 5 are hidden


def test_padding_changes_nothing_and_no_history_is_no_taste() -> None:
    encoder = tiny().eval()
    history, there, reference, present = inputs()
    before = encoder(history, there, reference, present, 0.5).tokens
    longer = torch.cat([history, 100 * torch.ones(2, 1, 6)], 1)
    padded = torch.cat([there, torch.zeros(2, 1, dtype=torch.bool)], 1)
    assert torch.allclose(encoder(longer, padded, reference, present, 0.5).tokens, before, atol=1e-5)
    nothing = encoder(history, torch.zeros_like(there), reference, present, 0.5).tokens
    assert not nothing.any()
    assert not torch.allclose(before[0], before[1])


def test_as_many_tokens_whatever_the_history() -> None:
    encoder = tiny().eval()
    shapes = {encoder(*inputs(liked=liked), 0.5).tokens.shape for liked in (1, 3, 6)}
    assert shapes == {(2, 3, 8)}
    with pytest.raises(ValueError, match="representatives"):
        encoder(*inputs(liked=7), 0.5)


def test_without_a_reference() -> None:
    assert tiny().eval()(*inputs(reference=0), 0.5).tokens.shape == (2, 3, 8)


def test_saved_and_read_again(tmp_path) -> None:
    encoder = tiny().eval()
    encoder.save_pretrained(tmp_path)
    again = PigeonEncoder.from_pretrained(tmp_path).eval()
    assert torch.equal(again(*inputs(), 0.3).tokens, encoder(*inputs(), 0.3).tokens)
