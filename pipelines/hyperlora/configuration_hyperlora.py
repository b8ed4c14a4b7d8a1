"""What a training run of the hypernetwork is told, read from ``configs/hyperlora.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

import yaml


class ConfigurationError(ValueError):
    """A setting that is unknown or out of bounds."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of one training run.

    Attributes:
        seed: of weights, batches and noise.
        styles: individuals drawn in these styles alone are trained on: those the base can draw; none given: all.
        targets: ends of the names of the layers to adapt.
        model: further arguments of `HyperLora`.
        warm_start: folder of a hypernetwork that already knows how to read pictures, see `HyperLora.start_from`; what
            is made of them starts at the base model all the same; "": from nothing.
        steps: optimiser steps.
        batch: rows per step, each another (references, target) pair.
        learning_rate: peak; warmed up over `warmup` steps, then cosine to a twentieth.
        warmup: steps.
        weight_decay: of the optimiser.
        clip: largest norm of the gradient.
        ema: decay of the running mean of the weights, which is what is saved.
        max_references: references per row, 1 to this many.
        reference_versions: encoded versions of each reference: the clean one, then photo-like ones.
        cluttered_versions: how many of these, the last ones, are also cut out of a ground as matting would do it.
        curriculum: shares of the steps, 0–1 and rising, from which on photo-like and cluttered references are shown;
            none given: all of them from the first step.
        own_share: share of rows that draw the reference view itself from a photo-like version of it.
        caption_dropout: share of rows trained without a caption.
        reference_dropout: share of rows trained without references.
        grey_share: share of rows whose sketch has no colours, where the corpus has such sketches.
        outside_weight: weight of the loss where the subject is not; 1 inside.
        regularisation: λ of the L2 term.
        regularise: ``coefficients`` (their mean square) or ``product`` (mean ||B A||² per layer, free of scale).
        noise_shift: above 1, more of the steps are spent where the noise is strong and the reference tells most.
        precision: ``no``, ``bf16`` or ``fp16``: autocast of accelerate.
        log_every: steps between lines of the loss log.
        sample_every: steps between sample grids.
        save_every: steps between checkpoints.
        sample_steps: denoising steps of a sample grid.
        guidance: text guidance of a sample grid.
    """

    seed: int = 0
    styles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    model: dict = field(default_factory=dict)
    warm_start: str = ""
    steps: int = 1200
    batch: int = 64
    learning_rate: float = 1e-3
    warmup: int = 50
    weight_decay: float = 0.0
    clip: float = 1.0
    ema: float = 0.995
    max_references: int = 2
    reference_versions: int = 2
    cluttered_versions: int = 0
    curriculum: tuple[float, ...] = ()
    own_share: float = 0.5
    caption_dropout: float = 0.1
    reference_dropout: float = 0.1
    grey_share: float = 0.5
    outside_weight: float = 0.3
    regularisation: float = 1e-4
    regularise: str = "coefficients"
    noise_shift: float = 2.0
    precision: str = "bf16"
    log_every: int = 10
    sample_every: int = 200
    save_every: int = 200
    sample_steps: int = 16
    guidance: float = 4.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(self.targets))
        object.__setattr__(self, "styles", tuple(self.styles))
        object.__setattr__(self, "curriculum", tuple(self.curriculum))
        if self.regularise not in ("coefficients", "product"):
            raise ConfigurationError(f"regularise is {self.regularise!r}; coefficients and product are possible.")
        if self.own_share and self.reference_versions < 2:
            raise ConfigurationError(
                "own_share needs reference_versions of 2 or more: the first is the picture itself."
            )
        if not 0 <= self.cluttered_versions < self.reference_versions:
            raise ConfigurationError(
                f"cluttered_versions is {self.cluttered_versions}; of {self.reference_versions} reference_versions the "
                f"first is clean, so 0 to {self.reference_versions - 1} are possible."
            )
        if self.curriculum and not (len(self.curriculum) == 2 and 0 <= self.curriculum[0] <= self.curriculum[1] <= 1):
            raise ConfigurationError(
                f"curriculum is {list(self.curriculum)}; two rising shares of the steps are needed, such as [0.1, 0.4]."
            )
        for name in ("own_share", "caption_dropout", "reference_dropout", "grey_share", "outside_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; it must lie between 0 and 1.")
        for name in (
            "steps",
            "batch",
            "reference_versions",
            "max_references",
            "log_every",
            "sample_every",
            "save_every",
        ):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; at least 1 is needed.")

    def opens(self) -> tuple[int, ...]:
        """Return the step from which on each version of the references is shown, see `PairSampler.opens`."""
        photo_like, cluttered = (round(share * self.steps) for share in self.curriculum or (0, 0))
        plain = self.reference_versions - 1 - self.cluttered_versions
        return (0, *[photo_like] * plain, *[cluttered] * self.cluttered_versions)

    @classmethod
    def read(cls, path: Path, **overrides) -> Self:
        """Read a YAML file; `overrides` that are not None take its place.

        Raises:
            ConfigurationError: a setting that is unknown or out of bounds.
        """
        values = yaml.safe_load(path.read_text()) or {}
        values |= {name: value for name, value in overrides.items() if value is not None}
        unknown = values.keys() - {entry.name for entry in fields(cls)}
        if unknown:
            raise ConfigurationError(f"{path} has unknown settings: {', '.join(sorted(unknown))}.")
        return cls(**values)
