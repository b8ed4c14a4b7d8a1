"""Hybrid-model classifier-free guidance: prompt obedience from the base model, likeness from the personal one.

With b0, b1 the base model's predictions without and with the text and p1 the personal model's with it, the nested
form is

    e = b0 + text·(b1 − b0) + subject·(p1 − b1).

The published abstract (arXiv 2511.03156) names the idea; this form is our reading of it. `subject` 0 is plain
guidance of the base model, `subject` = `text` is e = b0 + text·(p1 − b0): the personal model, the base as the negative.
Other readings are in `FORMS`. In all of them the empty branches weigh 1 − `text` together and those with the text
`text`, so that a form is also a pair of predictions for a loop that guides by itself (`pipelines.hybrid_guidance`).
All branches of a step are rows of one batched call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Branch:
    """How some rows of a call are to be computed.

    Attributes:
        text: whether they are conditioned on the prompt, or on the empty one.
        lora_scale: strength of the personal LoRA in them; 0 is the base model.
    """

    text: bool
    lora_scale: float


BASE_EMPTY = Branch(text=False, lora_scale=0.0)
BASE_TEXT = Branch(text=True, lora_scale=0.0)
PERSONAL_EMPTY = Branch(text=False, lora_scale=1.0)
PERSONAL_TEXT = Branch(text=True, lora_scale=1.0)
LATEST = 0.4
FADE = 0.25

Form = Callable[[float, float], dict[Branch, float]]
"""From the pulls of text and subject to the weight of every branch; a branch of weight 0 is not computed."""


def nested(text: float, subject: float) -> dict[Branch, float]:
    """b0 + text·(b1 − b0) + subject·(p1 − b1): three branches."""
    return {BASE_EMPTY: 1 - text, BASE_TEXT: text - subject, PERSONAL_TEXT: subject}


def blended(text: float, subject: float) -> dict[Branch, float]:
    """b0 + text·((1 − k)·b1 + k·p1 − b0) with k = subject / text: the nested form, told as a blend of conditions."""
    share = subject / text
    return {BASE_EMPTY: 1 - text, BASE_TEXT: text * (1 - share), PERSONAL_TEXT: text * share}


def base_negative(text: float, subject: float) -> dict[Branch, float]:
    """b0 + text·(pₖ − b0), pₖ with the LoRA at strength subject / text: two branches, the base only as the negative."""
    return {BASE_EMPTY: 1 - text, Branch(text=True, lora_scale=subject / text): text}


def independent(text: float, subject: float) -> dict[Branch, float]:
    """p0 + subject·(p1 − p0) + (text − subject)·(b1 − b0): each model guides by itself, four branches."""
    rest = text - subject
    return {PERSONAL_EMPTY: 1 - subject, BASE_EMPTY: -rest, BASE_TEXT: rest, PERSONAL_TEXT: subject}


def matched(text: float, subject: float) -> dict[Branch, float]:
    """The nested form, but the negative moves along: its LoRA has strength subject / text; three branches.

    `subject` = `text` is plain guidance of the personal model, so that both ends of the dial are models as they are.
    """
    negative = Branch(text=False, lora_scale=subject / text)
    return {negative: 1 - text, BASE_TEXT: text - subject, PERSONAL_TEXT: subject}


def plain(text: float, subject: float) -> dict[Branch, float]:
    """One model whose LoRA has strength subject / text, guided plainly: what hybrid guidance is measured against."""
    strength = subject / text
    return {Branch(text=False, lora_scale=strength): 1 - text, Branch(text=True, lora_scale=strength): text}


FORMS: Mapping[str, Form] = MappingProxyType(
    {form.__name__: form for form in (nested, blended, base_negative, independent, matched, plain)}
)


class Denoise(Protocol):
    """One batched call of the denoiser."""

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        """Predict noise or velocity.

        Args:
            latents: [K·N, …], the N rows of the first branch, then those of the second …
            timestep: of the step, [].
            branches: K branches.

        Returns:
            [K·N, …] in the same order.
        """


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """Weights of a form, and when in the course of the steps the subject pulls.

    Attributes:
        text: pull of the prompt, from 1.
        subject: pull of the subject, from 0; `text` is the personal model as it is.
        start: share of the steps, 0–1, that pass before the subject pulls: the layout is then the base model's.
        end: share of the steps, from `start` to 1, after which it no longer pulls: the finish is the base model's.
        fade: share of the steps over which its pull fades out before `end`; 0 ends it at once.
        form: name in `FORMS`. Where the subject does not pull, every form is plain guidance of the base.
    """

    text: float
    subject: float = 0.0
    start: float = 0.0
    end: float = 1.0
    fade: float = 0.0
    form: str = nested.__name__

    def __post_init__(self) -> None:
        if not self.text >= 1:
            raise ValueError(f"text guidance is {self.text}; it must be at least 1.")
        if not self.subject >= 0:
            raise ValueError(f"subject guidance is {self.subject}; it must be at least 0.")
        if not 0 <= self.start <= self.end <= 1:
            raise ValueError(f"start is {self.start} and end {self.end}; 0 ≤ start ≤ end ≤ 1 is needed.")
        if not 0 <= self.fade <= 1:
            raise ValueError(f"fade is {self.fade}; it must lie between 0 and 1.")
        if self.form not in FORMS:
            raise ValueError(f"There is no form of guidance {self.form!r}; choose one of {', '.join(FORMS)}.")

    @classmethod
    def from_fidelity(cls, fidelity: float, text: float, form: str = nested.__name__) -> Guidance:
        """Turn the dial between exactly the prompt (0) and exactly the subject (1) into weights.

        The subject pulls with the whole weight of the text, and the dial says for how long: the early steps decide
        what a thing looks like, the late ones draw clean lines, which the base model does better. `FADE` was chosen on
        held-out individuals, `LATEST` by looking: beyond it, faces and windows of dressed drawings come out blotchy.

        Raises:
            ValueError: `fidelity` is not in 0–1.
        """
        _check_dial(fidelity)
        return cls(text=text, subject=text if fidelity else 0.0, end=LATEST * fidelity, fade=FADE, form=form)

    @classmethod
    def steady(cls, fidelity: float, text: float, form: str = matched.__name__) -> Guidance:
        """Turn the dial into a pull that is the same at every step.

        Unlike `from_fidelity` this assumes nothing of the base. In the matched form 0 is the base model and 1 the
        personal one, each under plain guidance.

        Raises:
            ValueError: `fidelity` is not in 0–1.
        """
        _check_dial(fidelity)
        return cls(text=text, subject=fidelity * text, form=form)

    def pull(self, share: float) -> float:
        """Return the subject's weight when `share` (0–1) of the steps are done."""
        if share < self.start:
            return 0.0
        if self.fade:
            return self.subject * min(1.0, max(0.0, (self.end - share) / self.fade))
        return self.subject if share < self.end or self.end == 1 else 0.0

    def coefficients(self, share: float) -> dict[Branch, float]:
        """Return the weight of every branch that counts at `share` (0–1) of the steps; they sum to 1."""
        subject = self.pull(share)
        weights = FORMS[self.form](self.text, subject) if subject else nested(self.text, 0.0)
        return {branch: weight for branch, weight in weights.items() if weight}


def _check_dial(fidelity: float) -> None:
    if not 0 <= fidelity <= 1:
        raise ValueError(f"fidelity is {fidelity}; it must lie between 0 and 1.")


def hm_cfg(denoise: Denoise, latents: Tensor, timestep: Tensor, guidance: Guidance, share: float) -> Tensor:
    """Predict with hybrid-model guidance; with `guidance.subject` 0 this is plain classifier-free guidance.

    Args:
        denoise: computes all branches in one call; branches of weight 0 are left out.
        latents: [N, …].
        timestep: of the step, [].
        guidance: the weights.
        share: of the steps that are done, 0–1.

    Returns:
        [N, …]
    """
    weights = guidance.coefficients(share)
    stacked = latents.repeat(len(weights), *[1] * (latents.ndim - 1))
    predictions = denoise(stacked, timestep, tuple(weights)).chunk(len(weights))
    combined = predictions[0] * next(iter(weights.values()))
    for prediction, weight in list(zip(predictions, weights.values(), strict=True))[1:]:
        combined = combined + prediction * weight
    return combined
