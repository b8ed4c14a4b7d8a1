from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines.hyperlora.guidance import BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT, Branch, Guidance, hm_cfg


class Recorder:
    """Predicts fixed values per branch and keeps what it was asked."""

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(0)
        self.values = {b: torch.randn(2, 3, generator=draw) for b in (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT)}
        self.asked: list[tuple[Branch, ...]] = []

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        assert latents.shape[0] == 2 * len(branches)
        self.asked.append(branches)
        return torch.cat([self.values[branch] for branch in branches])


def predict(denoise: Recorder, guidance: Guidance, share: float = 0.0) -> Tensor:
    return hm_cfg(denoise, torch.zeros(2, 3), torch.tensor(500.0), guidance, share)


def test_nested_form() -> None:
    denoise = Recorder()
    b0, b1, p1 = denoise.values.values()
    expected = b0 + 5 * (b1 - b0) + 3 * (p1 - b1)
    torch.testing.assert_close(predict(denoise, Guidance(text=5, subject=3)), expected)
    assert len(denoise.asked) == 1 and len(denoise.asked[0]) == 3


def test_without_subject_it_is_plain_guidance_of_the_base() -> None:
    denoise = Recorder()
    b0, b1, _ = denoise.values.values()
    torch.testing.assert_close(predict(denoise, Guidance(text=5)), b0 + 5 * (b1 - b0))
    assert denoise.asked == [(BASE_EMPTY, BASE_TEXT)]


def test_full_subject_has_the_base_as_the_negative() -> None:
    denoise = Recorder()
    b0, _, p1 = denoise.values.values()
    torch.testing.assert_close(predict(denoise, Guidance(text=5, subject=5)), b0 + 5 * (p1 - b0))
    assert denoise.asked == [(BASE_EMPTY, PERSONAL_TEXT)]


def test_guidance_of_one_needs_one_branch() -> None:
    denoise = Recorder()
    assert torch.equal(predict(denoise, Guidance(text=1)), denoise.values[BASE_TEXT])
    assert torch.equal(predict(denoise, Guidance(text=1, subject=1)), denoise.values[PERSONAL_TEXT])


def test_the_subject_waits_for_its_start() -> None:
    denoise = Recorder()
    guidance = Guidance(text=5, subject=3, start=0.25)
    predict(denoise, guidance, share=0.2)
    predict(denoise, guidance, share=0.25)
    assert [len(branches) for branches in denoise.asked] == [2, 3]


def test_the_subject_leaves_the_finish_to_the_base() -> None:
    sudden = Guidance(text=5, subject=4, end=0.5)
    assert [sudden.pull(share) for share in (0.0, 0.49, 0.5, 0.9)] == [4, 4, 0, 0]
    fading = Guidance(text=5, subject=4, end=0.5, fade=0.2)
    assert [fading.pull(share) for share in (0.0, 0.3, 0.4, 0.5, 0.9)] == pytest.approx([4, 4, 2, 0, 0])


def test_the_dial_goes_from_the_base_to_the_subject() -> None:
    assert Guidance.from_fidelity(0.0, text=5).coefficients(0.0) == {BASE_EMPTY: -4, BASE_TEXT: 5}
    assert Guidance.from_fidelity(1.0, text=5).coefficients(0.0) == {BASE_EMPTY: -4, PERSONAL_TEXT: 5}
    shares = [step / 8 for step in range(8)]
    pulls = [sum(Guidance.from_fidelity(dial / 10, text=5).pull(s) for s in shares) for dial in range(11)]
    assert pulls == sorted(set(pulls))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fidelity", [0.0, 0.3, 1.0])
def test_weights_sum_to_one(fidelity: float, share: float) -> None:
    assert sum(Guidance.from_fidelity(fidelity, text=6).coefficients(share).values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Guidance.from_fidelity(1.5, text=5), "fidelity is 1.5"),
        (lambda: Guidance.from_fidelity(float("nan"), text=5), "fidelity is nan"),
        (lambda: Guidance(text=0.5), "text guidance is 0.5"),
        (lambda: Guidance(text=5, subject=-1), "subject guidance is -1"),
        (lambda: Guidance(text=5, start=2), "start is 2"),
        (lambda: Guidance(text=5, start=0.5, end=0.4), "start is 0.5 and end 0.4"),
        (lambda: Guidance(text=5, fade=2), "fade is 2"),
    ],
)
def test_a_weight_out_of_bounds_gets_a_sentence(make, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
