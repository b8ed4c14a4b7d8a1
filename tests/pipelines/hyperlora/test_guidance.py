from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines.hyperlora.guidance import (
    BASE_EMPTY,
    BASE_TEXT,
    FORMS,
    PERSONAL_EMPTY,
    PERSONAL_TEXT,
    Branch,
    Guidance,
    hm_cfg,
)


class Recorder:
    """Predicts fixed values per branch, linear in the LoRA's strength, and keeps what it was asked."""

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(0)
        self.values = {b: torch.randn(2, 3, generator=draw) for b in (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT)}
        self.personal = {True: self.values[PERSONAL_TEXT], False: torch.randn(2, 3, generator=draw)}
        self.asked: list[tuple[Branch, ...]] = []

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        assert latents.shape[0] == 2 * len(branches)
        self.asked.append(branches)
        return torch.cat([self.value(branch) for branch in branches])

    def value(self, branch: Branch) -> Tensor:
        base = self.values[BASE_TEXT if branch.text else BASE_EMPTY]
        return torch.lerp(base, self.personal[branch.text], branch.lora_scale)


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


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_weighs_the_text_as_asked_and_sums_to_one(form: str) -> None:
    draw = torch.Generator().manual_seed(0)
    for text, ratio, share in (torch.rand(200, 3, generator=draw) * torch.tensor([14.0, 1.5, 1.0])).tolist():
        guidance = Guidance(text=1 + text, subject=ratio * (1 + text), start=0.1, end=0.9, fade=0.3, form=form)
        weights = guidance.coefficients(share)
        assert sum(weights.values()) == pytest.approx(1, abs=1e-6)
        assert sum(weight for branch, weight in weights.items() if branch.text) == pytest.approx(guidance.text)


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_is_one_call_and_without_subject_the_base(form: str) -> None:
    denoise = Recorder()
    predict(denoise, Guidance(text=5, subject=3, form=form))
    assert len(denoise.asked) == 1
    b0, b1, _ = denoise.values.values()
    waiting = Guidance(text=5, subject=3, start=0.5, form=form)
    torch.testing.assert_close(predict(denoise, waiting, share=0.2), b0 + 5 * (b1 - b0))
    assert denoise.asked[-1] == (BASE_EMPTY, BASE_TEXT)


def test_the_forms_as_they_are_written() -> None:
    denoise = Recorder()
    b0, b1, p1 = denoise.values.values()
    p0 = denoise.personal[False]
    half = {"text": 6, "subject": 3}
    expected = {
        "blended": b0 + 6 * (0.5 * b1 + 0.5 * p1 - b0),
        "nested": b0 + 6 * (b1 - b0) + 3 * (p1 - b1),
        "base_negative": b0 + 6 * ((b1 + p1) / 2 - b0),
        "independent": p0 + 3 * (p1 - p0) + 3 * (b1 - b0),
        "matched": (b0 + p0) / 2 + 6 * ((b1 + p1) / 2 - (b0 + p0) / 2),
        "plain": (b0 + p0) / 2 + 6 * ((b1 + p1) / 2 - (b0 + p0) / 2),
    }
    assert expected.keys() == FORMS.keys()
    for form, value in expected.items():
        torch.testing.assert_close(predict(denoise, Guidance(**half, form=form)), value, msg=form)
    assert [len(branches) for branches in denoise.asked] == [3, 3, 2, 4, 3, 2]


@pytest.mark.parametrize("form", ["independent", "matched", "plain"])
def test_forms_whose_end_is_plain_guidance_of_the_personal_model(form: str) -> None:
    assert Guidance(text=5, subject=5, form=form).coefficients(0.0) == {PERSONAL_EMPTY: -4, PERSONAL_TEXT: 5}


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_steady_dial_pulls_alike_at_every_step(share: float) -> None:
    assert Guidance.steady(0.0, text=5).coefficients(share) == {BASE_EMPTY: -4, BASE_TEXT: 5}
    assert Guidance.steady(0.5, text=5).pull(share) == 2.5
    assert Guidance.steady(1.0, text=5).coefficients(share) == {PERSONAL_EMPTY: -4, PERSONAL_TEXT: 5}


@pytest.mark.parametrize("fidelity", [0.0, 0.2, 0.9, 1.0])
def test_the_default_form_costs_at_most_half_more_than_plain_guidance(fidelity: float) -> None:
    for guidance in (Guidance.from_fidelity(fidelity, text=5), Guidance.steady(fidelity, text=5)):
        assert all(len(guidance.coefficients(step / 20)) <= 3 for step in range(20))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Guidance.steady(-0.1, text=5), "fidelity is -0.1"),
        (lambda: Guidance(text=5, form="best"), "no form of guidance 'best'; choose one of nested, blended"),
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
