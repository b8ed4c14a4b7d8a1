"""What a training run of the history encoder is told, read from ``configs/pigeon.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import yaml


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """One stage.

    Attributes:
        steps: optimiser steps.
        batch: rows a step.
        learning_rate: peak, warmed up over a tenth of the steps, then a cosine.
    """

    steps: int
    batch: int
    learning_rate: float

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0.")


@dataclass(frozen=True, kw_only=True)
class PigeonConfig:
    """Settings of a training run.

    Attributes:
        seed: of weights, people, batches and noise.
        people: of the train split.
        events: of each of their histories.
        pictures: at most, that they see.
        drawings: that are drawn, each in every colour; nobody sees them.
        styles: drawings of these styles alone are drawn: those the base can draw.
        denoise: whether slips and bursts are filtered out of histories.
        by_interest: whether people of several interests give a history for each of them, too.
        masked: whether shares of the reference are hidden; False shows all of it.
        mask_learns: whether the mask generator is trained; False leaves it as it was drawn by chance.
        model: arguments of `PigeonEncoder`.
        caption_dropout: share of rows trained without a caption.
        reference_dropout: share of rows trained without a reference: mostly there is none.
        own_share: share of rows whose history is the very picture to draw: from them the layers learn what features
            look like, before that has to be guessed from what else somebody likes.
        pure_share: share of rows at pure noise, where the tokens are asked for the colours of a sketch.
        half: whether the frozen base runs in bfloat16.
        beta: of the second stage, see `pipelines.pigeon.losses.diffusion_dpo`.
        first: masked preference reconstruction.
        second: pairwise preference alignment.
        clip: largest norm of the gradient.
        log_every: steps between lines of the log.
        save_every: steps between checkpoints.
    """

    seed: int = 20261125
    people: int = 400
    events: int = 120
    pictures: int = 2000
    drawings: int = 150
    styles: tuple[str, ...] = ()
    denoise: bool = True
    by_interest: bool = True
    masked: bool = True
    mask_learns: bool = True
    model: dict[str, Any] = field(default_factory=dict)
    caption_dropout: float = 0.1
    reference_dropout: float = 0.5
    own_share: float = 0.0
    pure_share: float = 0.5
    half: bool = True
    beta: float = 500.0
    first: StageConfig = StageConfig(steps=600, batch=48, learning_rate=5e-4)
    second: StageConfig = StageConfig(steps=200, batch=32, learning_rate=1e-4)
    clip: float = 1.0
    log_every: int = 10
    save_every: int = 100

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a file.

        Raises:
            ValueError: a setting is unknown or out of bounds.
        """
        values: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        unknown = values.keys() - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"{file} has unknown settings: {', '.join(sorted(unknown))}.")
        stages = {name: StageConfig(**values[name]) for name in ("first", "second") if name in values}
        return cls(**(values | stages | {"styles": tuple(values.get("styles", ()))}))
